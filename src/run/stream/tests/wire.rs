//! The simulated log behind the port that workers speak to.

use std::time::Duration;

use super::connection::{Connection, Reader};
use super::faults::{Call, Fault};
use super::group::Member;
use super::log::Request;
use super::world::Happening;
use crate::edge::ports::{
    ChangelogEvent, Committed, EachBatch, EachChange, Failure, Lost, Outgoing, Position, Rebalance, Topic,
    Transport,
};
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::task::TaskId;

/// Changelog records that one poll hands over.
const CHANGES: usize = 5;

impl Transport for Connection {
    type Membership = Member;

    fn poll(&mut self, patience: Duration, each: EachBatch<'_>) -> Result<Vec<Rebalance>, Lost> {
        let happening = self.before(Call::Poll);
        if !matches!(happening, Happening::Fine | Happening::Fails(Fault::CrashAfter)) {
            return Err(Lost::NotYet(format!("{happening:?}")));
        }
        if !self.world.slow_markers.get() {
            let mut log = self.world.log.borrow_mut();
            for id in log.ids() {
                log.mark_one(&id);
            }
        }
        let fetched = self.fetch()?;
        self.wait(patience, !fetched.is_empty());
        for (task, records) in fetched {
            let raw: Vec<RawRecord<'_>> = records
                .iter()
                .map(|(offset, record)| RawRecord {
                    offset: Offset(*offset),
                    origin: Origin { input: task.partition, position: *offset, line: 0 },
                    key: record.key.as_deref(),
                    value: record.value.as_deref().unwrap_or_default(),
                    format: Format::Json,
                    extent: Extent::Whole,
                })
                .collect();
            each(task, &raw);
        }
        let rebalances = self.rebalance();
        if happening != Happening::Fine {
            self.process.dead.set(true);
        }
        Ok(rebalances)
    }

    fn assign(&mut self, tasks: &[TaskId]) {
        self.owned.extend(tasks);
    }

    fn unassign(&mut self, tasks: &[TaskId]) {
        for task in tasks {
            self.owned.remove(task);
            self.readers.remove(task);
        }
        if let Some(member) = self.process.member.get()
            && !self.process.dead.get()
        {
            self.world.log.borrow_mut().group.take(member, tasks);
        }
    }

    fn start(&mut self, task: TaskId, from: Offset) -> Result<(), Lost> {
        self.ask(Call::Start)?;
        if self.owned.contains(&task) {
            self.readers.insert(task, Reader { next: from.0, paused: false });
        }
        Ok(())
    }

    fn pause(&mut self, task: TaskId) {
        if let Some(reader) = self.readers.get_mut(&task) {
            reader.paused = true;
        }
    }

    fn extent(&mut self, task: TaskId) -> Result<(Offset, Offset), Lost> {
        self.ask(Call::Extent)?;
        let mut log = self.world.log.borrow_mut();
        let partition = log.input(task);
        Ok((Offset(partition.start), Offset(partition.stable())))
    }

    fn beginning(&mut self, task: TaskId) -> Result<Offset, Lost> {
        self.ask(Call::Beginning)?;
        Ok(Offset(self.world.log.borrow_mut().input(task).start))
    }

    fn committed(&mut self, task: TaskId) -> Result<Option<Committed>, Lost> {
        self.ask(Call::Committed)?;
        let committed = self.world.log.borrow().group.committed(task);
        committed.map_err(|()| Lost::NotYet("a transaction is pending".to_owned()))
    }

    fn read_changelog(&mut self, task: TaskId, from: Offset) -> Result<(), Lost> {
        self.ask(Call::ReadChangelog)?;
        let mut log = self.world.log.borrow_mut();
        let changelog = log.changelog(task);
        // From 0 on means: whatever there is.
        if from.0 > changelog.end || (from.0 > 0 && from.0 < changelog.start) {
            let detail = format!("{} to {}", changelog.start, changelog.end);
            return Err(Lost::OutOfRange { task, at: Some(from), detail });
        }
        let from = from.0.max(changelog.start);
        self.changelogs.insert(task, from);
        Ok(())
    }

    fn poll_changelog(&mut self, patience: Duration, each: EachChange<'_>) -> Result<(), Lost> {
        self.ask(Call::PollChangelog)?;
        let mut came = false;
        for (task, next) in &mut self.changelogs {
            let (records, stable) = {
                let mut log = self.world.log.borrow_mut();
                let changelog = log.changelog(*task);
                (changelog.read(*next, CHANGES), changelog.stable())
            };
            came |= !records.is_empty();
            for (offset, record) in &records {
                let key = record.key.as_deref().unwrap_or_default();
                let (offset, value) = (Offset(*offset), record.value.as_deref());
                each(*task, ChangelogEvent::Record { offset, key, value });
            }
            *next = records.last().map_or(stable.max(*next), |(last, _)| last + 1);
            if records.len() < CHANGES {
                each(*task, ChangelogEvent::End);
            }
        }
        self.wait(patience, came);
        Ok(())
    }

    fn close_changelog(&mut self, task: TaskId) {
        self.changelogs.remove(&task);
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.forget_transaction();
        self.attempt(Call::Begin, |_| Ok(()))
    }

    fn send(&mut self, record: Outgoing<'_>) -> Result<(), Failure> {
        self.attempt(Call::Send, |own| own.enqueue(record, None))
    }

    fn send_footer(&mut self, task: TaskId, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        let record = Outgoing {
            topic: Topic::Changelog(task.flow),
            partition: Some(task.partition),
            key: Some(key),
            value: Some(value),
            headers: &[],
        };
        self.attempt(Call::Send, |own| own.enqueue(record, Some(task)))
    }

    fn delivered(&mut self) -> Result<Vec<(TaskId, Offset)>, Failure> {
        self.attempt(Call::Delivered, |own| own.arrive(0))?;
        Ok(self.take_footers())
    }

    fn membership(&mut self) -> Option<Member> {
        let _ = self.before(Call::Membership);
        self.member()
    }

    fn owns_its_partitions(&mut self) -> bool {
        let happening = self.before(Call::Owns);
        happening == Happening::Fine && !self.process.lost.get()
    }

    fn send_positions(&mut self, positions: &[Position], member: &Member) -> Result<(), Failure> {
        let request = Request::Positions {
            id: self.process.id.clone(),
            epoch: self.epoch.unwrap_or_default(),
            positions: positions.to_vec(),
            member: *member,
        };
        self.request(Call::SendPositions, &request)
    }

    fn commit(&mut self) -> Result<(), Failure> {
        self.end(Call::Commit, true)
    }

    fn abort(&mut self) -> Result<(), Failure> {
        self.end(Call::Abort, false)
    }

    fn renew(&mut self) -> Result<(), Failure> {
        self.attempt(Call::Renew, |own| {
            own.forget_transaction();
            own.epoch = Some(own.world.log.borrow_mut().init(&own.process.id));
            Ok(())
        })
    }

    fn is_suspect(&self) -> bool {
        self.suspect
    }
}

impl Connection {
    fn end(&mut self, call: Call, commit: bool) -> Result<(), Failure> {
        // What has not arrived by now is not in it. A transaction the brokers know nothing of needs no end.
        self.forget_queue();
        if !self.touched {
            return self.attempt(call, |_| Ok(()));
        }
        let request =
            Request::End { id: self.process.id.clone(), epoch: self.epoch.unwrap_or_default(), commit };
        self.request(call, &request)
    }
}
