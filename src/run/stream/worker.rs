//! The loop of one worker: records in, epochs kept, commits when they are due, tasks as the group gives and takes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::asking::{ANSWER_SLICE, Asking};
use super::blueprint::Blueprint;
use super::commit::since;
use super::rules::{Rule, holds};
use super::stop::Stop;
use super::task::{Phase, Task};
use crate::edge::ports::{Clock, Failure, Lost, Notice, Rebalance, Stores, Transport, Watch};
use crate::flow::task::TaskId;

/// A longer wait for records would keep whoever stops the program waiting.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// While a changelog is read, other tasks wait no longer than this for their records.
pub(super) const RESTORE_SLICE: Duration = Duration::from_millis(5);

/// How often it is told how far restores have come, and how often it is logged.
const TELL_EVERY: Duration = Duration::from_secs(1);
const LOG_EVERY: Duration = Duration::from_secs(10);

/// A worker: one thread's share of the partitions.
pub struct Worker<T: Transport, S: Stores, C: Clock> {
    /// What logs call it.
    pub(super) name: String,
    pub(super) transport: T,
    pub(super) stores: S,
    pub(super) clock: C,
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) watch: Arc<dyn Watch>,
    pub(super) tasks: BTreeMap<TaskId, Task<S::Store>>,
    pub(super) last_commit: Duration,
    /// Before the next transaction a new producer is taken.
    pub(super) needs_producer: bool,
    /// The last transaction was fenced.
    pub(super) fenced: bool,
    /// Who answers what flows ask, if anybody does.
    pub(super) asking: Option<Asking>,
    /// It was said already that the log is away.
    said_away: bool,
    /// When it was told, and logged, how far restores have come.
    told: Duration,
    logged: Duration,
}

impl<T: Transport, S: Stores, C: Clock> Worker<T, S, C> {
    /// A worker without tasks yet.
    pub fn new(
        name: String,
        transport: T,
        stores: S,
        clock: C,
        blueprint: Arc<Blueprint>,
        watch: Arc<dyn Watch>,
    ) -> Worker<T, S, C> {
        let last_commit = clock.now();
        Worker {
            name,
            transport,
            stores,
            clock,
            blueprint,
            watch,
            tasks: BTreeMap::new(),
            last_commit,
            needs_producer: true,
            fenced: false,
            asking: None,
            said_away: false,
            told: last_commit,
            logged: last_commit,
        }
    }

    /// One turn of the loop.
    pub fn turn(&mut self) -> Result<(), Stop> {
        if self.needs_producer {
            self.renew()?;
        }
        let patience = self.patience();
        self.read(patience)?;
        for (id, end) in self.transport.ends() {
            // What was taken is not committed yet.
            if let Some(end) = end.or_else(|| self.tasks.get(&id).map(|task| task.next)) {
                self.watch.notice(Notice::End { task: id, end });
            }
        }
        self.restore()?;
        self.take_turns()?;
        self.tell_progress();
        self.close_quiet();
        self.consult()?;
        if self.is_commit_due() {
            self.commit()?;
        }
        Ok(())
    }

    /// Commits what there is and lets go of everything: the program ends.
    pub fn finish(mut self) -> Result<T, Stop> {
        self.commit()?;
        self.drop_all();
        Ok(self.transport)
    }

