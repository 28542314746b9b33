//! Reads topics as anybody may: read-committed, without a group, from a point in time to what is there now or on.

use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset as LibraryOffset, TopicPartitionList};

use super::context::PlainContext;
use super::settings::{KafkaError, KafkaSettings};

/// How long the brokers may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Where reading begins or ends in each partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// With the first record that there still is.
    Beginning,
    /// With the first record of that time or later, in milliseconds since 1970.
    Time(i64),
    /// After the last record that there is now.
    Now,
}

/// A record.
#[derive(Clone, Copy, Debug)]
pub struct ReadRecord<'a> {
    message: &'a BorrowedMessage<'a>,
}

impl<'a> ReadRecord<'a> {
    /// The partition it lies in.
    pub fn partition(&self) -> u32 {
        self.message.partition() as u32
    }

    /// The topic it lies in.
    pub fn topic(&self) -> &'a str {
        self.message.topic()
    }

    /// Where it lies there.
    pub fn offset(&self) -> u64 {
        self.message.offset() as u64
    }

    /// Its key.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.message.key()
    }

    /// Its value; `None` deletes the key from a compacted topic.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.message.payload()
    }

    /// Its headers that are text.
    pub fn headers(&self) -> Vec<(&'a str, &'a str)> {
        let Some(headers) = self.message.headers() else { return Vec::new() };
        let text = |header: rdkafka::message::Header<'a, &'a [u8]>| {
            Some((header.key, std::str::from_utf8(header.value?).ok()?))
        };
        headers.iter().filter_map(text).collect()
    }
}

/// What came.
pub enum ReadEvent<'a> {
    /// A record.
    Record(ReadRecord<'a>),
    /// A partition is read to where it ended when reading began.
    Ended(u32),
}

/// A partition being read.
#[derive(Clone, Copy, Debug)]
struct Span {
    partition: u32,
    /// The record to be read next, at least.
    next: i64,
    /// The record after the last.
    end: i64,
    ended: bool,
}

/// Reads one topic.
pub struct Reader {
    consumer: BaseConsumer<PlainContext>,
    topic: String,
    spans: Vec<Span>,
    follow: bool,
}

impl Reader {
    /// Begins to read the partitions of a topic, or some of them. Without `follow` it ends at `until`.
    pub fn open(
        settings: &KafkaSettings,
        topic: &str,
        only: Option<&[u32]>,
        (since, until): (Since, Since),
        follow: bool,
    ) -> Result<Reader, KafkaError> {
        let config = settings.reader("tidewatch-reader");
        let consumer = BaseConsumer::from_config_and_context(&config, PlainContext::default())
            .map_err(|error| KafkaError::new("create consumer", error))?;
        let doing = format!("read topic {topic}");
        let failed = |error: LibraryError| KafkaError::asking(&settings.bootstrap_servers, &doing, &error);
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER).map_err(failed)?;
        let found = metadata.topics().iter().find(|one| one.name() == topic && !one.partitions().is_empty());
        let Some(found) = found else {
            return Err(KafkaError::new(&doing, "there is no such topic, or none that this user may see"));
        };
        let mut partitions: Vec<u32> = found.partitions().iter().map(|one| one.id() as u32).collect();
        partitions.sort_unstable();
        partitions.retain(|one| only.is_none_or(|only| only.contains(one)));
        let mut spans = Vec::new();
        for partition in partitions {
            let (low, high) = consumer.fetch_watermarks(topic, partition as i32, ANSWER).map_err(failed)?;
            let at = |since| -> Result<i64, KafkaError> {
                match since {
                    Since::Beginning => Ok(low),
                    Since::Now => Ok(high),
                    Since::Time(time) => {
                        let mut list = TopicPartitionList::new();
                        list.add_partition_offset(topic, partition as i32, LibraryOffset::Offset(time))
                            .map_err(failed)?;
                        let found = consumer.offsets_for_times(list, ANSWER).map_err(failed)?;
                        let found = found
                            .elements()
                            .first()
                            .map(rdkafka::topic_partition_list::TopicPartitionListElem::offset);
                        Ok(match found {
                            Some(LibraryOffset::Offset(at)) => at.clamp(low, high),
                            _ => high,
                        })
                    }
                }
            };
            let (next, end) = (at(since)?, at(until)?);
            spans.push(Span { partition, next, end, ended: false });
        }
        let mut list = TopicPartitionList::new();
        for span in &spans {
            list.add_partition_offset(topic, span.partition as i32, LibraryOffset::Offset(span.next))
                .map_err(failed)?;
        }
        consumer.assign(&list).map_err(failed)?;
        Ok(Reader { consumer, topic: topic.to_owned(), spans, follow })
    }

    /// The partitions being read, in order.
    pub fn partitions(&self) -> Vec<u32> {
        self.spans.iter().map(|span| span.partition).collect()
    }

    /// Where a partition's reading begins: the first record that there may be.
    pub fn begins(&self, partition: u32) -> Option<u64> {
        self.spans.iter().find(|span| span.partition == partition).map(|span| span.next as u64)
    }

    /// Whether all is read; never when it follows.
    pub fn is_done(&self) -> bool {
        !self.follow && self.spans.iter().all(|span| span.ended)
    }

    /// Waits for at most `patience` and hands over what has come, at most `most` events.
    pub fn poll(
        &mut self,
        patience: Duration,
        most: usize,
        each: &mut dyn FnMut(ReadEvent<'_>),
    ) -> Result<(), KafkaError> {
        let mut patience = patience;
        for _ in 0..most {
            match self.consumer.poll(patience) {
                None => break,
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition() as u32, message.offset());
                    let span = self.spans.iter_mut().find(|span| span.partition == partition);
                    let Some(span) = span else { continue };
                    if self.follow || offset < span.end {
                        each(ReadEvent::Record(ReadRecord { message: &message }));
                        span.next = offset + 1;
                    }
                    if !self.follow && offset + 1 >= span.end && !span.ended {
                        span.ended = true;
                        each(ReadEvent::Ended(partition));
                    }
                }
                // Up to here there may only have been markers of transactions.
                Some(Err(LibraryError::PartitionEOF(partition))) => {
                    let span = self.spans.iter_mut().find(|span| span.partition == partition as u32);
                    if let Some(span) = span.filter(|span| !span.ended && !self.follow) {
                        span.ended = true;
                        each(ReadEvent::Ended(span.partition));
                    }
                }
                Some(Err(LibraryError::MessageConsumption(
                    Code::AllBrokersDown | Code::BrokerTransportFailure | Code::OperationTimedOut
                    // The library asks for a group's coordinator, which nobody here needs.
                    | Code::GroupAuthorizationFailed,
                ))) => {}
                Some(Err(error)) => {
                    return Err(KafkaError::new(format!("read topic {}", self.topic), error));
                }
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }
}
