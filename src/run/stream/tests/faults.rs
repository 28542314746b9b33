//! What can go wrong at a call, and where it does: at chosen steps, by chance, or nowhere.

use super::random::Random;

/// A step that can fail: every call of a worker to log or disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Poll,
    Start,
    Extent,
    Beginning,
    Committed,
    ReadChangelog,
    PollChangelog,
    Begin,
    Send,
    Delivered,
    Membership,
    Owns,
    SendPositions,
    Commit,
    Abort,
    Renew,
    Open,
    ReadStore,
    Apply,
    Clear,
}

/// A failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process is gone before the call has any effect.
    CrashBefore,
    /// The same, after it.
    CrashAfter,
    /// The process sleeps at the call, loses its session, and goes on after others have taken over.
    Sleep,
    /// The same, and its client hears of it first.
    SleepAndTold,
    /// The same while it keeps its session: the others only go on.
    Pause,
    /// No effect, and no answer.
    RequestLost,
    /// It has its effect, and no answer.
    AnswerLost,
    /// No effect; the call is to be repeated.
    RetriableBefore,
    /// It has its effect; the call is to be repeated all the same.
    RetriableAfter,
    /// The brokers or the disk refuse.
    Refused,
    /// No answer; it has its effect so many steps later.
    Delayed(u64),
    /// It succeeds, and is carried out once more so many steps later.
    Duplicated(u64),
    /// The session times out, and the client does not know.
    Kicked,
    /// The session times out, and the client hears of it behind the worker's back.
    KickedAndTold,
    /// The group rebalances.
    Shuffled,
    /// The transaction times out.
    TimedOut,
}

use Fault::{
    AnswerLost, CrashAfter, CrashBefore, Delayed, Duplicated, Kicked, KickedAndTold, Pause, Refused,
    RequestLost, RetriableAfter, RetriableBefore, Shuffled, Sleep, SleepAndTold, TimedOut,
};

/// What can happen at a call.
pub(super) fn applicable(call: Call) -> &'static [Fault] {
    match call {
        Call::Poll => &[CrashBefore, CrashAfter, Sleep, RequestLost, Kicked, Shuffled, TimedOut],
        Call::Start
        | Call::Extent
        | Call::Beginning
        | Call::Committed
        | Call::ReadChangelog
        | Call::PollChangelog => &[CrashBefore, Sleep, RequestLost, Kicked, Shuffled],
        Call::Begin | Call::Send => &[CrashBefore, CrashAfter, Sleep, RequestLost, Refused, Kicked, TimedOut],
        Call::Delivered => &[CrashBefore, CrashAfter, Sleep, RequestLost, AnswerLost, Refused, TimedOut],
        Call::Membership | Call::Owns => {
            &[CrashBefore, Sleep, SleepAndTold, Pause, Kicked, KickedAndTold, Shuffled, TimedOut]
        }
        Call::SendPositions => &[
            CrashBefore,
            CrashAfter,
            Sleep,
            RequestLost,
            AnswerLost,
            RetriableBefore,
            RetriableAfter,
            Refused,
            Delayed(8),
            Duplicated(12),
            Kicked,
            KickedAndTold,
            Shuffled,
            TimedOut,
        ],
        Call::Commit => &[
            CrashBefore,
            CrashAfter,
            Sleep,
            Pause,
            RequestLost,
            AnswerLost,
            RetriableBefore,
            RetriableAfter,
            Delayed(8),
            Duplicated(8),
            Kicked,
            Shuffled,
            TimedOut,
        ],
        Call::Abort => &[CrashBefore, CrashAfter, Sleep, RequestLost, AnswerLost, Delayed(8), Duplicated(8)],
        Call::Renew => &[CrashBefore, CrashAfter, Sleep, RequestLost, AnswerLost, Kicked],
        Call::Open | Call::ReadStore => &[CrashBefore, Sleep, Refused],
        Call::Apply | Call::Clear => &[CrashBefore, CrashAfter, Sleep, Pause, Refused, AnswerLost],
    }
}

/// Steps after which a run is no run any more.
const MOST_STEPS: u64 = 100_000;

/// Where faults happen.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    Nowhere,
    /// At these steps.
    At(Vec<(u64, Fault)>),
    /// Once in so many calls.
    OneIn(u64, Random),
}

/// Counts steps and says which of them fail.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    pub(super) plan: Plan,
    /// Every call so far.
    pub(super) trace: Vec<Call>,
    /// What happened, for the message of a test that fails.
    pub(super) happened: Vec<(u64, Call, Fault)>,
}

impl Faults {
    pub(super) fn new(plan: Plan) -> Faults {
        Faults { plan, trace: Vec::new(), happened: Vec::new() }
    }

    pub(super) fn step(&self) -> u64 {
        self.trace.len() as u64
    }

    /// Counts a call, and decides.
    pub(super) fn next(&mut self, call: Call) -> Option<Fault> {
        let step = self.step();
        self.trace.push(call);
        assert!(
            step < MOST_STEPS,
            "a worker goes round in a circle: {:?}",
            &self.trace[self.trace.len() - 40..]
        );
        let fault = match &mut self.plan {
            Plan::Nowhere => None,
            Plan::At(faults) => faults.iter().find(|(at, _)| *at == step).map(|(_, fault)| *fault),
            Plan::OneIn(n, random) => {
                // Outcomes of commits are what exactly-once is about: they fail more often than reads.
                let n = match call {
                    Call::SendPositions | Call::Commit | Call::Abort | Call::Delivered => *n / 6 + 1,
                    Call::Poll => *n * 2,
                    _ => *n,
                };
                random.one_in(n).then(|| match random.pick(applicable(call)) {
                    Delayed(_) => Delayed(1 + random.below(40)),
                    Duplicated(_) => Duplicated(1 + random.below(40)),
                    fault => *fault,
                })
            }
        };
        if let Some(fault) = fault {
            self.happened.push((step, call, fault));
        }
        fault
    }
}
