//! What can be set of windows, checked.

/// How readings are gathered into windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// Spans of event time, aligned to 1970-01-01 UTC.
    Tumbling {
        /// Their length, above 0.
        size_ms: i64,
    },
    /// A number of readings.
    Count {
        /// How many, above 0.
        size: usize,
        /// A window whose first reading is older than this (against the watermark) closes as it is.
        max_age_ms: i64,
    },
    /// The readings of one record.
    Message,
    /// All readings of the input.
    Whole,
}

/// Whose readings tell how far event time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeScope {
    /// All of the partition's (a file is one partition).
    Partition,
    /// Each entity's own: for inputs that are grouped by entity.
    Entity,
}

/// The `[window]` of a topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSettings {
    /// How readings are gathered.
    pub kind: WindowKind,
    /// How long after its end a window stays open for readings that are late, in event time.
    pub grace_ms: i64,
    /// Whose readings move the watermark.
    pub time: TimeScope,
    /// Whether each entity has windows of its own; only `message` and `whole` may gather all.
    pub per_entity: bool,
    /// How far ahead of the watermark one reading may jump before it is doubted; `None` doubts nothing.
    pub max_jump_ms: Option<i64>,
    /// The most entities a task keeps; readings of further ones are rejected.
    pub max_entities: usize,
}

impl WindowSettings {
    /// How long a window may be open before its grace, in event time; 0 where no span bounds it.
    pub fn longest_ms(&self) -> i64 {
        match self.kind {
            WindowKind::Tumbling { size_ms } => size_ms,
            WindowKind::Count { max_age_ms, .. } => max_age_ms,
            WindowKind::Message | WindowKind::Whole => 0,
        }
    }
}
