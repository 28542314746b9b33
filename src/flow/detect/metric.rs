//! One metric of a window, as detectors that judge each metric by itself take it.

use super::{Anomaly, Band, ClosedWindow, Score, Severity, Side};

/// One metric of a window.
#[derive(Clone, Copy, Debug)]
pub struct Metric<'a> {
    /// The window.
    pub window: &'a ClosedWindow<'a>,
    /// The metric's place in the schema.
    pub index: usize,
}

impl<'a> Metric<'a> {
    /// The metric's name.
    pub fn name(self) -> &'a str {
        &self.window.schema.metrics[self.index].name
    }

    /// Row and value of the readings that have the metric.
    pub fn values(self) -> impl Iterator<Item = (usize, f64)> + Clone + 'a {
        let readings = self.window.readings;
        let column = readings.column(self.index);
        column.iter().copied().enumerate().filter(move |(row, _)| readings.has(*row, self.index))
    }

    /// An anomaly of a row, in want of how bad it is and why.
    pub fn anomaly(self, row: usize, value: f64, band: Band) -> Anomaly {
        Anomaly {
            row,
            metric: self.name().to_owned().into(),
            value,
            threshold: Some(band.high),
            severity: Severity::Low,
            score: 0.0,
            expected: Some(band),
            side: match value {
                value if value > band.high => Side::Above,
                value if value < band.low => Side::Below,
                _ => Side::Neither,
            },
            contributions: vec![(self.name().to_owned(), 1.0)],
            description: String::new(),
        }
    }

    /// The score of a row.
    pub fn score(self, row: usize, value: f64, score: f64, band: Band) -> Score {
        Score {
            row,
            metric: self.name().to_owned().into(),
            value,
            score,
            together: None,
            expected: Some(band),
        }
    }

    /// A row that was seen and not judged.
    pub fn unscored(self, row: usize, value: f64) -> Score {
        Score {
            row,
            metric: self.name().to_owned().into(),
            value,
            score: 0.0,
            together: None,
            expected: None,
        }
    }
}
