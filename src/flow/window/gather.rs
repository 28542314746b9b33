//! Taking readings: believed or doubted, late or put into a window.

use super::clock::{Doubtful, Resolved};
use super::open::OpenWindow;
use super::{
    Downstream, EntityId, Extent, Held, Offset, Reading, Reason, Rejection, Scope, Slot, Source, TimeScope,
    Window, WindowKind, Windows,
};

impl Windows {
    /// Says that a record begins: a message window of the one before ends.
    pub fn begin_record(&mut self, extent: Extent, down: &mut impl Downstream) {
        if self.settings.kind == WindowKind::Message && extent != Extent::Continuing {
            self.close_all(down);
        }
    }

    /// Says that a record has been taken in full.
    pub fn end_record(&mut self, extent: Extent, down: &mut impl Downstream) {
        if self.settings.kind == WindowKind::Message && extent == Extent::Whole {
            self.close_all(down);
        }
    }

    /// Takes a reading: closes what it makes due, then puts it into its window, or says why not.
    pub fn take(&mut self, entity: &str, reading: &Reading, source: &Source<'_>, down: &mut impl Downstream) {
        if self.is_before_what_is_read_again(source) {
            // The clock is that of a later reading: this one would be believed where it was not.
            return;
        }
        let Some(id) = self.entities.find_or_add(entity) else {
            let rejection = self.no_room();
            return down.rejected(source, rejection);
        };
        self.make_room_for(id);
        let (Some(max_jump_ms), true) = (self.settings.max_jump_ms, self.closes_by_time()) else {
            return self.believe(id, reading, source, down);
        };
        let scope = scope(&mut self.partition, &mut self.slots, self.settings.time, id);
        // A refill begins among readings that were believed before; an entity's own clock begins there as well.
        let known =
            self.silent && self.settings.time == TimeScope::Entity && scope.clock.watermark().is_none();
        if known || scope.clock.finds_plausible(reading.time, max_jump_ms) {
            if !scope.held.is_empty() {
                let refused = std::mem::take(&mut scope.held);
                // The entity of this very reading may be among them: forgotten now, its number would be another's.
                self.taking = Some(id);
                self.refuse(refused, down);
            }
            return self.believe(id, reading, source, down);
        }
        let held = Held {
            reading: reading.clone(),
            offset: source.offset,
            index: source.index,
            origin: source.origin,
            key: source.key.map(Into::into),
            value: source.value.into(),
        };
        let newest = Doubtful { time: reading.time, entity: entity.into(), rest: held };
        let clock = scope.clock.clone();
        let first = scope.held.first().unwrap_or(&newest);
        let first = (first.rest.offset, first.rest.index);
        match clock.doubt(&mut scope.held, newest, max_jump_ms) {
            Resolved::Held => {}
            Resolved::Decided { believed, refused } => {
                self.refuse(refused, down);
                self.deciding = Some((first, self.partition.clock.clone()));
                self.believe_all(believed, down);
                self.deciding = None;
            }
        }
    }

    /// Whether a record comes again only because another part of it must be read again.
    pub(super) fn is_before_what_is_read_again(&self, source: &Source<'_>) -> bool {
        self.silent && self.resume_at.is_some_and(|first| (source.offset, source.index) < first)
    }

    pub(super) fn no_room(&self) -> Rejection {
        let detail = format!("{} entities are known already (window.max_entities)", self.entities.len());
        Rejection::new(Reason::TooManyEntities, detail)
    }

    /// Whether windows close as event time goes on, so that one bad clock can do harm.
    fn closes_by_time(&self) -> bool {
        matches!(self.settings.kind, WindowKind::Tumbling { .. } | WindowKind::Count { .. })
    }

    fn refuse(&mut self, refused: Vec<Doubtful<Held>>, down: &mut impl Downstream) {
        for doubtful in refused {
            let detail =
                format!("{} lies further ahead of the others than window.max_jump allows", doubtful.time);
            down.rejected(&doubtful.rest.source(), Rejection::new(Reason::TooFarAhead, detail));
            if let Some(id) = self.entities.find(&doubtful.entity) {
                self.forget_if_idle(id);
            }
        }
    }

