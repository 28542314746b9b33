//! What a worker asks of the log: membership, records, transactions, changelogs.
//!
//! One worker owns one transport and uses it from one thread. Nothing happens behind its back: a rebalance is told by
//! [`Transport::poll`], and takes effect when the worker answers with [`Transport::assign`] or [`Transport::unassign`].

use std::time::Duration;

use crate::flow::record::{Offset, RawRecord, Role};
use crate::flow::task::{FlowName, TaskId};

/// Takes the records of a task, in the order of their offsets.
pub type EachBatch<'a> = &'a mut dyn FnMut(TaskId, &[RawRecord<'_>]);

/// What the group decided about this member's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// These are its own from now on.
    Assigned(Vec<TaskId>),
    /// These go to somebody else once it has let go of them; until then it may commit.
    Revoked(Vec<TaskId>),
    /// These are somebody else's already: nothing may be committed.
    Lost(Vec<TaskId>),
}

/// A position that the group has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The record to be read next.
    pub next: Offset,
    /// What was committed with it.
    pub metadata: String,
}

/// A position to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Whose.
    pub task: TaskId,
    /// The record to be read next.
    pub next: Offset,
    /// Text that belongs to it; under 4 KB.
    pub metadata: String,
}

/// Which topic a record goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// That of a role.
    Output(Role),
    /// That which carries a flow's learned rows.
    Changelog(FlowName),
}

/// A record to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Where to.
    pub topic: Topic,
    /// The partition; by the key where it is `None`.
    pub partition: Option<u32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` deletes the key from a compacted topic.
    pub value: Option<&'a [u8]>,
    /// Headers.
    pub headers: &'a [(&'static str, &'a str)],
}

/// What reading a changelog gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangelogEvent<'a> {
    /// A record.
    Record {
        /// Where it lies.
        offset: Offset,
        /// Its key.
        key: &'a [u8],
        /// Its value; `None` deletes.
        value: Option<&'a [u8]>,
    },
    /// There is nothing further that was committed.
    End,
}

/// Takes what a changelog holds, by partition.
pub type EachChange<'a> = &'a mut dyn FnMut(TaskId, ChangelogEvent<'_>);

/// Why a step of a transaction did not succeed, by what there is to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The group is rebalancing: abort, keep the epoch, send it again later.
    #[error("the group is rebalancing: {0}")]
    Rejoining(String),
    /// This member is no member any more: abort, drop its tasks, rejoin.
    #[error("no longer a member of the group: {0}")]
    NotMember(String),
    /// The same call may succeed when it is repeated.
    #[error("not yet: {0}")]
    Retriable(String),
    /// The transaction cannot be committed: abort, take a new producer, restore.
    #[error("transaction cannot be committed: {0}")]
    Spoilt(String),
    /// A record is larger than may be sent.
    #[error("record too large to send: {0}")]
    TooLarge(String),
    /// Somebody else uses the transactional id, or this producer's transaction timed out: take a new one once, restore.
    #[error("fenced: {0}")]
    Fenced(String),
    /// It may have happened or not: take a new producer, and ask the group.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

/// Why nothing can be read any more, or not now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// A transaction is pending, or the log is away: ask again.
    #[error("not yet: {0}")]
    NotYet(String),
    /// The position is no longer, or not yet, in the log.
    #[error("{task}: the log does not hold record {at:?} any more: {detail}")]
    OutOfRange {
        /// Whose position.
        task: TaskId,
        /// Which position, where that is known.
        at: Option<Offset>,
        /// What the log said.
        detail: String,
    },
    /// Never again without help.
    #[error("{0}")]
    Fatal(String),
}

/// The log as one worker sees it.
pub trait Transport {
    /// Who this member was when it was asked, as the group knows it.
    type Membership;

    /// Waits for at most `patience` for records, hands them over, and tells what the group decided meanwhile.
    fn poll(&mut self, patience: Duration, each: EachBatch<'_>) -> Result<Vec<Rebalance>, Lost>;
    /// Accepts partitions; nothing is read from them until [`Transport::start`].
    fn assign(&mut self, tasks: &[TaskId]);
    /// Lets go of partitions.
    fn unassign(&mut self, tasks: &[TaskId]);
    /// Reads a partition from that record on.
    fn start(&mut self, task: TaskId, from: Offset) -> Result<(), Lost>;
    /// Stops reading a partition, which stays assigned.
    fn pause(&mut self, task: TaskId);
    /// The first record that the log still holds of a partition, and the one after the last that was committed.
    fn extent(&mut self, task: TaskId) -> Result<(Offset, Offset), Lost>;
    /// Where partitions end as far as is known without asking, if anything new is known; `None` for one of which every
    /// record was handed over.
    fn ends(&mut self) -> Vec<(TaskId, Option<Offset>)> {
        Vec::new()
    }
    /// Where a partition without any position is to be read from.
    fn beginning(&mut self, task: TaskId) -> Result<Offset, Lost>;
    /// What the group has committed; [`Lost::NotYet`] while a transaction with it is pending.
    fn committed(&mut self, task: TaskId) -> Result<Option<Committed>, Lost>;

    /// Begins to read a task's changelog from that record on.
    fn read_changelog(&mut self, task: TaskId, from: Offset) -> Result<(), Lost>;
    /// Waits for at most `patience` for changelog records and hands them over.
    fn poll_changelog(&mut self, patience: Duration, each: EachChange<'_>) -> Result<(), Lost>;
    /// Has read enough of a task's changelog.
    fn close_changelog(&mut self, task: TaskId);

    /// Begins a transaction.
    fn begin(&mut self) -> Result<(), Failure>;
    /// Puts a record into the transaction.
    fn send(&mut self, record: Outgoing<'_>) -> Result<(), Failure>;
    /// Puts the record that ends a task's epoch into its changelog.
    fn send_footer(&mut self, task: TaskId, key: &[u8], value: &[u8]) -> Result<(), Failure>;
    /// Waits until every record sent has arrived; tells where the footers lie.
    fn delivered(&mut self) -> Result<Vec<(TaskId, Offset)>, Failure>;
    /// Who this member is now.
    fn membership(&mut self) -> Option<Self::Membership>;
    /// Whether this member still owns all its partitions.
    fn owns_its_partitions(&mut self) -> bool;
    /// Puts positions into the transaction.
    fn send_positions(&mut self, positions: &[Position], member: &Self::Membership) -> Result<(), Failure>;
    /// Makes the transaction true.
    fn commit(&mut self) -> Result<(), Failure>;
    /// Makes it undone. Never after [`Transport::commit`] was called.
    fn abort(&mut self) -> Result<(), Failure>;
    /// Takes a new producer: whatever transaction of the old one was open has ended when this returns.
    fn renew(&mut self) -> Result<(), Failure>;
    /// Whether something happened since the last [`Transport::begin`] that may leave requests of this producer under way.
    fn is_suspect(&self) -> bool;
}
