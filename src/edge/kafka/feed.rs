//! A member of a group that reads one topic for one purpose, and notes what it needs beside its position.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError as LibraryError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset as LibraryOffset, TopicPartitionList};

use super::context::{lock, log_line};
use super::settings::{KafkaError, KafkaSettings};
use crate::edge::ports::{Fed, Feed, Feeding};

/// How long the brokers may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Reports handed over at a time.
const MOST_AT_ONCE: usize = 64;

/// Takes note of the partitions that are taken away.
#[derive(Debug, Default)]
struct FeedContext {
    lost: Mutex<Vec<u32>>,
}

impl ClientContext for FeedContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    fn error(&self, error: LibraryError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for FeedContext {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            lock(&self.lost).extend(partitions.elements().iter().map(|one| one.partition() as u32));
        }
    }
}

/// A reader of a topic as a member of a group of its own.
pub struct KafkaFeed {
    consumer: BaseConsumer<FeedContext>,
    topic: String,
    held: bool,
    /// What was noted beside the positions of partitions, as far as it is known.
    notes: BTreeMap<u32, String>,
}

impl KafkaFeed {
    /// Joins a group. One that has read nothing begins with the oldest report there is.
    pub fn join(
        settings: &KafkaSettings,
        group: &str,
        member: &str,
        topic: &str,
    ) -> Result<KafkaFeed, KafkaError> {
        let mut config = settings.member(group, member);
        config.set("auto.offset.reset", "earliest").set("statistics.interval.ms", "0");
        config.set("queued.min.messages", "1000");
        let failed = |error: LibraryError| KafkaError::new(format!("join group {group}"), error);
        let consumer =
            BaseConsumer::from_config_and_context(&config, FeedContext::default()).map_err(failed)?;
        consumer.subscribe(&[topic]).map_err(failed)?;
        Ok(KafkaFeed { consumer, topic: topic.to_owned(), held: false, notes: BTreeMap::new() })
    }

    fn of(&self, partition: u32, offset: LibraryOffset) -> Result<TopicPartitionList, String> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition as i32, offset)
            .map_err(|error| error.to_string())?;
        Ok(list)
    }
}

fn fed(message: &BorrowedMessage<'_>) -> Fed {
    Fed {
        partition: message.partition() as u32,
        offset: message.offset() as u64,
        time_ms: message.timestamp().to_millis().unwrap_or(i64::MAX),
        value: message.payload().unwrap_or_default().to_vec(),
    }
}

impl Feed for KafkaFeed {
    fn next(&mut self, patience: Duration) -> Vec<Feeding> {
        let mut happened = Vec::new();
        let mut wait = patience;
        while happened.len() < MOST_AT_ONCE {
            match self.consumer.poll(wait) {
                Some(Ok(message)) => happened.push(Feeding::Report(fed(&message))),
                // Brokers that are away come back, and a topic that is not there yet is made.
                Some(Err(error)) => tracing::debug!(%error, topic = self.topic, "reading for receivers"),
                None => break,
            }
            wait = Duration::ZERO;
        }
        // Partitions that were gained while nothing is wanted.
        if self.held {
            self.hold(true);
        }
        let lost = std::mem::take(&mut *lock(&self.consumer.context().lost));
        for partition in &lost {
            self.notes.remove(partition);
        }
        // What was handed over of a partition that is lost is another's to tell.
        happened.retain(|one| !matches!(one, Feeding::Report(fed) if lost.contains(&fed.partition)));
        happened.splice(0..0, lost.into_iter().map(Feeding::Lost));
        happened
    }

    fn hold(&mut self, hold: bool) {
        self.held = hold;
        let Ok(all) = self.consumer.assignment() else { return };
        let done = if hold { self.consumer.pause(&all) } else { self.consumer.resume(&all) };
        if let Err(error) = done {
            tracing::debug!(%error, hold, "holding the reading for receivers");
        }
    }

    fn noted(&mut self, partition: u32) -> Result<String, String> {
        if let Some(known) = self.notes.get(&partition) {
            return Ok(known.clone());
        }
        let asked = self.of(partition, LibraryOffset::Invalid)?;
        let committed = self.consumer.committed_offsets(asked, ANSWER).map_err(|error| error.to_string())?;
        let elements = committed.elements();
        let note = elements.first().map_or_else(String::new, |one| one.metadata().to_owned());
        self.notes.insert(partition, note.clone());
        Ok(note)
    }

    fn note(&mut self, partition: u32, next: u64, what: &str) -> Result<(), String> {
        let position = self.of(partition, LibraryOffset::Offset(next as i64))?;
        if let Some(mut one) = position.find_partition(&self.topic, partition as i32) {
            one.set_metadata(what);
        }
        self.consumer.commit(&position, CommitMode::Sync).map_err(|error| error.to_string())?;
        self.notes.insert(partition, what.to_owned());
        Ok(())
    }
}
