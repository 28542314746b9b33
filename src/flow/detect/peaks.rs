//! The strongest of the last rows: what is not stronger than they were is no news.
//!
//! The last rows are 6 % of all so far, from 60 to 500.

use serde::{Deserialize, Serialize};

use super::fixed::Fixed;

/// Rows whose greatest strength is remembered as one.
const BLOCK_ROWS: u32 = 32;
const BLOCKS: usize = 16;

/// The strengths of the last rows, by block: 64 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    greatest: Fixed<f32, BLOCKS>,
}

impl Peaks {
    /// Takes a row's strength; whether it exceeds that of the rows before it by more than `by`. `row` counts from 0.
    pub fn is_news(&mut self, strength: f32, by: f32, row: u32) -> bool {
        let block = (row / BLOCK_ROWS) as usize % BLOCKS;
        if row.is_multiple_of(BLOCK_ROWS) {
            self.greatest[block] = 0.0;
        }
        let last_rows = (0.06 * f64::from(row)).clamp(60.0, 500.0);
        let blocks = (last_rows as usize).div_ceil(BLOCK_ROWS as usize).min(BLOCKS);
        // The latest first: most rows find one as strong among them.
        let mut each = (0..blocks).map(|back| self.greatest[(block + BLOCKS - back) % BLOCKS]);
        let news = strength > by && each.all(|greatest| strength > greatest + by);
        self.greatest[block] = self.greatest[block].max(strength);
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that are stronger than those before them.
    fn news(rows: &[(u32, f32)]) -> Vec<u32> {
        let mut peaks = Peaks::default();
        let strength = |row| rows.iter().find(|(at, _)| *at == row).map_or(0.0, |(_, strength)| *strength);
        let last = rows.last().map_or(0, |(row, _)| *row);
        (0..=last).filter(|row| peaks.is_news(strength(*row), 0.0, *row)).collect()
    }

    #[test]
    fn what_is_not_stronger_than_the_last_rows_is_no_news() {
        assert_eq!(news(&[(1000, 4.0), (1010, 4.0), (1100, 3.0)]), [1000, 1100]);
        assert_eq!(news(&[(8000, 4.0), (8400, 3.0), (8600, 3.5)]), [8000, 8600]);
        assert_eq!(news(&[(1000, 2.0), (1010, 3.0)]), [1000, 1010]);
    }
}
