//! Rows of learned state, one an entity, and which of them changed since they were last written.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Change;

/// Rows by entity number. Reading a row for change counts as changing it.
#[derive(Debug)]
pub struct Table<T> {
    number: u8,
    rows: Vec<Option<Box<T>>>,
    touched: Vec<u32>,
    is_touched: Vec<bool>,
}

impl<T: Default + Serialize + DeserializeOwned> Table<T> {
    /// An empty table with that number in [`Change::table`].
    pub fn new(number: u8) -> Table<T> {
        Table { number, rows: Vec::new(), touched: Vec::new(), is_touched: Vec::new() }
    }

    /// The entity's row, if there is one.
    pub fn get(&self, entity: u32) -> Option<&T> {
        self.rows.get(entity as usize)?.as_deref()
    }

    /// The entity's row to change; a new one where there is none.
    pub fn row(&mut self, entity: u32) -> &mut T {
        self.touch(entity);
        self.rows[entity as usize].get_or_insert_default()
    }

    /// Drops the entity's row.
    pub fn remove(&mut self, entity: u32) {
        if self.get(entity).is_some() {
            self.touch(entity);
            self.rows[entity as usize] = None;
        }
    }

    /// Forgets the entity, as its number will be another's: it is in no later changes. Whether there may be a row of it.
    pub fn forget(&mut self, entity: u32) -> bool {
        let at = entity as usize;
        let was_touched = self.is_touched.get(at) == Some(&true);
        if was_touched {
            self.is_touched[at] = false;
            self.touched.retain(|touched| *touched != entity);
        }
        self.rows.get_mut(at).is_some_and(|row| row.take().is_some()) || was_touched
    }

    /// The change that deletes the row of a name.
    pub fn deleted(&self, name: &str) -> Change {
        Change { table: self.number, key: name.as_bytes().to_vec(), row: None }
    }

    fn touch(&mut self, entity: u32) {
        let at = entity as usize;
        if self.rows.len() <= at {
            self.rows.resize_with(at + 1, || None);
            self.is_touched.resize(at + 1, false);
        }
        if !self.is_touched[at] {
            self.is_touched[at] = true;
            self.touched.push(entity);
        }
    }

    /// The rows that changed since the last call, in the order they first did.
    pub fn changes<'a>(&mut self, name: impl Fn(u32) -> &'a str, changes: &mut Vec<Change>) {
        for entity in self.touched.drain(..) {
            let at = entity as usize;
            self.is_touched[at] = false;
            let row = self.rows[at].as_deref().map(|row| {
                postcard::to_stdvec(row)
                    .expect("learned rows are plain data and memory does not run out of room")
            });
            changes.push(Change { table: self.number, key: name(entity).as_bytes().to_vec(), row });
        }
    }

    /// The entity's row as it is now, with something put before it, if there is one.
    pub fn written(&self, entity: u32, name: &str, before: &[u8]) -> Option<Change> {
        let row = self.get(entity)?;
        let bytes = postcard::to_extend(row, before.to_vec())
            .expect("learned rows are plain data and memory does not run out of room");
        Some(Change { table: self.number, key: name.as_bytes().to_vec(), row: Some(bytes) })
    }

    /// Takes back a row that [`Table::changes`] or [`Table::written`] gave; `false` where the bytes are not such a row.
    #[must_use]
    pub fn restore(&mut self, entity: u32, bytes: &[u8]) -> bool {
        let Ok(row) = postcard::from_bytes(bytes) else { return false };
        self.touch(entity);
        self.touched.pop();
        self.is_touched[entity as usize] = false;
        self.rows[entity as usize] = Some(Box::new(row));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_changed_twice_is_written_once_and_a_dropped_one_deleted() {
        let mut table: Table<u64> = Table::new(7);
        *table.row(0) += 1;
        *table.row(0) += 1;
        *table.row(1) += 5;
        let mut changes = Vec::new();
        let name = |entity| ["a", "b"][entity as usize];
        table.changes(name, &mut changes);
        table.remove(1);
        table.changes(name, &mut changes);
        let keys: Vec<_> =
            changes.iter().map(|change| (change.key.as_slice(), change.row.is_some())).collect();
        assert_eq!(keys, [(&b"a"[..], true), (b"b", true), (b"b", false)]);
        let mut again: Table<u64> = Table::new(7);
        assert!(again.restore(0, changes[0].row.as_ref().unwrap()));
        assert_eq!(again.get(0), Some(&2));
        table.changes(name, &mut changes);
        again.changes(name, &mut changes);
        assert_eq!(changes.len(), 3, "what was written or restored has not changed");
    }
}
