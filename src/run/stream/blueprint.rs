//! What flows are made of, and which topics they read and write.

use std::time::Duration;

use super::stop::Stop;
use crate::flow::Flow;
use crate::flow::advise::Advise;
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::detection::{Detection, DetectionSettings};
use crate::flow::route::Route;
use crate::flow::task::{FlowName, TaskId};

/// A topology as workers need it.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// The application: the consumer group, and the beginning of every id.
    pub application: String,
    /// The fingerprint of what learned rows depend on.
    pub topology: String,
    /// The flow `detect`.
    pub detection: DetectionSettings,
    /// The flow `advise`. With a model, workers of this flow need somebody who asks it.
    pub advise: AdviseSettings,
    /// The name of the topic that each flow reads, for the source of what it rejects.
    pub inputs: Vec<(FlowName, String)>,
    /// How many partitions the flows with a changelog may have: that of the changelog.
    pub partitions: u32,
    /// How fast.
    pub pace: Pace,
    /// What becomes of a gap in the input.
    pub below_retention: BelowRetention,
}

/// When things happen.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Commits are at most this far apart while something happens.
    pub commit_every: Duration,
    /// More records than this are committed sooner.
    pub uncommitted_records: u64,
    /// A partition without records for so long has its windows closed.
    pub idle: Option<Duration>,
    /// How long a changelog may lack what was committed: markers of a transaction arrive one after the other. Longer than
    /// a transaction may take (`transaction.timeout.ms`): one that a dead process left open hides what came after it.
    pub changelog_patience: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            commit_every: Duration::from_millis(100),
            uncommitted_records: 200_000,
            idle: None,
            changelog_patience: Duration::from_mins(2),
        }
    }
}

/// What is done when records are needed that the input does not hold any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BelowRetention {
    /// Stop and say so.
    Stop,
    /// Go on with what is left, and count the gap.
    Skip,
}

impl Blueprint {
    /// A flow with nothing learned.
    pub fn flow(&self, flow: FlowName) -> Box<dyn Flow + Send> {
        let detection = &self.detection;
        match flow {
            FlowName::Route => Box::new(Route::new(detection.schema.clone(), detection.max_payload_bytes)),
            FlowName::Detect => Box::new(Detection::new(detection)),
            FlowName::Advise => Box::new(Advise::with(self.advise.clone())),
        }
    }

    /// Refuses partitions that were added since what was learned was keyed to the others.
    pub(super) fn admit(&self, task: TaskId) -> Result<(), Stop> {
        if task.flow != FlowName::Route && task.partition >= self.partitions {
            return Err(Stop::PartitionsChanged { task, partitions: self.partitions });
        }
        Ok(())
    }

    /// Whether a flow learns rows, which then have a changelog and a local store.
    pub fn learns(flow: FlowName) -> bool {
        match flow {
            FlowName::Detect | FlowName::Advise => true,
            FlowName::Route => false,
        }
    }

    /// The topic that a flow reads.
    pub fn input(&self, flow: FlowName) -> &str {
        self.inputs.iter().find(|(name, _)| *name == flow).map_or("", |(_, topic)| topic)
    }
}
