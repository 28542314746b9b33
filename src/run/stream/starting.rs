//! Where a task that has its rows begins to read: below what was committed for open windows, or at the very start.

use super::blueprint::BelowRetention;
use super::commit::since;
use super::stop::Stop;
use super::task::Phase;
use super::worker::Worker;
use crate::edge::ports::{Clock, Lost, Notice, Stores, Transport};
use crate::flow::record::Offset;
use crate::flow::task::TaskId;

impl<T: Transport, S: Stores, C: Clock> Worker<T, S, C> {
    /// A task without any past.
    pub(super) fn begin(&mut self, id: TaskId, at: Option<Offset>) -> Result<(), Stop> {
        let at = match at {
            Some(at) => at,
            None => match self.transport.beginning(id) {
                Ok(at) => at,
                Err(Lost::Fatal(detail)) => return Err(Stop::Log(detail)),
                Err(_) => {
                    self.tasks.get_mut(&id).expect("it is being restored").phase = Phase::Asking;
                    return Ok(());
                }
            },
        };
        self.go_on(id, at, at)
    }

    /// Reads from one record on; those below another are only for open windows.
    pub(super) fn go_on(&mut self, id: TaskId, from: Offset, next: Offset) -> Result<(), Stop> {
        let (first, end) = match self.transport.extent(id) {
            Ok(extent) => extent,
            Err(Lost::Fatal(detail)) => return Err(Stop::Log(detail)),
            Err(_) => {
                self.ask_again(id);
                return Ok(());
            }
        };
        if next > end {
            return Err(Stop::InputShrank { task: id, read_to: next, end });
        }
        let (mut from, mut next) = (from, next);
        if from < first {
            if self.blueprint.below_retention == BelowRetention::Stop {
                return Err(Stop::BelowRetention { task: id, needed: from, first });
            }
            self.watch.notice(Notice::Skipped { task: id, records: first.0 - from.0 });
            tracing::warn!(task = %id, records = first.0 - from.0, "records below the topic's retention are skipped");
            (from, next) = (first, next.max(first));
        }
        let now = self.clock.now();
        let others_refill = self.refills();
        let task = self.tasks.get_mut(&id).expect("it is being restored");
        task.next = next;
        if from < next && others_refill {
            task.phase = Phase::Waiting { from, until: next };
            return Ok(());
        }
        match self.transport.start(id, from) {
            Ok(()) => {}
            Err(Lost::Fatal(detail)) => return Err(Stop::Log(detail)),
            Err(_) => {
                self.ask_again(id);
                return Ok(());
            }
        }
        let task = self.tasks.get_mut(&id).expect("it is being restored");
        task.quiet.since = now;
        task.phase = if from < next { Phase::Refilling { until: next, at: from } } else { Phase::Live };
        if task.is_live() {
            tracing::info!(task = %id, next = next.0, "live");
            self.watch.notice(Notice::Live { task: id, next: task.next, took: since(task.assigned_at, now) });
        }
        Ok(())
    }

    /// The log did not answer: the group is asked again. What a live task has done since its last commit is done again.
    fn ask_again(&mut self, id: TaskId) {
        match self.tasks.get_mut(&id) {
            Some(task) if task.is_live() => self.restore_again(id),
            Some(task) => task.phase = Phase::Asking,
            None => {}
        }
    }

    /// The log lacks what a task reads next. Where that is no gap to be skipped, what the group says now decides: it may
    /// have gone on without this worker.
    pub(super) fn out_of_range(&mut self, id: TaskId) -> Result<(), Stop> {
        let Some(task) = self.tasks.get(&id) else { return Ok(()) };
        let next = task.next;
        match task.phase {
            Phase::Asking | Phase::Reading { .. } | Phase::Waiting { .. } => Ok(()),
            Phase::Live if self.blueprint.below_retention == BelowRetention::Skip => {
                self.go_on(id, next, next)
            }
            Phase::Live | Phase::Refilling { .. } => {
                self.restore_again(id);
                Ok(())
            }
        }
    }
}
