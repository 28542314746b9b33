//! `tidewatch doctor`: checks what a run needs, and says what to do about what is missing.

mod model;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::kafka::{self, KafkaFlags};
use super::run::receivers;
use super::run::topics::{Provision, Roles, keep_ms, misconfigured, provision};
use super::settings::{self, Environment};
use super::{Exit, TopologyChoice, replay};
use crate::edge::kafka::{KafkaSettings, Topics, try_transaction};
use crate::edge::ports::{Deliver, Delivery, StoreError};
use crate::edge::sled::Sled;
use crate::flow::notify::Kind;
use crate::topology::Topology;

/// How long the brokers may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The flags of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorFlags {
    #[command(flatten)]
    choice: TopologyChoice,
    #[command(flatten)]
    kafka: KafkaFlags,
    /// The state directory [default: state/<name of the topology>]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// What was found, line by line.
#[derive(Debug, Default)]
struct Findings {
    text: String,
    wrong: u32,
}

impl Findings {
    fn good(&mut self, what: &str, detail: &str) {
        let _ = writeln!(self.text, "ok    {what:<16} {detail}");
    }

    fn note(&mut self, what: &str, detail: &str) {
        let _ = writeln!(self.text, "note  {what:<16} {detail}");
    }

    fn wrong(&mut self, what: &str, detail: &str) {
        self.wrong += 1;
        let _ = writeln!(self.text, "WRONG {what:<16} {detail}");
    }
}

/// Checks.
pub(super) fn run(flags: &DoctorFlags, environment: &Environment) -> Exit {
    let (topology, kafka) = match kafka::load(&flags.choice, &flags.kafka, environment) {
        Ok(prepared) => prepared,
        Err(problem) => return Exit::configuration(&problem),
    };
    let state = settings::state_dir(flags.state.as_ref(), environment, &topology);
    let mut found = Findings::default();
    found.good("topology", &format!("{}, fingerprint {}", topology.name, topology.fingerprint()));
    look_at_state(&state, &mut found);
    look_at_kafka(&topology, &kafka, &mut found);
    model::look_at(&topology, &flags.choice, environment, &mut found);
    look_at_receivers(&topology, environment, &mut found);
    match found.wrong {
        0 => replay::print(found.text.as_bytes()),
        wrong => {
            let _ = writeln!(found.text, "{wrong} wrong");
            replay::print(found.text.as_bytes());
            Exit::Failed
        }
    }
}

fn look_at_state(state: &std::path::Path, found: &mut Findings) {
    let shown = state.display();
    if !state.exists() {
        return found.good("state directory", &format!("{shown} is not there yet: `run` makes it"));
    }
    if !state.join("format").is_file() {
        return found.good("state directory", &format!("{shown} holds nothing yet"));
    }
    match Sled::open(state) {
        Ok(opened) => match opened.set_aside {
            None => found.good("state directory", &format!("{shown} can be read")),
            Some(aside) => found.note(
                "state directory",
                &format!(
                    "{shown} was damaged and is now {}: `run` restores it from the changelog",
                    aside.display()
                ),
            ),
        },
        Err(StoreError::Locked { .. }) => {
            found.note("state directory", &format!("{shown} is in use by a process that runs"));
        }
        Err(error) => found.wrong("state directory", &error.to_string()),
    }
}

fn look_at_kafka(topology: &Topology, kafka: &KafkaSettings, found: &mut Findings) {
    let topics = match Topics::new(kafka) {
        Ok(topics) => topics,
        Err(error) => return found.wrong("client settings", &error.to_string()),
    };
    let there = match topics.brokers(ANSWER).and_then(|brokers| Ok((brokers, topics.partitions(ANSWER)?))) {
        Ok((brokers, there)) => {
            found.good("brokers", &brokers.join(", "));
            there
        }
        Err(error) => {
            let advice = "is the address right, is TLS or SASL asked for? --log-level debug shows what the client says";
            return found.wrong("brokers", &format!("{error}: {advice}"));
        }
    };
    let roles = Roles::of(topology, topology.advise.enabled);
    match provision(&roles, &there) {
        Provision::Wait => found.wrong(
            "input",
            &format!("topic {} does not exist: create it, or let `tidewatch produce` do so", roles.input),
        ),
        Provision::Refuse(wrong) => wrong.iter().for_each(|one| found.wrong("topics", one)),
        Provision::Make { topics: missing, partitions } => {
            found.good("input", &format!("{} is there; {partitions} partitions are judged", roles.input));
            for topic in &missing {
                found.note("topics", &format!("{} is missing: `run` makes it", topic.name));
            }
        }
    }
    for topic in [&roles.input, &roles.judged].into_iter().chain(roles.changelogs()) {
        if !there.contains_key(topic) {
            continue;
        }
        match topics.config(topic) {
            Ok(config) => match misconfigured(&roles, topic, &config, keep_ms(topology)) {
                Some(wrong) => found.wrong("topic settings", &wrong),
                None => found.good("topic settings", topic),
            },
            Err(error) => found.wrong(
                "topic settings",
                &format!("{error}: the right DescribeConfigs on topic {topic} is missing"),
            ),
        }
    }
    for group in [topology.name.clone(), format!("{}-advise", topology.name)] {
        let seen = Topics::try_group(kafka, &group, &topology.source.topic);
        match seen.and_then(|()| topics.members(&group)) {
            Ok(members) => found.good("consumer group", &format!("{group} has {members} members")),
            Err(error) => {
                found.wrong(
                    "consumer group",
                    &format!("{error}: the right Describe and Read on the group is needed"),
                );
            }
        }
    }
    match try_transaction(kafka, &format!("{}-doctor", topology.name)) {
        Ok(()) => found.good("transactions", "can be begun and aborted"),
        Err(error) => found.wrong(
            "transactions",
            &format!(
                "{error}: the rights Write and Describe on transactional ids that begin with {} are needed",
                topology.name
            ),
        ),
    }
}

fn look_at_receivers(topology: &Topology, environment: &Environment, found: &mut Findings) {
    match receivers::told(topology, environment) {
        Err(problem) => found.wrong("receivers", &problem.0),
        Ok(told) if told.is_empty() => found.good("receivers", "nobody is told: there is no [[notify]]"),
        Ok(told) => {
            for one in told {
                let name = &one.receiver.name;
                match (one.receiver.kind == Kind::Alertmanager).then(|| one.post()) {
                    // Nothing but an empty list can be told without telling something.
                    Some(Ok(mut post)) => match post.deliver(b"[]") {
                        Delivery::Taken => found.good("receivers", &format!("{name} takes messages")),
                        Delivery::Refused(why) | Delivery::Later(why, _) => {
                            let (url, _) = receivers::variables(name);
                            found.wrong("receivers", &format!("{name}: {why}: is {url} right, is it up?"));
                        }
                    },
                    _ => found.note(
                        "receivers",
                        &format!("{name} has an address; whether it answers shows with the first message"),
                    ),
                }
            }
        }
    }
}
