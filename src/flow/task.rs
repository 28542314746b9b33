//! Which flow over which partition: the unit of state, of parallelism and of recovery.

use std::fmt;
use std::str::FromStr;

use super::Unreadable;

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

impl FromStr for TaskId {
    type Err = Unreadable;

    /// The id as it is displayed.
    fn from_str(text: &str) -> Result<TaskId, Unreadable> {
        let (name, partition) = text.rsplit_once('-').ok_or(Unreadable)?;
        let flow = match name {
            "route" => FlowName::Route,
            "detect" => FlowName::Detect,
            "advise" => FlowName::Advise,
            _ => return Err(Unreadable),
        };
        Ok(TaskId { flow, partition: partition.parse().map_err(|_| Unreadable)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_displayed() {
        for flow in [FlowName::Route, FlowName::Detect, FlowName::Advise] {
            let task = TaskId { flow, partition: 12 };
            assert_eq!(task.to_string().parse(), Ok(task));
        }
        assert!("detect".parse::<TaskId>().is_err() && "judge-1".parse::<TaskId>().is_err());
    }
}
