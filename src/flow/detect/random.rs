//! Chance that falls the same way everywhere: a small generator seeded from a number, a name and a time.

use crate::flow::time::EventTime;

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of that seed.
    pub fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    /// The generator of one entity in one window.
    pub fn of_window(seed: u64, entity: &str, start: EventTime) -> Random {
        // FNV-1a of the name; `draw` mixes what this leaves regular.
        let name = entity.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut random = Random(seed ^ name);
        let mixed = random.draw();
        Random(mixed ^ start.as_ms() as u64)
    }

    /// 64 random bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.draw()) * bound as u128) >> 64) as usize
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_draw(seed: u64, entity: &str, start_ms: i64) -> u64 {
        Random::of_window(seed, entity, EventTime::from_ms(start_ms).unwrap()).draw()
    }

    #[test]
    fn seed_entity_and_window_each_change_what_is_drawn() {
        let one = first_draw(1, "a", 0);
        assert_eq!(one, first_draw(1, "a", 0));
        assert_ne!(one, first_draw(2, "a", 0));
        assert_ne!(one, first_draw(1, "b", 0));
        assert_ne!(one, first_draw(1, "a", 1));
    }

    #[test]
    fn every_number_below_a_bound_is_drawn_about_equally_often() {
        let mut random = Random::seeded(7);
        let mut counts = [0; 12];
        (0..12_000).for_each(|_| counts[random.below(12)] += 1);
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn a_unit_number_stays_below_one_and_halves_evenly() {
        let mut random = Random::seeded(7);
        let draws: Vec<f64> = (0..10_000).map(|_| random.unit()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!((draws.iter().sum::<f64>() / 10_000.0 - 0.5).abs() < 0.02);
    }
}
