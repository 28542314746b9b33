//! Metrics for Prometheus, fed by what workers tell, and whether the program is ready.
//!
//! No label has a value that comes from outside: flows, partitions, reasons, roles, severities and the topology's own names are all
//! there are.

mod advice;
mod flows;
mod made;
mod receivers;
mod tasks;
#[cfg(test)]
mod tests;
mod told;
mod visitors;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock};

use prometheus::{Encoder, Histogram, IntCounter, IntCounterVec, IntGauge, Registry, TextEncoder};

use crate::flow::task::TaskId;
use flows::Flows;
use made::{TASK, counter, counters, gauge, gauges, histogram};
pub use receivers::Told;
use tasks::Tasks;
use visitors::Visitors;

/// Commits take milliseconds, and seconds when brokers are ill.
const COMMIT_BUCKETS: &[f64] = &[0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
    flows: Flows,
    tasks: Tasks,
    visitors: Visitors,
    commit_seconds: Histogram,
    aborted: IntCounterVec,
    rebalances: IntCounter,
    away: IntGauge,
    advice: advice::Advice,
    receivers: receivers::Receivers,
    standing: Mutex<Standing>,
    store_bytes: IntGauge,
    /// Says how much the state directory holds.
    store: OnceLock<Measure>,
}

/// Asked with each scrape.
pub type Measure = Box<dyn Fn() -> u64 + Send + Sync>;

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

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// All of them, at zero.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let r = &registry;
        let info = gauges(
            r,
            "tidewatch_build_info",
            "Always 1; the label says which version this is.",
            &["version"],
        );
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Metrics {
            flows: Flows::new(r),
            tasks: Tasks::new(r),
            visitors: Visitors::new(r),
            commit_seconds: histogram(
                r,
                "tidewatch_commit_seconds",
                "From the begin of a transaction to its commit.",
                COMMIT_BUCKETS,
            ),
            aborted: counters(
                r,
                "tidewatch_transactions_aborted_total",
                "Transactions that were not committed; their epochs were sent again.",
                &["reason"],
            ),
            rebalances: counter(
                r,
                "tidewatch_assignments_total",
                "How often the group assigned partitions to a worker.",
            ),
            away: gauge(r, "tidewatch_workers_without_broker", "Workers to which no broker answers."),
            advice: advice::Advice::new(r),
            receivers: receivers::Receivers::new(r),
            standing: Mutex::new(Standing::default()),
            store_bytes: gauge(r, "tidewatch_store_bytes", "Bytes of the files in the state directory."),
            store: OnceLock::new(),
            registry,
        }
    }

    /// From now on each scrape asks how much the state directory holds.
    pub fn measure_store(&self, measure: Measure) {
        // There is one such directory a process.
        let _ = self.store.set(measure);
    }

    /// These workers, and no others, have to join before the program is ready.
    pub fn expect(&self, workers: impl IntoIterator<Item = String>) {
        *self.standing() = Standing { expected: workers.into_iter().collect(), ..Standing::default() };
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether new readings are taken; if not, why not.
    pub fn ready(&self) -> Result<(), String> {
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

    /// All of them, in Prometheus's text format.
    pub fn text(&self) -> String {
        if let Some(measure) = self.store.get() {
            self.store_bytes.set(i64::try_from(measure()).unwrap_or(i64::MAX));
        }
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
