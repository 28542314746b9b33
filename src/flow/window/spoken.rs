//! Entities of which people speak: they are known from then on, as if they had been heard.

use super::{EntityId, EventTime, Rejection, Slot, Source, Windows};

impl Windows {
    /// The number of an entity of which something is said, and how far event time has come. Nothing where that was said before
    /// what is read again.
    ///
    /// # Errors
    /// There is no room for another entity.
    pub fn speak_of(
        &mut self,
        entity: &str,
        source: &Source<'_>,
    ) -> Result<Option<(EntityId, Option<EventTime>)>, Rejection> {
        if self.is_before_what_is_read_again(source) {
            return Ok(None);
        }
        let id = self.remember(entity).ok_or_else(|| self.no_room())?;
        let now = self.watermark();
        self.note_spoken(id, now);
        Ok(Some((id, now)))
    }

    /// The same, of what a row says. What was said later than what is read again begins with comes again.
    pub fn restore_spoken(&mut self, id: EntityId, at: Option<EventTime>) {
        if at <= self.watermark() {
            self.note_spoken(id, at);
        }
    }

    fn note_spoken(&mut self, id: EntityId, at: Option<EventTime>) {
        if let Some(at) = at {
            self.put_among_the_quiet(id, at);
        }
    }

    /// Room for what is known of an entity.
    pub(super) fn make_room_for(&mut self, id: EntityId) {
        if self.slots.len() <= id as usize {
            self.slots.resize_with(id as usize + 1, Slot::default);
        }
    }
}
