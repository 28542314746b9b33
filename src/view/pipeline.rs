//! The flow's own health: where each task stands, and how commits go.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::flow::Counts;
use crate::flow::task::{FlowName, TaskId};

/// Of so many commits it is told how long they took.
const COMMITS: usize = 64;

/// A task as it stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Whether it takes new records.
    pub live: bool,
    /// Records still to be read again.
    pub restoring: u64,
    /// The record to be read next.
    pub next: u64,
    /// The record after the last of the input.
    pub end: Option<u64>,
    /// Learned rows.
    pub rows: u64,
    /// How far event time has come.
    pub watermark_ms: Option<i64>,
}

/// All tasks.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// By task.
    pub tasks: BTreeMap<TaskId, Standing>,
    /// Since the start, by flow: what was read, and what left.
    totals: BTreeMap<FlowName, Totals>,
    /// How long the last commits took, in milliseconds.
    commits: Vec<f64>,
    committed: u64,
    aborted: BTreeMap<&'static str, u64>,
    /// Workers to which no broker answers.
    pub away: u64,
}

#[derive(Clone, Debug, Default)]
struct Totals {
    counts: Counts,
    outputs: u64,
}

impl Pipeline {
    /// An epoch of a flow is true; `outputs` left it, refused ones not among them.
    pub fn committed(&mut self, flow: FlowName, counts: &Counts, outputs: u64) {
        let totals = self.totals.entry(flow).or_default();
        totals.counts.add(counts);
        totals.outputs += outputs;
    }

    /// A transaction was committed.
    pub fn transaction(&mut self, took_ms: f64) {
        if self.commits.len() >= COMMITS {
            self.commits.remove(0);
        }
        self.commits.push(took_ms);
        self.committed += 1;
    }

    /// A transaction was not.
    pub fn aborted(&mut self, reason: &'static str) {
        *self.aborted.entry(reason).or_default() += 1;
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        let tasks: Vec<Value> = self
            .tasks
            .iter()
            .map(|(id, task)| {
                json!({
                    "flow": id.flow.as_str(), "partition": id.partition, "live": task.live, "restoring": task.restoring,
                    "next": task.next, "lag": task.end.map(|end| end.saturating_sub(task.next)), "rows": task.rows,
                    "watermark_ms": task.watermark_ms,
                })
            })
            .collect();
        let flows: BTreeMap<&str, Value> = self
            .totals
            .iter()
            .map(|(flow, totals)| {
                let Totals { counts, outputs } = totals;
                let reasons: BTreeMap<&str, u64> = super::by_reason(counts).into_iter().collect();
                let totals = json!({
                    "records": counts.records, "readings": counts.windowed, "rejected": counts.rejected_in_all(),
                    "rejected_by_reason": reasons, "late": counts.late, "opened": counts.opened, "closed": counts.closed,
                    "learning": counts.learning, "findings": counts.findings, "incidents": counts.incidents,
                    "outputs": outputs,
                });
                (flow.as_str(), totals)
            })
            .collect();
        let mut sorted = self.commits.clone();
        sorted.sort_by(f64::total_cmp);
        let at =
            |share: f64| sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().max(1) - 1));
        json!({
            "tasks": tasks, "flows": flows, "commits": self.committed, "commit_ms": {"median": at(0.5), "most": sorted.last()},
            "aborted": self.aborted, "away": self.away,
        })
    }
}
