//! A store that forgets: for tests, and for runs that need not go on later.

use std::collections::BTreeMap;

use crate::edge::ports::{EachRow, Store, StoreError};
use crate::flow::Change;

/// Rows and footer in memory. A run that never restores needs no store at all and saves the copying.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    footer: Option<Vec<u8>>,
}

impl Store for Memory {
    fn footer(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.footer.clone())
    }

    fn rows(&self, each: EachRow<'_>) -> Result<(), StoreError> {
        self.rows.iter().for_each(|((table, key), row)| each(*table, key, row));
        Ok(())
    }

    fn apply(&mut self, changes: &[Change], footer: &[u8]) -> Result<(), StoreError> {
        for Change { table, key, row } in changes {
            match row {
                Some(row) => self.rows.insert((*table, key.clone()), row.clone()),
                None => self.rows.remove(&(*table, key.clone())),
            };
        }
        self.footer = Some(footer.to_vec());
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        *self = Memory::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_a_row_is_what_is_kept() {
        let change = |row: Option<&str>| Change { table: 1, key: b"a".to_vec(), row: row.map(Into::into) };
        let mut store = Memory::default();
        assert_eq!(store.footer().unwrap(), None);
        store.apply(&[change(Some("old")), change(Some("new"))], b"1").unwrap();
        let mut rows = Vec::new();
        store.rows(&mut |table, key, row| rows.push((table, key.to_vec(), row.to_vec()))).unwrap();
        assert_eq!(rows, [(1, b"a".to_vec(), b"new".to_vec())]);
        store.apply(&[change(None)], b"2").unwrap();
        assert_eq!(store.footer().unwrap().unwrap(), b"2");
        assert!(store.rows.is_empty());
    }
}
