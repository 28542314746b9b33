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
