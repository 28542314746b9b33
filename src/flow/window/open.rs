//! A window that still takes readings.

use crate::flow::model::{Reading, Statuses};
use crate::flow::readings::Readings;
use crate::flow::record::Offset;
use crate::flow::time::{EventTime, Window};

use super::entities::EntityId;

/// Words of a row that are not values: time, statuses, presence.
const HEAD: usize = 3;

/// The readings so far, a row after the other: one append touches one place in memory, however many windows are open.
#[derive(Clone, Debug)]
pub(super) struct OpenWindow {
    /// The span; count, message and whole windows learn theirs as they go.
    pub window: Window,
    /// Its start when it was opened; a span that stretches keeps it as its name.
    pub opened: EventTime,
    /// Where the first reading lies in the input.
    pub first: Offset,
    /// Record and index of the last reading to arrive.
    pub last: (Offset, u32),
    rows: Vec<u64>,
    /// Of the rows, where the window gathers several entities.
    entities: Vec<EntityId>,
    in_order: bool,
    complete: bool,
}

impl OpenWindow {
    /// An empty window; `rows` is memory to use again.
    pub(super) fn new(window: Window, first: Offset, rows: Vec<u64>) -> OpenWindow {
        debug_assert!(rows.is_empty(), "rows of another window");
        OpenWindow {
            window,
            opened: window.start,
            first,
            last: (first, 0),
            rows,
            entities: Vec::new(),
            in_order: true,
            complete: true,
        }
    }

    /// How many readings there are.
    pub(super) fn len(&self, metrics: usize) -> usize {
        self.rows.len() / (HEAD + metrics)
    }

    /// Takes a reading; `full` is the presence mask of a reading with every metric.
    pub(super) fn push(&mut self, reading: &Reading, full: u64, place: (Offset, u32)) {
        self.last = place;
        let width = HEAD + reading.values.len();
        if let Some(last) = self.rows.len().checked_sub(width) {
            self.in_order &= self.rows[last] as i64 <= reading.time.as_ms();
        }
        self.complete &= reading.present == full;
        self.rows.reserve(width);
        self.rows.extend([reading.time.as_ms() as u64, reading.statuses.to_bits(), reading.present]);
        self.rows.extend(reading.values.iter().map(|value| value.to_bits()));
    }

    /// Says whose the reading just pushed is.
    pub(super) fn push_entity(&mut self, entity: EntityId) {
        self.entities.push(entity);
    }

    /// Widens the span to the reading's time, for windows that are not aligned.
    pub(super) fn stretch_to(&mut self, time: EventTime) {
        self.window.start = self.window.start.min(time);
        self.window.end = self.window.end.max(time);
    }

    /// The rows by column, ordered by time, equal times by arrival. Returns the window's memory, emptied.
    pub(super) fn into_columns(mut self, metrics: usize, columns: &mut Readings) -> Vec<u64> {
        let width = HEAD + metrics;
        let count = self.rows.len() / width;
        columns.arrival.clear();
        columns.arrival.extend(0..count as u32);
        if !self.in_order {
            columns.arrival.sort_by_key(|&row| self.rows[row as usize * width] as i64);
        }
        columns.complete = self.complete;
        columns.times.clear();
        columns.present.clear();
        columns.statuses.clear();
        columns.entities.clear();
        columns.columns.clear();
        columns.columns.resize(count * metrics, 0.0);
        for (at, &row) in columns.arrival.iter().enumerate() {
            let row = row as usize;
            let words = &self.rows[row * width..(row + 1) * width];
            columns.times.push(EventTime::from_ms(words[0] as i64).expect("a reading's time was checked"));
            columns.statuses.push(Statuses::from_bits(words[1]));
            columns.present.push(words[2]);
            if let Some(&entity) = self.entities.get(row) {
                columns.entities.push(entity);
            }
            for (metric, &bits) in words[HEAD..].iter().enumerate() {
                columns.columns[metric * count + at] = f64::from_bits(bits);
            }
        }
        self.rows.clear();
        self.rows
    }
}
