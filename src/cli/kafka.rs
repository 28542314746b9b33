//! How to reach Kafka: from flags, environment and topology to client settings.

use std::collections::BTreeMap;

use clap::Args;

use super::TopologyChoice;
use super::settings::{self, Environment, Problem};
use crate::edge::kafka::{KafkaSettings, OWN_SETTINGS};
use crate::topology::Topology;

/// Where a broker is unless something else is said.
const DEFAULT_SERVERS: &str = "localhost:9092";
/// What stands before librdkafka's settings in the environment: `TIDEWATCH_KAFKA_CLIENT_SASL_PASSWORD` is
/// `sasl.password`.
const CLIENT_PREFIX: &str = "TIDEWATCH_KAFKA_CLIENT_";
/// The largest record that is sent unless `message.max.bytes` says otherwise; what brokers take by default.
const MAX_RECORD_BYTES: usize = 1_000_000;

/// Where Kafka is.
#[derive(Clone, Debug, Args)]
pub(super) struct KafkaFlags {
    /// Brokers to ask first, host:port, several with commas; else TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS, else localhost:9092
    #[arg(long, value_name = "SERVERS")]
    bootstrap_servers: Option<String>,
}

/// The topology that is chosen, and how to reach Kafka for it.
pub(super) fn load(
    choice: &TopologyChoice,
    flags: &KafkaFlags,
    environment: &Environment,
) -> Result<(Topology, KafkaSettings), Problem> {
    let topology = settings::load(choice, environment)?;
    let kafka = settings(flags, environment, &topology.kafka_client)?;
    Ok((topology, kafka))
}

/// Client settings: what the topology passes through, and above it the environment.
pub(super) fn settings(
    flags: &KafkaFlags,
    environment: &Environment,
    client: &BTreeMap<String, String>,
) -> Result<KafkaSettings, Problem> {
    let mut client = client.clone();
    for (name, value) in environment.with_prefix(CLIENT_PREFIX) {
        client.insert(name.to_ascii_lowercase().replace('_', "."), value);
    }
    if let Some(name) = client.keys().find(|name| OWN_SETTINGS.contains(&name.as_str())) {
        let message = match name.as_str() {
            "bootstrap.servers" => "set TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS instead".to_owned(),
            "group.id" => "the consumer group is the topology's name".to_owned(),
            _ => "exactly-once rests on how it is set".to_owned(),
        };
        return Err(Problem(format!("kafka.client.{name} cannot be passed through: {message}")));
    }
    let max_record_bytes = match client.remove("message.max.bytes") {
        None => MAX_RECORD_BYTES,
        Some(text) => {
            let parsed = text.parse().ok().filter(|bytes| (1000..=1_000_000_000).contains(bytes));
            let wrong = || {
                Problem(format!("kafka.client.message.max.bytes is {text}, not a number of bytes from 1000"))
            };
            parsed.ok_or_else(wrong)?
        }
    };
    let names = ["TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"];
    let bootstrap_servers = flags
        .bootstrap_servers
        .clone()
        .or_else(|| Some(environment.first(&names)?.1))
        .unwrap_or_else(|| DEFAULT_SERVERS.to_owned());
    Ok(KafkaSettings { bootstrap_servers, client, max_record_bytes })
}
