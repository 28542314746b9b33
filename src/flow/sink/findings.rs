//! A report from what the detectors made of a window.

use std::collections::BTreeSet;

use super::report::{
    Contribution, Expected, Finding, Incident, Insights, Report, Span, StatusSummary, WarmingUp,
};
use crate::flow::detect::settings::Kind;
use crate::flow::detect::statistics::{score_of_surprise, sum};
use crate::flow::detect::{Anomaly, Severity};
use crate::flow::incident::Belonging;
use crate::flow::model::Status;
use crate::flow::readings::ClosedWindow;
use crate::flow::silence::Gone;

/// What the detectors made of a window.
#[derive(Debug, Default)]
pub struct Judged {
    /// Anomalies, with the detector's name.
    pub anomalies: Vec<(&'static str, Anomaly)>,
    /// Detectors that still learn, with their confidence.
    pub warming_up: Vec<(&'static str, f64)>,
    /// Whether some detector has learned enough to judge.
    pub is_watched: bool,
}

impl Report {
    /// The report on a window, without recommendations. `entity_of` names the entity of a row.
    pub fn on<'a>(
        window: &ClosedWindow<'_>,
        judged: &Judged,
        incident: Option<Belonging>,
        entity_of: impl Fn(usize) -> &'a str,
    ) -> Report {
        let mut rows: Vec<usize> = judged.anomalies.iter().map(|(_, anomaly)| anomaly.row).collect();
        rows.sort_unstable();
        rows.dedup();
        Report {
            timestamp: window.window.end.to_string(),
            entity: window.entity.to_owned(),
            window: Span {
                start: window.window.start.to_string(),
                end: window.window.end.to_string(),
                readings: window.readings.len() as u64,
            },
            insights: Insights::over(window, &rows),
            anomalies: judged
                .anomalies
                .iter()
                .map(|(detector, anomaly)| Finding {
                    timestamp: window.readings.times[anomaly.row].to_string(),
                    entity: entity_of(anomaly.row).to_owned(),
                    ..Finding::of(detector, anomaly)
                })
                .collect(),
            warming_up: judged
                .warming_up
                .iter()
                .map(|(detector, confidence)| WarmingUp {
                    detector: (*detector).to_owned(),
                    confidence: *confidence,
                })
                .collect(),
            recommendations: Vec::new(),
            advice: None,
            incident: incident.map(Incident::of),
            marked: Vec::new(),
            service_status_summary: StatusSummary::over(window, &rows),
        }
    }
}

/// The metric of a report on an entity that went quiet.
pub const METRIC_OF_SILENCE: &str = "readings";

impl Report {
    /// The report on an entity that went quiet.
    pub fn on_silence(gone: &Gone, incident: Option<Belonging>) -> Report {
        let Gone { name, window, windows, rareness, .. } = gone;
        let minutes = (window.end.as_ms() - window.start.as_ms()) as f64 / 60_000.0;
        Report {
            timestamp: window.end.to_string(),
            entity: name.to_string(),
            window: Span { start: window.start.to_string(), end: window.end.to_string(), readings: 0 },
            insights: Insights::default(),
            anomalies: vec![Finding {
                metric: METRIC_OF_SILENCE.to_owned(),
                value: 0.0,
                threshold: None,
                severity: Severity::of_rareness(*rareness),
                description: format!(
                    "nothing was heard for {minutes} minutes, after readings in {windows} windows"
                ),
                timestamp: window.end.to_string(),
                entity: name.to_string(),
                detector: Kind::Silence.name().to_owned(),
                score: score_of_surprise(*rareness),
                expected: None,
                contributions: Vec::new(),
            }],
            warming_up: Vec::new(),
            recommendations: Vec::new(),
            advice: None,
            incident: incident.map(Incident::of),
            marked: Vec::new(),
            service_status_summary: StatusSummary::default(),
        }
    }
}

impl Incident {
    fn of(incident: Belonging) -> Incident {
        Incident {
            id: format!("{:016x}", incident.id),
            state: incident.state,
            since: incident.since.to_string(),
        }
    }
}

impl Finding {
    fn of(detector: &str, anomaly: &Anomaly) -> Finding {
        Finding {
            metric: anomaly.metric.clone().into_owned(),
            value: anomaly.value,
            threshold: anomaly.threshold,
            severity: anomaly.severity,
            description: anomaly.description.clone(),
            timestamp: String::new(),
            entity: String::new(),
            detector: detector.to_owned(),
            score: anomaly.score,
            expected: anomaly.expected.map(|band| Expected { low: band.low, high: band.high }),
            contributions: anomaly
                .contributions
                .iter()
                .map(|(metric, share)| Contribution { metric: metric.clone(), share: *share })
                .collect(),
        }
    }
}

impl Insights {
    fn over(window: &ClosedWindow<'_>, rows: &[usize]) -> Insights {
        let readings = window.readings;
        let values = |name: &str| -> Option<Vec<f64>> {
            let metric = window.schema.index_of(name)?;
            let column = readings.column(metric);
            Some(rows.iter().filter(|&&row| readings.has(row, metric)).map(|&row| column[row]).collect())
        };
        let mean = |name| values(name).map(|all| sum(all.iter().copied()) / all.len().max(1) as f64);
        let greatest = |name| values(name).map(|all| all.into_iter().reduce(f64::max).unwrap_or(0.0));
        Insights {
            average_latency_ms: mean("latency_ms"),
            max_cpu_usage: greatest("cpu_usage"),
            max_memory_usage: greatest("memory_usage"),
            error_rate: mean("error_rate"),
            uptime_seconds: greatest("uptime_seconds").map(|seconds| seconds as i64),
        }
    }
}

impl StatusSummary {
    fn over(window: &ClosedWindow<'_>, rows: &[usize]) -> StatusSummary {
        let with = |wanted: Status| {
            let mut names = BTreeSet::new();
            for &row in rows {
                for (service, name) in window.services.iter().enumerate() {
                    if window.readings.statuses[row].get(service) == Some(wanted) {
                        names.insert(name.clone());
                    }
                }
            }
            names.into_iter().collect()
        };
        StatusSummary {
            online: with(Status::Online),
            degraded: with(Status::Degraded),
            offline: with(Status::Offline),
        }
    }
}
