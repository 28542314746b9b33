//! Whether the last stretch looks like any earlier one: the distance to its nearest likeness (a discord, Keogh, Lin and
//! Fu 2005, on means of eight rows and kept up from block to block instead of computed anew).
//!
//! ```text
//! blocks   … [-- 16 blocks, d earlier --] … [-- the last 16 blocks --]
//!                                             distance² = Σ (b_t − b_{t−d})², for every lag d from 8 to 124
//! ```

use serde::{Deserialize, Serialize};

use crate::flow::detect::fixed::Fixed;

/// Rows in a block.
const BLOCK_ROWS: u8 = 8;
/// Blocks that are compared.
const STRETCH: usize = 16;
const FIRST_LAG: usize = 8;
const LAST_LAG: usize = 124;
const LAGS: usize = LAST_LAG - FIRST_LAG + 1;
/// Blocks that are remembered: those compared at the greatest lag, and the one that leaves.
const KEPT: usize = LAST_LAG + STRETCH + 1;
/// Blocks seen before there is a distance.
const FEWEST: u32 = 40;

/// The last blocks and the squared distances at all lags: some 1,050 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// The newest last.
    blocks: Fixed<f32, KEPT>,
    /// By lag, the greatest first, so that they run along with `blocks`.
    squares: Fixed<f32, LAGS>,
    seen: u32,
    sum: f32,
    rows: u8,
    /// The lag whose sum is computed anew next: additions and subtractions drift.
    renewed: u8,
}

impl Shape {
    /// Takes a row; the distance where it ends a block and enough was seen.
    pub fn step(&mut self, value: f32) -> Option<f32> {
        self.sum += value;
        self.rows += 1;
        if self.rows < BLOCK_ROWS {
            return None;
        }
        let mean = self.sum / f32::from(BLOCK_ROWS);
        (self.sum, self.rows) = (0.0, 0);
        self.blocks.copy_within(1.., 0);
        self.blocks[KEPT - 1] = mean;
        let number = self.seen as usize;
        self.seen = self.seen.saturating_add(1);
        self.compare(number);
        (self.seen > FEWEST).then(|| self.distance(number))
    }

    /// Adds the comparison of the newest block at every lag, and takes off the one that leaves the stretch.
    fn compare(&mut self, number: usize) {
        const NEWEST: usize = KEPT - 1;
        let (newest, leaving) = (self.blocks[NEWEST], self.blocks[NEWEST - STRETCH]);
        // A lag d stands at LAST_LAG − d; the block d before the newest at NEWEST − d.
        let earlier = &self.blocks[NEWEST - LAST_LAG..=NEWEST - FIRST_LAG];
        let before = &self.blocks[NEWEST - LAST_LAG - STRETCH..=NEWEST - FIRST_LAG - STRETCH];
        if number >= LAST_LAG + STRETCH {
            for ((square, was), left) in self.squares.iter_mut().zip(earlier).zip(before) {
                let (come, gone) = (newest - was, leaving - left);
                *square += come * come - gone * gone;
            }
        } else {
            for at in LAGS - (number + 1).saturating_sub(FIRST_LAG).min(LAGS)..LAGS {
                let lag = LAST_LAG - at;
                let come = newest - earlier[at];
                let gone = if number >= lag + STRETCH { leaving - before[at] } else { 0.0 };
                self.squares[at] += come * come - gone * gone;
            }
        }
        self.renew(number);
    }

    fn renew(&mut self, number: usize) {
        let at = usize::from(self.renewed);
        self.renewed = (self.renewed + 1) % LAGS as u8;
        let lag = LAST_LAG - at;
        let compared = STRETCH.min((number + 1).saturating_sub(lag));
        let square = |back: usize| {
            let difference = self.blocks[KEPT - 1 - back] - self.blocks[KEPT - 1 - back - lag];
            difference * difference
        };
        self.squares[at] = (0..compared).map(square).fold(0.0, |sum, one| sum + one);
    }

    /// At the best of the lags that have a whole stretch to compare.
    fn distance(&self, number: usize) -> f32 {
        let whole = (number + 2).saturating_sub(STRETCH).min(LAST_LAG);
        let least = self.squares[LAST_LAG - whole..].iter().copied().fold(f32::INFINITY, f32::min);
        (least.max(0.0) / STRETCH as f32).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(row: usize) -> f32 {
        libm::sin(row as f64 * std::f64::consts::TAU / 160.0) as f32
    }

    #[test]
    fn what_recurs_is_near_and_what_does_not_is_far() {
        let mut shape = Shape::default();
        let near = (0..4000).filter_map(|row| shape.step(wave(row))).last().unwrap();
        assert!(near < 1e-3, "{near}");
        let far = (4000..4080).filter_map(|row| shape.step(-wave(row) + 0.7)).last().unwrap();
        assert!(far > 0.4, "{far}");
    }

    #[test]
    fn sums_that_are_kept_up_are_those_computed_anew() {
        let mut shape = Shape::default();
        for row in 0..20_000_usize {
            let distance = shape.step((row * 7919 % 1013) as f32);
            let Some(distance) = distance else { continue };
            let number = shape.seen as usize - 1;
            let lags = FIRST_LAG..=LAST_LAG.min(number + 2 - STRETCH);
            let at = |back: usize| shape.blocks[KEPT - 1 - back];
            let sum = |lag: usize| (0..STRETCH).map(|b| (at(b) - at(b + lag)).powi(2)).sum::<f32>();
            let exact = lags.map(sum).fold(f32::INFINITY, f32::min);
            assert!((distance - (exact / 16.0).sqrt()).abs() < 0.5, "row {row}: {distance}");
        }
    }

    #[test]
    fn there_is_no_distance_before_forty_one_blocks() {
        let mut shape = Shape::default();
        let first = (0..1000).find(|row| shape.step(*row as f32).is_some());
        assert_eq!(first, Some(41 * 8 - 1));
    }
}
