//! Questions of flows and their answers. Nobody waits for an answer: a turn hands over those there are.
//!
//! What waits for an answer is in no epoch yet ([`crate::flow::Epoch::next`] does not pass it), so that a crash, or a
//! partition that goes elsewhere, costs the question and nothing else: whoever reads the record next asks again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::stop::Stop;
use super::task::Task;
use super::worker::Worker;
use crate::edge::ports::{Advisor, Clock, Lost, Stores, Transport};
use crate::flow::task::TaskId;

/// While questions are open a wait for records is no longer than this, or their answers would lie about.
pub(super) const ANSWER_SLICE: Duration = Duration::from_millis(20);

/// Who is asked, and what is open there.
#[derive(Debug)]
pub(super) struct Asking {
    advisor: Box<dyn Advisor>,
    /// A task that comes back may ask what it has asked before: the first call is then still good.
    open: BTreeSet<(TaskId, u64)>,
}

impl Asking {
    fn exchange<S>(&mut self, tasks: &mut BTreeMap<TaskId, Task<S>>) {
        for (id, answer) in self.advisor.answers(Duration::ZERO) {
            self.open.remove(&(id, answer.question));
            // It may have gone, or come back without having asked again.
            if let Some(task) = tasks.get_mut(&id).filter(|task| task.is_live()) {
                task.flow.answer(answer);
                task.touched = true;
            }
        }
        for task in tasks.values_mut() {
            for question in task.flow.questions() {
                if self.open.insert((task.id, question.id)) {
                    self.advisor.ask(task.id, question);
                }
            }
        }
    }
}

impl<T: Transport, S: Stores, C: Clock> Worker<T, S, C> {
    /// A worker whose flows have somebody to ask.
    #[must_use]
    pub fn with_advisor(mut self, advisor: Box<dyn Advisor>) -> Worker<T, S, C> {
        self.asking = Some(Asking { advisor, open: BTreeSet::new() });
        self
    }

    /// Whether an answer may come any time.
    pub(super) fn has_questions(&self) -> bool {
        self.asking.as_ref().is_some_and(|asking| !asking.open.is_empty())
    }

    /// Hands answers over and asks what is to be asked; reads no more for tasks that have enough to wait for.
    pub(super) fn consult(&mut self) -> Result<(), Stop> {
        if let Some(asking) = &mut self.asking {
            asking.exchange(&mut self.tasks);
        }
        for task in self.tasks.values_mut().filter(|task| task.is_live()) {
            match (task.is_full, task.flow.is_full()) {
                (false, true) => {
                    self.transport.pause(task.id);
                    task.is_full = true;
                }
                (true, false) => match self.transport.start(task.id, task.next) {
                    Ok(()) => task.is_full = false,
                    Err(Lost::Fatal(detail)) => return Err(Stop::Log(detail)),
                    // The next turn tries again.
                    Err(_) => {}
                },
                (true, true) | (false, false) => {}
            }
        }
        Ok(())
    }
}
