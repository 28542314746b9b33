//! What receivers of messages were told.

use prometheus::{IntCounterVec, IntGaugeVec, Registry};

use super::Metrics;
use super::made::{counters, gauges};

/// What became of an attempt to tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was taken.
    Taken,
    /// It was taken, and is no news: it keeps an alert from being taken for over.
    Again,
    /// It will be tried again.
    Later,
    /// It will never be taken.
    Refused,
    /// It waited too long.
    TooOld,
}

impl Told {
    const ALL: [Told; 5] = [Told::Taken, Told::Again, Told::Later, Told::Refused, Told::TooOld];

    fn name(self) -> &'static str {
        match self {
            Told::Taken => "taken",
            Told::Again => "again",
            Told::Later => "later",
            Told::Refused => "refused",
            Told::TooOld => "too old",
        }
    }
}

/// What is counted of receivers. Their names are the topology's.
pub(super) struct Receivers {
    told: IntCounterVec,
    waits: IntGaugeVec,
}

impl Receivers {
    pub(super) fn new(r: &Registry) -> Receivers {
        Receivers {
            told: counters(
                r,
                "tidewatch_notifications_total",
                "Attempts to tell a receiver something, by what became of them: taken, again, later, refused, too old.",
                &["receiver", "result"],
            ),
            waits: gauges(
                r,
                "tidewatch_notification_wait_seconds",
                "How old the message is that a receiver has not taken yet; 0 where none waits.",
                &["receiver"],
            ),
        }
    }
}

impl Metrics {
    /// There is a receiver of that name.
    pub fn expect_receiver(&self, name: &str) {
        for told in Told::ALL {
            self.receivers.told.with_label_values(&[name, told.name()]);
        }
        self.receiver_waits(name, 0);
    }

    /// A receiver was told something, or was not.
    pub fn told(&self, name: &str, told: Told) {
        self.receivers.told.with_label_values(&[name, told.name()]).inc();
    }

    /// How old the message is that a receiver has not taken yet.
    pub fn receiver_waits(&self, name: &str, seconds: i64) {
        self.receivers.waits.with_label_values(&[name]).set(seconds);
    }
}
