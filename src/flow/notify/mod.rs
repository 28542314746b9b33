//! Reports into messages for people: one when an incident opens, one when it gets worse, one when it is over.
//!
//! ```text
//! report    opened low   ongoing low   ongoing high   resolved
//! told      low          -             high           over        of each incident, to each receiver
//! ```
//!
//! What was told is remembered beside the position in the input ([`Memory`]), so that a restart tells nothing again that was
//! taken, and nothing is forgotten that was not.

mod memory;
pub mod render;
#[cfg(test)]
mod tests;

use super::alert::is_meant;
use super::detect::Severity;
use super::incident::State;
use super::sink::report::{Finding, Report};
pub use memory::Memory;
pub use render::Template;

/// Texts from telemetry are cut off there, in characters.
const MAX_TEXT_CHARS: usize = 300;
/// So many findings of a report are told.
const MAX_FINDINGS: usize = 5;
/// So many recommendations.
const MAX_RECOMMENDATIONS: usize = 5;

/// What a receiver understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The API of Prometheus's Alertmanager, version 2.
    Alertmanager,
    /// An incoming webhook of Slack, or of those who understand the same.
    Slack,
    /// Anything that takes JSON: by a template of the user's, or everything there is.
    Webhook(Option<Template>),
}

/// Who is told what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name in topology, environment and metrics.
    pub name: String,
    /// What it understands.
    pub kind: Kind,
    /// Incidents that never were as bad as this are not told.
    pub least: Severity,
    /// Which entities it is told of, with `*` and `?`; every one where it is empty.
    pub entity: String,
    /// What could not be told for so long is not told any more, in milliseconds.
    pub keep_ms: i64,
    /// How long an incident may be without news before an Alertmanager takes it for over, in milliseconds.
    pub linger_ms: i64,
    /// The application.
    pub application: String,
}

/// Something that people are told of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The incident: the same in all that is told of it.
    pub incident: String,
    /// Whose it is.
    pub entity: String,
    /// Whether it goes on, or is over.
    pub is_open: bool,
    /// How bad it has been at worst.
    pub severity: Severity,
    /// How bad it was said to be before, where that is news.
    pub was: Option<Severity>,
    /// Whether this was told before, and is told again only so that it is not taken for over.
    pub is_repeat: bool,
    /// When it opened, RFC 3339.
    pub since: String,
    /// The end of the window that says this, RFC 3339.
    pub until: String,
    /// One line.
    pub summary: String,
    /// What was found, a line each.
    pub findings: Vec<String>,
    /// The detectors that found it.
    pub detectors: Vec<String>,
    /// The metrics it is about, most concerned first.
    pub metrics: Vec<String>,
    /// What to do, a line each.
    pub recommendations: Vec<String>,
}

impl Message {
    /// The same for the same news: a receiver that has it already may drop it. An incident that was over may open again.
    pub fn id(&self) -> String {
        let state = if self.is_open { self.severity.name() } else { "resolved" };
        format!("{}-{state}-{}", self.incident, self.until)
    }
}

impl Receiver {
    /// What this receiver is to be told of a report, if anything; what it was told is noted.
    pub fn told(&self, memory: &mut Memory, report: &[u8]) -> Option<Message> {
        let report: Report = serde_json::from_slice(report).ok()?;
        if !self.entity.is_empty() && !is_meant(&self.entity, &report.entity) {
            return None;
        }
        let now = report.anomalies.iter().map(|finding| finding.severity).max();
        let Some(incident) = &report.incident else {
            // Nothing is grouped: every report is an incident of its own, of which no end is told.
            let id = format!("{}@{}", shortened(&report.entity), report.window.start);
            return now.filter(|now| *now >= self.least).map(|now| message(&report, id, true, now, None));
        };
        let before = memory.get(&incident.id);
        if incident.state == State::Resolved {
            let worst = memory.remove(&incident.id)?;
            return Some(message(&report, incident.id.clone(), false, worst, None));
        }
        let worst = now?.max(before.unwrap_or(Severity::Low));
        if worst < self.least {
            return None;
        }
        if before == Some(worst) {
            let repeat =
                Message { is_repeat: true, ..message(&report, incident.id.clone(), true, worst, None) };
            return (self.kind == Kind::Alertmanager).then_some(repeat);
        }
        memory.put(&incident.id, worst);
        Some(message(&report, incident.id.clone(), true, worst, before))
    }
}

fn message(
    report: &Report,
    incident: String,
    is_open: bool,
    severity: Severity,
    was: Option<Severity>,
) -> Message {
    let mut findings: Vec<&Finding> = report.anomalies.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut metrics: Vec<String> = Vec::new();
    let mut detectors: Vec<String> = Vec::new();
    for finding in &findings {
        let concerned = finding.contributions.iter().map(|part| &part.metric);
        for metric in concerned.chain([&finding.metric]).map(|metric| shortened(metric)) {
            if metrics.len() < MAX_FINDINGS && !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        if !detectors.contains(&finding.detector) {
            detectors.push(finding.detector.clone());
        }
    }
    let entity = shortened(&report.entity);
    let summary = match findings.first() {
        Some(worst) => format!("{entity}: {}", shortened(&worst.description)),
        None => format!("{entity}: over, nothing has been found any more"),
    };
    let since = report.incident.as_ref().map_or(&report.window.start, |incident| &incident.since);
    Message {
        incident,
        is_open,
        severity,
        was,
        is_repeat: false,
        since: since.clone(),
        until: report.window.end.clone(),
        summary,
        findings: findings.iter().take(MAX_FINDINGS).map(|finding| line(finding)).collect(),
        detectors,
        metrics,
        recommendations: (report.recommendations.iter().take(MAX_RECOMMENDATIONS))
            .map(|one| shortened(&format!("{} ({})", one.action, one.target)))
            .collect(),
        entity,
    }
}

/// A finding in a line, with what would have been normal.
fn line(finding: &Finding) -> String {
    let described = shortened(&finding.description);
    match finding.expected {
        Some(expected) if !described.contains("expected") => {
            format!("{described}; expected {} to {}", rounded(expected.low), rounded(expected.high))
        }
        _ => described,
    }
}

/// A number to about four digits.
fn rounded(number: f64) -> f64 {
    let scale = if number.abs() < 1.0 { 10_000.0 } else { 100.0 };
    let rounded = (number * scale).round() / scale;
    if rounded.is_finite() { rounded } else { number }
}

/// A text from telemetry: bounded, on one line.
fn shortened(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().take(MAX_TEXT_CHARS).map(shown).collect();
    if text.chars().nth(MAX_TEXT_CHARS).is_some() {
        short.push('…');
    }
    short
}
