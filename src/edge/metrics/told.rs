//! What workers tell, as metrics; and whether the program is ready.

use prometheus::{Encoder, TextEncoder};

use super::Metrics;
use crate::edge::ports::{Notice, Pages, Watch};

impl Watch for Metrics {
    fn notice(&self, notice: Notice<'_>) {
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
                    self.show_lag(task, end.0);
                }
            }
            Notice::Restoring(task) => {
                self.standing().tasks.insert(task, false);
                Metrics::set(&self.live, task, 0);
            }
            Notice::Refilling { task, from, until, rows, changelog_records } => {
                Metrics::set(&self.rows, task, rows as u64);
                Metrics::set(&self.restoring, task, until.0 - from.0);
                Metrics::add(&self.restore_records, task, changelog_records);
            }
            Notice::Remaining { task, records } => Metrics::set(&self.restoring, task, records),
            Notice::Live { task, next, took } => {
                self.standing().tasks.insert(task, true);
                Metrics::set(&self.live, task, 1);
                Metrics::set(&self.restoring, task, 0);
                Metrics::set(&self.position, task, next.0);
                self.restore_seconds.with_label_values(&[task.flow.as_str()]).observe(took.as_secs_f64());
            }
            Notice::Left(task) => {
                self.standing().tasks.remove(&task);
                self.forget(task);
            }
            Notice::Committed { task, next, counts, outputs, changelog_bytes, rows } => {
                self.committed(task, counts, &outputs);
                Metrics::set(&self.position, task, next.0);
                Metrics::set(&self.rows, task, rows as u64);
                Metrics::add(&self.changelog_bytes, task, changelog_bytes);
                self.show_lag_again(task);
            }
            Notice::Transaction { took } => self.commit_seconds.observe(took.as_secs_f64()),
            Notice::Aborted { reason } => self.aborted.with_label_values(&[reason]).inc(),
            Notice::Skipped { task, records } => Metrics::add(&self.skipped, task, records),
            Notice::Idle(task) => Metrics::add(&self.idle, task, 1),
        }
    }
}

impl Pages for Metrics {
    fn ready(&self) -> Result<(), String> {
        let standing = self.standing();
        if standing.expected.is_empty() {
            return Err("waiting for the brokers".to_owned());
        }
        if let Some(worker) = standing.away.first() {
            return Err(format!("no broker answers to {worker}"));
        }
        if let Some(worker) = standing.expected.difference(&standing.joined).next() {
            return Err(format!("{worker} has not joined its group yet"));
        }
        let restoring: Vec<String> =
            standing.tasks.iter().filter(|(_, live)| !**live).map(|(task, _)| task.to_string()).collect();
        if restoring.is_empty() { Ok(()) } else { Err(format!("restoring {}", restoring.join(", "))) }
    }

    fn metrics(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "metrics cannot be written");
                String::new()
            }
        }
    }
}
