//! The time that passes, for commits and time-outs. Never event time: that comes with the readings.

use std::time::Duration;

/// Tells how long it runs.
pub trait Clock {
    /// Since some moment in the past, never going back.
    fn now(&self) -> Duration;
}
