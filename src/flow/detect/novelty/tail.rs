//! How unusual a distance is among those seen so far: a histogram in quarter octaves with an exponential tail.

use serde::{Deserialize, Serialize};

use crate::flow::detect::fixed::Fixed;

const BINS: usize = 40;
/// Where the first distance above zero is put.
const FIRST_BIN: i32 = 30;
/// Distances seen before one is scored.
const FEWEST: u16 = 50;
/// Above, all counts are halved: old ones fade.
const MOST: u16 = 50_000;
/// Scores end here.
pub const GREATEST: f32 = 12.0;
/// The shares of the tail that an exponential is fitted to: one answer each, for the mean over them beats every one.
pub const SHARES: [f32; 3] = [0.05, 0.03, 0.02];
/// −log10 of them.
const SURPRISE: [f32; 3] = [1.301_03, 1.522_878_7, 1.69897];
const LOG10_E: f32 = std::f32::consts::LOG10_E;
/// 2^(1/8), 2^(3/8), 2^(5/8), 2^(7/8): the middles of the quarters of an octave.
const MIDDLES: [f32; 4] = [1.090_507_7, 1.296_839_6, 1.542_210_8, 1.834_008_1];
/// 2^(1/4), 2^(1/2), 2^(3/4): their ends.
const ENDS: [f32; 3] = [1.189_207_1, std::f32::consts::SQRT_2, 1.681_792_9];

/// Counts of distances by size: 84 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Bin 0 holds zero and everything below bin 1.
    bins: Fixed<u16, BINS>,
    total: u16,
    /// The quarter octave of bin 0, counted from 1.0; meaningless until a distance above zero came.
    base: i16,
}

/// A score for each of [`SHARES`].
pub type Scores = [f32; 3];

/// The quarter octave of a distance above zero, by its bits: exact, and cheaper than a logarithm.
fn quarter(distance: f32) -> i32 {
    // A subnormal has no exponent of its own; nothing depends on telling them apart.
    let bits = distance.max(f32::MIN_POSITIVE).to_bits();
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    let part = ENDS.iter().filter(|end| mantissa >= **end).count();
    ((bits >> 23) as i32 - 127) * 4 + part as i32
}

impl Tail {
    fn is_empty_above_zero(&self) -> bool {
        self.bins[0] == self.total
    }

    /// The bin of a distance; may lie above the last one.
    fn bin(&self, distance: f32) -> i32 {
        if distance <= 0.0 {
            0
        } else if self.is_empty_above_zero() && self.base == 0 {
            FIRST_BIN
        } else {
            (quarter(distance) - i32::from(self.base)).max(0)
        }
    }

    fn value(&self, bin: usize) -> f32 {
        if bin == 0 {
            return 0.0;
        }
        let quarter = i32::from(self.base) + bin as i32;
        let exponent = (quarter.div_euclid(4) + 127).clamp(1, 254) as u32;
        f32::from_bits(exponent << 23) * MIDDLES[quarter.rem_euclid(4) as usize]
    }

    /// How unusual a distance is, −log10 of the share of distances like it; 0 while too few were seen. With `floor`, scores
    /// that cannot reach it need not be worked out and are 0.
    pub fn score(&self, distance: f32, floor: f32) -> Scores {
        let bin = self.bin(distance);
        if self.total < FEWEST || bin == 0 {
            return [0.0; 3];
        }
        let total = f32::from(self.total);
        let above: u32 = self.bins.iter().skip(bin as usize + 1).map(|count| u32::from(*count)).sum();
        let here = self.bins.get(bin as usize).map_or(0, |count| u32::from(*count));
        let rank = || -libm::log10(f64::from(above + here + 1) / (f64::from(self.total) + 1.0)) as f32;
        // Below the largest share no exponential is asked; and a rank is never below 1 in 50,001.
        if above as f32 > SHARES[0] * total {
            return if floor >= 4.7 { [0.0; 3] } else { [rank().clamp(0.0, GREATEST); 3] };
        }
        let rank = rank();
        let mut scores = [0.0; 3];
        for (at, (bound, mean)) in self.tails().into_iter().enumerate() {
            scores[at] = if distance > bound {
                let decay = (mean - bound).max(0.05 * bound);
                if decay > 0.0 { SURPRISE[at] + LOG10_E * (distance - bound) / decay } else { GREATEST }
            } else {
                rank
            }
            .clamp(0.0, GREATEST);
        }
        scores
    }

