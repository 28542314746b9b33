//! From where a later run has to read, told from where each batch began.

use super::Inputs;
use super::progress::{Leg, Mark, Progress, Stretch};
use super::recognise::Plan;
use crate::flow::record::Offset;

impl Inputs {
    /// What to store when the records before `next` have been processed and those from `replay_from` are still needed.
    ///
    /// # Panics
    ///
    /// When `next` is neither the end of a batch nor in the last one, or `replay_from` was forgotten.
    pub fn progress(&self, replay_from: Offset, next: Offset) -> Progress {
        let live = self.plans.len() - 1;
        // Before the first new record, all that was to be read again still is to.
        let next = next.max(self.plans[live].first);
        let marks = self.marks_at(next);
        let mut inputs = self.known.clone();
        for (known, mark) in self.plans[live].known.iter().zip(&marks) {
            inputs[*known as usize].at = *mark;
        }
        let replay_from = replay_from.min(next);
        let mut stretches = Vec::new();
        if replay_from < next {
            let checkpoint = self.checkpoints.range(..=replay_from).next_back();
            let (first, (plan, from)) = checkpoint.expect("what is still needed has not been forgotten");
            stretches.push(self.stretch_from(*first, *plan, from, &marks));
            let later = (plan + 1)..self.plans.len();
            stretches.extend(later.map(|plan| {
                let from: Vec<Mark> = self.plans[plan].tasks.iter().map(|task| task.from).collect();
                self.stretch_from(self.plans[plan].first, plan, &from, &marks)
            }));
            stretches.retain(|stretch| !stretch.legs.is_empty());
        }
        Progress { next, replay_from, inputs, stretches }
    }

    /// Forgets how to come back to records before this one.
    pub fn forget_before(&mut self, offset: Offset) {
        if let Some((&needed, _)) = self.checkpoints.range(..=offset).next_back() {
            self.checkpoints = self.checkpoints.split_off(&needed);
        }
    }

    /// Remembers where the files stand before the next record.
    pub(super) fn remember(&mut self) {
        self.checkpoints.insert(self.next, (self.current, self.stretch.marks()));
    }

    /// Where the given files stand at a record.
    fn marks_at(&self, next: Offset) -> Vec<Mark> {
        let live = self.plans.len() - 1;
        if self.current < live || next == self.plans[live].first {
            return self.plans[live].tasks.iter().map(|task| task.from).collect();
        }
        if next == self.next {
            return self.stretch.marks();
        }
        let (spans, _) = self.stretch.spans();
        let checkpoint = self.checkpoints.range(..=next).next_back();
        let (first, (_, marks)) = checkpoint.expect("what is still needed has not been forgotten");
        let mut marks = marks.clone();
        if *first != next {
            let in_last = first.0 + spans.len() as u64 == self.next.0;
            assert!(in_last && next < self.next, "a commit lies in the last batch or between two");
            for span in &spans[..(next.0 - first.0) as usize] {
                marks[span.reader as usize] = span.after;
            }
        }
        marks
    }

    /// What was read of a plan since it stood at `from`: up to its end, or up to `now` in the last one.
    fn stretch_from(&self, first: Offset, plan: usize, from: &[Mark], now: &[Mark]) -> Stretch {
        let Plan { tasks, known, .. } = &self.plans[plan];
        let legs = tasks.iter().zip(known).zip(from).enumerate().map(|(place, ((task, known), from))| {
            let to = task.to.unwrap_or_else(|| now[place]);
            Leg { known: *known, from: *from, to }
        });
        Stretch { first, legs: legs.filter(|leg| leg.from.byte < leg.to.byte).collect() }
    }
}
