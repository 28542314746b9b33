//! A window that still takes readings.

use crate::flow::model::{Reading, Statuses};
use crate::flow::readings::Readings;
use crate::flow::record::Offset;
use crate::flow::time::{EventTime, Window};

use super::entities::EntityId;
use super::rows::{RowStore, Rows};

/// Words of a row that are not values: time, statuses, presence.
const HEAD: usize = 3;

/// A row's words: time, statuses, presence, then a value a metric.
pub(super) const fn row_width(metrics: usize) -> usize {
    HEAD + metrics
}

/// The readings so far, in chunks of the task's row store.
#[derive(Clone, Debug)]
pub(super) struct OpenWindow {
    /// The span; count, message and whole windows learn theirs as they go.
    pub(super) window: Window,
    /// Its start when it was opened; a span that stretches keeps it as its name.
    pub(super) opened: EventTime,
    /// Record and index of the first reading.
    pub(super) first: (Offset, u32),
    /// Record and index of the last reading to arrive.
    pub(super) last: (Offset, u32),
    rows: Rows,
    /// Of the rows, where the window gathers several entities.
    entities: Vec<EntityId>,
    last_time: EventTime,
    in_order: bool,
    complete: bool,
}

impl OpenWindow {
    /// An empty window.
    pub(super) fn new(window: Window, first: (Offset, u32)) -> OpenWindow {
        OpenWindow {
            window,
            opened: window.start,
            first,
            last: first,
            rows: Rows::EMPTY,
            entities: Vec::new(),
            last_time: window.start,
            in_order: true,
            complete: true,
        }
    }

    /// How many readings there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes a reading; `full` is the presence mask of a reading with every metric.
    pub(super) fn push(&mut self, reading: &Reading, full: u64, place: (Offset, u32), store: &mut RowStore) {
        self.in_order &= self.rows.len() == 0 || self.last_time <= reading.time;
        self.complete &= reading.present == full;
        (self.last, self.last_time) = (place, reading.time);
        let row = store.push(&mut self.rows);
        row[..HEAD].copy_from_slice(&[
            reading.time.as_ms() as u64,
            reading.statuses.to_bits(),
            reading.present,
        ]);
        for (word, value) in row[HEAD..].iter_mut().zip(&reading.values) {
            *word = value.to_bits();
        }
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

    /// The rows by column, ordered by time, equal times by arrival. Their memory goes back to the store.
    pub(super) fn into_columns(self, store: &mut RowStore, columns: &mut Readings) {
        let count = self.rows.len();
        columns.complete = self.complete;
        columns.entities.clone_from(&self.entities);
        columns.times.clear();
        columns.present.clear();
        columns.statuses.clear();
        let mut table = std::mem::take(&mut columns.columns);
        table.clear();
        table.resize(count * (store.width() - HEAD), 0.0);
        store.release(self.rows, |at, words| {
            let time = EventTime::from_ms(words[0] as i64).expect("a reading's time was checked");
            columns.times.push(time);
            columns.statuses.push(Statuses::from_bits(words[1]));
            columns.present.push(words[2]);
            for (metric, &bits) in words[HEAD..].iter().enumerate() {
                table[metric * count + at] = f64::from_bits(bits);
            }
        });
        columns.columns = table;
        columns.arrival.clear();
        columns.arrival.extend(0..count as u32);
        if !self.in_order {
            sort_by_time(columns);
        }
    }
}

/// Puts rows that came in disorder into the order of their time.
fn sort_by_time(columns: &mut Readings) {
    let mut order = std::mem::take(&mut columns.arrival);
    order.sort_by_key(|&row| columns.times[row as usize]);
    columns.times = take(&order, &columns.times);
    columns.present = take(&order, &columns.present);
    columns.statuses = take(&order, &columns.statuses);
    if !columns.entities.is_empty() {
        columns.entities = take(&order, &columns.entities);
    }
    for column in columns.columns.chunks_exact_mut(order.len()) {
        let sorted = take(&order, column);
        column.copy_from_slice(&sorted);
    }
    columns.arrival = order;
}

/// What stands at those places, in their order.
fn take<T: Copy>(places: &[u32], from: &[T]) -> Vec<T> {
    places.iter().map(|&place| from[place as usize]).collect()
}
