//! A sum over all live rows of a task, kept as they change: it tells a torn, truncated or regressed changelog.
//!
//! Each row counts with the 128-bit xxHash of its bytes, seeded by table and key; sums wrap, so that the order of
//! changes does not matter and a row can be taken out again.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use crate::flow::Change;

/// The hashes of a task's live rows, and their sum.
#[derive(Debug, Default)]
pub struct Digest {
    sum: u128,
    rows: HashMap<Box<[u8]>, u128, FixedState>,
}

/// What a digest becomes once some changes are true.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The sum then.
    pub sum: u128,
    rows: HashMap<Box<[u8]>, Option<u128>, FixedState>,
}

fn place(table: u8, key: &[u8]) -> Box<[u8]> {
    [&[table], key].concat().into()
}

fn hash(place: &[u8], row: &[u8]) -> u128 {
    xxh3_128_with_seed(row, xxh3_64(place))
}

impl Digest {
    /// The sum over the rows there are.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// What it becomes with those changes; where a row changes twice the last one counts.
    pub fn prepare(&self, changes: &[Change]) -> Prepared {
        let mut prepared = Prepared { sum: self.sum, ..Prepared::default() };
        for Change { table, key, row } in changes {
            let place = place(*table, key);
            let new = row.as_deref().map(|row| hash(&place, row));
            let old = match prepared.rows.get(&place) {
                Some(changed) => *changed,
                None => self.rows.get(&place).copied(),
            };
            let sum = prepared.sum.wrapping_sub(old.unwrap_or_default());
            prepared.sum = sum.wrapping_add(new.unwrap_or_default());
            prepared.rows.insert(place, new);
        }
        prepared
    }

    /// The changes are true.
    pub fn settle(&mut self, prepared: Prepared) {
        self.sum = prepared.sum;
        for (place, hash) in prepared.rows {
            match hash {
                Some(hash) => self.rows.insert(place, hash),
                None => self.rows.remove(&place),
            };
        }
    }

    /// Takes a row that is there.
    pub fn add(&mut self, table: u8, key: &[u8], row: &[u8]) {
        let place = place(table, key);
        let hash = hash(&place, row);
        let old = self.rows.insert(place, hash).unwrap_or_default();
        self.sum = self.sum.wrapping_sub(old).wrapping_add(hash);
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, row: Option<&str>) -> Change {
        Change { table: 2, key: key.into(), row: row.map(Into::into) }
    }

    fn after(changes: &[Change]) -> u128 {
        let mut digest = Digest::default();
        for change in changes {
            let prepared = digest.prepare(std::slice::from_ref(change));
            digest.settle(prepared);
        }
        digest.sum()
    }

    #[test]
    fn it_depends_on_the_rows_that_are_there_and_not_on_the_way_to_them() {
        let detour = [
            change("a", Some("1")),
            change("b", Some("2")),
            change("a", Some("3")),
            change("c", Some("9")),
            change("c", None),
        ];
        let straight = [change("b", Some("2")), change("a", Some("3"))];
        assert_eq!(after(&detour), after(&straight));
        let digest = Digest::default();
        assert_eq!(digest.prepare(&detour).sum, after(&straight), "all at once");
        assert_ne!(after(&detour[..2]), after(&straight));
        assert_eq!(after(&[change("a", Some("1")), change("a", None)]), 0);
    }

    #[test]
    fn a_row_under_another_key_or_table_is_another_row() {
        let mut digest = Digest::default();
        digest.add(2, b"b", b"1");
        assert_ne!(digest.sum(), after(&[change("a", Some("1"))]));
        let mut other = Digest::default();
        other.add(3, b"a", b"1");
        assert_ne!(other.sum(), after(&[change("a", Some("1"))]));
    }
}
