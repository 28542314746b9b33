//! `tidewatch replay --from-topic`: the same over what Kafka still holds.

use std::io;

use super::{ReplayFlags, Watch, conclude, refused};
use crate::cli::settings::{Environment, Problem};
use crate::cli::{Exit, kafka, when};
use crate::edge::ports::Advisor;
use crate::run::topic::{self, TopicInput};
use crate::run::{Ended, ReplaySettings, RunError};
use crate::topology::{KeyedBy, Topology};

/// Which records of which topic.
pub(super) fn input(
    flags: &ReplayFlags,
    environment: &Environment,
    topology: &Topology,
    topic: &str,
) -> Result<TopicInput, Problem> {
    Ok(TopicInput {
        kafka: kafka::settings(&flags.kafka, environment, &topology.kafka_client)?,
        topic: topic.to_owned(),
        partitions: (!flags.partition.is_empty()).then(|| flags.partition.clone()),
        since: when::since(&flags.since)?,
        until: when::since(&flags.until)?,
        // What was routed is keyed by entity whatever the input is.
        keyed_by_entity: topology.source.keyed_by == KeyedBy::Entity || topic == topology.sink.readings,
    })
}

/// Replays them.
pub(super) fn run(
    flags: &ReplayFlags,
    input: &TopicInput,
    settings: &ReplaySettings,
    advisor: Option<&mut (dyn Advisor + 'static)>,
    mut watch: Watch,
) -> Exit {
    let replayed = topic::replay(input, settings, advisor, &mut |epoch| watch.print(epoch));
    match replayed {
        Ok(counts) => {
            let ended = Ended { counts, broken: Vec::new(), resumed: false };
            conclude(flags, watch, &ended)
        }
        Err(RunError::Observer(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => refused(&error),
    }
}
