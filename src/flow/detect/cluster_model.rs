//! Groups of usual vectors, and how far a vector is from all of them.
//!
//! The fit is `linfa-clustering`'s; what it finds is kept as plain numbers and judged by arithmetic of our own, in one
//! order. The k-means fit is the same to the bit on every machine. The mixture's is not: it multiplies matrices with fused
//! multiply-add where the processor has it and takes the system's logarithms. So k-means is the default.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{GaussianMixtureModel, KMeans};
use ndarray::{Array2, ArrayView2};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::settings::ClusterModel;

/// Starts of the k-means fit, of which the best is kept.
const RUNS: usize = 3;
/// Steps of one fit; usual are 10 to 30.
const MOST_STEPS: u64 = 100;
/// Added to the variances of a mixture's components, in squared standard deviations of the metrics.
const LEAST_VARIANCE: f64 = 1e-3;
/// A group with a smaller share of the vectors is none: an outlier would be the centre of its own.
const LEAST_SHARE: f64 = 0.02;
/// Nor is one with fewer vectors.
const LEAST_MEMBERS: f64 = 2.0;

/// Groups of standardised vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Groups {
    /// By their centroids, one after the other.
    Means(Vec<f64>),
    /// By their densities.
    Mixture(Vec<Gaussian>),
}

/// A weighted normal distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gaussian {
    /// Logarithm of the weight times the density at the mean.
    log_peak: f64,
    mean: Vec<f64>,
    /// The covariance's Cholesky factor: the lower triangle, row after row.
    factor: Vec<f64>,
}

impl Groups {
    /// Finds about `count` groups of vectors; `None` where the fit fails or does not settle.
    pub fn of(vectors: &[f64], width: usize, count: usize, model: ClusterModel, seed: u64) -> Option<Groups> {
        let rows = vectors.len() / width.max(1);
        let count = count.clamp(1, rows.max(1));
        let records = ArrayView2::from_shape((rows, width), vectors).ok()?;
        if rows == 0 {
            return None;
        }
        let dataset = DatasetBase::from(records);
        let chance = Xoshiro256Plus::seed_from_u64(seed);
        let least = (LEAST_SHARE * rows as f64).max(LEAST_MEMBERS).min(rows as f64 / count as f64);
        match model {
            ClusterModel::KMeans => {
                let params = KMeans::params_with_rng(count, chance).n_runs(RUNS).max_n_iterations(MOST_STEPS);
                let centroids = params.fit(&dataset).ok()?.centroids().clone();
                Some(Groups::Means(with_members(&centroids, vectors, least)))
            }
            ClusterModel::GaussianMixture => {
                let params = GaussianMixtureModel::params_with_rng(count, chance)
                    .reg_covariance(LEAST_VARIANCE)
                    .max_n_iterations(MOST_STEPS);
                let fit = params.fit(&dataset).ok()?;
                let parts = fit.weights().iter().zip(fit.means().rows()).zip(fit.covariances().outer_iter());
                let of_size = parts.filter(|((weight, _), _)| **weight * rows as f64 >= least);
                let gaussians: Option<Vec<Gaussian>> = of_size
                    .map(|((weight, mean), covariance)| {
                        let covariance: Vec<f64> = covariance.iter().copied().collect();
                        Gaussian::of(*weight, mean.to_vec(), &covariance)
                    })
                    .collect();
                gaussians.filter(|gaussians| !gaussians.is_empty()).map(Groups::Mixture)
            }
        }
    }

    /// How far a vector is from all groups: the distance to the nearest centroid, or the negative logarithm of the
    /// density; and each metric's squared difference from the nearest group's middle.
    pub fn judge(&self, vector: &[f64]) -> (f64, Vec<f64>) {
        match self {
            Groups::Means(centroids) => {
                let squares = nearest(centroids.chunks_exact(vector.len()), vector);
                (squares.iter().sum::<f64>().sqrt(), squares)
            }
            Groups::Mixture(gaussians) => {
                let logs: Vec<f64> = gaussians.iter().map(|gaussian| gaussian.log_density(vector)).collect();
                let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = logs.iter().map(|log| libm::exp(log - greatest)).sum();
                let middles = gaussians.iter().map(|gaussian| gaussian.mean.as_slice());
                (-(greatest + libm::log(sum)), nearest(middles, vector))
            }
        }
    }
}

impl Gaussian {
    /// `None` where the covariance is that of no distribution.
    fn of(weight: f64, mean: Vec<f64>, covariance: &[f64]) -> Option<Gaussian> {
        let width = mean.len();
        let mut factor: Vec<f64> = Vec::with_capacity(width * (width + 1) / 2);
        let mut log_peak = libm::log(weight) - 0.5 * width as f64 * libm::log(std::f64::consts::TAU);
        for row in 0..width {
            for column in 0..=row {
                let (one, other) = (start(row), start(column));
                let known: f64 = (0..column).map(|at| factor[one + at] * factor[other + at]).sum();
                let rest = covariance[row * width + column] - known;
                factor.push(if row == column { rest.sqrt() } else { rest / factor[other + column] });
            }
            let diagonal = factor[start(row) + row];
            if diagonal.is_nan() || diagonal <= 0.0 {
                return None;
            }
            log_peak -= libm::log(diagonal);
        }
        log_peak.is_finite().then_some(Gaussian { log_peak, mean, factor })
    }

