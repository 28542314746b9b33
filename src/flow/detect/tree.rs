//! One isolation tree, laid out flat.
//!
//! ```text
//!              1                  a tree of depth d is complete: 2^d places for cuts, 2^d leaves
//!          2       3              the cut at place i sends a vector on to 2i, or to 2i + 1 if it lies above
//!        4   5   6   7            where a branch ends early, cuts that nothing lies above lead on to its leaf
//!       [0] [1] [2] [3]
//! ```
//!
//! Eight vectors fall at once and without a branch, so that their loads overlap. A tree of depth 8 takes 1.8 KB.

use super::random::Random;
use crate::flow::model::MAX_METRICS;

/// Vectors that fall together.
pub(crate) const LANES: usize = 8;
/// Eight vectors, metric by metric.
pub(crate) type Block = [[f32; LANES]; MAX_METRICS];

/// A chance for each of eight vectors, metric by metric.
pub(crate) type Chances = [[f64; LANES]; MAX_METRICS];

/// Nothing lies above this cut.
const NO_CUT: f32 = f32::INFINITY;
/// Lengths are kept in steps of this: 16 bits hold the longest.
const LENGTH_STEP: f64 = 1.0 / 2048.0;

/// A tree over vectors of single-precision numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    /// Values above go to the right. The first is not used.
    cuts: Box<[f32]>,
    /// Of which metric.
    metrics: Box<[u8]>,
    /// How many steps it takes on average to isolate a vector that ends at the leaf.
    lengths: Box<[u16]>,
}

/// An end that a vector may come to in a tree.
pub(crate) struct End {
    pub(crate) chance: f64,
    /// How many cuts it takes to isolate it there.
    pub(crate) length: f64,
}

impl Tree {
    /// Cuts the sampled vectors, which it reorders, until each is alone, or like the others, or `depth` cuts deep.
    pub(crate) fn grow(columns: &[Vec<f32>], sample: &mut [u32], depth: u32, random: &mut Random) -> Tree {
        let size = 1_usize << depth;
        let mut tree = Tree {
            cuts: vec![NO_CUT; size].into(),
            metrics: vec![0; size].into(),
            lengths: vec![0; size].into(),
        };
        let mut metrics: Vec<u8> = (0..columns.len() as u8).collect();
        // A place, its depth, and which part of the sample is there; at most one a level waits.
        let mut waiting = vec![(1, 0, 0, sample.len())];
        while let Some((place, done, from, to)) = waiting.pop() {
            let here = &mut sample[from..to];
            let cut = if done < depth { choose(columns, here, &mut metrics, random) } else { None };
            let Some((metric, cut)) = cut else {
                // To the left all the way down.
                let length = f64::from(done) + average_length(here.len());
                tree.lengths[(place << (depth - done)) - size] = (length / LENGTH_STEP).round() as u16;
                continue;
            };
            (tree.cuts[place], tree.metrics[place]) = (cut, metric);
            let middle = from + partition(here, &columns[metric as usize], cut);
            waiting.push((2 * place + 1, done + 1, middle, to));
            waiting.push((2 * place, done + 1, from, middle));
        }
        tree
    }

    /// How many cuts it takes to isolate each vector of a block.
    pub(crate) fn lengths(&self, block: &Block) -> [f64; LANES] {
        let mut places = [1_u32; LANES];
        for _ in 0..self.cuts.len().ilog2() {
            for (lane, place) in places.iter_mut().enumerate() {
                let at = *place as usize;
                let value = block[self.metrics[at] as usize % MAX_METRICS][lane];
                *place = 2 * *place + u32::from(value > self.cuts[at]);
            }
        }
        places.map(|place| self.length(place as usize))
    }

    /// The same for vectors that may be set apart at each cut: `apart` is by metric the chance that its cut does so.
    /// As [`Tree::walk`] has it, eight at a time.
    pub(crate) fn lengths_outside(&self, block: &Block, apart: &Chances) -> [f64; LANES] {
        let mut places = [1_u32; LANES];
        let (mut done, mut chance, mut average) = ([0.0; LANES], [1.0; LANES], [0.0; LANES]);
        for _ in 0..self.cuts.len().ilog2() {
            for lane in 0..LANES {
                let at = places[lane] as usize;
                let (cut, metric) = (self.cuts[at], self.metrics[at] as usize % MAX_METRICS);
                places[lane] = 2 * places[lane] + u32::from(block[metric][lane] > cut);
                let is_cut = f64::from(u8::from(cut < NO_CUT));
                done[lane] += is_cut;
                let leaves = chance[lane] * apart[metric][lane] * is_cut;
                average[lane] += leaves * done[lane];
                chance[lane] -= leaves;
            }
        }
        std::array::from_fn(|lane| average[lane] + chance[lane] * self.length(places[lane] as usize))
    }

