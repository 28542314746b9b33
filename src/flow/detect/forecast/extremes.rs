//! How unusual a statistic is: next to the maxima of its blocks of 64 rows (a Gumbel distribution, by mean and mean
//! deviation), less what it has lately shown to be worth no alarm.

use serde::{Deserialize, Serialize};

/// Rows in a block.
const BLOCK_ROWS: u8 = 64;
/// Blocks seen before anything is scored.
const FEWEST: u16 = 12;
/// Blocks from which on a scale is taken at its word; before, a score counts for the share of them that was seen.
const ENOUGH: u16 = 20;
/// Rows seen before anything is scored.
pub const LEARNING_ROWS: u32 = FEWEST as u32 * BLOCK_ROWS as u32;
/// Blocks seen before a maximum far off is learned as if it were nearer.
const SETTLED: u16 = 5;
const RATE: f64 = 0.02;
const REACH: f64 = 4.0;
/// Of a Gumbel distribution: from the mean to the mode, in scales.
const TO_MODE: f64 = 0.577;
const LOG10_E: f64 = 0.434;
/// Rows between two steps of the trust.
const TRUST_ROWS: u16 = 256;
const TRUST_STEP: f64 = 0.4;
/// The trust begins with nearly none.
const FIRST_TRUST: f32 = 4.0;

/// One statistic's maxima and trust: 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    mean: f32,
    spread: f32,
    /// Of the block under way; minus infinity while no row had a value.
    greatest: f32,
    blocks: u16,
    /// The score that every other stretch of rows exceeds, or nearly.
    usual: f32,
    greatest_score: f32,
}

impl Default for Extremes {
    fn default() -> Extremes {
        Extremes {
            mean: 0.0,
            spread: 0.0,
            greatest: f32::NEG_INFINITY,
            blocks: 0,
            usual: FIRST_TRUST,
            greatest_score: 0.0,
        }
    }
}

impl Extremes {
    fn scale(&self, least: f64) -> f64 {
        f64::from(self.spread).max(least).max(0.1 * f64::from(self.mean).abs())
    }

    fn known(&self) -> f64 {
        f64::from(self.blocks.min(ENOUGH)) / f64::from(ENOUGH)
    }

    /// About −log10 of how many blocks reach this value; nothing before 12 blocks.
    pub fn score(&self, value: f64, least: f64) -> f64 {
        if self.blocks < FEWEST {
            return 0.0;
        }
        self.known() * LOG10_E * ((value - f64::from(self.mean)) / self.scale(least) + TO_MODE)
    }

    /// The value that has this score, once there are any.
    pub fn value_of(&self, score: f64, least: f64) -> Option<f64> {
        let value = || f64::from(self.mean) + (score / self.known() / LOG10_E - TO_MODE) * self.scale(least);
        (self.blocks >= FEWEST).then(value)
    }

    /// What is taken off a score.
    pub fn distrust(&self) -> f64 {
        2.0 * (f64::from(self.usual) - 1.0).max(0.0)
    }

    /// Learns the statistic of a row that has one.
    pub fn learn(&mut self, value: f64) {
        self.greatest = self.greatest.max(value as f32);
    }

    /// Remembers a score for the trust.
    pub fn note(&mut self, score: f64) {
        self.greatest_score = self.greatest_score.max(score as f32);
    }

    /// A row is over; `row` counts from 1.
    pub fn end_row(&mut self, row: u32) {
        if row.is_multiple_of(u32::from(BLOCK_ROWS)) {
            self.end_block();
        }
        if row.is_multiple_of(u32::from(TRUST_ROWS)) {
            let exceeded = if self.greatest_score > self.usual { 1.0 } else { -1.0 };
            let share = if exceeded > 0.0 { 0.6 } else { 0.4 };
            self.usual = (f64::from(self.usual) + TRUST_STEP * share * exceeded).max(0.0) as f32;
            self.greatest_score = 0.0;
        }
    }

    fn end_block(&mut self) {
        let greatest = std::mem::replace(&mut self.greatest, f32::NEG_INFINITY);
        if greatest == f32::NEG_INFINITY {
            return;
        }
        self.blocks = self.blocks.saturating_add(1);
        let rate = RATE.max(1.0 / f64::from(self.blocks));
        let (mean, spread) = (f64::from(self.mean), f64::from(self.spread));
        let mut off = f64::from(greatest) - mean;
        if self.blocks > SETTLED {
            off = off.clamp(-REACH * spread, REACH * spread);
        }
        self.mean = (mean + rate * off) as f32;
        // The first maximum is off from nothing.
        let off = if self.blocks == 1 { 0.0 } else { off };
        self.spread = (spread + rate * (off.abs() - spread)) as f32;
    }

    /// What comes now may be different: it is learned as quickly as after the first blocks. Scores go on meanwhile: in units
    /// of their own scale the errors of two views are not so different, and to start over would leave a day or more blind.
    pub fn unsettle(&mut self) {
        self.blocks = self.blocks.min(ENOUGH);
    }
}
