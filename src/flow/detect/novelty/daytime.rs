//! How far a value is from what it was at this time of the day.

use serde::{Deserialize, Serialize};

use crate::flow::detect::fixed::Fixed;
use crate::flow::time::EventTime;

/// Quarters of an hour in a day.
pub const QUARTERS: usize = 96;
const QUARTER_MS: i64 = 900_000;
const DAY_MS: i64 = 86_400_000;
/// A new value weighs at least this much.
const RATE: f32 = 0.1;

/// The quarter of an hour of a day that a time lies in.
pub fn quarter_of(time: EventTime) -> usize {
    (time.as_ms().rem_euclid(DAY_MS) / QUARTER_MS) as usize
}

/// Means by quarter of an hour: 480 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Daytime {
    means: Fixed<f32, QUARTERS>,
    counts: Fixed<u8, QUARTERS>,
}

impl Daytime {
    /// The distance to the nearest of this quarter's and its neighbours' means, if any of them was seen.
    pub fn distance(&self, quarter: usize, value: f32) -> Option<f32> {
        let around = [quarter + QUARTERS - 1, quarter, quarter + 1].map(|at| at % QUARTERS);
        let seen = around.into_iter().filter(|at| self.counts[*at] > 0);
        seen.map(|at| (value - self.means[at]).abs()).reduce(f32::min)
    }

    /// Learns a value.
    pub fn learn(&mut self, quarter: usize, value: f32) {
        let count = self.counts[quarter].saturating_add(1);
        self.counts[quarter] = count;
        self.means[quarter] += RATE.max(1.0 / f32::from(count)) * (value - self.means[quarter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neighbours_of_a_quarter_count_across_midnight_too() {
        let mut daytime = Daytime::default();
        assert_eq!(daytime.distance(0, 5.0), None);
        daytime.learn(95, 4.0);
        daytime.learn(1, 9.0);
        assert_eq!(daytime.distance(0, 5.0), Some(1.0));
        assert_eq!(daytime.distance(95, 5.0), Some(1.0));
        assert_eq!(daytime.distance(93, 5.0), None);
    }

    #[test]
    fn a_time_before_1970_has_its_quarter_too() {
        let time = EventTime::parse(b"1969-12-31T23:50:00Z").unwrap();
        assert_eq!(quarter_of(time), 95);
    }
}
