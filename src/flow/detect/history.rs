//! When a detector that learns judges, learns, fits and starts over.

use serde::{Deserialize, Serialize};

use super::Verdict;
use super::settings::Settings;

/// History weighs as much as this many readings: older ones fade.
pub const MEMORY_READINGS: u32 = 10_000;

/// What is set of the pace of learning.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    warm_up: u64,
    refit_every: u64,
    relearn_after: u32,
}

/// How far one entity's learning is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Readings seen.
    seen: u64,
    /// How many of them at the last attempt to fit.
    tried_at: u64,
    /// Windows in a row that were mostly abnormal and therefore not learned.
    unlearned: u32,
}

/// What to do with the readings of a window that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// Learn from those that were normal.
    Learn,
    /// Learn nothing: most were abnormal.
    Ignore,
    /// Forget what was learned and learn from all: the abnormal has become the rule.
    StartOver,
}

impl Schedule {
    /// The pace of those settings.
    pub fn of(settings: &Settings) -> Schedule {
        Schedule {
            warm_up: settings.warm_up.max(1),
            refit_every: settings.refit_every.max(1),
            relearn_after: settings.relearn_after,
        }
    }
}

impl History {
    /// The verdict while there is no fit.
    pub fn learning(&self, schedule: &Schedule) -> Verdict {
        Verdict::Learning { confidence: (self.seen as f64 / schedule.warm_up as f64).min(0.99) }
    }

    /// Takes note of a window's readings and of how many were abnormal.
    pub fn lesson(&mut self, schedule: &Schedule, readings: usize, abnormal: usize) -> Lesson {
        if abnormal * 2 > readings {
            self.unlearned += 1;
            if self.unlearned < schedule.relearn_after {
                return Lesson::Ignore;
            }
            *self = History { seen: readings as u64, ..History::default() };
            return Lesson::StartOver;
        }
        if readings > 0 {
            self.unlearned = 0;
        }
        self.seen += readings as u64;
        Lesson::Learn
    }

    /// Whether it is time to fit, after the warm-up or the last attempt; says so once.
    pub fn fit_is_due(&mut self, schedule: &Schedule, has_fit: bool) -> bool {
        let wait = if has_fit { schedule.refit_every } else { schedule.warm_up };
        let due = self.seen >= self.tried_at + wait;
        if due {
            self.tried_at = self.seen;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Kind;
    use super::*;

    fn schedule() -> Schedule {
        let settings =
            Settings { warm_up: 100, refit_every: 50, relearn_after: 3, ..Settings::of(Kind::Clusters) };
        Schedule::of(&settings)
    }

    #[test]
    fn the_first_fit_comes_with_the_end_of_the_warm_up_and_others_at_their_pace() {
        let mut history = History::default();
        let mut fits = Vec::new();
        for window in 1..=20 {
            assert_eq!(history.lesson(&schedule(), 20, 0), Lesson::Learn);
            if history.fit_is_due(&schedule(), !fits.is_empty()) {
                fits.push(window * 20);
            }
        }
        assert_eq!(fits, [100, 160, 220, 280, 340, 400]);
    }

    #[test]
    fn confidence_grows_and_stays_below_one() {
        let mut history = History::default();
        for expected in [0.0, 0.6, 0.99, 0.99] {
            assert_eq!(history.learning(&schedule()), Verdict::Learning { confidence: expected });
            history.lesson(&schedule(), 60, 0);
        }
    }

    #[test]
    fn what_stays_abnormal_becomes_the_rule() {
        let mut history = History { seen: 900, ..History::default() };
        let mut lesson = |abnormal| history.lesson(&schedule(), 10, abnormal);
        assert_eq!([lesson(6), lesson(6)], [Lesson::Ignore; 2]);
        assert_eq!(lesson(5), Lesson::Learn);
        assert_eq!([lesson(6), lesson(6), lesson(6)], [Lesson::Ignore, Lesson::Ignore, Lesson::StartOver]);
        assert_eq!(history, History { seen: 10, ..History::default() });
    }

    #[test]
    fn a_window_without_vectors_changes_nothing() {
        let mut history = History { seen: 900, tried_at: 900, unlearned: 2 };
        assert_eq!(history.lesson(&schedule(), 0, 0), Lesson::Learn);
        assert_eq!(history, History { seen: 900, tried_at: 900, unlearned: 2 });
    }
}
