//! Bringing assigned tasks back to what the group has committed, a slice at a time, while other tasks go on.

use super::blueprint::Blueprint;
use super::commit::since;
use super::footer::{LocalFooter, Marked};
use super::restore::{Identity, Plan, Restoration, Restored, Row, Step, admit, changes, plan};
use super::rules::{Rule, holds};
use super::stop::Stop;
use super::task::{Phase, Task};
use super::worker::{RESTORE_SLICE, Worker};
use crate::edge::ports::{Clock, Failure, Lost, Notice, Store, Stores, Transport};
use crate::flow::record::Offset;
use crate::flow::task::TaskId;

impl<T: Transport, S: Stores, C: Clock> Worker<T, S, C> {
    /// Does the next part of whatever is to be restored.
    pub(super) fn restore(&mut self) -> Result<(), Stop> {
        let asking: Vec<TaskId> = self
            .tasks
            .values()
            .filter(|task| matches!(task.phase, Phase::Asking))
            .map(|task| task.id)
            .collect();
        // Before the producer is there, a transaction of its predecessor may be pending.
        if self.needs_producer {
            return Ok(());
        }
        for id in asking {
            match self.transport.committed(id) {
                Ok(committed) => {
                    let marked = Marked::read(committed);
                    self.tasks.get_mut(&id).expect("it asks").asked = Some(marked.clone());
                    let asked = self.ask(id, &marked);
                    self.confirm(id, asked)?;
                }
                Err(Lost::NotYet(detail)) => {
                    // The others would be told the same, and live tasks have waited enough.
                    tracing::debug!(task = %id, detail, "not yet known what was committed");
                    break;
                }
                Err(Lost::Fatal(detail)) => return Err(Stop::Log(detail)),
                Err(Lost::OutOfRange { .. }) => {}
            }
        }
        self.read_changelogs()
    }

    /// Stops only if the group still says what it said. While this worker was slow, another one may have taken the task
    /// over and gone on: what does not fit then is no reason to bother anybody.
    pub(super) fn confirm(&mut self, id: TaskId, outcome: Result<(), Stop>) -> Result<(), Stop> {
        let Err(stop) = outcome else { return Ok(()) };
        if !stop.is_about_position() || !holds(Rule::StopsAreConfirmed) {
            return Err(stop);
        }
        let task = self.tasks.get_mut(&id).expect("it is being restored");
        match self.transport.committed(id).map(Marked::read) {
            Ok(marked) if task.asked.as_ref() == Some(&marked) => Err(stop),
            Err(Lost::Fatal(_) | Lost::OutOfRange { .. }) => Err(stop),
            Ok(_) | Err(Lost::NotYet(_)) => {
                self.transport.close_changelog(id);
                task.phase = Phase::Asking;
                Ok(())
            }
        }
    }

    /// The group has said what it has committed.
    fn ask(&mut self, id: TaskId, marked: &Marked) -> Result<(), Stop> {
        let blueprint = std::sync::Arc::clone(&self.blueprint);
        let identity =
            Identity { task: id, application: &blueprint.application, topology: &blueprint.topology };
        if !Blueprint::learns(id.flow) {
            return self.restore_from_mark(identity, marked);
        }
        let task = self.tasks.get_mut(&id).expect("it asked");
        // An attempt before this one may have broken off halfway.
        task.flow = blueprint.flow(id.flow);
        let store = task.store.as_mut().expect("a flow that learns has a store");
        let local = match store.footer()? {
            Some(bytes) => Some(LocalFooter::from_bytes(&bytes).map_err(|_| Stop::Unreadable { task: id })?),
            None => None,
        };
        if let Some(local) = &local
            && (local.footer.application != identity.application
                || local.footer.topology != identity.topology)
        {
            return Err(Stop::OtherTopology {
                task: id,
                found: format!("{} {}", local.footer.application, local.footer.topology),
                wanted: format!("{} {}", identity.application, identity.topology),
            });
        }
        let (local, from) = match plan(identity, marked, local.as_ref())? {
            Plan::Local => (local, None),
            Plan::Tail(from) => (local, Some(from)),
            Plan::Changelog => (None, Some(Offset(0))),
        };
        let mut rows: Vec<Row> = Vec::new();
        if local.is_some() {
            store.rows(&mut |table, key, row| rows.push((table, key.to_vec(), row.to_vec())))?;
        }
        let used_local = local.is_some();
        let restoration = Box::new(Restoration::new(marked, local, rows));
        match from {
            None => match restoration.local() {
                Step::Done(restored) => self.restored(id, *restored, None, 0),
                _ => self.begin_again(id),
            },
            Some(from) => self.read_from(id, restoration, used_local, from),
        }
    }