    pub(super) fn believe_all(&mut self, believed: Vec<Doubtful<Held>>, down: &mut impl Downstream) {
        for doubtful in believed {
            // A lone reading may have been forgotten with its windows meanwhile.
            let Some(id) = self.entities.find_or_add(&doubtful.entity) else { continue };
            self.believe(id, &doubtful.rest.reading, &doubtful.rest.source(), down);
        }
    }

    /// What is held back at the end of the input: believed where nothing spoke against it.
    pub(super) fn settle_held(&mut self, down: &mut impl Downstream) {
        let mut scopes = vec![std::mem::take(&mut self.partition.held)];
        scopes.extend(
            self.slots
                .iter_mut()
                .filter_map(|slot| slot.scope.as_mut())
                .map(|scope| std::mem::take(&mut scope.held)),
        );
        for held in scopes.into_iter().filter(|held| !held.is_empty()) {
            let id = self.entities.find(&held[0].entity).unwrap_or_default();
            let scope = scope(&mut self.partition, &mut self.slots, self.settings.time, id);
            if scope.clock.watermark().is_none() || scope.clock.knows_nobody_but(&held[0].entity) {
                // Read again from any of them but the first, the later ones would be doubted by the earlier.
                let first = (held[0].rest.offset, held[0].rest.index);
                self.deciding = Some((first, self.partition.clock.clone()));
                self.believe_all(held, down);
                self.deciding = None;
            } else {
                self.refuse(held, down);
            }
        }
    }

    fn believe(&mut self, id: EntityId, reading: &Reading, source: &Source<'_>, down: &mut impl Downstream) {
        self.taking = Some(id);
        self.believe_of(id, reading, source, down);
        self.taking = None;
        // In a window that gathers all, entities are known by number until it closes.
        if self.settings.per_entity && self.slots[id as usize].open.is_empty() {
            self.forget_if_idle(id);
        }
    }

    fn believe_of(
        &mut self,
        id: EntityId,
        reading: &Reading,
        source: &Source<'_>,
        down: &mut impl Downstream,
    ) {
        let moved = {
            let scope = scope(&mut self.partition, &mut self.slots, self.settings.time, id);
            scope.clock.advance(reading.time, self.entities.name(id))
        };
        if self.settings.time == TimeScope::Entity {
            self.partition.clock.advance(reading.time, self.entities.name(id));
        }
        if moved && self.closes_by_time() {
            self.close_due(id, down);
        }
        match self.settings.kind {
            WindowKind::Tumbling { size_ms } => {
                let start_ms = reading.time.as_ms().div_euclid(size_ms) * size_ms;
                let start = reading.time.plus_ms(start_ms - reading.time.as_ms());
                let window = Window { start, end: start.plus_ms(size_ms) };
                if let Some(detail) = self.closed_already(id, window) {
                    let detail =
                        format!("{} belongs to the window until {}, {detail}", reading.time, window.end);
                    self.counts.late += u64::from(!self.silent);
                    let rejection = Rejection::new(Reason::Late, detail);
                    return down.late(self.entities.name(id), reading.time, source, rejection);
                }
                self.put(id, window, reading, source);
            }
            WindowKind::Count { size, .. } => {
                let counted_to = self.marks.get(id).and_then(|mark| mark.counted_to);
                if counted_to.is_some_and(|last| (source.offset, source.index) <= last) {
                    return;
                }
                let at = self.put_in_last(id, reading, source);
                if self.slots[id as usize].open[at].len() == size {
                    let start = self.slots[id as usize].open[at].opened;
                    self.close_many(vec![(id, start)], down);
                }
            }
            WindowKind::Message | WindowKind::Whole => {
                let gathered = self.gathered_in(id);
                self.put_in_last(gathered, reading, source);
                if !self.settings.per_entity {
                    let slot = &mut self.slots[gathered as usize];
                    slot.open.last_mut().expect("a reading was just put there").push_entity(id);
                }
            }
        }
    }

