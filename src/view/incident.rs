//! One incident: what was found, what would have been normal, what to do.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Metric;
use super::entity::Entity;
use crate::flow::detect::Severity;
use crate::flow::glance::Glance;
use crate::flow::incident::State;
use crate::flow::sink::report::{Advice, Contribution, Expected, Finding, Recommendation, Report};
use crate::flow::time::EventTime;

/// Anomalies kept of an incident: the worst.
const MOST_ANOMALIES: usize = 24;
/// Anomalies kept of one metric and detector.
const MOST_OF_A_KIND: usize = 3;
/// Series drawn of an incident: those of its worst metrics.
const MOST_PLOTS: usize = 4;
/// Points kept of each: some from before the incident, the rest from within it.
const POINTS_BEFORE: usize = 48;
const MOST_POINTS: usize = 240;
/// Anomalous values marked in a plot.
const MOST_MARKS: usize = 80;

/// A series with the band that was expected.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Plot {
    pub(super) metric: String,
    pub(super) unit: String,
    /// Event time in milliseconds, and the mean of the window that ended then.
    pub(super) points: Vec<(i64, f32)>,
    /// The same for anomalous values.
    pub(super) marks: Vec<(i64, f64)>,
    pub(super) expected: Option<Expected>,
}

/// An anomaly as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reason {
    pub(super) metric: String,
    pub(super) value: f64,
    pub(super) severity: Severity,
    pub(super) description: String,
    pub(super) timestamp: String,
    pub(super) detector: String,
    pub(super) score: f64,
    pub(super) expected: Option<Expected>,
    pub(super) contributions: Vec<Contribution>,
}

/// An incident.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) entity: String,
    pub(super) open: bool,
    pub(super) severity: Severity,
    pub(super) since_ms: i64,
    /// The end of the last window that belongs to it.
    pub(super) until_ms: i64,
    /// How many windows had findings.
    pub(super) windows: u64,
    /// How many anomalies there were.
    pub(super) anomalies: u64,
    /// The worst of them, worst first.
    pub(super) reasons: Vec<Reason>,
    pub(super) recommendations: Vec<Recommendation>,
    pub(super) advice: Option<Advice>,
    pub(super) degraded: Vec<String>,
    pub(super) offline: Vec<String>,
    pub(super) plots: Vec<Plot>,
    #[serde(skip)]
    pub(super) changed: u64,
    /// Findings come twice, with and without advice: counted once.
    #[serde(skip)]
    counted_until_ms: i64,
}

/// The incident's name; where the topology groups none, each finding stands for itself.
pub(super) fn id_of(report: &Report) -> String {
    match &report.incident {
        Some(incident) => incident.id.clone(),
        None => format!("{}@{}", report.entity, report.window.end),
    }
}

fn ms(text: &str) -> Option<i64> {
    EventTime::parse(text.as_bytes()).map(EventTime::as_ms)
}

/// A single metric with its band says more than a pattern over all.
fn rank(found: &Finding) -> (Severity, bool, f64) {
    (found.severity, found.expected.is_some(), found.score)
}

impl Incident {
    pub(super) fn new(report: &Report, entity: Option<&Entity>, metrics: &[Metric]) -> Incident {
        let since = report.incident.as_ref().map_or(report.window.start.as_str(), |one| one.since.as_str());
        let mut incident = Incident {
            id: id_of(report),
            entity: report.entity.clone(),
            open: true,
            severity: Severity::Low,
            since_ms: ms(since).unwrap_or_default(),
            until_ms: 0,
            windows: 0,
            anomalies: 0,
            reasons: Vec::new(),
            recommendations: Vec::new(),
            advice: None,
            degraded: Vec::new(),
            offline: Vec::new(),
            plots: Vec::new(),
            changed: 0,
            counted_until_ms: i64::MIN,
        };
        incident.choose_plots(report, entity, metrics);
        incident
    }

    /// Draws the metrics with the worst anomalies; a pattern's are those that contribute most.
    fn choose_plots(&mut self, report: &Report, entity: Option<&Entity>, metrics: &[Metric]) {
        let mut worst: Vec<&Finding> = report.anomalies.iter().collect();
        worst.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal));
        let own = worst.iter().map(|found| found.metric.as_str());
        let parts = worst.iter().flat_map(|found| &found.contributions).map(|part| part.metric.as_str());
        for name in own.chain(parts) {
            if self.plots.len() >= MOST_PLOTS {
                return;
            }
            let Some(at) = metrics.iter().position(|metric| metric.name == name) else { continue };
            if self.plots.iter().any(|plot| plot.metric == name) {
                continue;
            }
            let skip = entity.map_or(0, |entity| entity.points.len().saturating_sub(POINTS_BEFORE));
            let points = entity.iter().flat_map(|entity| entity.points.iter().skip(skip));
            let points = points.filter_map(|point| Some((point.ms, (*point.means.get(at)?)?))).collect();
            let unit = metrics[at].unit.clone();
            let (metric, marks) = (name.to_owned(), Vec::new());
            self.plots.push(Plot { metric, unit, points, marks, expected: None });
        }
    }

    pub(super) fn glance(&mut self, metrics: &[Metric], glance: &Glance) {
        for plot in &mut self.plots {
            let at = metrics.iter().position(|metric| metric.name == plot.metric);
            let mean = at.and_then(|at| glance.means.get(at).copied().flatten());
            if let Some(mean) = mean.filter(|_| plot.points.len() < MOST_POINTS) {
                plot.points.push((glance.end.as_ms(), mean));
            }
        }
    }

    /// Takes what a window says of it.
    pub(super) fn report(&mut self, report: Report, end_ms: i64) {
        self.open = report.incident.as_ref().is_some_and(|incident| incident.state != State::Resolved);
        self.until_ms = self.until_ms.max(end_ms);
        if !report.recommendations.is_empty() {
            self.recommendations = report.recommendations;
            self.advice = report.advice;
        }
        if report.anomalies.is_empty() || end_ms <= self.counted_until_ms {
            return;
        }
        self.counted_until_ms = end_ms;
        self.windows += 1;
        self.anomalies += report.anomalies.len() as u64;
        self.degraded = report.service_status_summary.degraded;
        self.offline = report.service_status_summary.offline;
        for found in report.anomalies {
            self.severity = self.severity.max(found.severity);
            self.mark(&found);
            self.reasons.push(Reason {
                metric: found.metric,
                value: found.value,
                severity: found.severity,
                description: found.description.chars().take(400).collect(),
                timestamp: found.timestamp,
                detector: found.detector,
                score: found.score,
                expected: found.expected,
                contributions: found.contributions.into_iter().take(8).collect(),
            });
        }
        let rank = |reason: &Reason| (reason.severity, reason.expected.is_some(), reason.score);
        self.reasons.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal));
        // A few of each kind say more than many of the worst.
        let mut kinds: BTreeMap<(String, String), usize> = BTreeMap::new();
        self.reasons.retain(|reason| {
            let seen = kinds.entry((reason.metric.clone(), reason.detector.clone())).or_default();
            *seen += 1;
            *seen <= MOST_OF_A_KIND
        });
        self.reasons.truncate(MOST_ANOMALIES);
    }

    fn mark(&mut self, found: &Finding) {
        let Some(plot) = self.plots.iter_mut().find(|plot| plot.metric == found.metric) else { return };
        if plot.expected.is_none() {
            plot.expected = found.expected;
        }
        if let Some(at) = ms(&found.timestamp).filter(|_| plot.marks.len() < MOST_MARKS) {
            plot.marks.push((at, found.value));
        }
    }
}