    fn read_from(
        &mut self,
        id: TaskId,
        what: Box<Restoration>,
        used_local: bool,
        from: Offset,
    ) -> Result<(), Stop> {
        match self.transport.read_changelog(id, from) {
            Ok(()) => {
                let task = self.tasks.get_mut(&id).expect("it asked");
                task.phase = Phase::Reading { restoration: Some(what), used_local, missing_since: None };
                Ok(())
            }
            Err(Lost::NotYet(_)) => Ok(()),
            Err(Lost::OutOfRange { .. }) if used_local => self.begin_again(id),
            Err(error) => Err(Stop::ChangelogTorn { task: id, detail: error.to_string() }),
        }
    }

    /// The local rows do not lead to what was committed: without them.
    fn begin_again(&mut self, id: TaskId) -> Result<(), Stop> {
        tracing::warn!(task = %id, "the local rows are not those of any committed epoch: reading the changelog instead");
        let task = self.tasks.get_mut(&id).expect("it is being restored");
        self.transport.close_changelog(id);
        if let Some(store) = &mut task.store {
            store.clear()?;
        }
        task.phase = Phase::Asking;
        Ok(())
    }

    /// Takes a slice of the changelogs.
    fn read_changelogs(&mut self) -> Result<(), Stop> {
        if !self.tasks.values().any(|task| matches!(task.phase, Phase::Reading { .. })) {
            return Ok(());
        }
        let (tasks, mut ended) = (&mut self.tasks, Vec::new());
        let polled = self.transport.poll_changelog(RESTORE_SLICE, &mut |id, event| {
            let Some(Task { phase: Phase::Reading { restoration, .. }, .. }) = tasks.get_mut(&id) else {
                return;
            };
            let Some(taken) = restoration.take() else { return };
            let records = taken.records + 1;
            match taken.take(event) {
                (Step::More, rest) => *restoration = rest,
                (step, rest) => {
                    *restoration = rest;
                    ended.push((id, step, records));
                }
            }
        });
        for (id, step, records) in ended {
            let said = self.changelog_said(id, step, records);
            self.confirm(id, said)?;
        }
        match polled {
            Ok(()) => {}
            Err(Lost::NotYet(detail)) => self.away(&Failure::Retriable(detail)),
            Err(Lost::OutOfRange { task, .. }) => self.begin_again(task)?,
            Err(Lost::Fatal(detail)) => return Err(Stop::Log(detail)),
        }
        self.give_up_on_missing()
    }

    fn changelog_said(&mut self, id: TaskId, step: Step, records: u64) -> Result<(), Stop> {
        let now = self.clock.now();
        let task = self.tasks.get_mut(&id).expect("it is being restored");
        let Phase::Reading { used_local, missing_since, .. } = &mut task.phase else { return Ok(()) };
        let used_local = *used_local;
        match step {
            Step::More => {}
            Step::Missing => {
                missing_since.get_or_insert(now);
            }
            Step::AskAgain => {
                // If the group still says the same, nobody has committed meanwhile: it was set back.
                let detail = "it goes on beyond that: were the group's offsets set back?".to_owned();
                return Err(Stop::ChangelogTorn { task: id, detail });
            }
            Step::Torn(detail) if used_local => {
                tracing::debug!(task = %id, detail, "local rows and changelog do not fit");
                self.begin_again(id)?;
            }
            Step::Torn(detail) => return Err(Stop::ChangelogTorn { task: id, detail }),
            Step::Done(restored) => {
                self.transport.close_changelog(id);
                self.restored(id, *restored, Some(used_local), records)?;
            }
        }
        Ok(())
    }

