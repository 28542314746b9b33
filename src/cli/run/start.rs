//! Before workers start: the instance's name, brokers that answer, topics that fit.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::time::Duration;

use super::Plan;
use super::topics::{Provision, Roles, keep_ms, misconfigured, provision};
use super::workers::{Ended, Stopping};
use crate::edge::kafka::{KafkaError, Topics};
use crate::edge::ports::StoreError;

/// The file in the state directory that names this instance.
const INSTANCE: &str = "instance";
/// How long brokers may take to say which topics there are.
const ANSWER: Duration = Duration::from_secs(5);
/// Between two questions; doubled up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The name of the instance that has this state directory: made once, so that a restart in place is the same member.
pub(super) fn instance(state: &Path) -> Result<String, StoreError> {
    let path = state.join(INSTANCE);
    let failed = |source| StoreError::Other { doing: "name the instance in", path: path.clone(), source };
    std::fs::create_dir_all(state).map_err(failed)?;
    if let Ok(text) = std::fs::read_to_string(&path) {
        let name = text.trim();
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(name.to_owned());
        }
    }
    // The only chance in the program, and no output depends on it.
    let name = format!("{:016x}", RandomState::new().build_hasher().finish());
    std::fs::write(&path, format!("{name}\n")).map_err(failed)?;
    Ok(name)
}

/// Waits until brokers answer and the input is there, then makes what is missing and checks what is there. How many
/// partitions the changelog has; `None` when it was asked to stop.
pub(super) fn topics(plan: &Plan, roles: &Roles, stopping: &Stopping) -> Result<Option<u32>, Ended> {
    let client = Topics::new(&plan.kafka).map_err(Ended::Kafka)?;
    let (mut wait, mut said) = (FIRST_WAIT, "");
    loop {
        let (state, message) = match look(&client, roles)? {
            Look::Complete(partitions) => {
                check_settings(plan, roles, &client)?;
                // Its thread looks up every 100 ms only, for which nobody needs to wait.
                std::thread::spawn(move || drop(client));
                return Ok(Some(partitions));
            }
            // Brokers hear of a new topic one after the other.
            Look::Made => {
                wait = FIRST_WAIT;
                ("made", String::new())
            }
            Look::Away(error) => ("away", error.to_string()),
            Look::Missing => ("missing", format!("the input topic {} does not exist yet", roles.input)),
        };
        if said != state && !message.is_empty() {
            tracing::warn!("{message}: waiting for it");
        }
        said = state;
        if stopping.wait(wait) {
            return Ok(None);
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// What a look at the topics gave.
enum Look {
    /// All are there; the changelog has so many partitions.
    Complete(u32),
    /// Some were made.
    Made,
    /// No broker answers.
    Away(KafkaError),
    /// The input is not there.
    Missing,
}

fn look(client: &Topics, roles: &Roles) -> Result<Look, Ended> {
    let there = match client.partitions(ANSWER) {
        Ok(there) => there,
        Err(error) => return Ok(Look::Away(error)),
    };
    let (topics, partitions) = match provision(roles, &there) {
        Provision::Wait => return Ok(Look::Missing),
        Provision::Refuse(wrong) => return Err(Ended::Refused(wrong.join("\n"))),
        Provision::Make { topics, partitions } => (topics, partitions),
    };
    for topic in &topics {
        if let Err(error) = client.create(topic) {
            if !error.is_final {
                return Ok(Look::Away(error));
            }
            let config: Vec<String> =
                topic.config.iter().map(|(name, value)| format!(" and {name}={value}")).collect();
            return Err(Ended::Refused(format!(
                "{error}: create it by hand with {} partitions{}, or grant this user the right to create topics",
                topic.partitions,
                config.concat()
            )));
        }
        tracing::info!(topic = topic.name, partitions = topic.partitions, "topic made");
    }
    Ok(if topics.is_empty() { Look::Complete(partitions) } else { Look::Made })
}

fn check_settings(plan: &Plan, roles: &Roles, client: &Topics) -> Result<(), Ended> {
    let mut names = vec![&roles.input, &roles.judged];
    names.dedup();
    names.extend(roles.changelogs());
    let mut wrong = Vec::new();
    for topic in names {
        match client.config(topic) {
            Ok(config) => wrong.extend(misconfigured(roles, topic, &config, keep_ms(&plan.topology))),
            // Without the right to ask, what is there is taken as it is.
            Err(error) => tracing::warn!(%error, "the topic's settings cannot be checked"),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Ended::Refused(wrong.join("\n"))) }
}
