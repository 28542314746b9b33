//! Which entities have learned what is in no row yet, and from where it would be learned again.
//!
//! What an entity has learned is a function of its readings, as open windows are: a row is only a checkpoint of it. So rows
//! need not be written with every window, as long as a restart reads again from the first reading that no row knows.

use super::{Clock, Downstream, EntityId, EventTime, Offset, Resume, TimeScope, Window, WindowKind, Windows};

impl Windows {
    /// From now on rows are kept, and it matters what is in them.
    pub fn keep_rows(&mut self) {
        self.keeps_rows = true;
    }

    /// Whether a window that closes again can be told from those that were learned from: they follow each other in time.
    pub fn can_learn_again(&self) -> bool {
        matches!(self.settings.kind, WindowKind::Tumbling { .. })
            && self.settings.time == TimeScope::Partition
    }

    /// The entity that waits longest for its rows to be written.
    pub fn unwritten(&self) -> Option<EntityId> {
        self.unwritten.keys().next().map(|(_, id)| *id)
    }

    /// The entity's rows are written.
    pub fn written(&mut self, id: EntityId) {
        if let Some(first) = self.slots.get_mut(id as usize).and_then(|slot| slot.unwritten.take()) {
            self.unwritten.remove(&(first, id));
        }
    }

    /// How far event time has come.
    pub fn watermark(&self) -> Option<EventTime> {
        self.partition.clock.watermark()
    }

    /// The first record that a restart must read again, and what it must know to do so; nothing where all is closed.
    pub fn replay_from(&self) -> (Option<Offset>, Resume) {
        let opened = self.first.iter().next().map(|((first, _), clock)| (*first, clock, self.closed_until));
        let unwritten = self.unwritten.iter().next();
        let unwritten = unwritten.map(|((first, _), (clock, closed_until))| (*first, clock, *closed_until));
        let earliest = opened.into_iter().chain(unwritten).min_by_key(|(first, _, _)| *first);
        let mut from = earliest.map(|(first, _, _)| first);
        let (mut clock, mut closed_until) = match earliest {
            Some((_, clock, closed_until)) => (clock, closed_until),
            None => (&self.partition.clock, self.closed_until),
        };
        let scopes = self.slots.iter().filter_map(|slot| slot.scope.as_deref());
        let scopes = if self.settings.time == TimeScope::Entity { Some(scopes) } else { None };
        for scope in scopes.into_iter().flatten().chain([&self.partition]) {
            let held = scope.held.first().map(|held| (held.rest.offset, held.rest.index));
            if let Some(held) = held.filter(|held| from.is_none_or(|from| *held < from)) {
                from = Some(held);
                (clock, closed_until) = (&self.partition.clock, self.closed_until);
            }
        }
        let resume = Resume { clock: clock.clone(), closed_until, first: from };
        (from.map(|(offset, _)| offset), resume)
    }

    /// The end of the last window that the entity has learned from.
    pub fn learned_until(&self, id: EntityId) -> Option<EventTime> {
        self.slots.get(id as usize)?.learned_until
    }

    /// What rows of the entity that are taken back know.
    pub fn restore_learned(&mut self, id: EntityId, until: Option<EventTime>) {
        if let Some(slot) = self.slots.get_mut(id as usize) {
            slot.learned_until = until;
        }
    }

    /// Whether a window that closes again is one that no row knows.
    pub(super) fn learns_again(&self, id: EntityId, window: Window) -> bool {
        self.can_learn_again() && self.slots[id as usize].learned_until.is_none_or(|until| until < window.end)
    }

    pub(super) fn note_learned(
        &mut self,
        id: EntityId,
        window: Window,
        (first, clock): ((Offset, u32), Option<Clock>),
        down: &impl Downstream,
    ) {
        if !self.keeps_rows || !down.learns() {
            return;
        }
        let slot = &mut self.slots[id as usize];
        slot.learned_until = slot.learned_until.max(Some(window.end));
        // A window that closes later may have been opened before: by a reading that was ahead of the others.
        if let Some(clock) = clock.filter(|_| slot.unwritten.is_none_or(|known| first < known)) {
            if let Some(known) = slot.unwritten.replace(first) {
                self.unwritten.remove(&(known, id));
            }
            self.unwritten.insert((first, id), (clock, self.closed_until));
        }
    }
}
