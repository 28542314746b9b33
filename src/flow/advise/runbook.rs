//! The runbook: what to do about what was found, without a model.
//!
//! A rule says for a metric, a service, a pattern or several of them together what helps. Of the rules that fit a
//! sign the last whose severity is reached is taken; one for several signs goes before those for each.

pub mod parse;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::picture::{Picture, Side, Sign};
use crate::flow::detect::Severity;
use crate::flow::sink::report::{Recommendation, Report};

/// A report recommends at most this much: nobody reads more.
const MOST: usize = 5;
/// What is filled in where a rule says `{word}`.
pub const PLACEHOLDERS: &[&str] = &["metric", "observed", "expected", "hours", "service", "entity"];
/// Metrics that are no metric of a schema: what detectors say of all metrics together, services, and everything.
pub const PATTERNS: &[&str] =
    &["multivariate_pattern", "correlation_pattern", "cluster_pattern", "service_status", "*"];

/// The built-in rules, one a line; a test reads them all.
const RULES_TEXT: &str = include_str!("rules.txt");

static BUILT_IN: LazyLock<Arc<Runbook>> = LazyLock::new(|| {
    let rules = parse::rules(RULES_TEXT).expect("a test reads the built-in rules");
    Arc::new(Runbook { rules })
});

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where it stands.
    pub line: usize,
    /// What must show, all of it, on one entity.
    pub when: Vec<Term>,
    /// The least severity it is for.
    pub from: Severity,
    /// What to do.
    pub action: String,
    /// What it brings.
    pub benefit: String,
    /// How, by name.
    pub parameters: Vec<(String, String)>,
}

/// A condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The metric, `service_status`, `service_status.NAME` or pattern it is for; `*` is any.
    pub metric: String,
    /// How it must be.
    pub sides: Sides,
}

/// How a metric or service must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Whatever it is.
    Any,
    /// On this side of what was expected.
    Value(Side),
    /// A share that rises on a line.
    Filling,
    /// A service that works badly.
    Degraded,
    /// A service that does not work.
    Offline,
}

/// Rules in order: the later of two that fit goes before the earlier.
#[derive(Clone, Debug, PartialEq)]
pub struct Runbook {
    rules: Vec<Rule>,
}

impl Runbook {
    /// The rules that come with the program.
    pub fn built_in() -> Arc<Runbook> {
        Arc::clone(&BUILT_IN)
    }

    /// The built-in rules and these: one with the conditions and severity of another takes its place.
    pub fn with(own: Vec<Rule>) -> Runbook {
        let mut rules = BUILT_IN.rules.clone();
        for rule in own {
            match rules.iter_mut().find(|known| known.when == rule.when && known.from == rule.from) {
                Some(known) => *known = rule,
                None => rules.push(rule),
            }
        }
        Runbook { rules }
    }

    /// At most five recommendations for a report, the worst first.
    pub fn recommend(&self, report: &Report) -> Vec<Recommendation> {
        let Some(picture) = Picture::of(report) else { return Vec::new() };
        let mut signs: Vec<&Sign<'_>> = picture.signs.iter().collect();
        signs.sort_by(|one, other| other.rank().partial_cmp(&one.rank()).expect("scores are numbers"));
        let (mut said, mut explained) = (BTreeSet::new(), BTreeSet::new());
        let mut advice = Vec::new();
        for sign in &signs {
            if explained.contains(&(&sign.worst.entity, sign.metric())) {
                continue;
            }
            let Some((rule, fitting)) = self.best(sign, &signs) else { continue };
            explained.extend(fitting.iter().map(|sign| (&sign.worst.entity, sign.metric())));
            let one = rule.filled(&fitting);
            if said.insert((one.action.clone(), one.target.clone())) {
                advice.push(one);
            }
        }
        advice.truncate(MOST);
        for (at, one) in advice.iter_mut().enumerate() {
            one.id = format!("rec-{:03}", at + 1);
        }
        advice
    }

