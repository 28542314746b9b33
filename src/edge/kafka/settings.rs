//! What is told to librdkafka: defaults that were measured, what the user passes through, and what nobody may change.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode as Code};

/// The settings that exactly-once rests on: they cannot be passed through.
pub const OWN_SETTINGS: &[&str] = &[
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "isolation.level",
    "partition.assignment.strategy",
    "transactional.id",
];

/// How to reach Kafka, and as whom.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, several with commas.
    pub bootstrap_servers: String,
    /// Settings passed through to librdkafka: TLS, SASL, anything that is not in [`OWN_SETTINGS`].
    pub client: BTreeMap<String, String>,
    /// The largest record that is sent, in bytes.
    pub max_record_bytes: usize,
}

impl fmt::Debug for KafkaSettings {
    /// Without the values of what is passed through: some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.client.keys().collect();
        let mut shown = f.debug_struct("KafkaSettings");
        shown.field("bootstrap_servers", &self.bootstrap_servers).field("client", &names);
        shown.field("max_record_bytes", &self.max_record_bytes).finish()
    }
}

/// Kafka refused something; the message says what was attempted.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{doing}: {detail}")]
pub struct KafkaError {
    /// What was attempted.
    pub doing: String,
    /// What came back.
    pub detail: String,
    /// Whether asking again is in vain: a right is missing, or what is asked for is not allowed.
    pub is_final: bool,
}

impl KafkaError {
    pub(super) fn new(doing: impl Into<String>, detail: impl fmt::Display) -> KafkaError {
        KafkaError { doing: doing.into(), detail: format!("{detail}"), is_final: false }
    }

    /// The client gave up; where it reached nobody, that is said rather than how.
    pub(super) fn asking(servers: &str, doing: impl Into<String>, error: &LibraryError) -> KafkaError {
        match error.rdkafka_error_code() {
            Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut) => {
                KafkaError::new(doing, format!("no broker answers at {servers}"))
            }
            _ => KafkaError::new(doing, error),
        }
    }

    /// The brokers answered with that code.
    pub(super) fn answered(doing: impl Into<String>, code: Code) -> KafkaError {
        let is_final = matches!(
            code,
            Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::PolicyViolation
                | Code::InvalidReplicationFactor
                | Code::InvalidPartitions
                | Code::InvalidConfig
                | Code::InvalidTopic
        );
        KafkaError { is_final, ..KafkaError::new(doing, code) }
    }
}

/// How long a member may be silent before its partitions go to others, and a transaction may be open.
pub(super) const SESSION: Duration = Duration::from_secs(10);

/// How often a member asks which partitions its topics have.
const NOTICE_TOPICS: Duration = Duration::from_secs(10);
/// How often a member notes where its partitions end, for the lag.
const LOOK_AROUND: Duration = Duration::from_secs(2);

impl KafkaSettings {
    /// How long a transaction may stay open when its process is gone.
    pub fn transaction_timeout(&self) -> Duration {
        let passed = self.client.get("transaction.timeout.ms").and_then(|text| text.parse().ok());
        passed.map_or(SESSION, Duration::from_millis)
    }

    /// What every client has.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config.set("client.id", "tidewatch");
        // A broker that is back is found soon.
        config.set("reconnect.backoff.max.ms", "1000");
        config.set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    fn with_pass_through(&self, config: &mut ClientConfig) {
        for (name, value) in &self.client {
            // What a fresh start begins with is decided by whoever reads, see `beginning`.
            if name != "auto.offset.reset" {
                config.set(name, value);
            }
        }
    }

    /// A member of the consumer group.
    pub(super) fn member(&self, group: &str, instance: &str) -> ClientConfig {
        let mut config = self.reading(group);
        config.set("group.instance.id", instance);
        config.set("partition.assignment.strategy", "cooperative-sticky");
        // What is missing when it joins, or grows later, is noticed soon.
        config.set("topic.metadata.refresh.interval.ms", NOTICE_TOPICS.as_millis().to_string());
        config.set("statistics.interval.ms", LOOK_AROUND.as_millis().to_string());
        let session_ms = SESSION.as_millis().to_string();
        config.set("session.timeout.ms", &session_ms);
        self.with_pass_through(&mut config);
        config
    }

    /// A reader of partitions that it chooses itself.
    pub(super) fn reader(&self, group: &str) -> ClientConfig {
        let mut config = self.reading(group);
        config.set("enable.partition.eof", "true");
        self.with_pass_through(&mut config);
        config
    }

    fn reading(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config.set("group.id", group);
        config.set("isolation.level", "read_committed");
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        // Offsets are always said; one that the log does not have is an error, never a jump.
        config.set("auto.offset.reset", "error");
        // Measured: at the default of 1000 a full queue starves the worker.
        config.set("fetch.queue.backoff.ms", "5");
        // A request that waits at the end of one partition keeps the next from being asked for.
        config.set("fetch.wait.max.ms", "50");
        config.set("queued.min.messages", "10000");
        config
    }

    /// A producer; of transactions where an id is given.
    pub(super) fn producer(&self, transactional_id: Option<&str>) -> ClientConfig {
        let mut config = self.client();
        config.set("linger.ms", "2");
        config.set("compression.type", "lz4");
        // What Java's producers do: an entity keeps its partition whoever sends it.
        config.set("partitioner", "murmur2_random");
        config.set("queue.buffering.max.messages", "1000000");
        config.set("message.max.bytes", self.max_record_bytes.to_string());
        config.set("enable.idempotence", "true");
        if let Some(id) = transactional_id {
            config.set("transactional.id", id);
            config.set("transaction.timeout.ms", SESSION.as_millis().to_string());
        }
        self.with_pass_through(&mut config);
        config
    }

    /// A client that only administers.
    pub(super) fn admin(&self) -> ClientConfig {
        let mut config = self.client();
        self.with_pass_through(&mut config);
        config
    }

    /// Whether a partition without any position is read from its end.
    pub(super) fn begins_at_end(&self) -> bool {
        self.client
            .get("auto.offset.reset")
            .is_some_and(|reset| matches!(reset.as_str(), "latest" | "end" | "largest"))
    }
}
