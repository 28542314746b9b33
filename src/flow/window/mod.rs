//! Gathering readings into windows, and closing them as event time goes on.
//!
//! ```text
//! tumbling, size 5, grace 1           closes when the watermark reaches 6 and 11
//! 0    5    10
//! [----)[----)      a reading at 5 belongs to the second window
//!      ^
//! ```
//!
//! Readings of open windows are not state: after a restart they are read again from [`Windows::replay_from`].

mod clock;
mod closing;
mod entities;
mod forgetting;
mod gather;
mod learned;
mod open;
mod rows;
pub mod settings;
mod spoken;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::clock::Doubtful;
use self::open::OpenWindow;
use self::rows::RowStore;
use self::settings::{TimeScope, WindowKind, WindowSettings};
use super::Change;
use super::model::{Reading, Schema};
use super::readings::Readings;
use super::record::{Extent, Offset, Origin, Reason, Rejection};
use super::table::Table;
use super::time::{EventTime, Window};

pub use self::clock::Clock;
pub use self::entities::{Entities, EntityId};

/// The table of marks, in [`Change::table`].
pub const MARKS: u8 = 0;

/// Where a reading came from, to say so when it cannot be used.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its record's place in the task's input.
    pub offset: Offset,
    /// The how-manieth reading of its record it is.
    pub index: u32,
    /// Its record's place outside.
    pub origin: Origin,
    /// Its record's key.
    pub key: Option<&'a [u8]>,
    /// Its own bytes.
    pub value: &'a [u8],
}

/// What windows tell the stage after them.
pub trait Downstream {
    /// A window closed. Whether anything was learned of the entity, so that it must be remembered.
    fn closed(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) -> bool;
    /// Whether what a closed window teaches is kept in rows.
    fn learns(&self) -> bool {
        false
    }
    /// A window that had closed before closes again: what it taught is learned again, and nothing else happens.
    fn relearn(&mut self, entities: &Entities, id: EntityId, window: Window, readings: &Readings) {
        let _ = (entities, id, window, readings);
    }
    /// An entity is forgotten: nothing has come of it for long. Whether something of it must be remembered all the same; if not,
    /// its number will be another's.
    fn forget(&mut self, entities: &Entities, id: EntityId) -> bool {
        let _ = (entities, id);
        false
    }
    /// A reading of an entity came after its window had closed.
    fn late(&mut self, entity: &str, time: EventTime, source: &Source<'_>, rejection: Rejection);
    /// A reading could not be used.
    fn rejected(&mut self, source: &Source<'_>, rejection: Rejection);
}

/// How far an entity's windows have closed, where the partition's watermark does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// The greatest end of a closed window (`time = "entity"`).
    closed_until: Option<EventTime>,
    /// Record and index of the last reading of a closed window (`kind = "count"`).
    counted_to: Option<(Offset, u32)>,
}

/// Where a restart reads again from, and what must be known to do so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// The event time as of the record to be read first.
    pub clock: Clock,
    /// The greatest end of the windows that the end of an input closed.
    pub closed_until: Option<EventTime>,
    /// Record and index of the reading to be read first: of the same record, those before it are not read again.
    pub first: Option<(Offset, u32)>,
}

/// What happened to readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Readings put into a window.
    pub windowed: u64,
    /// Readings after their window had closed.
    pub late: u64,
    /// Windows opened.
    pub opened: u64,
    /// Windows closed.
    pub closed: u64,
}

/// A reading that its clock finds doubtful, with all that is needed to go on with it or to refuse it.
#[derive(Clone, Debug)]
struct Held {
    reading: Reading,
    offset: Offset,
    index: u32,
    origin: Origin,
    key: Option<Box<[u8]>>,
    value: Box<[u8]>,
}

impl Held {
    fn source(&self) -> Source<'_> {
        let Held { offset, index, origin, key, value, .. } = self;
        Source { offset: *offset, index: *index, origin: *origin, key: key.as_deref(), value }
    }
}

/// The event time of one scope, and what it holds back.
#[derive(Debug, Default)]
struct Scope {
    clock: Clock,
    held: Vec<Doubtful<Held>>,
}

#[derive(Debug, Default)]
struct Slot {
    open: Vec<OpenWindow>,
    /// Whether something was learned of the entity.
    remembered: bool,
    /// The end of the last window that the entity has learned from.
    learned_until: Option<EventTime>,
    /// The end of its last window, where that matters for when it is forgotten.
    heard: Option<EventTime>,
    /// Where the readings begin that must be read again as long as what they taught is in no row.
    unwritten: Option<(Offset, u32)>,
    /// Only with `time = "entity"`.
    scope: Option<Box<Scope>>,
}

/// The clock, and the ends of windows that were closed for want of readings, as of some reading.
type AsOf = (Clock, Option<EventTime>);

/// A window among the open ones: the entity, and the start it was opened with.
type Place = (EntityId, EventTime);

/// The windows of a task.
#[derive(Debug)]
pub struct Windows {
    settings: WindowSettings,
    full: u64,
    gathered_as: String,
    entities: Entities,
    slots: Vec<Slot>,
    partition: Scope,
    closed_until: Option<EventTime>,
    /// When windows close, in event time.
    due: BTreeSet<(EventTime, Place)>,
    /// Open windows by record and index of their first reading, with the clock as of then.
    first: BTreeMap<((Offset, u32), Place), Clock>,
    /// While doubtful readings are believed: the first of them, and the clock that doubted it.
    deciding: Option<((Offset, u32), Clock)>,
    /// Entities that have learned what is in no row yet, by the reading from which it is learned again, with the event time
    /// and the ends of windows as of then.
    unwritten: BTreeMap<((Offset, u32), EntityId), AsOf>,
    /// Entities by the end of their last window.
    quiet: BTreeSet<(EventTime, EntityId)>,
    /// Whether somebody keeps rows, so that it matters what is in them.
    keeps_rows: bool,
    /// After a restart, what comes before this is not read again.
    resume_at: Option<(Offset, u32)>,
    marks: Table<Mark>,
    counts: WindowCounts,
    /// While refilling: windows close without a word.
    silent: bool,
    /// The entity whose reading is being taken: it is not forgotten meanwhile.
    taking: Option<EntityId>,
    rows: RowStore,
    columns: Readings,
}
