//! The next value from the level and the last value: an autoregression of order one around a level that follows.

use serde::{Deserialize, Serialize};

const LEVEL_RATE: f64 = 0.01;
const MEMORY_RATE: f64 = 0.0005;
const SCALE_RATE: f64 = 0.01;
const ERROR_RATE: f64 = 0.001;
/// An error of more scales than these is learned as if it were so many.
const REACH: f64 = 4.0;

/// What is known of one view of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Predictor {
    level: f32,
    last: f32,
    /// Mean squares, and products of neighbours, of deviations from the level.
    squares: f32,
    products: f32,
    scale: f32,
    error: f32,
}

/// Moves a mean towards a value by a share of the way.
fn approach(mean: &mut f32, value: f64, share: f64) {
    let old = f64::from(*mean);
    *mean = (old + share * (value - old)) as f32;
}

impl Predictor {
    fn memory(&self) -> f64 {
        if self.squares > 0.0 {
            (f64::from(self.products) / f64::from(self.squares)).clamp(-0.5, 1.0)
        } else {
            0.0
        }
    }

    /// The value that is expected next.
    pub fn expected(&self) -> f64 {
        f64::from(self.level) + self.memory() * (f64::from(self.last) - f64::from(self.level))
    }

    /// What errors usually are.
    pub fn scale(&self) -> f64 {
        f64::from(self.scale)
    }

    /// What errors usually are, over a longer time: by this views compete.
    pub fn error(&self) -> f64 {
        f64::from(self.error)
    }

    /// Learns the value of the row with that number, from 1. The level follows always, the rest unless it is held.
    pub fn learn(&mut self, value: f64, number: f64, held: bool) {
        if number <= 1.0 {
            (self.level, self.last) = (value as f32, value as f32);
            return;
        }
        let rate = |least: f64| least.max(1.0 / number);
        let level = f64::from(self.level);
        let (before, now) = (f64::from(self.last) - level, value - level);
        let error = (now - self.memory() * before).abs();
        approach(&mut self.level, value, rate(LEVEL_RATE));
        self.last = value as f32;
        if held {
            return;
        }
        self.remember(f64::midpoint(before * before, now * now), before * now, rate(MEMORY_RATE));
        let error = if self.scale > 0.0 { error.min(REACH * self.scale()) } else { error };
        approach(&mut self.scale, error, rate(SCALE_RATE));
        approach(&mut self.error, error, rate(ERROR_RATE));
    }

    fn remember(&mut self, square: f64, product: f64, rate: f64) {
        let most = REACH * f64::from(self.squares);
        // Both by the same share, so that their ratio is what it was.
        let share = if most > 0.0 && square > most { most / square } else { 1.0 };
        approach(&mut self.squares, square * share, rate);
        approach(&mut self.products, product * share, rate);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::random::Random;
    use super::super::super::sample::normal;
    use super::*;

    #[test]
    fn what_remembers_its_last_value_is_expected_near_it() {
        let (mut predictor, mut random) = (Predictor::default(), Random::seeded(1));
        let mut value = 0.0;
        for row in 1..20_000 {
            value = 0.9 * value + normal(&mut random);
            predictor.learn(100.0 + value, f64::from(row), false);
        }
        assert!((predictor.memory() - 0.9).abs() < 0.1, "{}", predictor.memory());
        // The mean absolute value of a normal error.
        assert!((predictor.scale() - 0.8).abs() < 0.15, "{}", predictor.scale());
    }

    #[test]
    fn nothing_overflows_and_nothing_is_divided_by_zero() {
        let mut predictor = Predictor::default();
        for row in 1..100 {
            predictor.learn(0.0, f64::from(row), false);
        }
        assert_eq!(predictor.expected(), 0.0);
        for row in 100..200 {
            predictor.learn(if row % 2 == 0 { 1e18 } else { -1e18 }, f64::from(row), false);
        }
        assert!(predictor.expected().is_finite() && predictor.scale().is_finite());
    }
}
