//! Reads changelogs: a second consumer without a group, made when there is something to restore.

use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset as LibraryOffset, TopicPartitionList};

use super::context::PlainContext;
use super::errors::reading;
use super::settings::KafkaSettings;
use crate::edge::ports::{ChangelogEvent, EachChange, Lost};
use crate::flow::record::Offset;
use crate::flow::task::{FlowName, TaskId};

/// So many records are handed over at most at once.
const BATCH: usize = 4096;

/// The changelog of one flow, as read by one worker.
pub(super) struct Changelog {
    settings: KafkaSettings,
    group: String,
    flow: FlowName,
    topic: String,
    /// There while something is read.
    consumer: Option<BaseConsumer<PlainContext>>,
    read: Vec<u32>,
}

impl Changelog {
    pub(super) fn new(settings: &KafkaSettings, group: String, flow: FlowName, topic: String) -> Changelog {
        Changelog { settings: settings.clone(), group, flow, topic, consumer: None, read: Vec::new() }
    }

    pub(super) fn open(&mut self, task: TaskId, from: Offset) -> Result<(), Lost> {
        let doing = || format!("read {}", self.topic);
        if self.consumer.is_none() {
            let config = self.settings.reader(&self.group);
            let made = BaseConsumer::from_config_and_context(&config, PlainContext::default());
            self.consumer = Some(made.map_err(|error| reading(&doing(), &error))?);
        }
        let consumer = self.consumer.as_ref().expect("it was just made");
        let (partition, from) = (task.partition as i32, LibraryOffset::Offset(from.0 as i64));
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, from).map_err(|error| reading(&doing(), &error))?;
        consumer.incremental_assign(&list).map_err(|error| reading(&doing(), &error))?;
        self.read.push(task.partition);
        Ok(())
    }

    pub(super) fn close(&mut self, task: TaskId) {
        let Some(consumer) = &self.consumer else { return };
        let Some(at) = self.read.iter().position(|partition| *partition == task.partition) else { return };
        self.read.swap_remove(at);
        if self.read.is_empty() {
            self.consumer = None;
            return;
        }
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, task.partition as i32);
        if let Err(error) = consumer.incremental_unassign(&list) {
            tracing::debug!(%error, "stop reading a changelog");
        }
    }

    pub(super) fn poll(&mut self, patience: Duration, each: EachChange<'_>) -> Result<(), Lost> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        let task = |partition: i32| TaskId { flow: self.flow, partition: partition as u32 };
        let mut patience = patience;
        for _ in 0..BATCH {
            match consumer.poll(patience) {
                None => break,
                Some(Ok(message)) => {
                    let event = ChangelogEvent::Record {
                        offset: Offset(message.offset() as u64),
                        key: message.key().unwrap_or_default(),
                        value: message.payload(),
                    };
                    each(task(message.partition()), event);
                }
                Some(Err(LibraryError::PartitionEOF(partition))) => {
                    each(task(partition), ChangelogEvent::End);
                }
                Some(Err(LibraryError::MessageConsumption(
                    Code::AutoOffsetReset | Code::OffsetOutOfRange,
                ))) => {
                    // The library does not say whose: each of them is looked at again.
                    let Some(partition) = self.read.first() else { break };
                    let task = TaskId { flow: self.flow, partition: *partition };
                    let detail = "the changelog does not reach back to the local rows".to_owned();
                    return Err(Lost::OutOfRange { task, at: None, detail });
                }
                // The library asks for a group's coordinator, which nobody here needs.
                Some(Err(LibraryError::MessageConsumption(Code::GroupAuthorizationFailed))) => {}
                Some(Err(error)) => return Err(reading(&format!("read {}", self.topic), &error)),
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }
}
