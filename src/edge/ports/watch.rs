//! What a worker tells those who watch it. Nobody who watches can make it wait.

use std::time::Duration;

use crate::flow::Epoch;
use crate::flow::record::{Offset, Role};
use crate::flow::task::TaskId;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// A worker is a member of its group, with or without partitions.
    Joined {
        /// The worker's name.
        worker: &'a str,
    },
    /// Where a task's input ends.
    End {
        /// The task.
        task: TaskId,
        /// The record after the last.
        end: Offset,
    },
    /// The brokers do not answer, or do again.
    Away {
        /// The worker's name.
        worker: &'a str,
        /// Whether they are away.
        away: bool,
    },
    /// A task was assigned and restores what it has learned.
    Restoring(TaskId),
    /// Learned rows are back; readings of open windows are read again from `from` to `until`.
    Refilling {
        /// The task.
        task: TaskId,
        /// The first record to be read again.
        from: Offset,
        /// The first that is new.
        until: Offset,
        /// How many rows there are.
        rows: usize,
        /// How many changelog records it took.
        changelog_records: u64,
    },
    /// How much a task has still to read again.
    Remaining {
        /// The task.
        task: TaskId,
        /// How many records, at most.
        records: u64,
    },
    /// A task takes new records.
    Live {
        /// The task.
        task: TaskId,
        /// The record to be read next.
        next: Offset,
        /// Since it was assigned.
        took: Duration,
    },
    /// A task went elsewhere.
    Left(TaskId),
    /// An epoch of a task is true.
    Committed {
        /// The task.
        task: TaskId,
        /// The record to be read next.
        next: Offset,
        /// What happened in it.
        epoch: &'a Epoch,
        /// How many records left, by role.
        outputs: [u64; Role::ALL.len()],
        /// Bytes of changed rows.
        changelog_bytes: u64,
        /// How many rows there are.
        rows: usize,
    },
    /// A transaction was committed.
    Transaction {
        /// From its begin to its commit.
        took: Duration,
    },
    /// A transaction was not committed.
    Aborted {
        /// Why, in a word.
        reason: &'static str,
    },
    /// A gap in the input was skipped.
    Skipped {
        /// The task.
        task: TaskId,
        /// How many records.
        records: u64,
    },
    /// Windows of a quiet partition were closed.
    Idle(TaskId),
}

/// Watches workers, from any thread.
pub trait Watch: Send + Sync {
    /// Takes notice.
    fn notice(&self, notice: Notice<'_>);
}
