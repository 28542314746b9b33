//! An isolation forest (Liu, Ting, Zhou 2008): how few random cuts set a vector apart from others.
//!
//! Trees alone cannot tell a vector a little outside of what they have seen from one far outside: both fall to the
//! outermost leaves. So a vector outside is judged as if it had been among those seen. Had it been, a cut of a metric
//! would have fallen between it and the others with a chance of `gap / (range + gap)`, and it would have been alone at
//! once. Whoever is judged by a forest grown from itself is never outside.

use super::random::Random;
use super::tree::{Block, Chances, LANES, Tree, average_length, block};
use crate::flow::model::MAX_METRICS;

/// Vectors judged against one tree while it is in the nearest cache.
const BATCH: usize = 32 * LANES;
/// The most vectors a tree is grown from; its depth is then 12.
pub const MOST_SAMPLES: usize = 4096;

/// Trees grown from samples of the same vectors: 350 KB for 200 trees of 256.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    trees: Vec<Tree>,
    /// The least and the greatest value seen of each metric.
    seen: Vec<(f32, f32)>,
    /// How many cuts it takes on average to isolate one of as many vectors as a tree was grown from.
    usual_length: f64,
}

impl Forest {
    /// Grows trees, each from `samples` of the vectors; `None` where there are fewer than two to tell apart.
    pub fn grow(
        vectors: &[f32],
        width: usize,
        trees: usize,
        samples: usize,
        random: &mut Random,
    ) -> Option<Forest> {
        let count = vectors.len() / width.max(1);
        let samples = samples.min(count).min(MOST_SAMPLES);
        if samples < 2 {
            return None;
        }
        // The logarithm, rounded up: as deep as a balanced tree.
        let depth = usize::BITS - (samples - 1).leading_zeros();
        let column = |metric| vectors.chunks_exact(width).map(|vector| vector[metric]).collect();
        let columns: Vec<Vec<f32>> = (0..width).map(column).collect();
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mut tree = || {
            for at in 0..samples {
                order.swap(at, at + random.below(count - at));
            }
            Tree::grow(&columns, &mut order[..samples], depth, random)
        };
        let trees = (0..trees.max(1)).map(|_| tree()).collect();
        let range = |column: &Vec<f32>| {
            let fold = |from, choose: fn(f32, f32) -> f32| column.iter().copied().fold(from, choose);
            (fold(f32::INFINITY, f32::min), fold(f32::NEG_INFINITY, f32::max))
        };
        Some(Forest {
            trees,
            seen: columns.iter().map(range).collect(),
            usual_length: average_length(samples),
        })
    }

    /// How unusual each vector is, in (0, 1): 2^(−E(h) / c), below 0.5 for the ordinary.
    pub fn judge(&self, vectors: &[f32]) -> Vec<f64> {
        let width = self.seen.len();
        let mut sums = vec![0.0; vectors.len() / width];
        for (vectors, sums) in vectors.chunks(BATCH * width).zip(sums.chunks_mut(BATCH)) {
            self.add_lengths(vectors, sums);
        }
        let scale = self.trees.len() as f64 * self.usual_length;
        sums.iter().map(|sum| libm::exp2(-sum / scale)).collect()
    }

    /// Adds what each tree says of a batch of vectors. Those outside of what was seen fall more slowly, so the others
    /// fall apart from them.
    fn add_lengths(&self, vectors: &[f32], sums: &mut [f64]) {
        let width = self.seen.len();
        let vector = |at: usize| &vectors[at * width..(at + 1) * width];
        let is_outside = |at: &usize| {
            self.seen.iter().zip(vector(*at)).any(|(&(low, high), value)| !(low..=high).contains(value))
        };
        let (outside, inside): (Vec<usize>, Vec<usize>) = (0..sums.len()).partition(is_outside);
        let together = |group: &[usize]| -> Block {
            let few: Vec<f32> = group.iter().flat_map(|&at| vector(at)).copied().collect();
            block(&few, width)
        };
        let inside: Vec<(&[usize], Block)> =
            inside.chunks(LANES).map(|group| (group, together(group))).collect();
        let outside: Vec<(&[usize], Block, Chances)> = outside
            .chunks(LANES)
            .map(|group| {
                let mut apart: Chances = [[0.0; LANES]; MAX_METRICS];
                for (lane, &at) in group.iter().enumerate() {
                    for (chances, stay) in apart.iter_mut().zip(self.chances_to_stay(vector(at))) {
                        chances[lane] = 1.0 - stay;
                    }
                }
                (group, together(group), apart)
            })
            .collect();
        for tree in &self.trees {
            for (group, block) in &inside {
                group.iter().zip(tree.lengths(block)).for_each(|(&at, length)| sums[at] += length);
            }
            for (group, block, apart) in &outside {
                let lengths = tree.lengths_outside(block, apart);
                group.iter().zip(lengths).for_each(|(&at, length)| sums[at] += length);
            }
        }
    }

