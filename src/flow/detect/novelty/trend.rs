//! A guard: a series with a trend sets records all the time, and none of them is news.

use serde::{Deserialize, Serialize};

/// 2^(−1/5000): counts lose half of their weight in 5000 rows.
const FADING: f64 = 0.999_861_380_246_769_2;

/// How often new highs and lows came, next to how often they would without a trend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    low: f32,
    high: f32,
    highs: f32,
    lows: f32,
    /// Σ 1/(t + 1): of independent values so many are the highest so far.
    expected: f32,
}

impl Trend {
    /// What is to be taken off the strength of a value: nothing until records came three times as often as they should.
    pub fn penalty(&self, value: f32) -> f32 {
        let middle = self.low / 2.0 + self.high / 2.0;
        let records = if value > middle { self.highs } else { self.lows };
        let often = (1.0 + records) / (3.0 * (1.0 + self.expected));
        if often <= 1.0 { 0.0 } else { 4.0 * libm::log10(f64::from(often)) as f32 }
    }

    /// Takes note of a value; `row` counts from 0.
    pub fn learn(&mut self, value: f32, row: u32) {
        let fade = |count: f32| (f64::from(count) * FADING) as f32;
        (self.highs, self.lows, self.expected) = (fade(self.highs), fade(self.lows), fade(self.expected));
        self.expected += (1.0 / (f64::from(row) + 1.0)) as f32;
        if row == 0 {
            (self.low, self.high) = (value, value);
        } else if value > self.high {
            (self.high, self.highs) = (value, self.highs + 1.0);
        } else if value < self.low {
            (self.low, self.lows) = (value, self.lows + 1.0);
        }
    }

    /// The least and the greatest value so far.
    pub fn ends(&self) -> (f32, f32) {
        (self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_rising_series_is_no_news_and_a_low_still_is() {
        let mut trend = Trend::default();
        for row in 0..3000 {
            trend.learn(row as f32, row);
        }
        assert!(trend.penalty(3000.0) > 4.0);
        assert_eq!(trend.penalty(-1.0), 0.0);
    }

    #[test]
    fn independent_values_pay_nothing() {
        let mut trend = Trend::default();
        for row in 0..10_000_u32 {
            let value = (row.wrapping_mul(2_654_435_761) >> 8) as f32;
            assert_eq!(trend.penalty(value), 0.0, "row {row}");
            trend.learn(value, row);
        }
    }
}
