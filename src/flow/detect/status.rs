//! Services that are degraded or offline. Needs no learning: it judges from the first reading.

use super::{Anomaly, ClosedWindow, Detector, Score, Scores, Severity, Side, Verdict};
use crate::flow::model::Status;

/// The detector. Anomalies are listed reading by reading, services by name within one.
#[derive(Clone, Copy, Debug)]
pub struct ServiceStatus;

impl Detector for ServiceStatus {
    type Memory = ();

    fn judge(&self, window: &ClosedWindow<'_>, (): &mut (), scores: &mut Scores) -> Verdict {
        let mut by_name: Vec<(usize, &str)> =
            window.services.iter().enumerate().map(|(number, name)| (number, name.as_str())).collect();
        by_name.sort_unstable_by_key(|(_, name)| *name);
        let mut found = Vec::new();
        for (row, statuses) in window.readings.statuses.iter().enumerate() {
            if !statuses.any_not_online() && !scores.are_wanted() {
                continue;
            }
            for &(number, name) in &by_name {
                let Some(status) = statuses.get(number) else { continue };
                let metric = format!("service_status.{name}");
                let (value, score, severity) = match status {
                    Status::Online => (0.0, 0.0, None),
                    Status::Degraded => (1.0, 0.6, Some(Severity::Medium)),
                    Status::Offline => (2.0, 0.9, Some(Severity::High)),
                };
                scores.add(|| Score {
                    row,
                    metric: metric.clone().into(),
                    value,
                    score,
                    together: None,
                    expected: None,
                });
                let Some(severity) = severity else { continue };
                found.push(Anomaly {
                    row,
                    metric: metric.clone().into(),
                    value,
                    threshold: None,
                    severity,
                    score,
                    expected: None,
                    side: Side::Neither,
                    contributions: vec![(metric, 1.0)],
                    description: format!("{name} is {}", status.name()),
                });
            }
        }
        Verdict::of(found)
    }
}
