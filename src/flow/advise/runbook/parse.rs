//! The runbook as it is written: one rule a line, cells between bars.
//!
//! ```text
//! memory_usage above + thread_count above | medium | Restart {entity} in turn | frees memory | drain=true, step=1
//! when                                      from     what to do                 benefit        parameters
//! ```

use super::super::picture::Side;
use super::{PLACEHOLDERS, Rule, Sides, Term};
use crate::flow::detect::Severity;

/// The most rules of a file, and the most bytes of a line.
pub const MAX_RULES: usize = 1000;
const MAX_LINE_BYTES: usize = 2000;
const MAX_ACTION_CHARS: usize = 400;
const MAX_BENEFIT_CHARS: usize = 300;
const MAX_TERMS: usize = 6;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, for people.
    pub message: String,
}

/// The rules of a text, or everything that is wrong with it.
pub fn rules(text: &str) -> Result<Vec<Rule>, Vec<LineProblem>> {
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match rule(line, number + 1) {
            Ok(rule) => rules.push(rule),
            Err(message) => problems.push(LineProblem { line: number + 1, message }),
        }
    }
    if rules.len() > MAX_RULES {
        problems.push(LineProblem { line: 1, message: format!("there are more than {MAX_RULES} rules") });
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

fn rule(line: &str, number: usize) -> Result<Rule, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("a rule has at most {MAX_LINE_BYTES} bytes"));
    }
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let ([when, from, action, benefit] | [when, from, action, benefit, _]) = cells[..] else {
        return Err("a rule is: when | least severity | what to do | what it brings | parameters".into());
    };
    let when = when.split('+').map(term).collect::<Result<Vec<Term>, String>>()?;
    if when.len() > MAX_TERMS {
        return Err(format!("a rule has at most {MAX_TERMS} conditions"));
    }
    let parameters = match cells.get(4) {
        Some(cell) if !cell.is_empty() => cell.split(',').map(parameter).collect::<Result<_, String>>()?,
        Some(_) | None => Vec::new(),
    };
    let texts = [action, benefit].into_iter().chain(cells.get(4).copied());
    texts.into_iter().try_for_each(placeholders)?;
    let length = action.chars().count();
    if !(8..=MAX_ACTION_CHARS).contains(&length) {
        return Err(format!("what to do has 8 to {MAX_ACTION_CHARS} characters, not {length}"));
    }
    let length = benefit.chars().count();
    if !(3..=MAX_BENEFIT_CHARS).contains(&length) {
        return Err(format!("what it brings has 3 to {MAX_BENEFIT_CHARS} characters, not {length}"));
    }
    let from = severity(from)?;
    Ok(Rule { line: number, when, from, action: action.into(), benefit: benefit.into(), parameters })
}

fn severity(word: &str) -> Result<Severity, String> {
    match word {
        "low" => Ok(Severity::Low),
        "medium" => Ok(Severity::Medium),
        "high" => Ok(Severity::High),
        other => Err(format!("the least severity is low, medium or high, not {other:?}")),
    }
}

fn term(text: &str) -> Result<Term, String> {
    let mut words = text.split_whitespace();
    let (metric, sides) = (words.next().unwrap_or_default(), words.next().unwrap_or("any"));
    if metric.is_empty() || words.next().is_some() {
        return Err(format!("a condition is a metric and a side, not {:?}", text.trim()));
    }
    let is_service = metric == "service_status" || metric.starts_with("service_status.");
    let sides = match (sides, is_service) {
        ("any", _) => Sides::Any,
        ("above", false) => Sides::Value(Side::Above),
        ("below", false) => Sides::Value(Side::Below),
        ("filling", false) => Sides::Filling,
        ("degraded", true) => Sides::Degraded,
        ("offline", true) => Sides::Offline,
        (other, true) => return Err(format!("a service is offline, degraded or any, not {other:?}")),
        (other, false) => return Err(format!("a metric is above, below, filling or any, not {other:?}")),
    };
    Ok(Term { metric: metric.into(), sides })
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().into(), value.trim().into()))
        }
        Some(_) | None => Err(format!("a parameter is name=value, not {:?}", text.trim())),
    }
}

/// Every `{word}` is one that is filled in.
fn placeholders(text: &str) -> Result<(), String> {
    for part in text.split('{').skip(1) {
        let word = part.split('}').next().unwrap_or_default();
        if !part.contains('}') || !PLACEHOLDERS.contains(&word) {
            let known = PLACEHOLDERS.join("}, {");
            return Err(format!("{{{word} is not filled in; there are {{{known}}}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_wrong(line: &str, part: &str) {
        let problems = rules(&format!("# rules\n{line}")).unwrap_err();
        assert_eq!((problems.len(), problems[0].line), (1, 2), "{problems:?}");
        assert!(problems[0].message.contains(part), "{problems:?}");
    }

    #[test]
    fn a_line_says_when_from_what_for_what_and_how() {
        let text = "cpu_usage above + service_status.database offline | high | Restart {service} now | back up | a=1, b = {observed}";
        let rule = rules(text).unwrap().remove(0);
        assert_eq!(rule.when[1], Term { metric: "service_status.database".into(), sides: Sides::Offline });
        assert_eq!(rule.parameters, [("a".into(), "1".into()), ("b".into(), "{observed}".into())]);
        assert_eq!(rules("latency_ms | low | Look at it now | fast").unwrap()[0].when[0].sides, Sides::Any);
    }

    #[test]
    fn every_wrong_line_is_told_with_what_would_be_right() {
        check_wrong("cpu_usage above | low | Do something", "when | least severity");
        check_wrong("cpu_usage above | urgent | Do something | good", "low, medium or high");
        check_wrong("cpu_usage over | low | Do something | good", "above, below, filling");
        check_wrong("service_status above | low | Do something | good", "offline, degraded");
        check_wrong("cpu_usage above | low | Go | good", "8 to 400 characters");
        check_wrong("cpu_usage above | low | Do something | good | 5", "name=value");
        check_wrong("cpu_usage above | low | Do {it} now | good", "{it is not filled in; there are {metric}");
    }
}
