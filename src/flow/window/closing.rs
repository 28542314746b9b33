//! Closing windows, in an order that depends on the readings alone, and coming back after a restart.

use super::gather::scope;
use super::open::row_width;
use super::rows::RowStore;
use super::{
    BTreeMap, BTreeSet, Change, Downstream, Entities, EntityId, MARKS, Place, Readings, Resume, Schema,
    Scope, Table, TimeScope, WindowCounts, WindowKind, WindowSettings, Windows,
};

impl Windows {
    /// No window yet.
    pub fn new(settings: WindowSettings, schema: &Schema) -> Windows {
        Windows {
            settings,
            full: schema.full_mask(),
            gathered_as: schema.default_entity.clone(),
            entities: Entities::with_limit(settings.max_entities),
            slots: Vec::new(),
            partition: Scope::default(),
            closed_until: None,
            due: BTreeSet::new(),
            first: BTreeMap::new(),
            deciding: None,
            unwritten: BTreeMap::new(),
            quiet: BTreeSet::new(),
            keeps_rows: false,
            resume_at: None,
            marks: Table::new(MARKS),
            counts: WindowCounts::default(),
            silent: false,
            taking: None,
            rows: RowStore::of_width(row_width(schema.metrics.len())),
            columns: Readings::default(),
        }
    }

    /// The entities that are known.
    pub fn entities(&self) -> &Entities {
        &self.entities
    }

    /// What happened since the last call.
    pub fn take_counts(&mut self) -> WindowCounts {
        std::mem::take(&mut self.counts)
    }

    /// The marks that changed since the last call.
    pub fn changes(&mut self, changes: &mut Vec<Change>) {
        let entities = &self.entities;
        self.marks.changes(|id| entities.name(id), changes);
    }

    /// An entity of which something was learned before; `None` where there is no room for it.
    pub fn remember(&mut self, entity: &str) -> Option<EntityId> {
        let id = self.entities.find_or_add(entity)?;
        self.make_room_for(id);
        self.slots[id as usize].remembered = true;
        Some(id)
    }

    /// Takes back a mark; `false` where the bytes are none.
    #[must_use]
    pub fn restore_mark(&mut self, id: EntityId, bytes: &[u8]) -> bool {
        self.marks.restore(id, bytes)
    }

    /// Comes back to where readings are read again from, before the first of them is.
    pub fn resume(&mut self, resume: Resume) {
        self.partition.clock = resume.clock;
        self.closed_until = resume.closed_until;
        self.resume_at = resume.first;
    }

    /// While refilling, windows close without a word and marks stay as they are.
    pub fn set_silent(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// Closes what the watermark has made due: of the partition, or of that entity.
    pub(super) fn close_due(&mut self, id: EntityId, down: &mut impl Downstream) {
        let clock = &scope(&mut self.partition, &mut self.slots, self.settings.time, id).clock;
        let Some(watermark) = clock.watermark() else { return };
        let mut places: Vec<Place> = Vec::new();
        match self.settings.time {
            TimeScope::Partition => {
                while let Some((_, place)) = self.due.first().filter(|(due, _)| *due <= watermark) {
                    places.push(*place);
                    self.due.pop_first();
                }
            }
            TimeScope::Entity => {
                let (grace_ms, kind) = (self.settings.grace_ms, self.settings.kind);
                let is_due = |open: &&super::OpenWindow| match kind {
                    WindowKind::Count { max_age_ms, .. } => open.opened.plus_ms(max_age_ms) <= watermark,
                    _ => open.window.end.plus_ms(grace_ms) <= watermark,
                };
                places
                    .extend(self.slots[id as usize].open.iter().filter(is_due).map(|open| (id, open.opened)));
            }
        }
        if !places.is_empty() {
            self.close_many(places, down);
        }
        self.forget_the_quiet(watermark, down);
    }

    /// Whether anything waits for further readings.
    pub fn are_open(&self) -> bool {
        !self.first.is_empty() || self.replay_from().0.is_some()
    }

    /// Closes every window: the input ends.
    pub fn finish(&mut self, down: &mut impl Downstream) {
        self.settle_held(down);
        let last = self.slots.iter().flat_map(|slot| &slot.open).map(|open| open.window.end).max();
        self.close_all(down);
        if self.settings.time == TimeScope::Partition
            && matches!(self.settings.kind, WindowKind::Tumbling { .. })
        {
            self.closed_until = self.closed_until.max(last);
        }
    }

    pub(super) fn close_all(&mut self, down: &mut impl Downstream) {
        if !self.first.is_empty() {
            let places = self.first.keys().map(|(_, place)| *place).collect();
            self.close_many(places, down);
        }
    }

    /// Closes those windows, ordered by their end and the entity's name.
    pub(super) fn close_many(&mut self, places: Vec<Place>, down: &mut impl Downstream) {
        let mut closing: Vec<(super::EventTime, Place)> = places
            .into_iter()
            .filter_map(|place| {
                let open = self.slots[place.0 as usize].open.iter().find(|open| open.opened == place.1)?;
                Some((open.window.end, place))
            })
            .collect();
        let entities = &self.entities;
        closing.sort_unstable_by(|(end, a), (other_end, b)| {
            end.cmp(other_end).then_with(|| entities.name(a.0).cmp(entities.name(b.0))).then(a.1.cmp(&b.1))
        });
        for (_, place) in closing {
            self.close(place, down);
        }
    }

    fn close(&mut self, place: Place, down: &mut impl Downstream) {
        let (id, opened) = place;
        let slot = &mut self.slots[id as usize];
        let Some(at) = slot.open.iter().position(|open| open.opened == opened) else { return };
        let open = slot.open.swap_remove(at);
        let window = open.window;
        let clock = self.first.remove(&(open.first, place));
        match self.settings.kind {
            WindowKind::Tumbling { .. } => {
                self.due.remove(&(window.end.plus_ms(self.settings.grace_ms), place));
            }
            WindowKind::Count { max_age_ms, .. } => {
                self.due.remove(&(opened.plus_ms(max_age_ms), place));
            }
            WindowKind::Message | WindowKind::Whole => {}
        }
        let (first, last) = (open.first, open.last);
        open.into_columns(&mut self.rows, &mut self.columns);
        if !self.silent {
            self.counts.closed += 1;
            if self.settings.time == TimeScope::Entity {
                let mark = self.marks.row(id);
                mark.closed_until = mark.closed_until.max(Some(window.end));
            }
            if let WindowKind::Count { .. } = self.settings.kind {
                self.marks.row(id).counted_to = Some(last);
            }
            let learned = down.closed(&self.entities, id, window, &self.columns);
            self.slots[id as usize].remembered |= learned || self.marks.get(id).is_some();
            self.note_learned(id, window, (first, clock), down);
        } else if self.learns_again(id, window) && down.learns() {
            down.relearn(&self.entities, id, window, &self.columns);
            self.slots[id as usize].remembered = true;
            self.note_learned(id, window, (first, clock), down);
        }
        self.note_heard(id, window, down);
        for gathered in std::mem::take(&mut self.columns.entities) {
            self.forget_if_idle(gathered);
        }
        self.forget_if_idle(id);
    }

    /// Forgets an entity that has no window and of which nothing was learned.
    pub(super) fn forget_if_idle(&mut self, id: EntityId) {
        if self.taking == Some(id) {
            return;
        }
        let slot = &self.slots[id as usize];
        let waits = self.partition.held.iter().any(|held| *held.entity == *self.entities.name(id));
        if slot.open.is_empty() && !slot.remembered && slot.scope.is_none() && !waits {
            self.entities.forget(id);
        }
    }
}
