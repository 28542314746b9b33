//! Where messages for people come from and go to.

use std::time::Duration;

/// A report as it lies in its topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fed {
    /// The partition.
    pub partition: u32,
    /// Where it lies there.
    pub offset: u64,
    /// When it was written, in milliseconds since 1970.
    pub time_ms: i64,
    /// The report.
    pub value: Vec<u8>,
}

/// What happens to who reads reports as a member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feeding {
    /// A report.
    Report(Fed),
    /// A partition belongs to somebody else from now on.
    Lost(u32),
}

/// Reports for one receiver: read by one member of its group, which notes beside its position what it needs to go on.
pub trait Feed {
    /// What happened; waits for the first at most so long. While it is held only partitions are lost.
    fn next(&mut self, patience: Duration) -> Vec<Feeding>;
    /// Whether no reports are wanted for now.
    fn hold(&mut self, hold: bool);
    /// What was noted beside the position that a partition's reading began at; an error is worth another try.
    fn noted(&mut self, partition: u32) -> Result<String, String>;
    /// Takes note that everything before `next` is done; an error is worth another try, unless the partition was lost.
    fn note(&mut self, partition: u32, next: u64, what: &str) -> Result<(), String>;
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has it.
    Taken,
    /// It will never take it.
    Refused(String),
    /// It may take it later; it may have said when.
    Later(String, Option<Duration>),
}

/// Somebody who takes messages.
pub trait Deliver {
    /// Hands a message over; waits for the answer, for a bounded time.
    fn deliver(&mut self, body: &[u8]) -> Delivery;
}
