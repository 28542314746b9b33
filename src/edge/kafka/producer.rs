//! A transactional producer, taken anew whenever the last one cannot be trusted any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::acknowledgements::{Acknowledgements, NO_FOOTER, ProducerNotes};
use super::errors::{delivery, renewal, transaction};
use super::settings::{KafkaError, KafkaSettings, SESSION};
use crate::edge::ports::Failure;

/// How long a call of a transaction may take before its outcome counts as unknown.
const PATIENCE: Duration = SESSION;
/// How long a new producer waits for the old transaction to end before it says so.
const RENEWAL: Duration = Duration::from_secs(3);
/// How long to wait for room when the producer's queue is full.
const ROOM: Duration = Duration::from_millis(1);

/// The producer of a worker.
pub(super) struct Transactions {
    settings: KafkaSettings,
    id: String,
    current: Option<Current>,
}

struct Current {
    producer: ThreadedProducer<ProducerNotes>,
    notes: Arc<Acknowledgements>,
    sent: u64,
    is_ready: bool,
}

impl Transactions {
    /// Without a producer yet: [`Transactions::renew`] takes one.
    pub(super) fn new(settings: &KafkaSettings, id: String) -> Transactions {
        Transactions { settings: settings.clone(), id, current: None }
    }

    /// Takes a new producer; the transaction of the one before has ended when this succeeds.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        // A producer whose predecessor still hangs is asked again, not made again: each one would fence the last.
        if self.current.as_ref().is_none_or(|current| current.is_ready) {
            self.current = None;
            let notes = Arc::new(Acknowledgements::default());
            let config = self.settings.producer(Some(&self.id));
            let context = ProducerNotes(Arc::clone(&notes));
            let producer = ThreadedProducer::from_config_and_context(&config, context)
                .map_err(|error| Failure::Spoilt(format!("create producer: {error}")))?;
            // Asked before any broker is connected, the library waits half a second before it asks for the transaction's
            // coordinator again. Nothing depends on the answer.
            let _ = producer.client().fetch_cluster_id(RENEWAL);
            self.current = Some(Current { producer, notes, sent: 0, is_ready: false });
        }
        let current = self.current.as_mut().expect("it was just made");
        match current.producer.init_transactions(RENEWAL) {
            Ok(()) => {
                current.is_ready = true;
                Ok(())
            }
            Err(error) => {
                let failure = renewal(&error);
                if !matches!(failure, Failure::Retriable(_)) {
                    self.current = None;
                }
                Err(failure)
            }
        }
    }

    fn current(&mut self) -> Result<&mut Current, Failure> {
        self.current
            .as_mut()
            .filter(|current| current.is_ready)
            .ok_or_else(|| Failure::Spoilt("no producer".to_owned()))
    }

    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        let current = self.current()?;
        current.notes.begin();
        current.sent = 0;
        current.producer.begin_transaction().map_err(|error| transaction(&error))
    }

    /// Sends a record; `footer` is a number above 0 by which [`Transactions::delivered`] tells its offset.
    pub(super) fn send(
        &mut self,
        topic: &str,
        partition: Option<u32>,
        (key, value): (Option<&[u8]>, Option<&[u8]>),
        headers: &[(&'static str, &str)],
        footer: Option<usize>,
    ) -> Result<(), Failure> {
        let current = self.current()?;
        let mut record: BaseRecord<'_, [u8], [u8], usize> =
            BaseRecord::with_opaque_to(topic, footer.unwrap_or(NO_FOOTER));
        record.key = key;
        record.payload = value;
        record.partition = partition.map(|partition| partition as i32);
        if !headers.is_empty() {
            let mut owned = OwnedHeaders::new_with_capacity(headers.len());
            for (name, value) in headers {
                owned = owned.insert(Header { key: name, value: Some(*value) });
            }
            record.headers = Some(owned);
        }
        let since = started();
        loop {
            match current.producer.send(record) {
                Ok(()) => {
                    current.sent += 1;
                    return Ok(());
                }
                Err((LibraryError::MessageProduction(Code::QueueFull), again)) => {
                    if since.elapsed() > PATIENCE {
                        return Err(Failure::Unknown("the producer's queue stays full".to_owned()));
                    }
                    record = again;
                    wait(ROOM);
                }
                Err((error, _)) => {
                    let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                    return Err(delivery(code));
                }
            }
        }
    }

    /// Waits until all that was sent has arrived: the footers' numbers and offsets.
    pub(super) fn delivered(&mut self) -> Result<Vec<(usize, i64)>, Failure> {
        let current = self.current()?;
        match current.notes.wait(current.sent, PATIENCE) {
            Ok(Some(footers)) => Ok(footers),
            Ok(None) => {
                current.notes.set_suspect();
                Err(Failure::Unknown("records were not acknowledged in time".to_owned()))
            }
            Err(code) => Err(delivery(code)),
        }
    }

    pub(super) fn send_offsets(
        &mut self,
        offsets: &TopicPartitionList,
        member: &ConsumerGroupMetadata,
    ) -> Result<(), Failure> {
        let current = self.current()?;
        let sent = current.producer.send_offsets_to_transaction(offsets, member, PATIENCE);
        sent.map_err(|error| note(&current.notes, transaction(&error)))
    }

    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        let current = self.current()?;
        let committed = current.producer.commit_transaction(PATIENCE);
        committed.map_err(|error| note(&current.notes, transaction(&error)))
    }

    pub(super) fn abort(&mut self) -> Result<(), Failure> {
        let current = self.current()?;
        let aborted = current.producer.abort_transaction(PATIENCE);
        aborted.map_err(|error| note(&current.notes, transaction(&error)))
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.notes.is_suspect())
    }
}

/// Begins a transaction and undoes it, to see whether that is allowed.
pub fn try_transaction(settings: &KafkaSettings, id: &str) -> Result<(), KafkaError> {
    let doing = || format!("begin a transaction as {id}");
    let mut transactions = Transactions::new(settings, id.to_owned());
    let tried = transactions.renew().and_then(|()| transactions.begin()).and_then(|()| transactions.abort());
    tried.map_err(|failure| KafkaError::new(doing(), failure))
}

/// A call that was repeated or not answered may have left a request under way.
fn note(notes: &Acknowledgements, failure: Failure) -> Failure {
    if matches!(failure, Failure::Unknown(_) | Failure::Retriable(_)) {
        notes.set_suspect();
    }
    failure
}

#[expect(clippy::disallowed_methods, reason = "a deadline of this edge's own, which no output depends on")]
fn started() -> Instant {
    Instant::now()
}

/// Gives the library's threads a moment.
#[expect(clippy::disallowed_methods, reason = "the library has no call that waits for this")]
pub(super) fn wait(moment: Duration) {
    std::thread::sleep(moment);
}
