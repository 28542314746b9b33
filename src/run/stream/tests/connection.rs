//! The simulated log as one process sees it: the client side of producer and consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::faults::{Call, Fault};
use super::group::{Member, Refused};
use super::log::{Name, Place, Request};
use super::partition::Record;
use super::world::{Happening, Process, World};
use crate::edge::ports::{Failure, Lost, Outgoing, Rebalance};
use crate::flow::record::Offset;
use crate::flow::task::TaskId;

/// So many records are under way before the first of them arrives.
const UNDER_WAY: usize = 2;

/// Records of a task, by offset.
pub(super) type Fetched = (TaskId, Vec<(u64, Record)>);

/// Where a partition is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    pub(super) next: u64,
    pub(super) paused: bool,
}

/// A client.
pub(super) struct Connection {
    pub(super) world: Rc<World>,
    pub(super) process: Rc<Process>,
    /// Of the producer; none before the first.
    pub(super) epoch: Option<u32>,
    queue: Vec<(Place, Record, Option<TaskId>)>,
    footers: Vec<(TaskId, Offset)>,
    /// Whether the brokers may have heard of the transaction.
    pub(super) touched: bool,
    pub(super) suspect: bool,
    pub(super) owned: BTreeSet<TaskId>,
    pub(super) readers: BTreeMap<TaskId, Reader>,
    pub(super) changelogs: BTreeMap<TaskId, u64>,
    /// Records a poll hands over of a partition.
    pub(super) batch: usize,
}

impl Connection {
    pub(super) fn new(world: Rc<World>, process: Rc<Process>, batch: usize) -> Connection {
        Connection {
            world,
            process,
            epoch: None,
            queue: Vec::new(),
            footers: Vec::new(),
            touched: false,
            suspect: false,
            owned: BTreeSet::new(),
            readers: BTreeMap::new(),
            changelogs: BTreeMap::new(),
            batch,
        }
    }

    pub(super) fn before(&self, call: Call) -> Happening {
        self.world.before(&self.process, call)
    }

    /// A call that only asks.
    pub(super) fn ask(&self, call: Call) -> Result<(), Lost> {
        match self.before(call) {
            Happening::Fine => Ok(()),
            happening => Err(Lost::NotYet(format!("{happening:?}"))),
        }
    }

    /// A call with an effect.
    pub(super) fn attempt(
        &mut self,
        call: Call,
        act: impl FnOnce(&mut Connection) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let happening = self.before(call);
        self.attempt_as(happening, act)
    }

    fn attempt_as(
        &mut self,
        happening: Happening,
        act: impl FnOnce(&mut Connection) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let fault = match happening {
            Happening::Fine => return act(self),
            Happening::Dead => return Err(Failure::Unknown("the process is gone".to_owned())),
            Happening::Fails(fault) => fault,
        };
        let detail = format!("{fault:?}");
        self.suspect |= !matches!(fault, Fault::CrashAfter | Fault::Refused);
        match fault {
            Fault::AnswerLost => act(self).and(Err(Failure::Unknown(detail))),
            Fault::CrashAfter => {
                let _ = act(self);
                self.process.dead.set(true);
                Err(Failure::Unknown(detail))
            }
            Fault::RetriableBefore => Err(Failure::Retriable(detail)),
            Fault::RetriableAfter => act(self).and(Err(Failure::Retriable(detail))),
            Fault::Refused => Err(Failure::Spoilt(detail)),
            _ => Err(Failure::Unknown(detail)),
        }
    }

    /// A request that may arrive late, or twice.
    pub(super) fn request(&mut self, call: Call, request: &Request) -> Result<(), Failure> {
        self.touched = true;
        let carry_out = |of: &mut Connection| of.world.log.borrow_mut().execute(request).map_err(failure);
        match self.before(call) {
            Happening::Fails(Fault::Delayed(steps)) => {
                self.arrives_later(steps, request);
                Err(Failure::Unknown("under way".to_owned()))
            }
            Happening::Fails(Fault::Duplicated(steps)) => {
                self.arrives_later(steps, request);
                carry_out(self)
            }
            happening => self.attempt_as(happening, carry_out),
        }
    }

    fn arrives_later(&mut self, steps: u64, request: &Request) {
        let at = self.world.faults.borrow().step() + steps;
        self.world.late.borrow_mut().push((at, request.clone()));
        self.suspect = true;
    }

    pub(super) fn member(&self) -> Option<Member> {
        let id = self.process.member.get();
        // A handle that has left still has a name, and the generation of nobody.
        id.map(|id| Member { id, generation: self.process.generation.get() })
    }

