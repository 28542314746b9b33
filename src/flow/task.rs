//! Which flow over which partition: the unit of state, of parallelism and of recovery.

use std::fmt;

/// One of the flows of a topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum FlowName {
    /// Keys readings by entity.
    Route,
    /// Gathers and judges them.
    Detect,
    /// Recommends what to do.
    Advise,
}

impl FlowName {
    /// The name, as ids, metrics and logs carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            FlowName::Route => "route",
            FlowName::Detect => "detect",
            FlowName::Advise => "advise",
        }
    }
}

/// A flow over a partition of the topic it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The flow.
    pub flow: FlowName,
    /// The partition.
    pub partition: u32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.flow.as_str(), self.partition)
    }
}
