//! How much may be asked in an hour and in a day. Room is taken before a call, so that not even one goes over.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::edge::ports::Used;

const MINUTES_AN_HOUR: u64 = 60;
const MINUTES_A_DAY: u64 = 1440;

/// Limits of one process; `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls in any hour.
    pub calls_an_hour: Option<u64>,
    /// Calls in any day.
    pub calls_a_day: Option<u64>,
    /// Tokens in both directions in any hour.
    pub tokens_an_hour: Option<u64>,
    /// Tokens in both directions in any day.
    pub tokens_a_day: Option<u64>,
}

/// What is left of the limits. Minutes are counted whole, so an hour is up to a minute longer, never shorter.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    minutes: Mutex<VecDeque<Minute>>,
}

#[derive(Clone, Copy, Debug)]
struct Minute {
    number: u64,
    calls: u64,
    tokens: u64,
}

/// Room for one call: the most tokens that it can take, until it is known what it took.
#[derive(Debug)]
pub(super) struct Reserved<'a> {
    budget: &'a Budget,
    minute: u64,
    tokens: u64,
}

impl Budget {
    /// Nothing is used yet.
    pub(super) fn new(limits: Limits) -> Budget {
        Budget { limits, minutes: Mutex::default() }
    }

    /// Takes room for a call of at most so many tokens, or says which limit has none left.
    pub(super) fn reserve(&self, now: Duration, tokens: u64) -> Result<Reserved<'_>, &'static str> {
        let minute = now.as_secs() / 60;
        let mut minutes = self.lock();
        while minutes.front().is_some_and(|first| first.number + MINUTES_A_DAY < minute) {
            minutes.pop_front();
        }
        let ((calls_hour, tokens_hour), (calls_day, tokens_day)) =
            (within(&minutes, minute, MINUTES_AN_HOUR), within(&minutes, minute, MINUTES_A_DAY));
        let over = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used > limit);
        let limits = &self.limits;
        if over(limits.calls_an_hour, calls_hour + 1) {
            return Err("the calls of this hour are used up");
        }
        if over(limits.calls_a_day, calls_day + 1) {
            return Err("the calls of this day are used up");
        }
        if over(limits.tokens_an_hour, tokens_hour + tokens) {
            return Err("the tokens of this hour are used up");
        }
        if over(limits.tokens_a_day, tokens_day + tokens) {
            return Err("the tokens of this day are used up");
        }
        match minutes.back_mut() {
            Some(last) if last.number == minute => {
                last.calls += 1;
                last.tokens += tokens;
            }
            Some(_) | None => minutes.push_back(Minute { number: minute, calls: 1, tokens }),
        }
        Ok(Reserved { budget: self, minute, tokens })
    }

    /// What is used of each limit that is set.
    pub(super) fn used(&self, now: Duration) -> Vec<Used> {
        let (minute, minutes) = (now.as_secs() / 60, self.lock());
        let ((calls_hour, tokens_hour), (calls_day, tokens_day)) =
            (within(&minutes, minute, MINUTES_AN_HOUR), within(&minutes, minute, MINUTES_A_DAY));
        let Limits { calls_an_hour, calls_a_day, tokens_an_hour, tokens_a_day } = self.limits;
        let all = [
            ("calls/hour", calls_an_hour, calls_hour),
            ("calls/day", calls_a_day, calls_day),
            ("tokens/hour", tokens_an_hour, tokens_hour),
            ("tokens/day", tokens_a_day, tokens_day),
        ];
        all.into_iter().filter_map(|(of, limit, used)| Some(Used { of, used, limit: limit? })).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Minute>> {
        // Sums are right whatever a thread that failed was about to do.
        self.minutes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls and tokens of so many minutes before this one, and of this one.
fn within(minutes: &VecDeque<Minute>, minute: u64, span: u64) -> (u64, u64) {
    let within = minutes.iter().filter(|one| one.number + span >= minute);
    within.fold((0, 0), |(calls, tokens), one| (calls + one.calls, tokens + one.tokens))
}

impl Reserved<'_> {
    /// The most tokens that the call can take.
    pub(super) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Gives back what the call did not take. Without this all of it counts: a call that broke off may have cost it.
    pub(super) fn took(self, tokens: u64) {
        let mut minutes = self.budget.lock();
        if let Some(minute) = minutes.iter_mut().find(|one| one.number == self.minute) {
            minute.tokens = (minute.tokens + tokens).saturating_sub(self.tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    #[test]
    fn calls_come_back_after_their_hour() {
        let limits = Limits { calls_an_hour: Some(2), calls_a_day: Some(3), ..Limits::default() };
        let budget = Budget::new(limits);
        for (minute, fits) in [(0, true), (30, true), (59, false), (61, true), (100, false), (1441, true)] {
            assert_eq!(budget.reserve(at(minute), 1).is_ok(), fits, "minute {minute}");
        }
    }

    #[test]
    fn tokens_not_taken_are_given_back() {
        let budget = Budget::new(Limits { tokens_an_hour: Some(100), ..Limits::default() });
        budget.reserve(at(0), 90).unwrap().took(20);
        let broken_off = budget.reserve(at(0), 80).unwrap();
        assert_eq!(broken_off.tokens(), 80);
        assert_eq!(budget.used(at(1)), [Used { of: "tokens/hour", used: 100, limit: 100 }]);
        assert!(budget.reserve(at(0), 1).is_err(), "what broke off may have cost all of it");
    }

    proptest! {
        #[test]
        fn no_limit_is_passed_by_one_call(
            steps in proptest::collection::vec((0..40_u64, 1..50_u64, 0..50_u64), 1..300),
            calls in 1..20_u64, tokens in 10..500_u64,
        ) {
            let limits = Limits { calls_an_hour: Some(calls), tokens_a_day: Some(tokens), ..Limits::default() };
            let budget = Budget::new(limits);
            let (mut minute, mut sent): (u64, Vec<(u64, u64)>) = (0, Vec::new());
            for (pause, most, took) in steps {
                minute += pause;
                if let Ok(reserved) = budget.reserve(at(minute), most) {
                    reserved.took(took.min(most));
                    sent.push((minute, took.min(most)));
                }
                let hour = sent.iter().filter(|(when, _)| when + 60 > minute).count() as u64;
                let day: u64 = sent.iter().filter(|(when, _)| when + 1440 > minute).map(|(_, took)| took).sum();
                prop_assert!(hour <= calls && day <= tokens);
            }
        }
    }
}