    /// How much each metric has to do with a vector's being isolated early: a tree that isolates it sooner than usual
    /// credits the cuts it saved to the metric of the last, the one that left it alone. (The cuts before fell where they
    /// would have for any other vector.)
    pub fn parts(&self, vector: &[f32]) -> Vec<f64> {
        let mut parts = vec![0.0; self.seen.len()];
        let stay = self.chances_to_stay(vector);
        for tree in &self.trees {
            tree.walk(vector, &stay, |metric, end| {
                parts[metric as usize] += end.chance * (self.usual_length - end.length).max(0.0);
            });
        }
        parts
    }

    /// By metric, the chance that a cut of it would not have set the vector apart from all that were seen.
    fn chances_to_stay(&self, vector: &[f32]) -> Vec<f64> {
        let chance = |(&(low, high), &value): (&(f32, f32), &f32)| {
            let gap = f64::from(low - value).max(f64::from(value - high)).max(0.0);
            let range = f64::from(high) - f64::from(low);
            // What has never varied is never cut.
            if range > 0.0 { range / (range + gap) } else { 1.0 }
        };
        self.seen.iter().zip(vector).map(chance).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn quiet(seed: u64, count: usize) -> Vec<f32> {
        let vectors = sample::quiet(&mut Random::seeded(seed), count);
        vectors.iter().flatten().map(|value| *value as f32).collect()
    }

    fn grown(vectors: &[f32]) -> Forest {
        Forest::grow(vectors, 12, 100, 256, &mut Random::seeded(1)).unwrap()
    }

    #[test]
    fn what_lies_apart_is_the_most_unusual() {
        let mut vectors = quiet(1, 300);
        (0..12).step_by(4).for_each(|metric| vectors[12 * 77 + metric] += 60.0);
        let judged = grown(&vectors).judge(&vectors);
        let worst = (0..300).max_by(|a, b| judged[*a].total_cmp(&judged[*b])).unwrap();
        assert_eq!(worst, 77);
        assert!(judged.iter().all(|value| (0.2..0.95).contains(value)));
    }

    #[test]
    fn the_metrics_that_lie_apart_are_credited() {
        let mut vectors = quiet(1, 300);
        vectors[12 * 77 + 4] += 60.0;
        let parts = grown(&vectors).parts(&vectors[12 * 77..12 * 78]);
        let rest: f64 = parts.iter().enumerate().filter(|(at, _)| *at != 4).map(|(_, part)| part).sum();
        assert!(parts[4] > rest, "{parts:?}");
    }

    #[test]
    fn the_further_outside_the_more_unusual() {
        let vectors = quiet(1, 300);
        let forest = grown(&vectors);
        let unusual = |by: f32| {
            let displaced: Vec<f32> = vectors[..12].iter().map(|value| value + by).collect();
            forest.judge(&displaced)[0]
        };
        let steps = [30.0, 60.0, 120.0, 1e3, 1e6].map(unusual);
        assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
        assert!(steps[4] > 0.93);
    }

    #[test]
    fn the_same_seed_grows_the_same_forest() {
        let vectors = quiet(1, 300);
        assert_eq!(grown(&vectors), grown(&vectors));
        assert_ne!(grown(&vectors), Forest::grow(&vectors, 12, 100, 256, &mut Random::seeded(2)).unwrap());
    }

    #[test]
    fn judging_many_at_once_is_judging_each_alone() {
        let vectors = quiet(1, 2 * BATCH + 3);
        let forest = grown(&vectors[..12 * 300]);
        let alone: Vec<f64> = vectors.chunks_exact(12).flat_map(|vector| forest.judge(vector)).collect();
        assert_eq!(forest.judge(&vectors), alone);
    }

    #[test]
    fn identical_vectors_are_alike_and_a_single_one_grows_nothing() {
        let alike = grown(&[3.5; 12 * 40]).judge(&[3.5; 12 * 40]);
        assert!(alike.iter().all(|value| *value == alike[0]));
        assert_eq!(Forest::grow(&[1.0; 12], 12, 100, 256, &mut Random::seeded(1)), None);
        assert_eq!(Forest::grow(&[], 0, 100, 256, &mut Random::seeded(1)), None);
    }
}