    /// Follows a vector that may be set apart at each cut, telling of each end it may come to and of the metric whose
    /// cut led there. `stay` is by metric the chance that its cut leaves the vector with others. Returns the average
    /// length.
    pub(crate) fn walk(&self, vector: &[f32], stay: &[f64], mut tell: impl FnMut(u8, End)) -> f64 {
        let (mut place, mut last, mut done) = (1, None, 0.0);
        let (mut chance, mut average) = (1.0, 0.0);
        while place < self.cuts.len() {
            let (cut, metric) = (self.cuts[place], self.metrics[place]);
            place = 2 * place + usize::from(vector[metric as usize] > cut);
            if cut == NO_CUT {
                continue;
            }
            done += 1.0;
            last = Some(metric);
            let apart = chance * (1.0 - stay[metric as usize]);
            if apart > 0.0 {
                average += apart * done;
                chance -= apart;
                tell(metric, End { chance: apart, length: done });
            }
        }
        let length = self.length(place);
        if let Some(metric) = last {
            tell(metric, End { chance, length });
        }
        average + chance * length
    }

    /// The length at a leaf, by the place that a cut there would have.
    fn length(&self, place: usize) -> f64 {
        f64::from(self.lengths[place - self.cuts.len()]) * LENGTH_STEP
    }
}

/// Vectors side by side; what is missing of eight is zero.
pub(crate) fn block(vectors: &[f32], width: usize) -> Block {
    let mut block = [[0.0; LANES]; MAX_METRICS];
    for (lane, vector) in vectors.chunks_exact(width).enumerate() {
        for (metric, value) in block.iter_mut().zip(vector) {
            metric[lane] = *value;
        }
    }
    block
}

/// How many cuts it takes on average to isolate one of `count` vectors: the paper's c(n), by scikit-learn's formula.
pub(crate) fn average_length(count: usize) -> f64 {
    const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
    match count {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let count = count as f64;
            2.0 * (libm::log(count - 1.0) + EULER_GAMMA) - 2.0 * (count - 1.0) / count
        }
    }
}

/// A cut of one of the metrics that vary among these vectors, anywhere between its least and its greatest value.
fn choose(columns: &[Vec<f32>], here: &[u32], metrics: &mut [u8], random: &mut Random) -> Option<(u8, f32)> {
    if here.len() < 2 {
        return None;
    }
    for tried in 0..metrics.len() {
        let pick = tried + random.below(metrics.len() - tried);
        metrics.swap(tried, pick);
        let column = &columns[metrics[tried] as usize];
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for &at in here {
            let value = column[at as usize];
            low = low.min(value);
            high = high.max(value);
        }
        if low < high {
            let cut = (f64::from(low) + random.unit() * (f64::from(high) - f64::from(low))) as f32;
            // Rounding must not leave the right side empty.
            return Some((metrics[tried], if cut < high { cut } else { low }));
        }
    }
    None
}

/// Moves those that do not lie above the cut to the front; says how many they are.
fn partition(here: &mut [u32], column: &[f32], cut: f32) -> usize {
    let mut below = 0;
    for at in 0..here.len() {
        let stays = column[here[at] as usize] <= cut;
        here.swap(below, at);
        below += usize::from(stays);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sampled_vector_ends_where_the_tree_counted_it() {
        // Nine distinct values, most of them twice: as long as the path, and longer where several end.
        let column: Vec<f32> = (0..16_u8).map(|at| f32::from(at % 9)).collect();
        let mut random = Random::seeded(1);
        for _ in 0..50 {
            let mut sample: Vec<u32> = (0..16).collect();
            let tree = Tree::grow(std::slice::from_ref(&column), &mut sample, 4, &mut random);
            let path = |value: f32| {
                let mut cuts = Vec::new();
                let mut place = 1;
                while place < 16 {
                    if tree.cuts[place] < NO_CUT {
                        cuts.push(place);
                    }
                    place = 2 * place + usize::from(value > tree.cuts[place]);
                }
                (place, cuts.len())
            };
            for &value in &column {
                let alike = column.iter().filter(|other| path(**other) == path(value)).count();
                let length = path(value).1 as f64 + average_length(alike);
                assert!((tree.lengths(&block(&[value], 1))[0] - length).abs() <= LENGTH_STEP);
                assert!((tree.walk(&[value], &[1.0], |_, _| ()) - length).abs() <= LENGTH_STEP);
            }
        }
    }

    #[test]
    fn a_vector_far_outside_is_alone_after_the_first_cut_that_could_tell() {
        let columns = vec![(0..16_u8).map(f32::from).collect::<Vec<_>>(); 2];
        let mut sample: Vec<u32> = (0..16).collect();
        let tree = Tree::grow(&columns, &mut sample, 4, &mut Random::seeded(3));
        let mut ends = Vec::new();
        let length = tree.walk(&[1e9, 7.0], &[0.0, 1.0], |metric, end| {
            ends.push((metric, end.chance, end.length));
        });
        assert_eq!(ends[0], (0, 1.0, length));
        assert!(length <= 4.0);
    }

    #[test]
    fn average_lengths_are_those_of_the_paper() {
        assert!((average_length(256) - 10.244_770_920_119_917).abs() < 1e-12);
        assert_eq!([average_length(0), average_length(1), average_length(2)], [0.0, 0.0, 1.0]);
        assert!(12.0 + average_length(4096) < f64::from(u16::MAX) * LENGTH_STEP);
    }
}
