//! A partition of the simulated log: records, control markers, what of it is visible, retention and compaction.

use std::collections::{BTreeMap, BTreeSet};

/// A record as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, String)>,
    /// The transaction it belongs to; none for what producers without transactions write.
    pub(super) transaction: Option<u64>,
}

/// Records by offset. Control markers take an offset and leave a hole.
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    pub(super) start: u64,
    pub(super) end: u64,
    entries: BTreeMap<u64, Record>,
    /// Transactions without a marker yet, and where they begin.
    open: BTreeMap<u64, u64>,
    aborted: BTreeSet<u64>,
    /// What retention has taken, for the oracle only.
    archive: BTreeMap<u64, Record>,
}

impl Partition {
    pub(super) fn append(&mut self, record: Record) -> u64 {
        let at = self.end;
        if let Some(transaction) = record.transaction {
            self.open.entry(transaction).or_insert(at);
        }
        self.entries.insert(at, record);
        self.end += 1;
        at
    }

    /// Writes the marker that ends a transaction here.
    pub(super) fn mark(&mut self, transaction: u64, committed: bool) {
        if self.open.remove(&transaction).is_some() && !committed {
            self.aborted.insert(transaction);
        }
        self.end += 1;
    }

    /// The last stable offset: nothing from there on is visible.
    pub(super) fn stable(&self) -> u64 {
        self.open.values().copied().min().unwrap_or(self.end)
    }

    fn is_visible(&self, record: &Record) -> bool {
        record.transaction.is_none_or(|transaction| !self.aborted.contains(&transaction))
    }

    /// At most so many committed records from an offset on.
    pub(super) fn read(&self, from: u64, limit: usize) -> Vec<(u64, Record)> {
        let stable = self.stable();
        let entries = self.entries.range(from.min(stable)..stable);
        let visible = entries.filter(|(_, record)| self.is_visible(record));
        visible.take(limit).map(|(at, record)| (*at, record.clone())).collect()
    }

    /// Everything that was ever committed, whatever retention has taken since.
    pub(super) fn ever(&self) -> impl Iterator<Item = (u64, &Record)> {
        let stable = self.stable();
        let all = self.archive.iter().chain(self.entries.range(..stable));
        all.filter(|(_, record)| self.is_visible(record)).map(|(at, record)| (*at, record))
    }

    /// The offset after the last committed record.
    pub(super) fn after_last(&self) -> u64 {
        self.ever().last().map_or(0, |(at, _)| at + 1)
    }

    /// Retention takes what lies below.
    pub(super) fn truncate(&mut self, to: u64) {
        let to = to.min(self.stable());
        if to > self.start {
            let rest = self.entries.split_off(&to);
            self.archive.append(&mut std::mem::replace(&mut self.entries, rest));
            self.start = to;
        }
    }

    /// Keeps the last visible value of each key; old tombstones go as well.
    pub(super) fn compact(&mut self) {
        let stable = self.stable();
        let mut last: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for (at, record) in self.entries.range(..stable) {
            if self.is_visible(record)
                && let Some(key) = &record.key
            {
                last.insert(key.clone(), *at);
            }
        }
        let kept = |at: &u64, record: &Record| {
            *at >= stable
                || (record.value.is_some()
                    && record.key.as_ref().is_some_and(|key| last.get(key) == Some(at)))
        };
        self.entries.retain(|at, record| kept(at, record));
    }

    /// Loses its last records and forgets that they were there.
    pub(super) fn regress(&mut self, to: u64) {
        self.entries.split_off(&to);
        self.end = to.max(self.start);
    }

    /// Takes a record out of the middle, as if it had never been there.
    pub(super) fn lose(&mut self, at: u64) {
        self.entries.remove(&at);
    }
}
