//! What happens to records, by task: counted from committed epochs.

use prometheus::{IntCounterVec, Registry};

use super::made::{TASK, counters};
use crate::flow::Counts;
use crate::flow::detect::settings::Kind;
use crate::flow::record::{Reason, Role};
use crate::flow::task::TaskId;

const SEVERITIES: [&str; 3] = ["low", "medium", "high"];

/// Counters of committed epochs.
pub(super) struct Flows {
    records: IntCounterVec,
    windowed: IntCounterVec,
    late: IntCounterVec,
    rejected: IntCounterVec,
    opened: IntCounterVec,
    closed: IntCounterVec,
    learning: IntCounterVec,
    findings: IntCounterVec,
    anomalies: IntCounterVec,
    incidents: IntCounterVec,
    forgotten: IntCounterVec,
    heeded: IntCounterVec,
    expected: IntCounterVec,
    outputs: IntCounterVec,
    epochs: IntCounterVec,
    changelog_bytes: IntCounterVec,
}

impl Flows {
    pub(super) fn new(r: &Registry) -> Flows {
        let with_task = |label: &'static str| [TASK, &[label]].concat();
        let of_task = |name: &str, help: &str| counters(r, name, help, TASK);
        let labelled = |name: &str, help: &str, label| counters(r, name, help, &with_task(label));
        Flows {
            records: of_task("tidewatch_records_total", "Records taken and committed."),
            windowed: of_task("tidewatch_readings_total", "Readings put into a window."),
            late: of_task("tidewatch_late_readings_total", "Readings after their window had closed."),
            rejected: labelled(
                "tidewatch_rejected_total",
                "Readings and records that could not be used.",
                "reason",
            ),
            opened: of_task("tidewatch_windows_opened_total", "Windows opened."),
            closed: of_task("tidewatch_windows_closed_total", "Windows closed."),
            learning: of_task(
                "tidewatch_windows_learning_total",
                "Closed windows in which a detector was still learning.",
            ),
            findings: of_task("tidewatch_findings_total", "Windows with at least one anomaly."),
            anomalies: counters(
                r,
                "tidewatch_anomalies_total",
                "Anomalies.",
                &[TASK, &["detector", "severity"]].concat(),
            ),
            incidents: of_task("tidewatch_incidents_opened_total", "Incidents opened."),
            forgotten: of_task(
                "tidewatch_entities_forgotten_total",
                "Entities of which nothing came for so long that what they had learned was deleted.",
            ),
            heeded: of_task(
                "tidewatch_feedback_total",
                "What people said of findings and was taken note of.",
            ),
            expected: of_task(
                "tidewatch_anomalies_untold_total",
                "Anomalies that are not told because people said that they are expected, or muted them.",
            ),
            outputs: labelled("tidewatch_outputs_total", "Records committed to output topics.", "role"),
            epochs: of_task("tidewatch_epochs_total", "Epochs that became true."),
            changelog_bytes: of_task(
                "tidewatch_changelog_bytes_total",
                "Bytes of learned rows written to the changelog, before compression.",
            ),
        }
    }

    /// What is counted of a task is there from the start: nobody can see the first step of a counter that begins with it.
    pub(super) fn begin(&self, task: TaskId) {
        let labels = [task.flow.as_str(), &task.partition.to_string()];
        for counter in [
            &self.epochs,
            &self.changelog_bytes,
            &self.records,
            &self.windowed,
            &self.late,
            &self.opened,
            &self.closed,
            &self.learning,
            &self.findings,
            &self.incidents,
            &self.forgotten,
            &self.heeded,
            &self.expected,
        ] {
            counter.with_label_values(&labels);
        }
    }

    pub(super) fn committed(
        &self,
        task: TaskId,
        counts: &Counts,
        outputs: &[u64; Role::ALL.len()],
        changelog_bytes: u64,
    ) {
        let (flow, partition) = (task.flow.as_str(), task.partition.to_string());
        let labels = &[flow, partition.as_str()];
        let add = |counter: &IntCounterVec, by: u64| {
            if by > 0 {
                counter.with_label_values(labels).inc_by(by);
            }
        };
        let add_labelled = |counter: &IntCounterVec, label: &str, by: u64| {
            if by > 0 {
                counter.with_label_values(&[flow, partition.as_str(), label]).inc_by(by);
            }
        };
        let Counts {
            records,
            windowed,
            late,
            late_in_own_order: _,
            rejected,
            opened,
            closed,
            learning,
            findings,
            anomalies,
            incidents,
            forgotten,
            heeded,
            expected,
            // Told by `advice`.
            advice: _,
        } = counts;
        add(&self.epochs, 1);
        add(&self.changelog_bytes, changelog_bytes);
        add(&self.records, *records);
        add(&self.windowed, *windowed);
        add(&self.late, *late);
        add(&self.opened, *opened);
        add(&self.closed, *closed);
        add(&self.learning, *learning);
        add(&self.findings, *findings);
        add(&self.incidents, *incidents);
        add(&self.forgotten, *forgotten);
        add(&self.heeded, *heeded);
        add(&self.expected, *expected);
        for (reason, by) in Reason::ALL.iter().zip(rejected) {
            add_labelled(&self.rejected, reason.label(), *by);
        }
        for (kind, of_kind) in Kind::ALL.iter().zip(anomalies) {
            for (severity, by) in SEVERITIES.iter().zip(of_kind).filter(|(_, by)| **by > 0) {
                let labels = [flow, partition.as_str(), kind.name(), severity];
                self.anomalies.with_label_values(&labels).inc_by(*by);
            }
        }
        for (role, by) in Role::ALL.iter().zip(outputs) {
            add_labelled(&self.outputs, role.name(), *by);
        }
    }
}
