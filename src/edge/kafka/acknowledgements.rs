//! Counts which records of a producer have arrived, so that a transaction is committed with nothing under way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;

use super::context::{lock, log_line};

/// What has come back from the brokers.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    arrived: AtomicU64,
    /// How many somebody waits for.
    goal: AtomicU64,
    notes: Mutex<Notes>,
    changed: Condvar,
    /// Connections broke or time ran out since the last transaction began.
    suspect: AtomicBool,
}

#[derive(Debug, Default)]
struct Notes {
    failed: Option<RDKafkaErrorCode>,
    /// The offsets of footers, by the number that was sent with them.
    footers: Vec<(usize, i64)>,
}

/// The number of a record that is no footer.
pub(super) const NO_FOOTER: usize = 0;

impl Acknowledgements {
    /// A new transaction: what came before does not count.
    pub(super) fn begin(&self) {
        let mut notes = lock(&self.notes);
        self.arrived.store(0, Ordering::SeqCst);
        self.suspect.store(false, Ordering::SeqCst);
        *notes = Notes::default();
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::SeqCst)
    }

    pub(super) fn set_suspect(&self) {
        self.suspect.store(true, Ordering::SeqCst);
    }

    /// Waits until so many records have arrived. The footers among them, or the first failure; `None` when time runs out.
    pub(super) fn wait(
        &self,
        records: u64,
        patience: Duration,
    ) -> Result<Option<Vec<(usize, i64)>>, RDKafkaErrorCode> {
        self.goal.store(records, Ordering::SeqCst);
        let notes = lock(&self.notes);
        let waited = self.changed.wait_timeout_while(notes, patience, |notes| {
            notes.failed.is_none() && self.arrived.load(Ordering::SeqCst) < records
        });
        let (mut notes, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        match notes.failed {
            Some(code) => Err(code),
            None if timeout.timed_out() => Ok(None),
            None => Ok(Some(std::mem::take(&mut notes.footers))),
        }
    }
}

/// A producer's context: its acknowledgements.
#[derive(Debug, Default)]
pub(super) struct ProducerNotes(pub(super) Arc<Acknowledgements>);

impl ClientContext for ProducerNotes {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    /// Statistics are wanted of members only.
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.set_suspect();
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for ProducerNotes {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let notes = &self.0;
        match result {
            Ok(message) => {
                if number != NO_FOOTER {
                    lock(&notes.notes).footers.push((number, message.offset()));
                }
            }
            Err((error, _)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                lock(&notes.notes).failed.get_or_insert(code);
                notes.changed.notify_all();
            }
        }
        if notes.arrived.fetch_add(1, Ordering::SeqCst) + 1 >= notes.goal.load(Ordering::SeqCst) {
            // Taken and released, so that whoever is about to wait does not miss it.
            drop(lock(&notes.notes));
            notes.changed.notify_all();
        }
    }
}