    /// The entity whose window takes this entity's readings.
    fn gathered_in(&mut self, id: EntityId) -> EntityId {
        if self.settings.per_entity {
            return id;
        }
        let name = std::mem::take(&mut self.gathered_as);
        let gathered = self.entities.find_or_add(&name).unwrap_or(id);
        self.gathered_as = name;
        self.make_room_for(gathered);
        gathered
    }

    /// Why a window takes no more readings, if so.
    fn closed_already(&self, id: EntityId, window: Window) -> Option<String> {
        let clock = match (&self.settings.time, &self.slots[id as usize].scope) {
            (TimeScope::Entity, Some(scope)) => &scope.clock,
            _ => &self.partition.clock,
        };
        let watermark = clock.watermark()?;
        if window.end.plus_ms(self.settings.grace_ms) <= watermark {
            return Some(format!("which closed when {watermark} was reached"));
        }
        let until = match self.settings.time {
            TimeScope::Partition => self.closed_until,
            TimeScope::Entity => self.marks.get(id).and_then(|mark| mark.closed_until),
        };
        until
            .filter(|until| window.end <= *until)
            .map(|_| "which the end of an earlier input closed".to_owned())
    }

    /// Puts a reading into the window with that span, opened if need be.
    fn put(&mut self, id: EntityId, window: Window, reading: &Reading, source: &Source<'_>) {
        let slot = &mut self.slots[id as usize];
        let at = match slot.open.iter().rposition(|open| open.window == window) {
            Some(at) => at,
            None => self.open(id, window, (source.offset, source.index)),
        };
        self.counts.windowed += u64::from(!self.silent);
        let place = (source.offset, source.index);
        self.slots[id as usize].open[at].push(reading, self.full, place, &mut self.rows);
    }

    /// Puts a reading into the entity's only window, which grows to its time.
    fn put_in_last(&mut self, id: EntityId, reading: &Reading, source: &Source<'_>) -> usize {
        let at = match self.slots[id as usize].open.len() {
            0 => {
                let window = Window { start: reading.time, end: reading.time };
                self.open(id, window, (source.offset, source.index))
            }
            some => some - 1,
        };
        self.counts.windowed += u64::from(!self.silent);
        let open = &mut self.slots[id as usize].open[at];
        open.stretch_to(reading.time);
        open.push(reading, self.full, (source.offset, source.index), &mut self.rows);
        at
    }

    fn open(&mut self, id: EntityId, window: Window, first: (Offset, u32)) -> usize {
        let place = (id, window.start);
        match self.settings.kind {
            WindowKind::Tumbling { .. } => {
                self.due.insert((window.end.plus_ms(self.settings.grace_ms), place));
            }
            WindowKind::Count { max_age_ms, .. } => {
                self.due.insert((window.start.plus_ms(max_age_ms), place));
            }
            WindowKind::Message | WindowKind::Whole => {}
        }
        // As of after the reading that opens it: read again, it is believed at once, and nothing before it is late. One
        // that was doubted is doubted again, with those that were refused for it.
        let (first, clock) = match &self.deciding {
            Some((first, clock)) => (*first, clock.clone()),
            None => (first, self.partition.clock.clone()),
        };
        self.first.insert((first, place), clock);
        self.counts.opened += u64::from(!self.silent);
        let slot = &mut self.slots[id as usize];
        slot.open.push(OpenWindow::new(window, first));
        slot.open.len() - 1
    }
}

/// The event time that an entity's readings move.
pub(super) fn scope<'a>(
    partition: &'a mut Scope,
    slots: &'a mut [Slot],
    time: TimeScope,
    id: EntityId,
) -> &'a mut Scope {
    match time {
        TimeScope::Partition => partition,
        TimeScope::Entity => slots[id as usize].scope.get_or_insert_default(),
    }
}