    fn give_up_on_missing(&mut self) -> Result<(), Stop> {
        let (now, patience) = (self.clock.now(), self.blueprint.pace.changelog_patience);
        let mut again = Vec::new();
        for task in self.tasks.values() {
            if let Phase::Reading { missing_since: Some(at), used_local, .. } = &task.phase
                && since(*at, now) > patience
            {
                again.push((task.id, *used_local));
            }
        }
        again.into_iter().try_for_each(|(id, used_local)| {
            if used_local {
                return self.begin_again(id);
            }
            let detail = "it ends before the committed epoch".to_owned();
            self.confirm(id, Err(Stop::ChangelogTorn { task: id, detail }))
        })
    }

    /// A flow without rows comes back from the group's mark alone.
    fn restore_from_mark(&mut self, identity: Identity<'_>, marked: &Marked) -> Result<(), Stop> {
        let id = identity.task;
        let task = self.tasks.get_mut(&id).expect("it asked");
        match marked {
            Marked::Epoch(next, mark) => {
                plan(identity, marked, None)?;
                task.flow = self.blueprint.flow(id.flow);
                let position = mark.position().ok_or(Stop::Unreadable { task: id })?;
                task.flow.restore(&position, &[]).map_err(|_| Stop::Unreadable { task: id })?;
                task.sequence = mark.sequence;
                self.go_on(id, *next, *next)
            }
            Marked::ByHand(next) => self.go_on(id, *next, *next),
            Marked::Nothing => self.begin(id, None),
        }
    }

    /// Rows and position are there: the flow takes them. `used_local` tells whether the changelog was read from what the
    /// store has on; it is `None` where nothing of it was read.
    fn restored(
        &mut self,
        id: TaskId,
        restored: Restored,
        used_local: Option<bool>,
        records: u64,
    ) -> Result<(), Stop> {
        let blueprint = std::sync::Arc::clone(&self.blueprint);
        let identity =
            Identity { task: id, application: &blueprint.application, topology: &blueprint.topology };
        let task = self.tasks.get_mut(&id).expect("it is being restored");
        let store = task.store.as_mut().expect("a flow that learns has a store");
        admit(identity, &restored, store.footer()?.is_some())?;
        let Restored { footer, rows, digest, changelog_next, begin_at, touched } = restored;
        let Some(footer) = footer else { return self.begin(id, begin_at) };
        let rows: Vec<Row> = rows.into_iter().map(|((table, key), row)| (table, key, row)).collect();
        task.flow.restore(&footer.position, &rows).map_err(|_| Stop::Unreadable { task: id })?;
        if let Some(used_local) = used_local {
            if !used_local {
                store.clear()?;
            }
            let changes = changes(rows, used_local.then_some(touched));
            store.apply(&changes, &LocalFooter { footer: footer.clone(), changelog_next }.to_bytes())?;
        }
        (task.sequence, task.digest) = (footer.sequence, digest);
        self.watch.notice(Notice::Refilling {
            task: id,
            from: footer.replay_from,
            until: footer.next,
            rows: task.digest.rows(),
            changelog_records: records,
        });
        tracing::info!(
            task = %id,
            rows = task.digest.rows(),
            changelog_records = records,
            from = footer.replay_from.0,
            until = footer.next.0,
            "rows are restored, open windows are read again"
        );
        let from = if holds(Rule::RewindToOpenWindows) { footer.replay_from } else { footer.next };
        self.go_on(id, from, footer.next)
    }
}
