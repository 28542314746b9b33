//! The principal components of vectors, and how far a vector lies from their mean along them.

use serde::{Deserialize, Serialize};

use super::comoments::Comoments;
use super::eigen::{self, Eigen};

/// A direction with less than this share of the largest variance has none but rounding.
const NO_VARIANCE: f64 = 1e-12;

/// What becomes of components with little variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smallest {
    /// Those without any are left out, the others are taken as they are.
    LeftOut,
    /// Raised to 1e-3 of the largest: a past that by chance never varied in one direction makes no alarm of the first
    /// small step that way.
    Floored,
}

/// Mean and kept components: some 1 KB for 12 metrics of which 9 are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Components {
    means: Vec<f64>,
    /// Component after component, divided by the metrics' scales and by its own standard deviation.
    weights: Vec<f64>,
}

impl Components {
    /// The fewest components of the standardised vectors that hold more than a share `variance` of their variance;
    /// none where nothing varies. `None` for fewer than two vectors.
    pub fn of(moments: &Comoments, variance: f64, smallest: Smallest) -> Option<Components> {
        let inverse_scales = moments.inverse_scales();
        let varying = inverse_scales.iter().filter(|scale| **scale > 0.0).count();
        if inverse_scales.is_empty() || moments.count < 2.0 {
            return None;
        }
        let found = eigen::decompose(&covariance(moments, &inverse_scales), inverse_scales.len());
        let largest = found[0].value;
        let total: f64 = found.iter().map(|eigen| eigen.value).sum();
        let mut cumulative = 0.0;
        let below = found.iter().take_while(|eigen| {
            cumulative += eigen.value / total;
            cumulative <= variance
        });
        let kept = (below.count() + 1).min(varying).min(moments.count as usize);
        let usable = |eigen: &&Eigen| smallest == Smallest::Floored || eigen.value > NO_VARIANCE * largest;
        let weights = found[..kept].iter().filter(usable).flat_map(|Eigen { value, vector }| {
            let value = if smallest == Smallest::Floored { value.max(1e-3 * largest) } else { *value };
            let deviation = value.sqrt();
            vector.iter().zip(&inverse_scales).map(move |(along, scale)| along * scale / deviation)
        });
        Some(Components { weights: weights.collect(), means: moments.means.clone() })
    }

    /// How many metrics it takes.
    pub fn width(&self) -> usize {
        self.means.len()
    }

    /// How many components were kept.
    pub fn kept(&self) -> usize {
        self.weights.len() / self.width()
    }

    /// A vector's squared distance from the mean in units of the components' variances. `deviations` is working space
    /// and afterwards the vector's difference from the mean.
    pub fn squared_distance(&self, vector: &[f64], deviations: &mut Vec<f64>) -> f64 {
        deviations.clear();
        deviations.extend(vector.iter().zip(&self.means).map(|(value, mean)| value - mean));
        let along = |component| dot(component, deviations);
        self.weights.chunks_exact(self.width()).map(|component| along(component) * along(component)).sum()
    }

    /// What each metric adds to the squared distance of a vector with those deviations; some parts may be below zero.
    pub fn parts(&self, deviations: &[f64]) -> Vec<f64> {
        let mut parts = vec![0.0; self.width()];
        for component in self.weights.chunks_exact(self.width()) {
            let along = dot(component, deviations);
            parts.iter_mut().zip(component).for_each(|(part, weight)| *part += weight * along);
        }
        parts.iter_mut().zip(deviations).for_each(|(part, deviation)| *part *= deviation);
        parts
    }

    /// The vector moved towards the mean until its squared distance is that share of what it was.
    pub fn pulled_in(&self, vector: &[f64], share: f64) -> Vec<f64> {
        let shrink = share.sqrt();
        self.means.iter().zip(vector).map(|(mean, value)| mean + (value - mean) * shrink).collect()
    }
}

/// The covariance (n − 1) of the vectors standardised by their population deviations, row by row.
fn covariance(moments: &Comoments, inverse_scales: &[f64]) -> Vec<f64> {
    let degrees = moments.count - 1.0;
    let size = inverse_scales.len();
    let mut matrix = Vec::with_capacity(size * size);
    for row in 0..size {
        let factor = inverse_scales[row] / degrees;
        matrix.extend((0..size).map(|column| moments.product(row, column) * inverse_scales[column] * factor));
    }
    matrix
}

/// In four lanes, so that one addition does not wait for the last.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (ones, others) = (one.chunks_exact(4), other.chunks_exact(4));
    let rest: f64 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in ones.zip(others) {
        for lane in 0..4 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::super::sample;
    use super::*;

    fn fitted(values: &[f64], width: usize, variance: f64, smallest: Smallest) -> Option<Components> {
        Components::of(&Comoments::of(values, width), variance, smallest)
    }

    #[test]
    fn two_metrics_that_move_together_have_one_component() {
        let values: Vec<f64> =
            (0..50).flat_map(|i| [f64::from(i % 9), 3.0 - 2.0 * f64::from(i % 9)]).collect();
        assert_eq!(fitted(&values, 2, 0.95, Smallest::LeftOut).unwrap().kept(), 1);
        assert_eq!(fitted(&values, 2, 1.0, Smallest::LeftOut).unwrap().kept(), 1);
        let floored = fitted(&values, 2, 1.0, Smallest::Floored).unwrap();
        assert_eq!(floored.kept(), 2);
        let mut deviations = Vec::new();
        assert!(floored.squared_distance(&[4.0, -5.0], &mut deviations) < 1.0);
        assert!(floored.squared_distance(&[4.0, 5.0], &mut deviations) > 100.0);
    }

    #[test]
    fn fewer_vectors_than_metrics_have_fewer_components_than_vectors() {
        let values = sample::quiet(&mut Random::seeded(2), 5).concat();
        assert_eq!(fitted(&values, 12, 1.0, Smallest::LeftOut).unwrap().kept(), 4);
    }

    #[test]
    fn what_never_varies_has_no_components() {
        assert_eq!(fitted(&[7.0; 24], 12, 0.95, Smallest::Floored).unwrap().kept(), 0);
        assert_eq!(fitted(&[7.0; 12], 12, 0.95, Smallest::LeftOut), None);
    }

    #[test]
    fn the_parts_of_a_distance_add_up_to_it() {
        let values = sample::quiet(&mut Random::seeded(2), 60).concat();
        let components = fitted(&values, 12, 0.95, Smallest::LeftOut).unwrap();
        let mut deviations = Vec::new();
        for vector in values.chunks_exact(12) {
            let distance = components.squared_distance(vector, &mut deviations);
            let sum: f64 = components.parts(&deviations).iter().sum();
            assert!((sum - distance).abs() < 1e-9 * distance);
            let pulled = components.pulled_in(vector, 0.25);
            let nearer = components.squared_distance(&pulled, &mut deviations);
            assert!((nearer - distance / 4.0).abs() < 1e-9 * distance);
        }
    }
}
