//! A flow at work on a partition: what it goes on from, and what it has done since the last commit.

use std::time::Duration;

use super::digest::{Digest, Prepared};
use super::footer::{Footer, Marked};
use super::restore::Restoration;
use super::rules::{Rule, holds};
use crate::edge::ports::Topic;
use crate::flow::record::{Offset, RawRecord, Role};
use crate::flow::task::TaskId;
use crate::flow::{Epoch, Flow};

/// Where a task stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// The group has to be asked what it has committed.
    Asking,
    /// The changelog is being read.
    Reading {
        restoration: Option<Box<Restoration>>,
        /// Whether it began with rows of the local store.
        used_local: bool,
        /// When the changelog had ended too early.
        missing_since: Option<Duration>,
    },
    /// Its rows are there; another task refills its windows first.
    Waiting { from: Offset, until: Offset },
    /// Records below this one refill open windows.
    Refilling {
        until: Offset,
        /// The record to be read again next.
        at: Offset,
    },
    /// New records are taken.
    Live,
}

/// What is to be committed.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) epoch: Epoch,
    /// Outputs that are too large to be sent: their place is taken by a note in the rejected topic.
    pub(super) too_large: Vec<usize>,
}

/// A flow over a partition.
pub(super) struct Task<S> {
    pub(super) id: TaskId,
    pub(super) flow: Box<dyn Flow + Send>,
    pub(super) store: Option<S>,
    pub(super) phase: Phase,
    /// What the group said when it was asked.
    pub(super) asked: Option<Marked>,
    /// Epochs committed.
    pub(super) sequence: u64,
    /// The record to be processed next.
    pub(super) next: Offset,
    pub(super) digest: Digest,
    pub(super) kept: Option<Kept>,
    /// Records taken since the last epoch.
    pub(super) taken: u64,
    /// Whether the flow did something that is in no epoch yet.
    pub(super) touched: bool,
    pub(super) assigned_at: Duration,
    pub(super) quiet: Quiet,
    /// It is live, but its records wait until others have refilled their windows.
    pub(super) is_held: bool,
    /// It is live, but reads no more until some of what waits for answers has left.
    pub(super) is_full: bool,
}

/// How long nothing has come.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    pub(super) since: Duration,
    /// The end of the partition when it was looked at.
    pub(super) end: Option<Offset>,
    /// Windows are closed already.
    pub(super) done: bool,
}

impl<S> Task<S> {
    /// A task that has just been assigned.
    pub(super) fn new(id: TaskId, flow: Box<dyn Flow + Send>, store: Option<S>, now: Duration) -> Task<S> {
        Task {
            id,
            flow,
            store,
            phase: Phase::Asking,
            asked: None,
            sequence: 0,
            next: Offset(0),
            digest: Digest::default(),
            kept: None,
            taken: 0,
            touched: false,
            assigned_at: now,
            quiet: Quiet { since: now, ..Quiet::default() },
            is_held: false,
            is_full: false,
        }
    }

    /// Takes records in order. Whether the task became live by it.
    pub(super) fn take(&mut self, records: &[RawRecord<'_>], now: Duration) -> bool {
        let Some(last) = records.last() else { return false };
        self.quiet = Quiet { since: now, ..Quiet::default() };
        let fresh = match self.phase {
            Phase::Asking | Phase::Reading { .. } | Phase::Waiting { .. } => return false,
            Phase::Live => records,
            Phase::Refilling { until, .. } => {
                let (again, fresh) =
                    records.split_at(records.partition_point(|record| record.offset < until));
                if holds(Rule::RefillIsSilent) {
                    self.flow.refill(again);
                } else {
                    self.flow.process(again);
                }
                if last.offset.0 + 1 < until.0 {
                    self.phase = Phase::Refilling { until, at: Offset(last.offset.0 + 1) };
                    return false;
                }
                fresh
            }
        };
        let became_live = matches!(self.phase, Phase::Refilling { .. });
        self.phase = Phase::Live;
        if !fresh.is_empty() {
            self.flow.process(fresh);
            self.next = Offset(last.offset.0 + 1);
            self.taken += fresh.len() as u64;
            self.touched = true;
        }
        became_live
    }

    /// Puts what the flow did since the last time to what waits for being committed.
    pub(super) fn keep(&mut self) {
        if !self.touched {
            return;
        }
        (self.touched, self.taken) = (false, 0);
        let epoch = self.flow.epoch(self.next);
        match &mut self.kept {
            Some(kept) => kept.epoch.append(epoch),
            None => self.kept = Some(Kept { epoch, too_large: Vec::new() }),
        }
    }

    /// The footer of what is kept, and the sum over rows as it will be.
    pub(super) fn footer(&self, application: &str, topology: &str) -> Option<(Footer, Prepared)> {
        let epoch = &self.kept.as_ref()?.epoch;
        let prepared = self.digest.prepare(&epoch.changes);
        let footer = Footer {
            application: application.to_owned(),
            topology: topology.to_owned(),
            sequence: self.sequence + 1,
            next: if holds(Rule::WaitingIsNotPassed) { epoch.next } else { self.next },
            replay_from: epoch.replay_from,
            position: epoch.position.clone(),
            digest: prepared.sum,
        };
        Some((footer, prepared))
    }

    /// Whether the task takes new records.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live)
    }
}

/// The id of a record that leaves: what it came from, not when.
pub(super) fn record_id(application: &str, task: TaskId, role: Role, number: u64) -> String {
    format!("{application}-{task}-{}-{number}", role.name())
}

/// Where a record goes. Findings stay in the task's own partition; everything else goes by its key.
pub(super) fn destination(task: TaskId, role: Role) -> (Topic, Option<u32>) {
    let partition = (role == Role::Findings).then_some(task.partition);
    (Topic::Output(role), partition)
}
