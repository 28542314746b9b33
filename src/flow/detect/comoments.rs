//! Count, means and co-moments of vectors: all that a covariance needs of them.

use serde::{Deserialize, Serialize};

/// What [`super::statistics::Moments`] is to numbers, for vectors: 736 bytes for 12 metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comoments {
    /// How many; a fraction once old vectors have faded.
    pub count: f64,
    /// Their mean.
    pub means: Vec<f64>,
    /// Summed products of deviations from the mean: the lower triangle, row after row.
    products: Vec<f64>,
}

impl Comoments {
    /// The moments of vectors of that width, one after the other, in two passes.
    pub fn of(values: &[f64], width: usize) -> Comoments {
        let Some(origin) = values.get(..width).filter(|origin| !origin.is_empty()) else {
            return Comoments::default();
        };
        let count = (values.len() / width) as f64;
        // Counted from the first vector: what never varies has deviations of exactly zero.
        let mut shift = vec![0.0; width];
        for vector in values.chunks_exact(width) {
            for ((sum, value), from) in shift.iter_mut().zip(vector).zip(origin) {
                *sum += value - from;
            }
        }
        for sum in &mut shift {
            *sum /= count;
        }
        let mut deviations = vec![0.0; width];
        let mut products = vec![0.0; width * (width + 1) / 2];
        for vector in values.chunks_exact(width) {
            for (((deviation, value), from), mean) in
                deviations.iter_mut().zip(vector).zip(origin).zip(&shift)
            {
                *deviation = (value - from) - mean;
            }
            add_products(&mut products, &deviations, 1.0);
        }
        let means = origin.iter().zip(&shift).map(|(from, mean)| from + mean).collect();
        Comoments { count, means, products }
    }

    /// The moments of both sets together (Chan, Golub, LeVeque 1983).
    #[must_use]
    pub fn merged(mut self, other: &Comoments) -> Comoments {
        if other.count == 0.0 {
            return self;
        }
        if self.count == 0.0 || self.means.len() != other.means.len() {
            return other.clone();
        }
        let count = self.count + other.count;
        let deltas: Vec<f64> = self.means.iter().zip(&other.means).map(|(mine, its)| its - mine).collect();
        self.products.iter_mut().zip(&other.products).for_each(|(mine, its)| *mine += its);
        add_products(&mut self.products, &deltas, self.count * other.count / count);
        self.means.iter_mut().zip(&deltas).for_each(|(mean, delta)| *mean += delta * other.count / count);
        self.count = count;
        self
    }

    /// The same means and spread with the weight of at most `count` vectors, so that newer ones tell.
    #[must_use]
    pub fn faded_to(mut self, count: f64) -> Comoments {
        if self.count > count {
            let share = count / self.count;
            self.products.iter_mut().for_each(|product| *product *= share);
            self.count = count;
        }
        self
    }

    /// The summed product of two metrics' deviations.
    pub fn product(&self, one: usize, other: usize) -> f64 {
        let (row, column) = (one.max(other), one.min(other));
        self.products[row * (row + 1) / 2 + column]
    }

    /// One over each metric's population standard deviation: 0 where it does not vary beyond rounding.
    pub fn inverse_scales(&self) -> Vec<f64> {
        let inverse = |(metric, mean): (usize, &f64)| {
            let scale = (self.product(metric, metric) / self.count).sqrt();
            if scale > (mean.abs() * 1e-13).max(1e-60) { 1.0 / scale } else { 0.0 }
        };
        self.means.iter().enumerate().map(inverse).collect()
    }
}

/// Adds the products of all pairs, weighted, to a lower triangle.
fn add_products(triangle: &mut [f64], vector: &[f64], weight: f64) {
    let mut rest = triangle;
    for (metric, value) in vector.iter().enumerate() {
        let (row, after) = rest.split_at_mut(metric + 1);
        let factor = value * weight;
        row.iter_mut().zip(vector).for_each(|(product, other)| *product += factor * other);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::super::sample;
    use super::*;

    #[test]
    fn merging_equals_computing_at_once() {
        let values = sample::quiet(&mut Random::seeded(1), 100).concat();
        let (left, right) = values.split_at(12 * 33);
        let merged = Comoments::of(left, 12).merged(&Comoments::of(right, 12));
        let whole = Comoments::of(&values, 12);
        let close =
            |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9 * (1.0 + b.abs()));
        assert_eq!(merged.count, whole.count);
        assert!(close(&merged.means, &whole.means) && close(&merged.products, &whole.products));
    }

    #[test]
    fn what_never_varies_has_no_scale() {
        let values: Vec<f64> = (0..3000).flat_map(|i| [0.1 + 0.2, f64::from(i % 7)]).collect();
        let moments = Comoments::of(&values, 2);
        assert_eq!(moments.product(0, 0), 0.0);
        assert_eq!(moments.inverse_scales()[0], 0.0);
        assert!(moments.inverse_scales()[1] > 0.0);
    }

    #[test]
    fn nothing_has_no_moments() {
        assert_eq!(Comoments::of(&[], 3), Comoments::default());
        assert_eq!(Comoments::of(&[], 0), Comoments::default());
    }
}
