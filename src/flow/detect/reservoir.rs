//! A bounded sample of past vectors in which newer ones are the likelier.

use serde::{Deserialize, Serialize};

use super::Anomaly;
use super::history::MEMORY_READINGS;
use super::random::Random;
use super::vectors::Vectors;

/// Beyond this a single-precision number says no more than "far away"; differences of two such stay finite.
const GREATEST: f64 = 1e37;

/// A sample of the vectors offered: each of the first `MEMORY_READINGS` is in it with equal chance (Vitter's algorithm
/// R, 1985); from then on a vector's chance fades over as many again.
///
/// Numbers are kept in single precision as differences from the first vector, so that a large offset costs no digits:
/// 48 bytes a vector of 12 metrics, 24 KB for 512.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reservoir {
    origin: Vec<f64>,
    offered: u32,
    /// Vector after vector.
    values: Vec<f32>,
}

impl Reservoir {
    /// An empty one whose vectors are written as differences from that one.
    pub fn from_origin(origin: &[f64]) -> Reservoir {
        Reservoir { origin: origin.to_vec(), ..Reservoir::default() }
    }

    /// Offers a vector, as long as the first.
    pub fn offer(&mut self, vector: &[f64], capacity: usize, random: &mut Random) {
        if self.origin.is_empty() {
            self.origin = vector.to_vec();
        }
        self.offered = (self.offered + 1).min(MEMORY_READINGS);
        if self.len() < capacity {
            let Reservoir { origin, values, .. } = self;
            values.extend(singles(origin, vector));
            return;
        }
        let slot = random.below(self.offered as usize);
        let Reservoir { origin, values, .. } = self;
        if let Some(place) = values.chunks_exact_mut(origin.len().max(1)).nth(slot) {
            place.iter_mut().zip(singles(origin, vector)).for_each(|(place, value)| *place = value);
        }
    }

    /// Offers the vectors of a window, but for the abnormal, which are in the order of the rows.
    pub fn learn(&mut self, vectors: &Vectors<'_>, found: &[Anomaly], capacity: usize, random: &mut Random) {
        let mut abnormal = found.iter().peekable();
        for (row, vector) in vectors.rows().iter().zip(vectors.each()) {
            if abnormal.next_if(|anomaly| anomaly.row == *row).is_none() {
                self.offer(vector, capacity, random);
            }
        }
    }

    /// How many vectors it holds.
    pub fn len(&self) -> usize {
        self.values.len() / self.origin.len().max(1)
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many metrics a vector has; 0 before the first.
    pub fn width(&self) -> usize {
        self.origin.len()
    }

    /// The first vector, from which all are counted.
    pub fn origin(&self) -> &[f64] {
        &self.origin
    }

    /// What it holds, vector after vector.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// What it holds, in the metrics' own units.
    pub fn read(&self) -> Vec<f64> {
        let vectors = self.values.chunks_exact(self.width().max(1));
        let value = |(from, value): (&f64, &f32)| from + f64::from(*value);
        vectors.flat_map(|vector| self.origin.iter().zip(vector).map(value)).collect()
    }

    /// Vectors written as this one writes its own.
    pub fn written(&self, values: &[f64]) -> Vec<f32> {
        let width = self.width().max(1);
        values.chunks_exact(width).flat_map(|vector| singles(&self.origin, vector)).collect()
    }
}

fn singles<'a>(origin: &'a [f64], vector: &'a [f64]) -> impl Iterator<Item = f32> + 'a {
    origin.iter().zip(vector).map(|(from, value)| (value - from).clamp(-GREATEST, GREATEST) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(offers: u32) -> Reservoir {
        let mut random = Random::seeded(5);
        let mut reservoir = Reservoir::default();
        (0..offers).for_each(|at| reservoir.offer(&[f64::from(at)], 100, &mut random));
        reservoir
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        assert_eq!(filled(99).len(), 99);
        assert_eq!(filled(5000).len(), 100);
    }

    #[test]
    fn every_vector_of_a_short_history_is_as_likely_in_it() {
        let mean = filled(8000).values().iter().sum::<f32>() / 100.0;
        assert!((3000.0..5000.0).contains(&mean), "{mean}");
    }

    #[test]
    fn a_long_history_fades() {
        let oldest = filled(100_000).values().iter().copied().fold(f32::MAX, f32::min);
        assert!(oldest > 20_000.0, "{oldest}");
    }

    #[test]
    fn a_large_offset_costs_no_digits() {
        let mut reservoir = Reservoir::from_origin(&[1e12]);
        reservoir.offer(&[1e12 + 3.0], 10, &mut Random::seeded(1));
        assert_eq!(reservoir.values(), [3.0]);
        assert!(reservoir.written(&[1e60, -1e60]).iter().all(|value| value.is_finite()));
    }
}
