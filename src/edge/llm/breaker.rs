//! Leaves a model alone that fails: after some failures in a row nobody asks, then one does, to see.
//!
//! ```text
//! closed ──failures──▶ open ──time──▶ half open ──probe succeeds──▶ closed
//!                        ▲───────────probe fails (twice as long)───┘
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::edge::ports::BreakerState;

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// Failures in a row.
    pub failures: u32,
    /// The first time; each further time twice as long.
    pub first: Duration,
    /// The longest time.
    pub longest: Duration,
}

impl Default for BreakerSettings {
    fn default() -> BreakerSettings {
        BreakerSettings { failures: 5, first: Duration::from_secs(15), longest: Duration::from_mins(5) }
    }
}

/// Whether a model may be asked now.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    failures: u32,
    /// How often it opened without a success since.
    openings: u32,
    /// Nobody asks before.
    closed_until: Duration,
    probing: bool,
}

/// Leave to make one call; what came of it has to be told, or it counts as a failure.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
    told: bool,
    now: Duration,
}

impl Breaker {
    /// Closed: everybody may ask.
    pub(super) fn new(settings: BreakerSettings) -> Breaker {
        Breaker { settings, state: Mutex::default() }
    }

    /// Leave to call, or how long there will be none.
    pub(super) fn admit(&self, now: Duration) -> Result<Permit<'_>, Duration> {
        let mut state = self.lock();
        if now < state.closed_until {
            return Err(state.closed_until.saturating_sub(now));
        }
        let probe = state.openings > 0;
        if probe && state.probing {
            return Err(self.settings.first);
        }
        state.probing = probe;
        Ok(Permit { breaker: self, probe, told: false, now })
    }

    /// The server has asked to be left alone for so long.
    pub(super) fn rest(&self, now: Duration, pause: Duration) {
        let mut state = self.lock();
        state.closed_until = state.closed_until.max(now + pause.min(self.settings.longest));
    }

    /// Whether the model may be asked now.
    pub(super) fn state(&self, now: Duration) -> BreakerState {
        let state = self.lock();
        if now < state.closed_until {
            BreakerState::Open
        } else if state.openings > 0 {
            BreakerState::HalfOpen
        } else {
            BreakerState::Closed
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, now: Duration, probe: bool, for_good: bool) -> bool {
        let mut state = self.lock();
        if probe {
            state.probing = false;
        }
        state.failures += 1;
        let opens = probe || for_good || state.failures >= self.settings.failures;
        if opens && now >= state.closed_until {
            let doubled = self.settings.first * 2_u32.saturating_pow(state.openings.min(10));
            state.closed_until = now + doubled.min(self.settings.longest);
            state.openings += 1;
            state.failures = 0;
        }
        opens
    }
}

impl Permit<'_> {
    /// The call was answered.
    pub(super) fn succeeded(mut self) {
        self.told = true;
        *self.breaker.lock() = State::default();
    }

    /// The call failed; `true` where nobody may ask for a while now.
    pub(super) fn failed(mut self, now: Duration) -> bool {
        self.told = true;
        self.breaker.failed(now, self.probe, false)
    }

    /// The call failed in a way that asking again will not change.
    pub(super) fn failed_for_good(mut self, now: Duration) -> bool {
        self.told = true;
        self.breaker.failed(now, self.probe, true)
    }

    /// The call was not made.
    pub(super) fn unused(mut self) {
        self.told = true;
        if self.probe {
            self.breaker.lock().probing = false;
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.breaker.failed(self.now, self.probe, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings { failures: 2, first: at(10), longest: at(30) })
    }

    #[test]
    fn after_failures_nobody_asks_then_one_does_and_then_all_do() {
        let breaker = breaker();
        assert!(!breaker.admit(at(0)).unwrap().failed(at(0)));
        assert!(breaker.admit(at(1)).unwrap().failed(at(1)));
        assert_eq!(breaker.admit(at(2)).unwrap_err(), at(9));
        let probe = breaker.admit(at(11)).unwrap();
        assert!(breaker.admit(at(11)).is_err(), "one probe at a time");
        probe.succeeded();
        let (one, two) = (breaker.admit(at(12)).unwrap(), breaker.admit(at(12)).unwrap());
        one.succeeded();
        two.succeeded();
    }

    #[test]
    fn a_probe_that_fails_or_hangs_doubles_the_wait_up_to_a_limit() {
        let breaker = breaker();
        breaker.admit(at(0)).unwrap().failed_for_good(at(0));
        let states = [9, 10].map(|second| breaker.state(at(second)));
        assert_eq!(states, [BreakerState::Open, BreakerState::HalfOpen]);
        drop(breaker.admit(at(10)).unwrap());
        assert_eq!(breaker.admit(at(10)).unwrap_err(), at(20));
        breaker.admit(at(30)).unwrap().failed(at(30));
        assert_eq!(breaker.admit(at(30)).unwrap_err(), at(30));
        breaker.admit(at(60)).unwrap().unused();
        breaker.admit(at(60)).unwrap().succeeded();
        assert_eq!(breaker.state(at(60)), BreakerState::Closed);
        assert!(!breaker.admit(at(61)).unwrap().failed(at(61)), "it starts afresh");
    }

    #[test]
    fn a_server_that_asks_for_rest_gets_it() {
        let breaker = breaker();
        breaker.rest(at(0), at(7));
        assert_eq!(breaker.admit(at(3)).unwrap_err(), at(4));
        breaker.admit(at(7)).unwrap().succeeded();
    }
}
