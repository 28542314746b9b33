//! `tidewatch reset`: forgets how far an application has come and what it has learned.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::kafka::{self, KafkaFlags};
use super::run::topics::Roles;
use super::settings::{self, Environment};
use super::{Exit, TopologyChoice, replay};
use crate::edge::kafka::{KafkaError, Topics};
use crate::edge::sled::Sled;

/// How long the brokers may take to say what there is.
const ANSWER: Duration = Duration::from_secs(10);

/// The flags of `reset`.
#[derive(Debug, Args)]
pub(super) struct ResetFlags {
    #[command(flatten)]
    choice: TopologyChoice,
    #[command(flatten)]
    kafka: KafkaFlags,
    /// The state directory [default: state/<name of the topology>]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Do it; without this it only says what it would delete
    #[arg(long)]
    yes: bool,
}

/// Forgets, or says what it would forget.
pub(super) fn run(flags: &ResetFlags, environment: &Environment) -> Exit {
    let (topology, kafka) = match kafka::load(&flags.choice, &flags.kafka, environment) {
        Ok(prepared) => prepared,
        Err(problem) => return Exit::configuration(&problem),
    };
    let state = settings::state_dir(flags.state.as_ref(), environment, &topology);
    let roles = Roles::of(&topology, true);
    let mut internal: Vec<String> = roles.changelogs().cloned().collect();
    if roles.is_routed() {
        internal.push(roles.judged.clone());
    }
    let groups = [topology.name.clone(), format!("{}-advise", topology.name)];
    let text = format!(
        "the progress of {}: consumer groups {}\nwhat it has learned: topics {}\nits state directory: {}\nwhat came out \
         stays: topics {}, {}, {}, {}; the input is read again from its beginning, so that findings are written again, with \
         ids from 0\n",
        topology.name,
        groups.join(", "),
        internal.join(", "),
        state.display(),
        topology.sink.topic,
        topology.sink.findings,
        topology.sink.rejected,
        topology.sink.late
    );
    if !flags.yes {
        return replay::print(format!("would delete\n{text}run it again with --yes to do so\n").as_bytes());
    }
    if state.exists()
        && let Err(error) = Sled::open(&state)
    {
        // Locked: the application runs. Damaged: it was set aside, which is as good as deleted.
        return Exit::failed(&error);
    }
    if let Err(error) = forget(&Topics::new(&kafka), &groups, &internal) {
        return Exit::failed(&error);
    }
    if state.exists()
        && let Err(error) = std::fs::remove_dir_all(&state)
    {
        return Exit::failed(&error);
    }
    replay::print(format!("deleted\n{text}").as_bytes())
}

fn forget(
    topics: &Result<Topics, KafkaError>,
    groups: &[String],
    internal: &[String],
) -> Result<(), KafkaError> {
    let topics = topics.as_ref().map_err(Clone::clone)?;
    for group in groups {
        let members = topics.members(group)?;
        if members > 0 {
            return Err(KafkaError {
                doing: format!("delete consumer group {group}"),
                detail: format!("it has {members} members: stop every instance first"),
                is_final: true,
            });
        }
    }
    topics.forget_groups(&groups.iter().map(String::as_str).collect::<Vec<_>>())?;
    let there = topics.partitions(ANSWER)?;
    let internal: Vec<&str> =
        internal.iter().map(String::as_str).filter(|topic| there.contains_key(*topic)).collect();
    topics.delete(&internal)
}
