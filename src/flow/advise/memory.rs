//! What the flow remembers: answers by fingerprint, and of every entity its incident and the ones before.
//!
//! Rows are JSON, because parameters may be of any type. 10,000 entities and 1,000 answers have some 1.5 KB each: 17 MB a
//! task. The oldest go when there are more, so that memory is bounded whatever comes.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::flow::Change;
use crate::flow::detect::Severity;
use crate::flow::sink::report::Recommendation;

/// The tables, in [`Change::table`]; beside those of detectors in a replay.
pub const ANSWERS: u8 = 240;
/// See [`ANSWERS`].
pub const ENTITIES: u8 = 241;
/// The most rows of each.
pub const MAX_ANSWERS: usize = 1_000;
/// See [`MAX_ANSWERS`].
pub const MAX_ENTITIES: usize = 10_000;
/// Earlier incidents that are remembered of an entity.
pub const MAX_PAST: usize = 3;

/// What a model answered, with entities under neutral names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Which model.
    pub model: String,
    /// What it recommended.
    pub recommendations: Vec<Recommendation>,
}

/// What is remembered of an entity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// The incident that is open, or was last.
    pub incident: Option<Current>,
    /// Those before it, the last first.
    pub past: Vec<Past>,
}

/// An incident as advice knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// Its id in reports.
    pub id: String,
    /// When it was opened.
    pub since: String,
    /// The worst it was when advice was last asked for.
    pub severity: Severity,
    /// What showed by then.
    pub signs: Vec<String>,
    /// How often a model was asked.
    pub asked: u32,
    /// What holds for it, where a model answered.
    pub told: Option<Told>,
}

/// An incident that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Its id in reports.
    #[serde(default)]
    pub id: String,
    /// When it was opened.
    pub since: String,
    /// The worst it was.
    pub severity: Severity,
    /// What showed.
    pub signs: Vec<String>,
    /// What was recommended first.
    pub action: Option<String>,
}

/// Rows by key, of which the ones longest unchanged go when there are too many.
#[derive(Debug)]
pub struct Ledger<T> {
    table: u8,
    most: usize,
    rows: BTreeMap<Vec<u8>, Numbered<T>>,
    by_number: BTreeMap<u64, Vec<u8>>,
    changed: BTreeSet<Vec<u8>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Numbered<T> {
    number: u64,
    row: T,
}

impl<T: Clone + Serialize + DeserializeOwned> Ledger<T> {
    /// An empty table of that number.
    pub fn new(table: u8, most: usize) -> Ledger<T> {
        Ledger { table, most, rows: BTreeMap::new(), by_number: BTreeMap::new(), changed: BTreeSet::new() }
    }

    /// The row of a key.
    pub fn get(&self, key: &[u8]) -> Option<&T> {
        self.rows.get(key).map(|numbered| &numbered.row)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Puts a row; `number` grows with every call, over all tables of the task.
    pub fn put(&mut self, key: &[u8], number: u64, row: T) {
        if let Some(old) = self.rows.insert(key.to_vec(), Numbered { number, row }) {
            self.by_number.remove(&old.number);
        }
        self.by_number.insert(number, key.to_vec());
        self.changed.insert(key.to_vec());
        if self.rows.len() > self.most
            && let Some((_, oldest)) = self.by_number.pop_first()
        {
            self.rows.remove(&oldest);
            self.changed.insert(oldest);
        }
    }

    /// The rows that changed since the last call, in the order of their keys.
    pub fn changes(&mut self, changes: &mut Vec<Change>) {
        for key in std::mem::take(&mut self.changed) {
            let row = self.rows.get(&key).map(|row| serde_json::to_vec(row).expect("rows are plain data"));
            changes.push(Change { table: self.table, key, row });
        }
    }

    /// Takes back a row; `false` where the bytes are no such row.
    #[must_use]
    pub fn restore(&mut self, key: &[u8], bytes: &[u8]) -> bool {
        let Ok(numbered) = serde_json::from_slice::<Numbered<T>>(bytes) else { return false };
        self.by_number.insert(numbered.number, key.to_vec());
        self.rows.insert(key.to_vec(), numbered);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_longest_unchanged_goes_and_is_deleted() {
        let mut ledger: Ledger<String> = Ledger::new(7, 2);
        for (number, key) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
            ledger.put(key.as_bytes(), number, key.to_owned());
        }
        assert_eq!((ledger.get(b"a").is_some(), ledger.get(b"b"), ledger.len()), (true, None, 2));
        let mut changes = Vec::new();
        ledger.changes(&mut changes);
        let deleted: Vec<_> = changes.iter().filter(|change| change.row.is_none()).collect();
        assert_eq!((changes.len(), deleted.len(), &deleted[0].key[..]), (3, 1, &b"b"[..]));
        let mut again: Ledger<String> = Ledger::new(7, 2);
        for change in changes.iter().filter_map(|change| Some((&change.key, change.row.as_ref()?))) {
            assert!(again.restore(change.0, change.1));
        }
        again.put(b"d", 5, "d".into());
        assert!(again.get(b"a").is_none(), "a was changed before c");
        assert!(!again.restore(b"x", b"no row"));
    }
}
