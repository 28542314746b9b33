//! Reports on their way to a receiver: each is told until it is taken, refused, or too old to be worth telling.
//!
//! ```text
//! next ─▶ told of it? ─▶ deliver ─▶ taken   ─▶ note position and memory
//!                           ▲  └──▶ later   ─▶ wait, held; meanwhile partitions may be lost
//!                           └────────────┘
//! ```
//!
//! The topic is the queue, and the position in it is kept by Kafka together with what the receiver was told: a crash between
//! delivery and note tells one message twice, under the same id, and loses none. While a receiver is away nothing is held in
//! memory; what gets too old meanwhile is counted and passed over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::edge::metrics::{Metrics, Told};
use crate::edge::ports::{Clock, Deliver, Delivery, Fed, Feed, Feeding};
use crate::flow::notify::{Memory, Message, Receiver, render};

/// The first pause before a message is handed over again; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A receiver that wants to be left alone for longer is asked again all the same.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_mins(15);
/// How long one turn waits for reports.
const PATIENCE: Duration = Duration::from_millis(200);

/// Everything that reaches one receiver.
pub struct Notifier<F, D, C> {
    receiver: Receiver,
    feed: F,
    deliver: D,
    clock: C,
    /// The time of day, in milliseconds since 1970.
    now_ms: fn() -> i64,
    memories: BTreeMap<u32, Memory>,
    waiting: VecDeque<Fed>,
    /// The message that was not taken yet, when it is handed over again, and after how long then.
    pending: Option<Pending>,
    /// Positions that are to be noted.
    done: BTreeMap<u32, u64>,
    metrics: Arc<Metrics>,
    said_away: bool,
    said_too_old: bool,
}

struct Pending {
    fed: Fed,
    message: Message,
    /// The memory once this is told.
    memory: Memory,
    at: Duration,
    pause: Duration,
}

impl<F: Feed, D: Deliver, C: Clock> Notifier<F, D, C> {
    /// Joins what it takes.
    pub fn new(
        receiver: Receiver,
        feed: F,
        deliver: D,
        clock: C,
        now_ms: fn() -> i64,
        metrics: Arc<Metrics>,
    ) -> Self {
        metrics.expect_receiver(&receiver.name);
        Notifier {
            receiver,
            feed,
            deliver,
            clock,
            now_ms,
            memories: BTreeMap::new(),
            waiting: VecDeque::new(),
            pending: None,
            done: BTreeMap::new(),
            metrics,
            said_away: false,
            said_too_old: false,
        }
    }

    /// Does what there is to do, for a bounded time.
    pub fn turn(&mut self) {
        let patience =
            if self.waiting.is_empty() || self.pending.is_some() { PATIENCE } else { Duration::ZERO };
        for one in self.feed.next(patience) {
            match one {
                Feeding::Report(fed) => self.waiting.push_back(fed),
                Feeding::Lost(partition) => self.lose(partition),
            }
        }
        if self.pending.is_some() {
            self.deliver_pending();
        } else {
            while self.pending.is_none() && self.take_next() {}
        }
        self.note();
    }

    fn lose(&mut self, partition: u32) {
        self.waiting.retain(|fed| fed.partition != partition);
        self.memories.remove(&partition);
        self.done.remove(&partition);
        if self.pending.as_ref().is_some_and(|pending| pending.fed.partition == partition) {
            self.go_on();
        }
    }

    /// Nothing waits for the receiver any more.
    fn go_on(&mut self) {
        self.pending = None;
        self.metrics.receiver_waits(&self.receiver.name, 0);
        self.feed.hold(false);
    }

