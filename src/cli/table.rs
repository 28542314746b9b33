//! What `replay` prints for people: what was found, and what became of the input.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::flow::Counts;
use crate::flow::detect::Severity;
use crate::flow::incident::State;
use crate::flow::record::Reason;
use crate::flow::sink::report::{Finding, Report};

/// So many different actions are counted.
const MOST_ACTIONS: usize = 1000;
/// So many lines of findings are printed; the rest is counted.
const MOST_LINES: usize = 40;

/// Collects reports for the table, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: Vec<Line>,
    left_out: u64,
    worst: Option<Severity>,
    actions: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Line {
    severity: Severity,
    score: f64,
    text: String,
}

/// What stands above the lines.
pub(super) const HEADER: &str =
    "WINDOW UNTIL         ENTITY                   SEVERITY SCORE DETECTOR         WORST ANOMALY";

/// A report as a line, with its worst severity and score; none where nothing was found.
pub(super) fn line(report: &Report) -> Option<(String, Severity, f64)> {
    let worst = report.anomalies.iter().max_by(|a, b| {
        // A single metric with its band says more than a pattern over all.
        let rank = |found: &Finding| (found.severity, found.expected.is_some(), found.score);
        rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal)
    })?;
    let more = match report.anomalies.len() - 1 {
        0 => String::new(),
        more => format!(" (+{more} more)"),
    };
    let state = match report.incident.as_ref().map(|incident| incident.state) {
        Some(State::Opened) => "  opened",
        Some(State::Ongoing) => "  ongoing",
        Some(State::Resolved) => "  resolved",
        None => "",
    };
    // An entity's name comes from outside: on a terminal it must stay text.
    let entity: String =
        report.entity.chars().map(|c| if c.is_control() { '?' } else { c }).take(24).collect();
    let text = format!(
        "{:<20} {entity:<24} {:<8} {:>5.2} {:<16} {}{more}{state}",
        report.window.end,
        name(worst.severity),
        worst.score,
        worst.detector,
        worst.description
    );
    Some((text, worst.severity, worst.score))
}

impl Table {
    /// Takes note of a report; the worst are kept as lines.
    pub(super) fn add(&mut self, report: &Report) {
        self.count(report);
        let Some((text, severity, score)) = line(report) else { return };
        self.lines.push(Line { severity, score, text });
        if self.lines.len() > 4 * MOST_LINES {
            self.keep_worst();
        }
    }

    /// Takes note of a report that has been printed already.
    pub(super) fn count(&mut self, report: &Report) {
        for advice in &report.recommendations {
            // What to do is counted by action, so that the advice given most often comes first.
            if self.actions.len() < MOST_ACTIONS || self.actions.contains_key(&advice.action) {
                *self.actions.entry(advice.action.clone()).or_default() += 1;
            }
        }
        let worst = report.anomalies.iter().map(|found| found.severity).max();
        self.worst = self.worst.max(worst);
    }

    fn keep_worst(&mut self) {
        let mut order: Vec<usize> = (0..self.lines.len()).collect();
        order.sort_by(|&a, &b| {
            let key = |at: usize| (self.lines[at].severity, self.lines[at].score);
            key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(&b))
        });
        let mut kept: Vec<bool> = vec![false; self.lines.len()];
        order.iter().take(MOST_LINES).for_each(|&at| kept[at] = true);
        self.left_out += self.lines.len().saturating_sub(MOST_LINES) as u64;
        let mut kept = kept.into_iter();
        self.lines.retain(|_| kept.next().unwrap_or(false));
    }

    /// The worst severity that was found.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.worst
    }

    /// The table as text.
    pub(super) fn text(mut self, counts: &Counts, hint: Option<&str>) -> String {
        self.keep_worst();
        let mut text = String::new();
        let mut say = |line: &str| {
            text.push_str(line.trim_end());
            text.push('\n');
        };
        if !self.lines.is_empty() {
            say(HEADER);
            self.lines.iter().for_each(|line| say(&line.text));
            if self.left_out > 0 {
                say(&format!(
                    "… and {} windows with less to say (--format ndjson or --out DIR has all)",
                    self.left_out
                ));
            }
            say("");
        }
        let mut actions: Vec<(String, u64)> = self.actions.into_iter().collect();
        actions.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        if !actions.is_empty() {
            say("WHAT TO DO");
            actions.iter().take(5).for_each(|(action, times)| say(&format!("  {times:>5} × {action}")));
            say("");
        }
        say(&summary(counts));
        if let Some(hint) = hint {
            say(hint);
        }
        text
    }
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
    }
}

/// A number of things, in words.
fn many(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// What became of the input, in a few lines.
fn summary(counts: &Counts) -> String {
    let [low, medium, high] = counts.anomalies_by_severity();
    let mut text = format!(
        "{} in {}; {} with anomalies: {high} high, {medium} medium, {low} low; {}",
        many(counts.windowed, "reading"),
        many(counts.closed, "window"),
        many(counts.findings, "window"),
        many(counts.incidents, "incident")
    );
    if counts.learning > 0 {
        let share = 100.0 * counts.learning as f64 / counts.closed.max(1) as f64;
        let _ = write!(
            text,
            "\nin {share:.0} % of the windows a detector was still learning; those that knew enough judged them"
        );
    }
    if counts.late > 0 {
        let _ = write!(text, "\n{} came after the window had closed", many(counts.late, "reading"));
    }
    let refused: Vec<String> = Reason::ALL
        .iter()
        .zip(counts.rejected)
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{count} {}", reason.label()))
        .collect();
    if !refused.is_empty() {
        let _ = write!(text, "\n{} rejected: {}", counts.rejected_in_all(), refused.join(", "));
    }
    text
}
