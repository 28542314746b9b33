//! Writes to a topic as any producer does: idempotent, without transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError as LibraryError, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};

use super::context::{lock, log_line};
use super::producer::wait;
use super::settings::{KafkaError, KafkaSettings};

/// What has come back.
#[derive(Debug, Default)]
struct Tally {
    arrived: AtomicU64,
    failed: std::sync::Mutex<Option<String>>,
}

struct Counting(Arc<Tally>);

impl ClientContext for Counting {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    /// Statistics are wanted of members only.
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: LibraryError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            lock(&self.0.failed).get_or_insert_with(|| error.to_string());
        }
        self.0.arrived.fetch_add(1, Ordering::SeqCst);
    }
}

/// Writes to one topic.
pub struct Writer {
    producer: ThreadedProducer<Counting>,
    tally: Arc<Tally>,
    topic: String,
    sent: u64,
}

impl Writer {
    /// Makes a producer for a topic.
    pub fn new(settings: &KafkaSettings, topic: &str) -> Result<Writer, KafkaError> {
        let tally = Arc::new(Tally::default());
        let context = Counting(Arc::clone(&tally));
        let producer = ThreadedProducer::from_config_and_context(&settings.producer(None), context)
            .map_err(|error| KafkaError::new("create producer", error))?;
        Ok(Writer { producer, tally, topic: topic.to_owned(), sent: 0 })
    }

    /// Sends a record, waiting while the queue is full; `time` is its timestamp in milliseconds since 1970.
    pub fn send(
        &mut self,
        partition: Option<u32>,
        key: Option<&[u8]>,
        value: &[u8],
        time: Option<i64>,
    ) -> Result<(), KafkaError> {
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic).payload(value);
        record.key = key;
        record.partition = partition.map(|partition| partition as i32);
        record.timestamp = time;
        loop {
            self.check()?;
            match self.producer.send(record) {
                Ok(()) => break,
                Err((LibraryError::MessageProduction(Code::QueueFull), again)) => {
                    record = again;
                    wait(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(KafkaError::new(format!("send to {}", self.topic), error)),
            }
        }
        self.sent += 1;
        Ok(())
    }

    fn check(&self) -> Result<(), KafkaError> {
        match &*lock(&self.tally.failed) {
            Some(said) => Err(KafkaError::new(format!("send to {}", self.topic), said)),
            None => Ok(()),
        }
    }

    /// Waits until all that was sent has arrived.
    #[expect(
        clippy::disallowed_methods,
        reason = "a deadline of this edge's own, which no output depends on"
    )]
    pub fn finish(self, patience: Duration) -> Result<u64, KafkaError> {
        let begun = Instant::now();
        while self.tally.arrived.load(Ordering::SeqCst) < self.sent {
            if begun.elapsed() > patience {
                return Err(KafkaError::new(
                    format!("send to {}", self.topic),
                    "records were not acknowledged in time",
                ));
            }
            wait(Duration::from_millis(1));
        }
        self.check()?;
        Ok(self.sent)
    }
}
