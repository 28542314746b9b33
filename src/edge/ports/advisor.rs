//! Who answers questions about incidents, without keeping anybody waiting who does not want to.

use std::time::Duration;

use crate::flow::advise::question::{Answer, Question};
use crate::flow::task::TaskId;

/// Takes questions and hands back answers, in whatever order they are ready.
pub trait Advisor: std::fmt::Debug + Send {
    /// Takes a question. It is answered exactly once, with a reason if not with advice, however the model behaves.
    fn ask(&mut self, task: TaskId, question: Question);
    /// The answers there are; waits for the first at most so long. None come any more when it returns early without one.
    fn answers(&mut self, patience: Duration) -> Vec<(TaskId, Answer)>;
}

/// How it goes with a model, for metrics. Counts begin with the process and only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelNumbers {
    /// Questions by how they ended, each way with its name.
    pub questions: Vec<(&'static str, u64)>,
    /// Requests sent.
    pub calls: u64,
    /// Of those, the ones sent again because the one before failed.
    pub retries: u64,
    /// Of those, the ones sent because the answer before broke rules.
    pub corrections: u64,
    /// Tokens told.
    pub tokens_in: u64,
    /// Tokens answered.
    pub tokens_out: u64,
    /// How often the model was left alone after failing.
    pub breaker_opened: u64,
    /// Whether it may be asked now.
    pub breaker: BreakerState,
    /// What is used of each limit that is set.
    pub budget: Vec<Used>,
}

/// Whether a model may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BreakerState {
    /// By everybody.
    #[default]
    Closed,
    /// By one, to see whether it answers again.
    HalfOpen,
    /// By nobody for a while.
    Open,
}

/// What is used of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Of what, as the topology says it: `calls/hour`.
    pub of: &'static str,
    /// How much, calls under way with the most that they can take.
    pub used: u64,
    /// The most.
    pub limit: u64,
}
