//! Arithmetic that detectors share: moments, tails, scores. Sums have a fixed order, so the bits are the same everywhere.

use serde::{Deserialize, Serialize};

/// Sums in eight lanes, then pairwise: exact to about `n / 8` roundings, and not bound by the latency of one addition.
pub fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut lanes = [0.0; 8];
    for (at, value) in values.enumerate() {
        lanes[at & 7] += value;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Count, mean and sum of squared deviations of some values (Chan, Golub, LeVeque 1983).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many; a fraction once old values have faded.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Their summed squared deviations from the mean.
    pub squares: f64,
}

impl Moments {
    /// The moments of values, in two passes.
    pub fn of<I: Iterator<Item = f64> + Clone>(values: I) -> Moments {
        let count = values.clone().count() as f64;
        if count == 0.0 {
            return Moments::default();
        }
        let mean = sum(values.clone()) / count;
        Moments { count, mean, squares: sum(values.map(|value| (value - mean) * (value - mean))) }
    }

    /// The moments of both sets together.
    #[must_use]
    pub fn merged(self, other: Moments) -> Moments {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let delta = other.mean - self.mean;
        Moments {
            count,
            mean: self.mean + delta * other.count / count,
            squares: self.squares + other.squares + delta * delta * self.count * other.count / count,
        }
    }

    /// The same mean and spread with the weight of at most `count` values, so that newer ones tell.
    #[must_use]
    pub fn faded_to(self, count: f64) -> Moments {
        if self.count <= count {
            return self;
        }
        Moments { count, mean: self.mean, squares: self.squares * count / self.count }
    }

    /// The sample standard deviation (n − 1), or `None` where the values do not vary beyond rounding.
    pub fn deviation(self) -> Option<f64> {
        if self.count < 2.0 {
            return None;
        }
        let deviation = (self.squares / (self.count - 1.0)).sqrt();
        (deviation.is_finite() && deviation > self.mean.abs() * 1e-13).then_some(deviation)
    }
}

/// log10 of the probability that a normal value lies at least `z` standard deviations from the mean, either side.
pub fn log10_two_sided_normal_tail(z: f64) -> f64 {
    let z = z.abs();
    if z < 8.0 {
        return libm::log10(libm::erfc(z / std::f64::consts::SQRT_2));
    }
    // erfc underflows later on; its asymptote 2φ(z)/z is exact to 2 % from here.
    -z * z / 2.0 * std::f64::consts::LOG10_E - libm::log10(z) + 0.5 * libm::log10(2.0 / std::f64::consts::PI)
}

/// A score in [0, 1] of a surprise: the negative log10 of the probability of something at least as unusual on quiet data.
///
/// 1 − e^(−surprise/4), as `novelty` has it: 0 for the ordinary, 0.53 for one in a thousand, 0.78 for one in a million.
pub fn score_of_surprise(surprise: f64) -> f64 {
    if surprise.is_nan() || surprise <= 0.0 { 0.0 } else { 1.0 - libm::exp(-surprise / 4.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_moments_equals_computing_them_at_once() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i * i % 37)).collect();
        let (left, right) = values.split_at(33);
        let merged = Moments::of(left.iter().copied()).merged(Moments::of(right.iter().copied()));
        let whole = Moments::of(values.iter().copied());
        assert!((merged.mean - whole.mean).abs() < 1e-12);
        assert!((merged.squares - whole.squares).abs() < 1e-9);
    }

    #[test]
    fn values_that_differ_by_rounding_alone_have_no_deviation() {
        let thirds = std::iter::repeat_n(0.1 + 0.2, 500);
        assert_eq!(Moments::of(thirds).deviation(), None);
        assert_eq!(Moments::of([3.0].into_iter()).deviation(), None);
        assert!(Moments::of([3.0, 4.0].into_iter()).deviation().is_some());
    }

    #[test]
    fn the_normal_tail_is_that_of_the_tables() {
        assert!((log10_two_sided_normal_tail(1.959_964) - 0.05f64.log10()).abs() < 1e-6);
        let (inside, outside) =
            (log10_two_sided_normal_tail(7.999_999), log10_two_sided_normal_tail(8.000_001));
        assert!((inside - outside).abs() < 0.02, "{inside} {outside}");
        assert!(log10_two_sided_normal_tail(1e6) < -1e11);
    }

    #[test]
    fn a_score_stays_in_its_range() {
        for surprise in [f64::NAN, -1.0, 0.0, 3.0, 1e300, f64::INFINITY] {
            assert!((0.0..=1.0).contains(&score_of_surprise(surprise)));
        }
    }
}
