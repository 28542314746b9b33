//! The brokers: partitions, transactions by transactional id, and what of them ends when.
//!
//! ```text
//! idle ──produce / positions──▶ ongoing ──end──▶ ending ──markers, one partition after the other──▶ idle
//!                                  └── init, time-out: the epoch goes up, and it is aborted
//! ```
//!
//! A producer is known by its epoch alone: a request of an older one is refused, one of the current epoch is carried out
//! whenever it arrives, even if it was meant for the transaction before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::group::{Group, Member, Refused};
use super::partition::{Partition, Record};
use crate::edge::ports::{Position, Topic};
use crate::flow::record::Role;
use crate::flow::task::{FlowName, TaskId};

/// A transaction that is open for longer is aborted.
const TIME_OUT: Duration = Duration::from_millis(1500);

/// A topic of the simulated log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// What `route` reads.
    Input,
    /// What workers write.
    Of(Topic),
}

impl Name {
    /// The topic that a flow reads.
    pub(super) fn input(flow: FlowName) -> Name {
        match flow {
            FlowName::Route => Name::Input,
            FlowName::Detect => Name::Of(Topic::Output(Role::Readings)),
            FlowName::Advise => Name::Of(Topic::Output(Role::Findings)),
        }
    }
}

/// A partition of a topic.
pub(super) type Place = (Name, u32);

/// What a producer asks of the brokers and what may arrive late or twice.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Positions { id: String, epoch: u32, positions: Vec<Position>, member: Member },
    End { id: String, epoch: u32, commit: bool },
}

/// An open transaction.
#[derive(Clone, Debug, Default)]
struct Open {
    number: u64,
    since: Duration,
    places: BTreeSet<Place>,
    has_positions: bool,
}

#[derive(Clone, Debug, Default)]
enum State {
    /// No transaction; how the last one ended.
    #[default]
    None,
    Ended(bool),
    Ongoing(Open),
    /// Decided, and not yet marked everywhere.
    Ending(bool, Open),
}

/// What the coordinator knows of a transactional id.
#[derive(Clone, Debug, Default)]
struct Coordinated {
    epoch: u32,
    state: State,
}

/// All brokers.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) partitions: BTreeMap<Place, Partition>,
    pub(super) count: u32,
    pub(super) group: Group,
    ids: BTreeMap<String, Coordinated>,
    transactions: u64,
    /// Larger values are refused.
    pub(super) largest: usize,
    pub(super) now: Duration,
    /// How many transactions were open for too long.
    pub(super) expired: usize,
}

impl Log {
    pub(super) fn new(count: u32, group: Group) -> Log {
        Log { count, group, largest: usize::MAX, ..Log::default() }
    }

    pub(super) fn at(&mut self, name: Name, partition: u32) -> &mut Partition {
        self.partitions.entry((name, partition)).or_default()
    }

    pub(super) fn input(&mut self, task: TaskId) -> &mut Partition {
        self.at(Name::input(task.flow), task.partition)
    }

    pub(super) fn changelog(&mut self, task: TaskId) -> &mut Partition {
        self.at(Name::Of(Topic::Changelog(task.flow)), task.partition)
    }

    /// The transaction that a request of this producer belongs to: the open one, or a new one.
    fn ongoing(&mut self, id: &str, epoch: u32) -> Result<&mut Open, Refused> {
        // A new transaction begins only when the last one is marked everywhere.
        if self.ids.get(id).is_some_and(|known| matches!(known.state, State::Ending(..))) {
            self.complete(id);
        }
        let known = self.ids.entry(id.to_owned()).or_default();
        if known.epoch != epoch {
            return Err(Refused::Fenced);
        }
        if !matches!(known.state, State::Ongoing(_)) {
            self.transactions += 1;
            known.state =
                State::Ongoing(Open { number: self.transactions, since: self.now, ..Open::default() });
        }
        match &mut known.state {
            State::Ongoing(open) => Ok(open),
            _ => Err(Refused::Invalid),
        }
    }