    /// The tasks there are, and whether each takes new records.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, bool)> {
        self.tasks.values().map(|task| (task.id, task.is_live()))
    }

    fn patience(&self) -> Duration {
        if self.tasks.values().any(|task| matches!(task.phase, Phase::Asking | Phase::Reading { .. })) {
            return RESTORE_SLICE;
        }
        let longest = if self.has_questions() { ANSWER_SLICE } else { LONGEST_WAIT };
        if self.tasks.values().any(|task| task.touched || task.kept.is_some()) {
            let waited = since(self.last_commit, self.clock.now());
            return self.blueprint.pace.commit_every.saturating_sub(waited).min(longest);
        }
        longest
    }

    fn is_commit_due(&self) -> bool {
        let pace = &self.blueprint.pace;
        let taken: u64 = self.tasks.values().map(|task| task.taken).sum();
        let waiting = self.tasks.values().any(|task| task.touched || task.kept.is_some());
        let waited = since(self.last_commit, self.clock.now());
        waiting && (waited >= pace.commit_every || taken >= pace.uncommitted_records)
    }

    /// Takes records, and does as the group decides.
    fn read(&mut self, patience: Duration) -> Result<(), Stop> {
        let now = self.clock.now();
        let (tasks, watch, mut came_back) = (&mut self.tasks, &self.watch, Vec::new());
        let polled = self.transport.poll(patience, &mut |task, records| {
            if let Some(task) = tasks.get_mut(&task)
                && task.take(records, now)
            {
                let took = since(task.assigned_at, now);
                tracing::info!(task = %task.id, next = task.next.0, took_ms = took.as_millis() as u64, "live");
                watch.notice(Notice::Live { task: task.id, next: task.next, took });
                came_back.push(task.id);
            }
        });
        for id in came_back {
            self.hold(id);
        }
        match polled {
            Ok(rebalances) => {
                if self.said_away {
                    tracing::info!(worker = self.name, "the brokers are back");
                    self.said_away = false;
                    self.watch.notice(Notice::Away { worker: &self.name, away: false });
                }
                rebalances.into_iter().try_for_each(|rebalance| self.rebalance(rebalance))
            }
            Err(Lost::NotYet(detail)) => {
                self.away(&Failure::Retriable(detail));
                Ok(())
            }
            Err(Lost::OutOfRange { task, .. }) => self.out_of_range(task),
            Err(Lost::Fatal(detail)) => Err(Stop::Log(detail)),
        }
    }

    /// Tells how much is still to be read again.
    fn tell_progress(&mut self) {
        let now = self.clock.now();
        if since(self.told, now) < TELL_EVERY {
            return;
        }
        self.told = now;
        let log = since(self.logged, now) >= LOG_EVERY;
        if log {
            self.logged = now;
        }
        for task in self.tasks.values() {
            match &task.phase {
                Phase::Refilling { until, at } | Phase::Waiting { until, from: at } => {
                    let records = until.0 - at.0;
                    self.watch.notice(Notice::Remaining { task: task.id, records });
                    if log {
                        tracing::info!(task = %task.id, records, "records are still to be read again");
                    }
                }
                Phase::Reading { restoration: Some(restoration), .. } if log => {
                    tracing::info!(task = %task.id, records = restoration.records, "reading the changelog");
                }
                Phase::Asking if log => {
                    tracing::info!(task = %task.id, "waiting to be told what was committed");
                }
                Phase::Asking | Phase::Reading { .. } | Phase::Live => {}
            }
        }
    }

    fn rebalance(&mut self, rebalance: Rebalance) -> Result<(), Stop> {
        match rebalance {
            Rebalance::Assigned(ids) => {
                self.transport.assign(&ids);
                for id in ids {
                    self.blueprint.admit(id)?;
                    let store = Blueprint::learns(id.flow).then(|| self.stores.open(id)).transpose()?;
                    let flow = self.blueprint.flow(id.flow);
                    self.watch.notice(Notice::Restoring(id));
                    self.tasks.insert(id, Task::new(id, flow, store, self.clock.now()));
                }
                // Now that they are known to be restored: who has joined and restores nothing is ready.
                self.watch.notice(Notice::Joined { worker: &self.name });
            }
            Rebalance::Revoked(ids) => {
                // Until it has let go of them they are its own.
                self.commit()?;
                self.drop_tasks(&ids);
                self.transport.unassign(&ids);
            }
            Rebalance::Lost(ids) => {
                if !holds(Rule::LostIsNotCommitted) {
                    self.commit()?;
                }
                self.drop_tasks(&ids);
                self.transport.unassign(&ids);
            }
        }
        Ok(())
    }

    fn drop_tasks(&mut self, ids: &[TaskId]) {
        for id in ids {
            if self.tasks.remove(id).is_some() {
                tracing::info!(task = %id, "let go");
                self.transport.close_changelog(*id);
                self.watch.notice(Notice::Left(*id));
            }
        }
    }

    /// Drops every task; the group will say which to take again.
    pub(super) fn drop_all(&mut self) {
        let ids: Vec<TaskId> = self.tasks.keys().copied().collect();
        self.drop_tasks(&ids);
    }

    /// Every task goes back to what the group has committed.
    pub(super) fn restore_all(&mut self) {
        let ids: Vec<TaskId> = self.tasks.keys().copied().collect();
        for id in ids {
            self.restore_again(id);
        }
    }

    /// A task goes back to what the group has committed.
    pub(super) fn restore_again(&mut self, id: TaskId) {
        self.transport.pause(id);
        self.transport.close_changelog(id);
        if let Some(task) = self.tasks.remove(&id) {
            self.watch.notice(Notice::Restoring(id));
            self.tasks.insert(id, Task::new(id, self.blueprint.flow(id.flow), task.store, self.clock.now()));
        }
    }

    /// Says once that the log is away.
    pub(super) fn away(&mut self, failure: &Failure) {
        if self.said_away {
            return;
        }
        self.said_away = true;
        self.watch.notice(Notice::Away { worker: &self.name, away: true });
        tracing::warn!(worker = self.name, %failure, "the brokers do not answer: waiting for them, nothing is lost");
    }
}