    fn log_density(&self, vector: &[f64]) -> f64 {
        let mut solved: Vec<f64> = Vec::with_capacity(vector.len());
        for (row, (value, mean)) in vector.iter().zip(&self.mean).enumerate() {
            let factors = &self.factor[start(row)..=start(row) + row];
            let known: f64 = factors.iter().zip(&solved).map(|(factor, solved)| factor * solved).sum();
            solved.push((value - mean - known) / factors[row]);
        }
        self.log_peak - 0.5 * solved.iter().map(|value| value * value).sum::<f64>()
    }
}

/// Where a row of a lower triangle starts.
fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

/// The squared differences from the middle that is nearest, the first of equals.
fn nearest<'a>(middles: impl Iterator<Item = &'a [f64]>, vector: &[f64]) -> Vec<f64> {
    let mut best = (f64::INFINITY, Vec::new());
    for middle in middles {
        let difference = |(value, middle): (&f64, &f64)| (value - middle) * (value - middle);
        let squares: Vec<f64> = vector.iter().zip(middle).map(difference).collect();
        let distance = squares.iter().sum();
        if distance < best.0 {
            best = (distance, squares);
        }
    }
    best.1
}

/// The centroids that are nearest to at least that many vectors.
fn with_members(centroids: &Array2<f64>, vectors: &[f64], least: f64) -> Vec<f64> {
    let mut members = vec![0.0; centroids.nrows()];
    for vector in vectors.chunks_exact(centroids.ncols()) {
        let mut best = (f64::INFINITY, 0);
        for (at, centroid) in centroids.rows().into_iter().enumerate() {
            let distance = centroid.iter().zip(vector).map(|(a, b)| (a - b) * (a - b)).sum();
            if distance < best.0 {
                best = (distance, at);
            }
        }
        members[best.1] += 1.0;
    }
    let kept = centroids.rows().into_iter().zip(members).filter(|(_, members)| *members >= least);
    kept.flat_map(|(centroid, _)| centroid.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::super::sample::normal;
    use super::*;

    /// Two groups of 100 around (0, 0) and (10, −10), and one vector on its own.
    fn vectors() -> Vec<f64> {
        let mut random = Random::seeded(1);
        let middle = |at: usize| if at.is_multiple_of(2) { (0.0, 0.0) } else { (10.0, -10.0) };
        let mut vector = |(x, y)| [x + normal(&mut random), y + normal(&mut random)];
        let mut vectors: Vec<f64> = (0..200).flat_map(|at| vector(middle(at))).collect();
        vectors.extend([40.0, 40.0]);
        vectors
    }

    fn groups(model: ClusterModel) -> Groups {
        Groups::of(&vectors(), 2, 3, model, 7).unwrap()
    }

    #[test]
    fn a_vector_near_a_group_is_near() {
        let groups = groups(ClusterModel::KMeans);
        assert!(groups.judge(&[0.5, 0.5]).0 < 2.0);
        assert!(groups.judge(&[10.5, -10.0]).0 < 2.0);
        let (distance, squares) = groups.judge(&[0.0, 6.0]);
        assert!((5.0..7.0).contains(&distance));
        assert!(squares[1] > 20.0 * squares[0]);
    }

    #[test]
    fn an_outlier_is_no_group() {
        assert!(groups(ClusterModel::KMeans).judge(&[40.0, 40.0]).0 > 30.0);
        assert!(groups(ClusterModel::GaussianMixture).judge(&[40.0, 40.0]).0 > 30.0);
    }

    #[test]
    fn a_density_is_that_of_the_formula() {
        let gaussian = Gaussian::of(0.5, vec![1.0, 2.0], &[4.0, 1.0, 1.0, 2.0]).unwrap();
        // ½ · 1 / (2π √7) · exp(−½ dᵀ Σ⁻¹ d) with d = (1, 1) and Σ⁻¹ = [2 −1; −1 4] / 7.
        let expected = libm::log(0.5 / (std::f64::consts::TAU * 7.0_f64.sqrt())) - 0.5 * 4.0 / 7.0;
        assert!((gaussian.log_density(&[2.0, 3.0]) - expected).abs() < 1e-14);
        assert_eq!(Gaussian::of(0.5, vec![1.0, 2.0], &[1.0, 2.0, 2.0, 1.0]), None);
    }

    #[test]
    fn the_same_seed_finds_the_same_groups() {
        for model in [ClusterModel::KMeans, ClusterModel::GaussianMixture] {
            assert_eq!(groups(model), groups(model));
            let bytes = postcard::to_stdvec(&groups(model)).unwrap();
            let read: Groups = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(postcard::to_stdvec(&read).unwrap(), bytes);
            assert_eq!(read, groups(model));
        }
    }

    #[test]
    fn a_fit_of_next_to_nothing_is_defined() {
        let of = |vectors: &[f64], model| Groups::of(vectors, 2, 4, model, 1);
        assert_eq!(of(&[], ClusterModel::KMeans), None);
        assert_eq!(of(&[1.0, 2.0], ClusterModel::KMeans).unwrap().judge(&[1.0, 2.0]).0, 0.0);
        assert_eq!(of(&[1.0; 40], ClusterModel::KMeans).unwrap().judge(&[1.0, 1.0]).0, 0.0);
        assert_eq!(of(&[1.0; 40], ClusterModel::GaussianMixture), None);
    }
}
