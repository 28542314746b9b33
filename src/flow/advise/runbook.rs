//! The built-in runbook: what to do about what was found, without a model.
//!
//! A rule says for one metric (or service, or pattern) what helps when it is merely unusual and what when it is bad.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::flow::detect::Severity;
use crate::flow::sink::report::{Finding, Recommendation, Report};

/// A report recommends at most this much: nobody reads more.
const MOST: usize = 5;

/// The rules, one a line; a test reads them all.
const RULES_TEXT: &str = include_str!("rules.txt");

/// One rule.
#[derive(Debug)]
struct Rule {
    /// The metric, service metric or pattern it is for; `*` is any.
    metric: &'static str,
    /// The direction it is for.
    side: Side,
    /// The least severity it is for.
    from: Severity,
    /// What to do.
    action: &'static str,
    /// What it brings.
    benefit: &'static str,
}

/// Whether a value is above or below what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Above the expected band.
    Above,
    /// Below it.
    Below,
    /// Either, or there is no band.
    Any,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| rule_lines().filter_map(rule).collect());

fn rule_lines() -> impl Iterator<Item = &'static str> {
    RULES_TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn rule(line: &'static str) -> Option<Rule> {
    let mut cells = line.split('|').map(str::trim);
    let metric = cells.next()?;
    let side = match cells.next()? {
        "above" => Side::Above,
        "below" => Side::Below,
        "any" => Side::Any,
        _ => return None,
    };
    let from = match cells.next()? {
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        _ => return None,
    };
    Some(Rule { metric, side, from, action: cells.next()?, benefit: cells.next()? })
}

/// At most five recommendations for a report, the worst first: one a metric and entity.
pub fn recommend(report: &Report) -> Vec<Recommendation> {
    let mut worst: BTreeMap<(&str, &str), (usize, &Finding)> = BTreeMap::new();
    for (at, finding) in report.anomalies.iter().enumerate() {
        let entry = worst.entry((&finding.entity, &finding.metric)).or_insert((at, finding));
        if rank(finding) > rank(entry.1) {
            *entry = (entry.0, finding);
        }
    }
    let mut ranked: Vec<(usize, &Finding)> = worst.into_values().collect();
    ranked.sort_by(|(at, a), (other_at, b)| {
        rank(b).partial_cmp(&rank(a)).expect("scores are numbers").then(at.cmp(other_at))
    });
    let mut said = BTreeSet::new();
    ranked
        .into_iter()
        .map(|(_, finding)| advise(finding))
        .filter(|advice| said.insert((advice.action.clone(), advice.target.clone())))
        .take(MOST)
        .enumerate()
        .map(|(at, advice)| Recommendation { id: format!("rec-{:03}", at + 1), ..advice })
        .collect()
}

/// The worse first; of equals, a single metric with its band before a pattern over all.
fn rank(finding: &Finding) -> (Severity, bool, f64) {
    (finding.severity, finding.expected.is_some(), finding.score)
}

fn advise(finding: &Finding) -> Recommendation {
    let service = finding.metric.strip_prefix("service_status.");
    let metric = if service.is_some() { "service_status" } else { &finding.metric };
    let side = match finding.expected {
        Some(band) if finding.value > band.high => Side::Above,
        Some(band) if finding.value < band.low => Side::Below,
        _ => Side::Any,
    };
    let fits = |name: &str| {
        let of_metric = RULES.iter().filter(move |rule| rule.metric == name);
        of_metric
            .filter(|rule| rule.side == Side::Any || rule.side == side)
            .rfind(|rule| rule.from <= finding.severity)
    };
    let rule = fits(metric).or_else(|| fits("*")).expect("the last rule fits everything");
    let mut parameters = BTreeMap::from([
        ("metric".to_owned(), json!(finding.metric)),
        ("observed".to_owned(), json!(finding.value)),
        ("severity".to_owned(), json!(finding.severity)),
        ("at".to_owned(), json!(finding.timestamp)),
    ]);
    if let Some(band) = finding.expected {
        parameters.insert("expected".to_owned(), json!([band.low, band.high]));
    }
    if finding.contributions.len() > 1 {
        let metrics: Vec<Value> =
            finding.contributions.iter().take(3).map(|part| json!(part.metric)).collect();
        parameters.insert("look_at".to_owned(), Value::Array(metrics));
    }
    Recommendation {
        id: String::new(),
        action: rule.action.to_owned(),
        target: service.unwrap_or(&finding.entity).to_owned(),
        parameters,
        benefit_estimate: rule.benefit.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::model::Schema;

    #[test]
    fn every_line_is_a_rule() {
        assert_eq!(RULES.len(), rule_lines().count());
        assert!(RULES.last().is_some_and(|rule| rule.metric == "*"));
    }

    #[test]
    fn every_judged_metric_has_rules_of_its_own() {
        for metric in Schema::native().metrics.iter().filter(|metric| metric.judged) {
            assert!(
                RULES.iter().any(|rule| rule.metric == metric.name && rule.from == Severity::Low),
                "{}",
                metric.name
            );
        }
    }

    #[test]
    fn rules_of_a_metric_and_side_grow_in_severity() {
        for pair in RULES.windows(2) {
            let same = pair[0].metric == pair[1].metric && pair[0].side == pair[1].side;
            assert!(!same || pair[0].from < pair[1].from, "{}", pair[1].action);
        }
    }
}
