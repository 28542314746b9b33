//! Partitions to which nothing has come for long: their open windows close.

use super::commit::since;
use super::worker::Worker;
use crate::edge::ports::{Clock, Notice, Stores, Transport};
use crate::flow::task::FlowName;

impl<T: Transport, S: Stores, C: Clock> Worker<T, S, C> {
    /// Closes the windows of partitions to which nothing has come for long.
    pub(super) fn close_quiet(&mut self) {
        let Some(idle) = self.blueprint.pace.idle else { return };
        let now = self.clock.now();
        for task in self.tasks.values_mut() {
            let quiet = since(task.quiet.since, now);
            if task.id.flow != FlowName::Detect
                || !task.is_live()
                || task.is_held
                || task.quiet.done
                || quiet < idle / 2
            {
                continue;
            }
            // The end of the partition is looked at twice: what has moved between is on its way.
            let before = task.quiet.end;
            if before.is_some() && quiet < idle {
                continue;
            }
            let Ok((_, end)) = self.transport.extent(task.id) else { continue };
            match before {
                Some(before) if before == end => {
                    task.flow.idle(task.next);
                    (task.touched, task.quiet.done) = (true, true);
                    self.watch.notice(Notice::Idle(task.id));
                }
                None | Some(_) => {
                    task.quiet.since = now.saturating_sub(idle / 2);
                    task.quiet.end = Some(end);
                }
            }
        }
    }
}