    pub(super) fn enqueue(&mut self, record: Outgoing<'_>, footer_of: Option<TaskId>) -> Result<(), Failure> {
        if record.value.is_some_and(|value| value.len() > self.world.log.borrow().largest) {
            return Err(Failure::TooLarge(format!("{:?}", record.topic)));
        }
        let count = self.world.log.borrow().count;
        let by_key =
            || record.key.map_or(0, |key| key.iter().map(|byte| u32::from(*byte)).sum::<u32>()) % count;
        let place = (Name::Of(record.topic), record.partition.unwrap_or_else(by_key));
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let record = Record {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.iter().map(header).collect(),
            transaction: None,
        };
        self.queue.push((place, record, footer_of));
        self.arrive(UNDER_WAY)
    }

    /// All records arrive but the last few.
    pub(super) fn arrive(&mut self, but: usize) -> Result<(), Failure> {
        let arrived = self.queue.len().saturating_sub(but);
        for (place, record, footer_of) in self.queue.drain(..arrived).collect::<Vec<_>>() {
            self.touched = true;
            let epoch = self.epoch.unwrap_or_default();
            let produced = self.world.log.borrow_mut().produce(&self.process.id, epoch, place, record);
            let at = produced.map_err(failure)?;
            self.footers.extend(footer_of.map(|task| (task, Offset(at))));
        }
        Ok(())
    }

    pub(super) fn take_footers(&mut self) -> Vec<(TaskId, Offset)> {
        std::mem::take(&mut self.footers)
    }

    pub(super) fn forget_queue(&mut self) {
        self.queue.clear();
    }

    /// Nothing of a transaction is under way or known any more.
    pub(super) fn forget_transaction(&mut self) {
        self.queue.clear();
        self.footers.clear();
        (self.touched, self.suspect) = (false, false);
    }

    /// What the group decided.
    pub(super) fn rebalance(&mut self) -> Vec<Rebalance> {
        let (process, mut log) = (&self.process, self.world.log.borrow_mut());
        let group = &mut log.group;
        let Some(member) =
            process.member.get().filter(|_| process.generation.get() >= 0 || process.lost.get())
        else {
            // Nothing may be held while joining.
            if self.owned.is_empty() {
                process.member.set(Some(group.join()));
                process.generation.set(group.generation);
            }
            return Vec::new();
        };
        if !group.members.contains_key(&member) {
            process.generation.set(-1);
            process.lost.set(false);
            let lost: Vec<TaskId> = self.owned.iter().copied().collect();
            return if lost.is_empty() { Vec::new() } else { vec![Rebalance::Lost(lost)] };
        }
        process.generation.set(group.generation);
        let revoked = group.to_revoke(member);
        if !revoked.is_empty() {
            return vec![Rebalance::Revoked(revoked)];
        }
        let assigned = group.to_assign(member);
        group.give(member, &assigned);
        if assigned.is_empty() { Vec::new() } else { vec![Rebalance::Assigned(assigned)] }
    }

    /// Reads a few records of every partition that is read; the first whose position is gone.
    pub(super) fn fetch(&mut self) -> Result<Vec<Fetched>, Lost> {
        let mut log = self.world.log.borrow_mut();
        let mut fetched = Vec::new();
        let mut gone = None;
        for (task, reader) in self.readers.iter_mut().filter(|(_, reader)| !reader.paused) {
            let partition = log.input(*task);
            if reader.next < partition.start {
                gone = Some((*task, Offset(reader.next)));
                continue;
            }
            let records = partition.read(reader.next, self.batch);
            if let Some((last, _)) = records.last() {
                reader.next = last + 1;
                fetched.push((*task, records));
            }
        }
        drop(log);
        match gone {
            None => Ok(fetched),
            Some((task, at)) => {
                // What was fetched of others meanwhile is fetched again.
                for (other, records) in fetched {
                    let back = records.first().map(|(first, _)| *first);
                    if let (Some(reader), Some(back)) = (self.readers.get_mut(&other), back) {
                        reader.next = back;
                    }
                }
                // It is told once.
                self.readers.remove(&task);
                Err(Lost::OutOfRange { task, at: Some(at), detail: "truncated".to_owned() })
            }
        }
    }

    /// Time goes by while nothing comes.
    pub(super) fn wait(&self, patience: Duration, came: bool) {
        self.world.pass(if came { Duration::from_millis(1) } else { patience });
    }
}

fn failure(refused: Refused) -> Failure {
    let detail = format!("{refused:?}");
    match refused {
        Refused::Fenced => Failure::Fenced(detail),
        Refused::Invalid => Failure::Spoilt(detail),
        Refused::IllegalGeneration => Failure::Rejoining(detail),
        Refused::UnknownMember => Failure::NotMember(detail),
    }
}
