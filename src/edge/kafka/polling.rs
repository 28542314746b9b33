//! Records in batches by task, and what the group decided meanwhile.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::Offset as LibraryOffset;

use super::consumer::{ANSWER, Member, now};
use super::context::Called;
use super::errors::reading;
use crate::edge::ports::{EachBatch, Lost, Rebalance};
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::task::{FlowName, TaskId};

/// So many records are handed over at most at once: enough that what a batch costs does not count.
const BATCH: usize = 4096;
/// While the brokers are away they are asked this often whether they are back.
const KNOCK: Duration = Duration::from_secs(1);

impl Member {
    /// Hands over what has come, and tells what the group decided.
    pub(super) fn poll(&mut self, patience: Duration, each: EachBatch<'_>) -> Result<Vec<Rebalance>, Lost> {
        self.committed.clear();
        let failed = self.gather(patience, each);
        let called = self.consumer.context().take_called();
        let told: Vec<Rebalance> = called.into_iter().map(|called| self.told(called)).collect();
        if !told.is_empty() {
            return Ok(told);
        }
        if std::mem::take(&mut self.offset_refused) {
            return Err(self.who_is_out_of_range());
        }
        if self.consumer.context().is_fenced() {
            return Ok(vec![Rebalance::Lost(self.join_again()?)]);
        }
        match failed {
            Some(lost) => Err(lost),
            None => self.knock(),
        }
    }

    /// Polls until a batch is full or nothing more is there.
    fn gather(&mut self, patience: Duration, each: EachBatch<'_>) -> Option<Lost> {
        let (mut batch, mut failed): (Vec<BorrowedMessage<'_>>, _) = (Vec::new(), None);
        let mut patience = patience;
        while batch.len() < BATCH && !self.consumer.context().was_called() {
            match self.consumer.poll(patience) {
                None => break,
                Some(Ok(message)) => batch.push(message),
                Some(Err(LibraryError::MessageConsumption(
                    Code::AutoOffsetReset | Code::OffsetOutOfRange,
                ))) => {
                    self.offset_refused = true;
                    break;
                }
                Some(Err(LibraryError::MessageConsumption(Code::AllBrokersDown))) => {
                    self.away_since.get_or_insert_with(now);
                    break;
                }
                Some(Err(LibraryError::MessageConsumptionFatal(Code::FencedInstanceId))) => {
                    self.consumer.context().set_fenced();
                    break;
                }
                Some(Err(error)) => {
                    failed = fatal_or_worth_telling(&error, self.consumer.context().fatal());
                    break;
                }
            }
            patience = Duration::ZERO;
        }
        if !batch.is_empty() {
            self.away_since = None;
        }
        hand_over(&self.topics, &batch, each);
        failed
    }

    fn told(&mut self, called: Called) -> Rebalance {
        match called {
            Called::Assign(list) => {
                self.joined = true;
                Rebalance::Assigned(self.tasks(&list))
            }
            Called::Revoke { partitions, lost: false } => Rebalance::Revoked(self.tasks(&partitions)),
            Called::Revoke { partitions, lost: true } => {
                // Until it has joined again it is nobody.
                self.joined = false;
                Rebalance::Lost(self.tasks(&partitions))
            }
        }
    }

    /// While the brokers are away: whether they are back.
    fn knock(&mut self) -> Result<Vec<Rebalance>, Lost> {
        let Some(since) = self.away_since else { return Ok(Vec::new()) };
        if since.elapsed() < KNOCK {
            return Err(Lost::NotYet("no broker can be reached".to_owned()));
        }
        let topic = self.topics.first().map(|(name, _)| name.as_str());
        match self.consumer.fetch_metadata(topic, ANSWER) {
            Ok(_) => {
                self.away_since = None;
                Ok(Vec::new())
            }
            Err(error) => {
                self.away_since = Some(now());
                Err(Lost::NotYet(format!("no broker can be reached: {error}")))
            }
        }
    }

    /// The library does not say which partition's position the log does not have.
    fn who_is_out_of_range(&mut self) -> Lost {
        let Ok(positions) = self.consumer.position() else {
            return Lost::NotYet("a position is not in the log".to_owned());
        };
        for task in &self.started {
            let at = positions.find_partition(self.topic(task.flow), task.partition as i32);
            let Ok((low, high)) = self.watermarks(*task) else { continue };
            let at = match at.map(|element| element.offset()) {
                Some(LibraryOffset::Offset(at)) => Some(at),
                _ => None,
            };
            if at.is_none_or(|at| at < low || at > high) {
                let detail = format!("it holds records from {low} to {high}");
                return Lost::OutOfRange { task: *task, at: at.map(|at| Offset(at as u64)), detail };
            }
        }
        Lost::NotYet("a position is not in the log".to_owned())
    }
}

/// Hands over runs of records of one partition.
fn hand_over(topics: &[(String, FlowName)], batch: &[BorrowedMessage<'_>], each: EachBatch<'_>) {
    let mut records = Vec::with_capacity(batch.len());
    let same = |a: &BorrowedMessage<'_>, b: &BorrowedMessage<'_>| {
        a.partition() == b.partition() && a.topic() == b.topic()
    };
    for run in batch.chunk_by(same) {
        let Some(first) = run.first() else { continue };
        let Some((_, flow)) = topics.iter().find(|(name, _)| name == first.topic()) else { continue };
        let partition = first.partition() as u32;
        records.clear();
        records.extend(run.iter().map(|message| RawRecord {
            offset: Offset(message.offset() as u64),
            origin: Origin { input: partition, position: message.offset() as u64, line: 0 },
            key: message.key(),
            value: message.payload().unwrap_or_default(),
            format: Format::Json,
            extent: Extent::Whole,
        }));
        each(TaskId { flow: *flow, partition }, &records);
    }
}

fn fatal_or_worth_telling(error: &LibraryError, fatal: Option<String>) -> Option<Lost> {
    if let Some(said) = fatal {
        return Some(Lost::Fatal(said));
    }
    match error {
        // Tells only that the worker was busy for long; the rebalance that follows is told by itself.
        LibraryError::MessageConsumption(Code::PollExceeded) => None,
        LibraryError::MessageConsumption(
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition,
        ) => Some(Lost::Fatal(format!(
            "read records: {error}: was the topic deleted? `tidewatch doctor` says what is there"
        ))),
        LibraryError::MessageConsumption(_) | LibraryError::MessageConsumptionFatal(_) => {
            Some(reading("read records", error))
        }
        other => {
            tracing::debug!(error = %other, "while reading records");
            None
        }
    }
}