    /// The rule that explains most, and the signs it explains, the given one first.
    fn best<'s, 'a>(&self, sign: &'s Sign<'a>, all: &[&'s Sign<'a>]) -> Option<(&Rule, Vec<&'s Sign<'a>>)> {
        let mut best: Option<(&Rule, Vec<&Sign<'a>>)> = None;
        for rule in &self.rules {
            let Some(fitting) = rule.fits(sign, all) else { continue };
            let weight = |rule: &Rule| (rule.when.len(), !rule.is_for_all(), rule.names_service());
            if best.as_ref().is_none_or(|(known, _)| weight(rule) >= weight(known)) {
                best = Some((rule, fitting));
            }
        }
        best
    }

    /// Everything the rules ask for, with the line it stands in: for whoever checks them against a schema.
    pub fn terms_of(rules: &[Rule]) -> impl Iterator<Item = (usize, &Term)> {
        rules.iter().flat_map(|rule| rule.when.iter().map(|term| (rule.line, term)))
    }
}

impl Rule {
    fn is_for_all(&self) -> bool {
        self.when.iter().all(|term| term.metric == "*")
    }

    fn names_service(&self) -> bool {
        self.when.iter().any(|term| term.metric.starts_with("service_status."))
    }

    /// The signs that the rule explains, if it explains this one.
    fn fits<'s, 'a>(&self, sign: &'s Sign<'a>, all: &[&'s Sign<'a>]) -> Option<Vec<&'s Sign<'a>>> {
        if !self.when.iter().any(|term| term.fits(sign)) {
            return None;
        }
        let mut fitting = vec![sign];
        for term in self.when.iter().filter(|term| !term.fits(sign)) {
            let same = |other: &&&Sign<'_>| other.worst.entity == sign.worst.entity && term.fits(other);
            fitting.push(all.iter().find(same)?);
        }
        let worst = fitting.iter().map(|sign| sign.worst.severity).max()?;
        (fitting.len() == self.when.len() && self.from <= worst).then_some(fitting)
    }

    /// The recommendation for these signs, without its id.
    fn filled(&self, signs: &[&Sign<'_>]) -> Recommendation {
        let sign = self.when.first().and_then(|term| signs.iter().find(|sign| term.fits(sign)));
        let sign = sign.unwrap_or(&signs[0]);
        let service = signs.iter().find_map(|sign| sign.service());
        let fill = |text: &str| {
            let observed = rounded(sign.worst.value).to_string();
            let expected = sign.worst.expected.map_or_else(
                || "what is usual".to_owned(),
                |band| format!("{} to {}", rounded(band.low), rounded(band.high)),
            );
            let hours =
                signs.iter().find_map(|sign| sign.hours_until_full()).map_or_else(String::new, |hours| {
                    if hours < 1.0 {
                        format!("{:.0} minutes", hours * 60.0)
                    } else {
                        format!("{hours:.1} hours")
                    }
                });
            text.replace("{metric}", sign.metric())
                .replace("{observed}", &observed)
                .replace("{expected}", &expected)
                .replace("{hours}", &hours)
                // Names come from outside: what stands in them is not filled in again.
                .replace("{service}", service.unwrap_or("the service"))
                .replace("{entity}", &sign.worst.entity)
        };
        let mut parameters = seen(sign);
        if signs.len() > 1 {
            let together: Vec<&str> = signs.iter().map(|sign| sign.metric()).collect();
            parameters.insert("together".to_owned(), json!(together));
        }
        if let Some(hours) = signs.iter().find_map(|sign| sign.hours_until_full()) {
            parameters.insert("hours_until_full".to_owned(), json!(rounded(hours)));
        }
        for (name, value) in &self.parameters {
            let text = fill(value);
            let value = serde_json::from_str::<Value>(&text).ok().filter(|value| !value.is_object());
            parameters.insert(name.clone(), value.unwrap_or(Value::String(text)));
        }
        Recommendation {
            id: String::new(),
            action: fill(&self.action),
            target: service.unwrap_or(&sign.worst.entity).to_owned(),
            parameters,
            benefit_estimate: fill(&self.benefit),
        }
    }
}

impl Term {
    fn fits(&self, sign: &Sign<'_>) -> bool {
        let named = self.metric == "*"
            || self.metric == sign.metric()
            || (self.metric == "service_status" && sign.service().is_some());
        named
            && match self.sides {
                Sides::Any => true,
                Sides::Value(side) => sign.side == side,
                Sides::Filling => sign.hours_until_full().is_some(),
                Sides::Degraded => sign.worst.value == 1.0,
                Sides::Offline => sign.worst.value == 2.0,
            }
    }
}

/// What was seen of a sign.
fn seen(sign: &Sign<'_>) -> BTreeMap<String, Value> {
    let finding = sign.worst;
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
    parameters
}

/// Two digits after the point are enough for people.
pub fn rounded(value: f64) -> f64 {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
#[path = "runbook/tests.rs"]
mod tests;
