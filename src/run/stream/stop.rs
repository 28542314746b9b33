//! Why the stream stops, in words that say what to do.

use crate::edge::ports::StoreError;
use crate::flow::record::Offset;
use crate::flow::task::TaskId;

/// What cannot be gone on from without help.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// What was learned belongs to something else.
    #[error(
        "{task}: what was learned is of another topology ({found}, not {wanted}): give this one another name, go back to \
         the other, or forget it all with `tidewatch reset`"
    )]
    OtherTopology {
        /// The task.
        task: TaskId,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// Partitions were added.
    #[error(
        "{task}: the topic has more partitions than the {partitions} that the changelog has, so that entities may have \
         moved between them: give the topology another name, or `tidewatch reset` to begin anew with all partitions"
    )]
    PartitionsChanged {
        /// The task that cannot be.
        task: TaskId,
        /// How many there may be.
        partitions: u32,
    },
    /// The state directory knows more than the group.
    #[error(
        "{task}: the state directory is at epoch {local}, the consumer group only at {group}: were its offsets set back, \
         or is this another cluster? Take the state directory away to go on from what the group says, or `tidewatch \
         reset` to begin anew"
    )]
    LocalAhead {
        /// The task.
        task: TaskId,
        /// The epoch in the state directory.
        local: u64,
        /// The epoch that the group has committed.
        group: u64,
    },
    /// Somebody moved the group.
    #[error(
        "{task}: the consumer group's offset {} was set by hand, but there is state for another one: `tidewatch reset` \
         forgets the state; or set the offset back with its metadata", at.0
    )]
    OffsetsSetByHand {
        /// The task.
        task: TaskId,
        /// The offset.
        at: Offset,
    },
    /// The changelog knows nothing of what the store has.
    #[error(
        "{task}: the state directory has an epoch that neither consumer group nor changelog knows: is this another \
         cluster? Take the state directory away to begin anew"
    )]
    OtherCluster {
        /// The task.
        task: TaskId,
    },
    /// The changelog lacks what was committed.
    #[error(
        "{task}: the changelog does not hold what was committed ({detail}): was the topic deleted or made anew? `tidewatch \
         reset` begins anew; a copy of the topic goes on"
    )]
    ChangelogTorn {
        /// The task.
        task: TaskId,
        /// What was found.
        detail: String,
    },
    /// The input does not reach back far enough.
    #[error(
        "{task}: record {} is needed to go on, but the topic begins at {}: its retention is shorter than the time this \
         was away. --set source.below_retention=skip goes on with what is left and counts the gap", needed.0, first.0
    )]
    BelowRetention {
        /// The task.
        task: TaskId,
        /// The record that is needed first.
        needed: Offset,
        /// The first that there is.
        first: Offset,
    },
    /// The input ends before where it was read to.
    #[error(
        "{task}: {} records were read, but the topic ends at {}: was it deleted and made anew? `tidewatch reset` begins \
         anew", read_to.0, end.0
    )]
    InputShrank {
        /// The task.
        task: TaskId,
        /// The record to be read next.
        read_to: Offset,
        /// The end of the topic.
        end: Offset,
    },
    /// Rows or position are not what this program writes.
    #[error(
        "{task}: what was learned cannot be read: was it written by a later version? `tidewatch reset` begins anew"
    )]
    Unreadable {
        /// The task.
        task: TaskId,
    },
    /// Somebody else commits under the same name.
    #[error(
        "another process uses the transactional id of this one ({0}): is the state directory a copy? Each instance needs \
         its own"
    )]
    Fenced(String),
    /// The log refuses for good.
    #[error("{0}")]
    Log(String),
    /// The state directory refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Stop {
    /// Whether it was found by comparing with what the group had committed, which may have changed meanwhile.
    pub(super) fn is_about_position(&self) -> bool {
        match self {
            Stop::LocalAhead { .. }
            | Stop::OffsetsSetByHand { .. }
            | Stop::OtherCluster { .. }
            | Stop::ChangelogTorn { .. }
            | Stop::BelowRetention { .. }
            | Stop::InputShrank { .. } => true,
            Stop::OtherTopology { .. }
            | Stop::PartitionsChanged { .. }
            | Stop::Unreadable { .. }
            | Stop::Fenced(_)
            | Stop::Log(_)
            | Stop::Store(_) => false,
        }
    }

    /// Whether the configuration is at fault, not the run.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Stop::OtherTopology { .. }
                | Stop::PartitionsChanged { .. }
                | Stop::Store(StoreError::Newer { .. } | StoreError::Locked { .. })
        )
    }
}
