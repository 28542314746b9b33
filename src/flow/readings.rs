//! The readings of a closed window, by column, as detectors take them.

use super::model::{Schema, Statuses};
use super::time::{EventTime, Window};

/// All readings of one entity in one window, in the order of their time.
#[derive(Clone, Copy, Debug)]
pub struct ClosedWindow<'a> {
    /// Whose readings they are.
    pub entity: &'a str,
    /// The span of event time.
    pub window: Window,
    /// The readings.
    pub readings: &'a Readings,
    /// What their columns are.
    pub schema: &'a Schema,
    /// The names behind the bits of [`Statuses`].
    pub services: &'a [String],
}

/// Readings by column. Rows are ordered by time, equal times by arrival.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// One a row.
    pub times: Vec<EventTime>,
    /// Metric after metric, each as long as `times`: 0 where `present` lacks the metric's bit.
    pub columns: Vec<f64>,
    /// One a row: which metrics it has.
    pub present: Vec<u64>,
    /// One a row.
    pub statuses: Vec<Statuses>,
    /// One a row: the how-manieth to arrive it was.
    pub arrival: Vec<u32>,
    /// One a row where the window gathers several entities, else none.
    pub entities: Vec<u32>,
    /// Whether every row has every metric.
    pub complete: bool,
}

impl Readings {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// A metric's values, one a row.
    pub fn column(&self, metric: usize) -> &[f64] {
        &self.columns[metric * self.len()..(metric + 1) * self.len()]
    }

    /// Whether a row has a metric.
    pub fn has(&self, row: usize, metric: usize) -> bool {
        self.complete || self.present[row] >> metric & 1 == 1
    }
}
