//! Open windows are refilled one task after the other: so the first takes new records after a fraction of the time.
//!
//! ```text
//! all at once    [a][b][a][b][a][b]          both are live at the end
//! in turn        [a][a][a]|[b][b][b]         a is live after half, commits what came with its last records, and is held:
//!                                            its further records would make b wait for longer than all at once
//! ```

use super::stop::Stop;
use super::task::{Phase, Quiet};
use super::worker::Worker;
use crate::edge::ports::{Clock, Lost, Stores, Transport};
use crate::flow::task::TaskId;

impl<T: Transport, S: Stores, C: Clock> Worker<T, S, C> {
    /// Whether a task refills its windows.
    pub(super) fn refills(&self) -> bool {
        self.tasks.values().any(|task| matches!(task.phase, Phase::Refilling { .. }))
    }

    /// The next task that waits refills its windows; when there is none, those that were held go on.
    pub(super) fn take_turns(&mut self) -> Result<(), Stop> {
        while !self.refills() {
            let waiting = self.tasks.values().find_map(|task| match task.phase {
                Phase::Waiting { from, until } => Some((task.id, from, until)),
                Phase::Asking | Phase::Reading { .. } | Phase::Refilling { .. } | Phase::Live => None,
            });
            let Some((id, from, until)) = waiting else { return self.let_go_on() };
            // Should its place be gone meanwhile, it asks again, and waits no more.
            let begun = self.go_on(id, from, until);
            self.confirm(id, begun)?;
        }
        Ok(())
    }

    /// Holds a task that has just become live, while others wait for their turn.
    pub(super) fn hold(&mut self, id: TaskId) {
        if self.tasks.values().any(|task| matches!(task.phase, Phase::Waiting { .. }))
            && let Some(task) = self.tasks.get_mut(&id)
        {
            task.is_held = true;
            self.transport.pause(id);
        }
    }

    fn let_go_on(&mut self) -> Result<(), Stop> {
        let now = self.clock.now();
        for task in self.tasks.values_mut().filter(|task| task.is_held) {
            match self.transport.start(task.id, task.next) {
                Ok(()) => {
                    task.is_held = false;
                    task.quiet = Quiet { since: now, ..Quiet::default() };
                }
                Err(Lost::Fatal(detail)) => return Err(Stop::Log(detail)),
                // What it has done is kept: it is held a little longer.
                Err(_) => {}
            }
        }
        Ok(())
    }
}
