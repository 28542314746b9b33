//! The consumer group: members, generations, who has which task, and offsets that are pending until a transaction ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::edge::ports::{Committed, Position};
use crate::flow::task::TaskId;

/// Who commits: generation −1 is that of a handle which is in no group, and the brokers take it from anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: u32,
    pub(super) generation: i32,
}

/// Why the brokers refuse a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Fenced,
    /// Not in this state of the transaction.
    Invalid,
    IllegalGeneration,
    UnknownMember,
}

/// The group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) generation: i32,
    tasks: Vec<TaskId>,
    /// What each member has, until it lets go.
    pub(super) members: BTreeMap<u32, BTreeSet<TaskId>>,
    target: BTreeMap<TaskId, u32>,
    joined: u32,
    /// Turns the assignment, so that a rebalance moves something.
    turn: usize,
    pub(super) offsets: BTreeMap<TaskId, Committed>,
    /// By transaction.
    pending: BTreeMap<u64, Vec<Position>>,
}

impl Group {
    pub(super) fn of(tasks: Vec<TaskId>) -> Group {
        Group { tasks, ..Group::default() }
    }

    /// A new member; everybody has to join again.
    pub(super) fn join(&mut self) -> u32 {
        self.joined += 1;
        self.members.insert(self.joined, BTreeSet::new());
        self.rebalance();
        self.joined
    }

    /// The session of a member has timed out: what it had is free.
    pub(super) fn kick(&mut self, member: u32) {
        if self.members.remove(&member).is_some() {
            self.rebalance();
        }
    }

    /// Moves tasks for no reason.
    pub(super) fn shuffle(&mut self) {
        self.turn += 1;
        self.rebalance();
    }

    fn rebalance(&mut self) {
        self.generation += 1;
        let members: Vec<u32> = self.members.keys().copied().collect();
        self.target.clear();
        if members.is_empty() {
            return;
        }
        for (at, task) in self.tasks.iter().enumerate() {
            self.target.insert(*task, members[(at + self.turn) % members.len()]);
        }
    }

    /// What a member has and must let go of.
    pub(super) fn to_revoke(&self, member: u32) -> Vec<TaskId> {
        let has = self.members.get(&member).into_iter().flatten();
        has.filter(|task| self.target.get(task) != Some(&member)).copied().collect()
    }

    /// What a member is to have and nobody else has any more.
    pub(super) fn to_assign(&self, member: u32) -> Vec<TaskId> {
        let free = |task: &&TaskId| !self.members.values().any(|has| has.contains(task));
        let mine = self.target.iter().filter(|(_, owner)| **owner == member).map(|(task, _)| task);
        mine.filter(free).copied().collect()
    }

    pub(super) fn give(&mut self, member: u32, tasks: &[TaskId]) {
        if let Some(has) = self.members.get_mut(&member) {
            has.extend(tasks);
        }
    }

    /// A member has let go of tasks; that is another generation.
    pub(super) fn take(&mut self, member: u32, tasks: &[TaskId]) {
        if let Some(has) = self.members.get_mut(&member) {
            has.retain(|task| !tasks.contains(task));
            self.generation += 1;
        }
    }

    pub(super) fn admit(&self, member: Member) -> Result<(), Refused> {
        if member.generation < 0 {
            return Ok(());
        }
        if !self.members.contains_key(&member.id) {
            return Err(Refused::UnknownMember);
        }
        if member.generation != self.generation {
            return Err(Refused::IllegalGeneration);
        }
        Ok(())
    }

    pub(super) fn propose(&mut self, transaction: u64, positions: &[Position]) {
        self.pending.entry(transaction).or_default().extend_from_slice(positions);
    }

    pub(super) fn settle(&mut self, transaction: u64, committed: bool) {
        for Position { task, next, metadata } in self.pending.remove(&transaction).unwrap_or_default() {
            if committed {
                self.offsets.insert(task, Committed { next, metadata });
            }
        }
    }

    /// What is committed of a task; `Err` while a transaction with it is pending.
    pub(super) fn committed(&self, task: TaskId) -> Result<Option<Committed>, ()> {
        let pending = self.pending.values().flatten().any(|position| position.task == task);
        if pending { Err(()) } else { Ok(self.offsets.get(&task).cloned()) }
    }
}