    /// For each share: the value where the tail begins, and the mean over it.
    fn tails(&self) -> [(f32, f32); 3] {
        let total = f32::from(self.total);
        let mut tails = [(0.0, 0.0); 3];
        let (mut count, mut sum, mut next) = (0.0_f32, 0.0_f32, SHARES.len());
        for bin in (0..BINS).rev() {
            let (more, value) = (f32::from(self.bins[bin]), self.value(bin));
            while next > 0 && count + more >= SHARES[next - 1] * total {
                let wanted = SHARES[next - 1] * total;
                // Split: only as much of the bin as the share still lacks.
                tails[next - 1] = (value, (sum + (wanted - count) * value) / wanted);
                next -= 1;
            }
            if next == 0 {
                break;
            }
            count += more;
            sum += more * value;
        }
        tails
    }

    /// Counts a distance.
    pub fn learn(&mut self, distance: f32) {
        if distance > 0.0 && self.is_empty_above_zero() && self.base == 0 {
            self.base = (quarter(distance) - FIRST_BIN) as i16;
        }
        let mut bin = self.bin(distance);
        let last = BINS as i32 - 1;
        if bin > last {
            self.slide((bin - last) as usize);
            bin = last;
        }
        self.bins[bin as usize] += 1;
        self.total += 1;
        if self.total > MOST {
            self.bins.iter_mut().for_each(|count| *count /= 2);
            self.total = self.bins.iter().sum();
        }
    }

    /// Makes room above: the lowest bins fold into bin 0.
    fn slide(&mut self, by: usize) {
        let folded: u16 = self.bins.iter().take(by + 1).sum();
        let kept = BINS - by.min(BINS);
        if kept > 0 {
            self.bins.copy_within(by.., 0);
        }
        self.bins.iter_mut().skip(kept).for_each(|count| *count = 0);
        self.bins[0] = folded;
        self.base += by as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_lies_in_the_quarter_octave_that_its_logarithm_says() {
        for at in 1..2000 {
            let distance = at as f32 * 0.013;
            let expected = (4.0 * libm::log2(f64::from(distance))).floor() as i32;
            assert_eq!(quarter(distance), expected, "{distance}");
        }
        assert_eq!(quarter(1e-45), -126 * 4);
    }

    #[test]
    fn nothing_is_scored_before_fifty_were_seen_and_the_first_of_its_kind_is_the_greatest_surprise() {
        let mut tail = Tail::default();
        for _ in 0..49 {
            tail.learn(0.0);
        }
        assert_eq!(tail.score(5.0, 0.0), [0.0; 3]);
        tail.learn(0.0);
        assert_eq!(tail.score(5.0, 0.0), [GREATEST; 3]);
        assert_eq!(tail.score(0.0, 0.0), [0.0; 3]);
    }

    #[test]
    fn exponential_distances_are_scored_by_their_probability() {
        let mut tail = Tail::default();
        // The quantiles of an exponential, in a mixed order.
        for at in 0..10_007_u32 {
            let share = (f64::from(at * 4999 % 10_007) + 0.5) / 10_007.0;
            tail.learn(-libm::log(share) as f32);
        }
        for surprise in [1.5_f32, 2.5, 4.0, 6.0] {
            let distance = surprise / LOG10_E;
            for score in tail.score(distance, 0.0) {
                // Bins are a fifth wide, and the tail is carried on far beyond what was seen.
                assert!((score - surprise).abs() < 0.15 * surprise, "{surprise}: {score}");
            }
        }
    }

    #[test]
    fn a_range_that_grows_slides_and_counts_never_overflow() {
        let mut tail = Tail::default();
        for octave in 0..60 {
            for _ in 0..2000 {
                tail.learn(libm::ldexp(1.0, octave) as f32);
            }
        }
        assert!(tail.total <= MOST);
        assert_eq!(tail.bins.iter().sum::<u16>(), tail.total);
        tail.learn(1e-30);
        tail.learn(f32::MAX);
        assert!(tail.score(f32::MAX, 0.0).iter().all(|score| score.is_finite()));
    }

    #[test]
    fn scores_that_cannot_reach_the_floor_are_all_that_is_left_out() {
        let mut tail = Tail::default();
        for at in 0..5000_u32 {
            tail.learn((at * 37 % 1009) as f32);
        }
        for distance in [1.0, 500.0, 950.0, 1000.0, 1500.0, 9000.0] {
            let (all, some) = (tail.score(distance, 0.0), tail.score(distance, 6.0));
            for (all, some) in all.into_iter().zip(some) {
                assert_eq!((all - 6.0).max(0.0), (some - 6.0).max(0.0));
            }
        }
    }
}