    /// Appends a record to the producer's transaction.
    pub(super) fn produce(
        &mut self,
        id: &str,
        epoch: u32,
        place: Place,
        mut record: Record,
    ) -> Result<u64, Refused> {
        let open = self.ongoing(id, epoch)?;
        open.places.insert(place);
        record.transaction = Some(open.number);
        Ok(self.at(place.0, place.1).append(record))
    }

    /// Carries out a request, now or when it arrives.
    pub(super) fn execute(&mut self, request: &Request) -> Result<(), Refused> {
        match request {
            Request::Positions { id, epoch, positions, member } => {
                let open = self.ongoing(id, *epoch)?;
                open.has_positions = true;
                let number = open.number;
                self.group.admit(*member)?;
                self.group.propose(number, positions);
                Ok(())
            }
            Request::End { id, epoch, commit } => self.end(id, *epoch, *commit),
        }
    }

    fn end(&mut self, id: &str, epoch: u32, commit: bool) -> Result<(), Refused> {
        let known = self.ids.entry(id.to_owned()).or_default();
        if known.epoch != epoch {
            return Err(Refused::Fenced);
        }
        match std::mem::take(&mut known.state) {
            State::Ongoing(open) => {
                known.state = State::Ending(commit, open);
                Ok(())
            }
            state => {
                let same = match &state {
                    State::None => true,
                    State::Ended(how) | State::Ending(how, _) => *how == commit,
                    State::Ongoing(_) => false,
                };
                known.state = state;
                if same { Ok(()) } else { Err(Refused::Invalid) }
            }
        }
    }

    /// Writes one marker that is still missing; whether there was one.
    pub(super) fn mark_one(&mut self, id: &str) -> bool {
        let Some(Coordinated { state: State::Ending(commit, open), .. }) = self.ids.get_mut(id) else {
            return false;
        };
        let (commit, number) = (*commit, open.number);
        // The offsets' marker comes first or last.
        if open.has_positions && (number.is_multiple_of(2) || open.places.is_empty()) {
            open.has_positions = false;
            self.group.settle(number, commit);
        } else if let Some(place) = open.places.pop_last() {
            self.at(place.0, place.1).mark(number, commit);
        } else if let Some(known) = self.ids.get_mut(id) {
            known.state = State::Ended(commit);
        }
        true
    }

    /// Writes every marker that is still missing.
    pub(super) fn complete(&mut self, id: &str) {
        while self.mark_one(id) {}
    }

    pub(super) fn complete_all(&mut self) {
        for id in self.ids() {
            self.complete(&id);
        }
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.ids.keys().cloned().collect()
    }

    /// A new producer for this id: what the old one left ends first.
    pub(super) fn init(&mut self, id: &str) -> u32 {
        self.time_out(id);
        self.complete(id);
        let known = self.ids.entry(id.to_owned()).or_default();
        known.epoch += 1;
        known.state = State::None;
        known.epoch
    }

    /// The transaction of this id has been open for too long: it is aborted, and its producer fenced.
    pub(super) fn time_out(&mut self, id: &str) {
        if let Some(known) = self.ids.get_mut(id)
            && let State::Ongoing(open) = &mut known.state
        {
            known.epoch += 1;
            known.state = State::Ending(false, std::mem::take(open));
        }
        self.complete(id);
    }

    /// Ends what has been open, or decided and not marked, for too long.
    pub(super) fn expire(&mut self, now: Duration) {
        self.now = now;
        for id in self.ids() {
            match &self.ids[&id].state {
                State::Ongoing(open) if now > open.since + TIME_OUT => {
                    self.expired += 1;
                    self.time_out(&id);
                }
                State::Ending(_, open) if now > open.since + TIME_OUT => self.complete(&id),
                State::None | State::Ended(_) | State::Ongoing(_) | State::Ending(..) => {}
            }
        }
    }

    /// Whether some transaction is not over.
    pub(super) fn is_pending(&self) -> bool {
        self.ids.values().any(|known| matches!(known.state, State::Ongoing(_) | State::Ending(..)))
    }
}
