//! Metrics for Prometheus, fed by what workers tell, and whether the program is ready.

mod advice;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::flow::Counts;
use crate::flow::record::{Reason, Role};
use crate::flow::task::TaskId;

/// The labels of what is counted for each task.
const TASK: &[&str] = &["flow", "partition"];
/// Commits take milliseconds, and seconds when brokers are ill.
const COMMIT_BUCKETS: &[f64] = &[0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Restores take milliseconds with local rows, and minutes without.
const RESTORE_BUCKETS: &[f64] = &[0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
const SEVERITIES: [&str; 3] = ["low", "medium", "high"];

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
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
    outputs: IntCounterVec,
    position: IntGaugeVec,
    end: IntGaugeVec,
    lag: IntGaugeVec,
    rows: IntGaugeVec,
    live: IntGaugeVec,
    restoring: IntGaugeVec,
    restore_seconds: HistogramVec,
    restore_records: IntCounterVec,
    changelog_bytes: IntCounterVec,
    commit_seconds: Histogram,
    aborted: IntCounterVec,
    skipped: IntCounterVec,
    idle: IntCounterVec,
    rebalances: IntCounter,
    away: IntGauge,
    advice: advice::Advice,
    standing: Mutex<Standing>,
}

/// What readiness is judged by.
#[derive(Debug, Default)]
struct Standing {
    /// Workers that should be members of their groups.
    expected: BTreeSet<String>,
    joined: BTreeSet<String>,
    away: BTreeSet<String>,
    /// Whether each task takes new records.
    tasks: BTreeMap<TaskId, bool>,
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let made = IntCounterVec::new(Opts::new(name, help), labels).expect("names and labels are constants");
    registry.register(Box::new(made.clone())).expect("every name is registered once");
    made
}

fn gauges(registry: &Registry, name: &str, help: &str) -> IntGaugeVec {
    let made = IntGaugeVec::new(Opts::new(name, help), TASK).expect("names and labels are constants");
    registry.register(Box::new(made.clone())).expect("every name is registered once");
    made
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// All of them, at zero.
    #[expect(clippy::too_many_lines, reason = "a list of metrics, one after the other")]
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let r = &registry;
        let with_task = |label: &'static str| [TASK, &[label]].concat();
        let restore = HistogramOpts::new(
            "tidewatch_restore_seconds",
            "From a task's assignment until it takes new records.",
        )
        .buckets(RESTORE_BUCKETS.to_vec());
        let restore_seconds = HistogramVec::new(restore, &["flow"]).expect("names and labels are constants");
        r.register(Box::new(restore_seconds.clone())).expect("every name is registered once");
        let commit =
            HistogramOpts::new("tidewatch_commit_seconds", "From the begin of a transaction to its commit.")
                .buckets(COMMIT_BUCKETS.to_vec());
        let commit_seconds = Histogram::with_opts(commit).expect("names are constants");
        r.register(Box::new(commit_seconds.clone())).expect("every name is registered once");
        let rebalances = IntCounter::new(
            "tidewatch_assignments_total",
            "How often the group assigned partitions to a worker.",
        )
        .expect("names are constants");
        r.register(Box::new(rebalances.clone())).expect("every name is registered once");
        let help = "Workers to which no broker answers.";
        let away = IntGauge::new("tidewatch_workers_without_broker", help).expect("names are constants");
        r.register(Box::new(away.clone())).expect("every name is registered once");
        let info = IntGaugeVec::new(
            Opts::new("tidewatch_build_info", "Always 1; the label says which version this is."),
            &["version"],
        )
        .expect("names and labels are constants");
        r.register(Box::new(info.clone())).expect("every name is registered once");
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Metrics {
            records: counters(r, "tidewatch_records_total", "Records taken and committed.", TASK),
            windowed: counters(r, "tidewatch_readings_total", "Readings put into a window.", TASK),
            late: counters(
                r,
                "tidewatch_late_readings_total",
                "Readings after their window had closed.",
                TASK,
            ),
            rejected: counters(
                r,
                "tidewatch_rejected_total",
                "Readings and records that could not be used.",
                &with_task("reason"),
            ),
            opened: counters(r, "tidewatch_windows_opened_total", "Windows opened.", TASK),
            closed: counters(r, "tidewatch_windows_closed_total", "Windows closed.", TASK),
            learning: counters(
                r,
                "tidewatch_windows_learning_total",
                "Closed windows in which a detector was still learning.",
                TASK,
            ),
            findings: counters(r, "tidewatch_findings_total", "Windows with at least one anomaly.", TASK),
            anomalies: counters(r, "tidewatch_anomalies_total", "Anomalies.", &with_task("severity")),
            incidents: counters(r, "tidewatch_incidents_opened_total", "Incidents opened.", TASK),
            outputs: counters(
                r,
                "tidewatch_outputs_total",
                "Records committed to output topics.",
                &with_task("role"),
            ),
            position: gauges(r, "tidewatch_position_records", "The offset of the record to be read next."),
            end: gauges(
                r,
                "tidewatch_input_end_records",
                "The offset after the last committed record of the input.",
            ),
            lag: gauges(r, "tidewatch_lag_records", "Records of the input that are not committed yet."),
            rows: gauges(r, "tidewatch_state_rows", "Learned rows."),
            live: gauges(
                r,
                "tidewatch_task_live",
                "1 where the task takes new records, 0 while it is restored.",
            ),
            restoring: gauges(
                r,
                "tidewatch_restore_remaining_records",
                "Records that are still to be read again for open windows.",
            ),
            restore_seconds,
            restore_records: counters(
                r,
                "tidewatch_restore_changelog_records_total",
                "Changelog records read to restore tasks.",
                TASK,
            ),
            changelog_bytes: counters(
                r,
                "tidewatch_changelog_bytes_total",
                "Bytes of learned rows written to the changelog, before compression.",
                TASK,
            ),
            commit_seconds,
            aborted: counters(
                r,
                "tidewatch_transactions_aborted_total",
                "Transactions that were not committed; their epochs were sent again.",
                &["reason"],
            ),
            skipped: counters(
                r,
                "tidewatch_skipped_records_total",
                "Records below the topic's retention that were skipped.",
                TASK,
            ),
            idle: counters(
                r,
                "tidewatch_idle_closings_total",
                "How often a quiet partition's windows were closed.",
                TASK,
            ),
            rebalances,
            away,
            advice: advice::Advice::new(r),
            registry,
            standing: Mutex::new(Standing::default()),
        }
    }

    /// These workers, and no others, have to join before the program is ready.
    pub fn expect(&self, workers: impl IntoIterator<Item = String>) {
        *self.standing() = Standing { expected: workers.into_iter().collect(), ..Standing::default() };
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn committed(&self, task: TaskId, counts: &Counts, outputs: &[u64; Role::ALL.len()]) {
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
            advice,
        } = counts;
        self.advice.committed(labels, advice);
        add(&self.records, *records);
        add(&self.windowed, *windowed);
        add(&self.late, *late);
        add(&self.opened, *opened);
        add(&self.closed, *closed);
        add(&self.learning, *learning);
        add(&self.findings, *findings);
        add(&self.incidents, *incidents);
        for (reason, by) in Reason::ALL.iter().zip(rejected) {
            add_labelled(&self.rejected, reason.label(), *by);
        }
        for (severity, by) in SEVERITIES.iter().zip(anomalies) {
            add_labelled(&self.anomalies, severity, *by);
        }
        for (role, by) in Role::ALL.iter().zip(outputs) {
            add_labelled(&self.outputs, role.name(), *by);
        }
    }

    fn set(gauge: &IntGaugeVec, task: TaskId, to: u64) {
        gauge.with_label_values(&[task.flow.as_str(), &task.partition.to_string()]).set(to as i64);
    }

    fn add(counter: &IntCounterVec, task: TaskId, by: u64) {
        counter.with_label_values(&[task.flow.as_str(), &task.partition.to_string()]).inc_by(by);
    }

    /// `end` is the record after the last.
    fn show_lag(&self, task: TaskId, end: u64) {
        let partition = task.partition.to_string();
        let labels = &[task.flow.as_str(), partition.as_str()];
        let position = self.position.with_label_values(labels).get();
        self.end.with_label_values(labels).set(end as i64);
        self.lag.with_label_values(labels).set((end as i64 - position).max(0));
    }

    /// With the end as it was known last, if it was.
    fn show_lag_again(&self, task: TaskId) {
        let end = self.end.with_label_values(&[task.flow.as_str(), &task.partition.to_string()]).get();
        if end > 0 {
            self.show_lag(task, end as u64);
        }
    }

    /// A task that went elsewhere is told of there.
    fn forget(&self, task: TaskId) {
        for gauge in [&self.position, &self.end, &self.lag, &self.rows, &self.live, &self.restoring] {
            // Not there is as good as removed.
            let _ = gauge.remove_label_values(&[task.flow.as_str(), &task.partition.to_string()]);
        }
    }
}
