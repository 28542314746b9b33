//! Seeded chance: the same bits on every machine, and a stream of its own for everything that draws.

/// A stream of random numbers (SplitMix64; G. Steele, D. Lea, C. Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The standard deviation of the sum of four even numbers on 0..65536.
const FOUR_DEVIATION: f64 = 37_837.227_5;

impl Random {
    /// The stream of a seed and a number: drawing from one never moves another.
    pub(super) fn new(seed: u64, stream: u64) -> Random {
        Random(mix(mix(seed.wrapping_add(GOLDEN)) ^ stream.wrapping_mul(GOLDEN)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Even in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Even in [low, high).
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Even in 0..count; 0 where count is 0.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }

    /// Nearly normal with mean 0 and deviation 1: a sum of four, so never further than 3.47 from 0. That noise has
    /// no tail is meant: what is strange in a simulated fleet is labelled.
    pub(super) fn normal(&mut self) -> f64 {
        let bits = self.next();
        let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        (sum as f64 - 131_070.0) / FOUR_DEVIATION
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_mean_zero_and_deviation_one() {
        let mut random = Random::new(7, 0);
        let drawn: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / drawn.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }

    #[test]
    fn streams_of_one_seed_have_nothing_in_common() {
        let (mut one, mut two) = (Random::new(7, 1), Random::new(7, 2));
        let product: f64 = (0..100_000).map(|_| one.normal() * two.normal()).sum();
        assert!((product / 100_000.0).abs() < 0.02, "{product}");
    }

    #[test]
    fn even_numbers_stay_inside_and_reach_every_value() {
        let mut random = Random::new(1, 1);
        let mut seen = [0_u32; 5];
        (0..1000).for_each(|_| seen[random.below(5) as usize] += 1);
        assert!(seen.iter().all(|&count| (150..250).contains(&count)), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }
}
