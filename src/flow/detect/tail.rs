//! How unusual a value is among values seen, beyond the largest of them too.

use serde::{Deserialize, Serialize};

/// The shares of values that lie above a [`Tail`]'s knots.
const SHARES: [f64; 4] = [1.0, 0.5, 0.2, 0.05];
/// Nothing is more surprising than one in a million million.
const MOST_SURPRISE: f64 = 12.0;

/// The value below which a share of sorted values lies, in a straight line between neighbours (numpy's `linear`).
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = place - below as f64;
    // numpy starts from the nearer neighbour, and so does this: to the last bit.
    if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) }
}

/// The upper tail of values: surprise grows in straight lines from quantile to quantile, and goes on growing as it did
/// between the last two.
///
/// 32 bytes. Straight means that the tail is taken for exponential, the usual one that makes fewest promises. The
/// quantiles .8 and .95 give a slope that is steadier from sample to sample than a mean or median excess, and one outlier
/// among twenty values cannot hide itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    knots: [f64; 4],
}

impl Tail {
    /// The tail of values sorted upwards.
    pub fn of(sorted: &[f64]) -> Tail {
        Tail { knots: SHARES.map(|share| quantile(sorted, 1.0 - share)) }
    }

    /// −log10 of the probability of a value at least as large, in [0, 12].
    pub fn surprise(&self, value: f64) -> f64 {
        let surprise = |knot: usize| -libm::log10(SHARES[knot]);
        let Some(upper) = self.knots.iter().position(|knot| value <= *knot) else {
            return (surprise(3) + (value - self.knots[3]) / self.slope()).min(MOST_SURPRISE);
        };
        let Some(lower) = upper.checked_sub(1) else { return 0.0 };
        let part = (value - self.knots[lower]) / (self.knots[upper] - self.knots[lower]);
        surprise(lower) + part * (surprise(upper) - surprise(lower))
    }

    /// The value whose surprise that is, from 1.3 upwards.
    pub fn value_at(&self, surprise: f64) -> f64 {
        self.knots[3] + (surprise + libm::log10(SHARES[3])) * self.slope()
    }

    /// How much larger a value is that is ten times as rare.
    fn slope(&self) -> f64 {
        let [.., twenty, five] = self.knots;
        // Values that end in a step still leave room for one just above them.
        let least = (0.02 * five.abs()).max(f64::MIN_POSITIVE);
        ((five - twenty) / libm::log10(SHARES[2] / SHARES[3])).max(least)
    }

    /// The middle one of the values.
    pub fn median(&self) -> f64 {
        self.knots[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_in_a_straight_line_between_its_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.05), 1.1);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 1.0), 4.0);
        assert_eq!(quantile(&[0.1; 7], 0.05), 0.1);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    /// Quantiles of the exponential distribution: surprise is then value / ln 10.
    fn exponential() -> Tail {
        let values: Vec<f64> = (0..1000).map(|i| -libm::log(1.0 - (f64::from(i) + 0.5) / 1000.0)).collect();
        Tail::of(&values)
    }

    #[test]
    fn an_exponential_tail_is_extrapolated_as_one() {
        let tail = exponential();
        for (value, expected) in [(1.609, 0.699), (2.996, 1.301), (9.21, 4.0), (16.1, 7.0)] {
            assert!((tail.surprise(value) - expected).abs() < 0.1, "{value}: {}", tail.surprise(value));
        }
        assert!((tail.surprise(tail.value_at(4.0)) - 4.0).abs() < 1e-12);
        assert_eq!(tail.surprise(f64::MAX), MOST_SURPRISE);
    }

    #[test]
    fn a_larger_value_is_never_less_surprising() {
        let tail = exponential();
        let surprises: Vec<f64> = (-10..2000).map(|i| tail.surprise(f64::from(i) / 100.0)).collect();
        assert!(surprises.is_sorted());
        assert_eq!(surprises[0], 0.0);
    }

    #[test]
    fn identical_values_surprise_nobody() {
        for value in [0.0, 0.3, -7.0] {
            let tail = Tail::of(&[value; 20]);
            assert_eq!(tail.surprise(value), 0.0);
            assert!(tail.surprise(value + 1.0) > 1.0);
        }
        assert!(Tail::of(&[]).surprise(1.0).is_finite());
    }

    #[test]
    fn an_outlier_does_not_hide_itself() {
        let mut values: Vec<f64> = (0..60).map(|i| f64::from(i % 20) / 10.0).collect();
        values.sort_by(f64::total_cmp);
        let calm = Tail::of(&values).value_at(4.0);
        values.push(50.0);
        assert!(Tail::of(&values).value_at(4.0) < 2.0 * calm);
    }
}
