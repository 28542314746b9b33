//! What workers tell, as metrics.

use super::Metrics;
use super::tasks::{add, set};
use crate::edge::ports::{Notice, Watch};

impl Watch for Metrics {
    fn notice(&self, notice: Notice<'_>) {
        let tasks = &self.tasks;
        match notice {
            Notice::Joined { worker } => {
                self.rebalances.inc();
                self.standing().joined.insert(worker.to_owned());
            }
            Notice::Away { worker, away } => {
                let mut standing = self.standing();
                if away {
                    standing.away.insert(worker.to_owned());
                } else {
                    standing.away.remove(worker);
                }
                self.away.set(standing.away.len() as i64);
            }
            Notice::End { task, end } => {
                // Before its position is known there is no lag to tell.
                if self.standing().tasks.get(&task) == Some(&true) {
                    tasks.show_lag(task, end.0);
                }
            }
            Notice::Restoring(task) => {
                self.flows.begin(task);
                self.standing().tasks.insert(task, false);
                set(&tasks.live, task, 0);
            }
            Notice::Refilling { task, from, until, rows, changelog_records } => {
                set(&tasks.rows, task, rows as u64);
                set(&tasks.restoring, task, until.0 - from.0);
                add(&tasks.restore_records, task, changelog_records);
            }
            Notice::Remaining { task, records } => set(&tasks.restoring, task, records),
            Notice::Live { task, next, took } => {
                self.standing().tasks.insert(task, true);
                set(&tasks.live, task, 1);
                set(&tasks.restoring, task, 0);
                set(&tasks.position, task, next.0);
                tasks.restore_seconds.with_label_values(&[task.flow.as_str()]).observe(took.as_secs_f64());
            }
            Notice::Left(task) => {
                self.standing().tasks.remove(&task);
                tasks.forget(task);
            }
            Notice::Committed { task, next, epoch, outputs, changelog_bytes, rows } => {
                self.flows.committed(task, &epoch.counts, &outputs, changelog_bytes);
                let labels = [task.flow.as_str(), &task.partition.to_string()];
                self.advice.committed(&labels, &epoch.counts.advice);
                set(&tasks.position, task, next.0);
                set(&tasks.rows, task, rows as u64);
                if let Some(watermark) = epoch.watermark {
                    let seconds = watermark.as_ms().div_euclid(1000);
                    set(&tasks.watermark, task, seconds.max(0) as u64);
                }
                tasks.show_lag_again(task);
            }
            Notice::Transaction { took } => self.commit_seconds.observe(took.as_secs_f64()),
            Notice::Aborted { reason } => self.aborted.with_label_values(&[reason]).inc(),
            Notice::Skipped { task, records } => add(&tasks.skipped, task, records),
            Notice::Idle(task) => add(&tasks.idle, task, 1),
        }
    }
}
