//! The system's clock, for commits and time-outs.

use std::time::{Duration, Instant, SystemTime};

use super::ports::Clock;

/// The time since it was made.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that begins now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others take")]
    pub fn start() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The time of day, in milliseconds since 1970: for what people and other programs are told, never for a decision of the flow.
#[expect(clippy::disallowed_methods, reason = "this is the time that others take")]
pub fn time_of_day_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
