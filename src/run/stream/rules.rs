//! The rules that exactly-once rests on, by name. Tests break each on purpose and must notice.

/// A rule of the protocol. Code that keeps one asks [`holds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The store is changed after the transaction is committed.
    StoreAfterCommit,
    /// The footer ends every epoch in the changelog.
    FooterEndsEpoch,
    /// A commit with unknown outcome is never taken for undone.
    UnknownIsNotUndone,
    /// After a time-out or a broken connection the next transaction has another producer.
    SuspectProducerReplaced,
    /// What was lost is never committed.
    LostIsNotCommitted,
    /// Every task with something new is in the transaction, with its position.
    EveryPositionSent,
    /// Open windows are read again from where they begin.
    RewindToOpenWindows,
    /// Only a member that owns its partitions commits.
    OnlyMembersCommit,
    /// Every record has arrived before positions are sent.
    DeliveredBeforeCommit,
    /// Records below the committed position only refill windows.
    RefillIsSilent,
    /// What is restored is the very state that was committed.
    DigestChecked,
    /// A store that knows more than the group is not used.
    LocalAheadStops,
    /// An epoch that could not be committed is sent again, whole.
    EpochKeptUntilCommitted,
    /// A member's name is asked for before it is asked whether it owns its partitions: what is lost between the two
    /// shows.
    MemberBeforeOwnership,
    /// The numbers of outputs go on from the position that was committed.
    NumbersGoOn,
    /// Rows of the changelog count from the footer that follows them.
    RowsCountAtFooter,
    /// What waits for an answer is read again after a restart.
    WaitingIsNotPassed,
    /// What does not fit stops a worker only if the group still says what it said.
    StopsAreConfirmed,
}

/// Whether a rule is kept: always, but in tests that break it.
#[cfg(not(test))]
#[inline]
pub(super) const fn holds(_: Rule) -> bool {
    true
}

#[cfg(test)]
std::thread_local! {
    static BROKEN: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}

/// Whether a rule is kept on this thread.
#[cfg(test)]
pub(super) fn holds(rule: Rule) -> bool {
    BROKEN.get() != Some(rule)
}

/// Breaks a rule on this thread, or keeps them all again.
#[cfg(test)]
pub(super) fn break_rule(rule: Option<Rule>) {
    BROKEN.set(rule);
}
