//! What librdkafka calls back: rebalances, errors, log lines. Callbacks only take notes; whoever polls acts on them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

/// A rebalance that was called back and not yet answered.
#[derive(Clone, Debug)]
pub(super) enum Called {
    Assign(TopicPartitionList),
    Revoke { partitions: TopicPartitionList, lost: bool },
}

/// The notes of a group member.
#[derive(Debug, Default)]
pub(super) struct MemberContext {
    called: Mutex<Vec<Called>>,
    /// Nobody will answer any more: rebalances are answered in the callback.
    closing: AtomicBool,
    /// Where partitions end, as far as is known.
    ends: Mutex<Vec<KnownEnd>>,
    /// An error that ends this member.
    fatal: Mutex<Option<String>>,
    /// Another member has the instance id.
    fenced: AtomicBool,
}

impl MemberContext {
    /// The rebalances called back since the last time.
    pub(super) fn take_called(&self) -> Vec<Called> {
        std::mem::take(&mut *lock(&self.called))
    }

    /// Whether there are any.
    pub(super) fn was_called(&self) -> bool {
        !lock(&self.called).is_empty()
    }

    /// Where partitions end, once each time it was noted.
    pub(super) fn take_ends(&self) -> Vec<KnownEnd> {
        std::mem::take(&mut *lock(&self.ends))
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_fenced(&self) {
        self.fenced.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Relaxed)
    }

    pub(super) fn fatal(&self) -> Option<String> {
        lock(&self.fatal).clone()
    }
}

/// A panic elsewhere leaves the notes as they are.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// librdkafka's own words: for those who ask for them, as errors reach the program by other ways.
pub(super) fn log_line(level: RDKafkaLogLevel, facility: &str, line: &str) {
    if let RDKafkaLogLevel::Debug = level {
        tracing::trace!(target: "librdkafka", facility, "{line}");
    } else {
        tracing::debug!(target: "librdkafka", facility, "{line}");
    }
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let KafkaError::MessageConsumptionFatal(_) = error {
            *lock(&self.fatal) = Some(format!("{error}: {reason}"));
        }
        tracing::debug!(target: "librdkafka", %error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<Statistics>(statistics) else { return };
        let mut ends = Vec::new();
        for (topic, Known { partitions }) in statistics.topics {
            // −1 stands for all partitions that are not read.
            for one in partitions.into_values().filter(|one| one.number >= 0 && one.ls_offset >= 0) {
                // Behind the last record there may be markers of transactions, which nobody is handed.
                let all_handed_over = one.fetchq_cnt == 0 && one.next_offset >= one.ls_offset;
                let end = if all_handed_over { None } else { Some(one.ls_offset) };
                ends.push(KnownEnd { topic: topic.clone(), partition: one.number, end });
            }
        }
        *lock(&self.ends) = ends;
    }
}

/// Where a partition ends.
#[derive(Clone, Debug)]
pub(super) struct KnownEnd {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// The record after the last; `None` where every record there is was handed over.
    pub(super) end: Option<i64>,
}

/// Of librdkafka's statistics, what is asked for here.
#[derive(serde::Deserialize)]
struct Statistics {
    topics: BTreeMap<String, Known>,
}

#[derive(serde::Deserialize)]
struct Known {
    partitions: BTreeMap<String, Partition>,
}

#[derive(serde::Deserialize)]
struct Partition {
    #[serde(rename = "partition")]
    number: i32,
    /// The record after the last that was committed.
    ls_offset: i64,
    /// The record to be fetched next.
    next_offset: i64,
    /// Records fetched and not yet handed over.
    fetchq_cnt: i64,
}

impl ConsumerContext for MemberContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assigns = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Relaxed) {
            // What is assigned now will be revoked at once; of what is revoked, only what is read can be let go of.
            let answered = if assigns {
                consumer.incremental_assign(&TopicPartitionList::new())
            } else {
                consumer.assignment().and_then(|read| consumer.incremental_unassign(&read))
            };
            if let Err(error) = answered {
                tracing::debug!(%error, "rebalance while leaving");
            }
            return;
        }
        let partitions = partitions.clone();
        let called = if assigns {
            Called::Assign(partitions)
        } else {
            Called::Revoke { partitions, lost: consumer.assignment_lost() }
        };
        lock(&self.called).push(called);
    }
}

/// The notes of any other client.
#[derive(Debug, Default)]
pub(super) struct PlainContext {
    /// Errors of connections and time-outs.
    pub(super) troubles: AtomicU64,
}

impl ClientContext for PlainContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    /// Statistics are wanted of members only.
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.troubles.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for PlainContext {}
