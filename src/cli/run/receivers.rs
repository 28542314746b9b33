//! Who is told of incidents, each by a thread of its own that nobody waits for.

use std::sync::Arc;
use std::thread;

use super::Plan;
use super::topics::Roles;
use super::workers::Stopping;
use crate::cli::settings::{Environment, Problem};
use crate::edge::clock::{SystemClock, time_of_day_ms};
use crate::edge::kafka::{KafkaError, KafkaFeed};
use crate::edge::metrics::Metrics;
use crate::edge::notify::Post;
use crate::edge::web::Key;
use crate::flow::notify::Receiver;
use crate::run::notify::Notifier;
use crate::topology::Topology;

/// A receiver, where it is, and what it wants to see.
pub(in crate::cli) struct Told {
    pub(in crate::cli) receiver: Receiver,
    address: String,
    authorization: Option<Key>,
}

/// The variables that say where a receiver is and what it wants to see.
pub(in crate::cli) fn variables(name: &str) -> (String, String) {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    (format!("TIDEWATCH_NOTIFY_{name}_URL"), format!("TIDEWATCH_NOTIFY_{name}_AUTHORIZATION"))
}

impl Told {
    /// The way to it.
    pub(in crate::cli) fn post(&self) -> Result<Post, Problem> {
        Post::new(&self.receiver.kind, &self.address, self.authorization.clone()).map_err(|wrong| {
            let (url, _) = variables(&self.receiver.name);
            Problem(format!("{url}: {wrong}"))
        })
    }
}

/// The receivers of a topology, each with what the environment says of it.
pub(in crate::cli) fn told(topology: &Topology, environment: &Environment) -> Result<Vec<Told>, Problem> {
    let one = |receiver: &Receiver| {
        let (url, authorization) = variables(&receiver.name);
        let Some(address) = environment.get(&url) else {
            return Err(Problem(format!(
                "the receiver {} of topology {} has no address: set {url}, or leave its [[notify]] out",
                receiver.name, topology.name
            )));
        };
        let authorization = environment.get(&authorization).map(|text| Key::new(&text));
        let told = Told { receiver: receiver.clone(), address, authorization };
        told.post().map(|_| told)
    };
    topology.receivers.iter().map(one).collect()
}

/// Starts them. They end with the process, or when it is asked to stop: nothing is lost by that.
pub(super) fn start(
    plan: &Plan,
    roles: &Roles,
    instance: &str,
    metrics: &Arc<Metrics>,
    stopping: &Arc<Stopping>,
) -> Result<(), KafkaError> {
    let name = &plan.topology.name;
    // With recommendations, where there are any.
    let reports = if plan.advise.enabled { &plan.topology.sink.topic } else { &roles.findings };
    for told in &plan.told {
        let of = &told.receiver.name;
        let group = format!("{name}-notify-{of}");
        let feed = KafkaFeed::join(&plan.kafka, &group, &format!("{name}-{instance}-notify-{of}"), reports)?;
        // It was made before, to see whether it can be.
        let Ok(post) = told.post() else { continue };
        let (receiver, metrics, stopping) =
            (told.receiver.clone(), Arc::clone(metrics), Arc::clone(stopping));
        thread::spawn(move || {
            let clock = SystemClock::start();
            let mut notifier = Notifier::new(receiver, feed, post, clock, time_of_day_ms, metrics);
            while !stopping.is_asked() {
                notifier.turn();
            }
        });
    }
    Ok(())
}