    /// Takes the next report; `false` where there is none that could be taken.
    fn take_next(&mut self) -> bool {
        let Some(fed) = self.waiting.front() else { return false };
        if !self.memories.contains_key(&fed.partition) {
            match self.feed.noted(fed.partition) {
                Ok(noted) => self.memories.insert(fed.partition, Memory::from_text(&noted)),
                Err(error) => {
                    tracing::debug!(%error, receiver = self.receiver.name, "not yet known what was told");
                    return false;
                }
            };
        }
        let Some(fed) = self.waiting.pop_front() else { return false };
        let mut memory = self.memories.get(&fed.partition).cloned().unwrap_or_default();
        match self.receiver.told(&mut memory, &fed.value) {
            None => self.settle(&fed, memory),
            Some(message) => {
                let (at, pause) = (self.clock.now(), FIRST_PAUSE);
                self.pending = Some(Pending { fed, message, memory, at, pause });
                self.deliver_pending();
            }
        }
        true
    }

    fn settle(&mut self, fed: &Fed, memory: Memory) {
        self.memories.insert(fed.partition, memory);
        self.done.insert(fed.partition, fed.offset + 1);
    }

    fn deliver_pending(&mut self) {
        let now = self.clock.now();
        let Some(mut pending) = self.pending.take_if(|pending| pending.at <= now) else { return };
        let (now_ms, name) = ((self.now_ms)(), self.receiver.name.clone());
        let waits_ms = now_ms.saturating_sub(pending.fed.time_ms).max(0);
        if waits_ms > self.receiver.keep_ms {
            return self.pass_over(pending);
        }
        let body = render::body(&self.receiver, &pending.message, now_ms);
        match self.deliver.deliver(&body) {
            Delivery::Taken => {
                self.said_too_old = false;
                if std::mem::take(&mut self.said_away) {
                    tracing::info!(receiver = name, "the receiver takes messages again");
                }
                self.metrics.told(&name, if pending.message.is_repeat { Told::Again } else { Told::Taken });
                self.settle(&pending.fed, pending.memory);
                self.go_on();
                // At once: what is told and not noted is told again after a crash.
                self.note();
            }
            Delivery::Refused(why) => {
                tracing::error!(
                    receiver = name,
                    message = pending.message.id(),
                    "the receiver refuses a message: {why}"
                );
                self.metrics.told(&name, Told::Refused);
                self.settle(&pending.fed, pending.memory);
                self.go_on();
            }
            Delivery::Later(why, after) => {
                if !std::mem::replace(&mut self.said_away, true) {
                    tracing::warn!(
                        receiver = name,
                        "the receiver takes nothing now, messages wait for it: {why}"
                    );
                }
                self.metrics.told(&name, Told::Later);
                self.metrics.receiver_waits(&name, waits_ms / 1000);
                let pause =
                    after.map_or(pending.pause, |after| after.min(LONGEST_ASKED_PAUSE).max(FIRST_PAUSE));
                pending.at = self.clock.now() + pause;
                pending.pause = (pending.pause * 2).min(LONGEST_PAUSE);
                self.pending = Some(pending);
                self.feed.hold(true);
            }
        }
    }

    /// What waited too long is not told any more.
    fn pass_over(&mut self, old: Pending) {
        // A receiver that is new, or was away for long, finds many of them.
        if !std::mem::replace(&mut self.said_too_old, true) {
            let receiver = self.receiver.name.as_str();
            tracing::warn!(receiver, "messages that are too old to be told are passed over");
        }
        self.metrics.told(&self.receiver.name, Told::TooOld);
        // Not remembered as told: what comes of the incident later is news. One that is over is over.
        let known = self.memories.get(&old.fed.partition).cloned().unwrap_or_default();
        let memory = if old.message.is_open { known } else { old.memory };
        self.settle(&old.fed, memory);
        self.go_on();
    }

    /// Notes what is done; what cannot be noted now is noted with what comes after it.
    fn note(&mut self) {
        let (feed, memories) = (&mut self.feed, &self.memories);
        self.done.retain(|partition, next| {
            let memory = memories.get(partition).map(Memory::to_text).unwrap_or_default();
            match feed.note(*partition, *next, &memory) {
                Ok(()) => false,
                Err(error) => {
                    tracing::debug!(%error, partition, "what was told is not noted yet");
                    true
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;
