//! Where tasks stand: positions, lag, watermark, learned rows, restores.

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::made::{TASK, counters, gauges, histograms};
use crate::flow::task::TaskId;

/// Restores take milliseconds with local rows, and minutes without.
const RESTORE_BUCKETS: &[f64] = &[0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Gauges of tasks.
pub(super) struct Tasks {
    pub(super) position: IntGaugeVec,
    end: IntGaugeVec,
    lag: IntGaugeVec,
    pub(super) watermark: IntGaugeVec,
    pub(super) rows: IntGaugeVec,
    pub(super) live: IntGaugeVec,
    pub(super) restoring: IntGaugeVec,
    pub(super) restore_seconds: HistogramVec,
    pub(super) restore_records: IntCounterVec,
    pub(super) skipped: IntCounterVec,
    pub(super) idle: IntCounterVec,
}

pub(super) fn set(gauge: &IntGaugeVec, task: TaskId, to: u64) {
    gauge.with_label_values(&[task.flow.as_str(), &task.partition.to_string()]).set(to as i64);
}

pub(super) fn add(counter: &IntCounterVec, task: TaskId, by: u64) {
    counter.with_label_values(&[task.flow.as_str(), &task.partition.to_string()]).inc_by(by);
}

impl Tasks {
    pub(super) fn new(r: &Registry) -> Tasks {
        let gauge = |name: &str, help: &str| gauges(r, name, help, TASK);
        let counter = |name: &str, help: &str| counters(r, name, help, TASK);
        Tasks {
            position: gauge("tidewatch_position_records", "The offset of the record to be read next."),
            end: gauge(
                "tidewatch_input_end_records",
                "The offset after the last committed record of the input.",
            ),
            lag: gauge("tidewatch_lag_records", "Records of the input that are not committed yet."),
            watermark: gauge(
                "tidewatch_watermark_timestamp_seconds",
                "How far event time has come, as seconds since 1970.",
            ),
            rows: gauge("tidewatch_state_rows", "Learned rows."),
            live: gauge("tidewatch_task_live", "1 where the task takes new records, 0 while it is restored."),
            restoring: gauge(
                "tidewatch_restore_remaining_records",
                "Records that are still to be read again for open windows.",
            ),
            restore_seconds: histograms(
                r,
                "tidewatch_restore_seconds",
                "From a task's assignment until it takes new records.",
                RESTORE_BUCKETS,
                &["flow"],
            ),
            restore_records: counter(
                "tidewatch_restore_changelog_records_total",
                "Changelog records read to restore tasks.",
            ),
            skipped: counter(
                "tidewatch_skipped_records_total",
                "Records below the topic's retention that were skipped.",
            ),
            idle: counter(
                "tidewatch_idle_closings_total",
                "How often a quiet partition's windows were closed.",
            ),
        }
    }

    /// `end` is the record after the last.
    pub(super) fn show_lag(&self, task: TaskId, end: u64) {
        let partition = task.partition.to_string();
        let labels = &[task.flow.as_str(), partition.as_str()];
        let position = self.position.with_label_values(labels).get();
        self.end.with_label_values(labels).set(end as i64);
        self.lag.with_label_values(labels).set((end as i64 - position).max(0));
    }

    /// With the end as it was known last, if it was.
    pub(super) fn show_lag_again(&self, task: TaskId) {
        let partition = task.partition.to_string();
        let end = self.end.with_label_values(&[task.flow.as_str(), &partition]).get();
        if end > 0 {
            self.show_lag(task, end as u64);
        }
    }

    /// A task that went elsewhere is told of there.
    pub(super) fn forget(&self, task: TaskId) {
        let partition = task.partition.to_string();
        let Tasks { position, end, lag, watermark, rows, live, restoring, .. } = self;
        for gauge in [position, end, lag, watermark, rows, live, restoring] {
            // Not there is as good as removed.
            let _ = gauge.remove_label_values(&[task.flow.as_str(), &partition]);
        }
    }
}
