//! What happened to questions, as numbers that only grow: for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Numbers that many threads add to.
        #[derive(Debug, Default)]
        pub(super) struct Counters { $($(#[$doc])* pub(super) $name: AtomicU64,)* }

        /// What they were at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counted { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            /// What they are now.
            pub(super) fn now(&self) -> Counted {
                Counted { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Questions taken.
    questions,
    /// Questions that ended with advice.
    advised,
    /// Of those, the ones whose first answer was right.
    right_at_once,
    /// Questions that ended without.
    failed,
    /// Of those, the ones that ran out of time.
    timed_out,
    /// Of those, the ones for which there was no budget.
    over_budget,
    /// Of those, the ones that came while the model was left alone.
    left_alone,
    /// Requests sent.
    calls,
    /// Requests sent again because the one before failed.
    retries,
    /// Requests sent because the answer before broke rules.
    corrections,
    /// Ways of asking that a server did not take or heed.
    modes_given_up,
    /// How often the model was left alone after failing.
    breaker_opened,
    /// Tokens told.
    tokens_in,
    /// Tokens answered.
    tokens_out,
}

impl Counters {
    /// Adds one.
    pub(super) fn count(counter: &AtomicU64) {
        Counters::add(counter, 1);
    }

    /// Adds several.
    pub(super) fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}
