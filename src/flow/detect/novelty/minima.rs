//! Whether a value stays up longer, or sinks deeper, than it did before: the least value of the last 24, 48 and 72 rows.

use serde::{Deserialize, Serialize};

use super::seen::Seen;
use super::tail::{Scores, Tail};
use crate::flow::detect::fixed::Fixed;

/// The spans, in rows.
pub const SPANS: [usize; 3] = [24, 48, 72];
const KEPT: usize = 72;
/// Values kept of each span's minima.
const LIMIT: u16 = 64;

/// The running minimum of a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Minimum {
    least: f32,
    /// Rows since it came.
    age: u8,
    seen: Seen,
    tail: Tail,
}

impl Default for Minimum {
    fn default() -> Minimum {
        Minimum { least: f32::INFINITY, age: 0, seen: Seen::with_limit(LIMIT), tail: Tail::default() }
    }
}

/// The last 72 values and what their minima were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Minima {
    values: Fixed<f32, KEPT>,
    /// The place of the next value.
    next: u8,
    /// Rows seen, as far as it matters.
    rows: u8,
    of_spans: [Minimum; 3],
}

impl Minima {
    /// Takes a row; how unusual each span's minimum is. `floor` as in [`Tail::score`].
    pub fn step(&mut self, value: f32, floor: f32) -> [Scores; 3] {
        let newest = usize::from(self.next);
        self.values[newest] = value;
        self.next = ((newest + 1) % KEPT) as u8;
        self.rows = self.rows.saturating_add(1);
        let mut scores = [Scores::default(); 3];
        for ((span, minimum), score) in SPANS.into_iter().zip(&mut self.of_spans).zip(&mut scores) {
            let seen = usize::from(self.rows).min(span);
            minimum.step(&self.values, newest, seen);
            if seen == span {
                *score = minimum.judge(floor);
            }
        }
        scores
    }

    /// Bytes beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.of_spans.iter().map(|minimum| minimum.seen.heap_bytes()).sum()
    }
}

impl Minimum {
    /// Brings the minimum up to date with the newest of `span` values; looks at all of them only when the least is gone.
    fn step(&mut self, values: &[f32; KEPT], newest: usize, span: usize) {
        self.age = self.age.saturating_add(1);
        if values[newest] <= self.least {
            (self.least, self.age) = (values[newest], 0);
        } else if usize::from(self.age) >= span {
            self.least = f32::INFINITY;
            for age in 0..span {
                let value = values[(newest + KEPT - age) % KEPT];
                if value < self.least {
                    (self.least, self.age) = (value, age as u8);
                }
            }
        }
    }

    fn judge(&mut self, floor: f32) -> Scores {
        let distance = self.seen.distance(self.least);
        let scores = self.tail.score(distance, floor);
        self.tail.learn(distance);
        self.seen.learn(self.least, distance);
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_minimum_is_the_least_of_the_span() {
        let values: Vec<f32> = (0..1000).map(|at| (at * 7919 % 503) as f32).collect();
        let mut minima = Minima::default();
        for at in 0..values.len() {
            minima.step(values[at], 0.0);
            for (span, minimum) in SPANS.iter().zip(&minima.of_spans) {
                let from = (at + 1).saturating_sub(*span);
                let least = values[from..=at].iter().copied().fold(f32::INFINITY, f32::min);
                assert_eq!(minimum.least, least, "row {at}, span {span}");
            }
        }
    }

    #[test]
    fn a_value_that_never_stayed_up_is_unusual_once_it_does() {
        let mut minima = Minima::default();
        let usual = |at: usize| if at % 20 < 10 { 1.0 + (at % 7) as f32 * 0.01 } else { 5.0 };
        for at in 0..2000 {
            minima.step(usual(at), 0.0);
        }
        let highest = (0..30).map(|_| minima.step(5.0, 0.0)[0][0]).fold(0.0, f32::max);
        assert!(highest > 3.0, "{highest}");
    }
}
