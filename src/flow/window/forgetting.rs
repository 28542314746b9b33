//! Forgetting entities that are heard of no more, so that a fleet whose members come and go takes room for those that are there.
//!
//! ```text
//! windows of a   [----)[----)                       |<- came back: it begins anew
//! event time     ----------------------------------->
//!                           |<------ forget ------>| forgotten here
//! ```
//!
//! When depends on the readings alone: on the ends of windows and on how far event time has come. So a restart, which reads
//! again what no row holds, forgets at the same readings.

use super::{Downstream, EntityId, EventTime, Slot, Window, Windows};

impl Windows {
    /// How long nobody is forgotten, where anybody is.
    fn patience_ms(&self) -> Option<i64> {
        self.settings.forget_ms.filter(|_| self.can_learn_again() && self.settings.per_entity)
    }

    /// The entity's last window ended no earlier than that.
    pub(super) fn put_among_the_quiet(&mut self, id: EntityId, end: EventTime) {
        let Some(slot) = self.slots.get_mut(id as usize) else { return };
        if self.settings.forget_ms.is_none() || slot.heard >= Some(end) {
            return;
        }
        if let Some(known) = slot.heard.replace(end) {
            self.quiet.remove(&(known, id));
        }
        self.quiet.insert((end, id));
    }

    /// A window of the entity closed.
    pub(super) fn note_heard(&mut self, id: EntityId, window: Window, down: &impl Downstream) {
        if down.learns() && self.patience_ms().is_some() {
            self.put_among_the_quiet(id, window.end);
        }
    }

    /// Forgets those of which nothing has come for too long by then.
    pub(super) fn forget_the_quiet(&mut self, watermark: EventTime, down: &mut impl Downstream) {
        let Some(patience_ms) = self.patience_ms() else { return };
        while let Some((end, id)) = self.quiet.first().copied() {
            if watermark.as_ms() - end.as_ms() < patience_ms {
                return;
            }
            self.quiet.pop_first();
            let slot = &mut self.slots[id as usize];
            slot.heard = None;
            // One with an open window has been heard of: it comes back with that one's end.
            if slot.open.is_empty() {
                self.forget(id, down);
            }
        }
    }

    fn forget(&mut self, id: EntityId, down: &mut impl Downstream) {
        let remembered = down.forget(&self.entities, id);
        let slot = std::mem::take(&mut self.slots[id as usize]);
        if let Some(first) = slot.unwritten {
            self.unwritten.remove(&(first, id));
        }
        self.slots[id as usize] = Slot { scope: slot.scope, remembered, ..Slot::default() };
        // Where this is the entity whose reading is being taken, it keeps its number and begins anew.
        self.forget_if_idle(id);
    }
}
