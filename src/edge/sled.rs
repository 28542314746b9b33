//! Learned rows at rest: one sled tree, one atomic batch per epoch.
//!
//! ```text
//! <dir>/lock      held while the store is open
//! <dir>/format    the number of the format, as text
//! <dir>/used      there once something was committed
//! <dir>/damaged   there once something could not be read back
//! <dir>/rows/     sled's own files, a tree a task: key 0 is the footer, keys 1 ‖ table ‖ key are the rows
//! ```
//!
//! A directory that cannot be read any more is set aside under a new name, never deleted.

mod directory;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use directory::{check_format, convert, damaged, failed, lock, set_aside};

use crate::edge::ports::{EachRow, Store, StoreError, Stores};
use crate::flow::Change;
use crate::flow::task::TaskId;

/// What sled may keep in memory: rows are read once at the start, so a small cache does.
const CACHE_BYTES: u64 = 64 << 20;
/// How long a cache may keep what was applied to itself.
const FLUSH_EVERY_MS: u64 = 200;
/// The file that says that something was committed.
const USED: &str = "used";
/// The file that says that something could not be read back.
const DAMAGED: &str = "damaged";
const FOOTER: &[u8] = &[0];
const ROW: u8 = 1;

/// A store in a directory. Others may lie beside it, see [`Stores`]; they are in the same files.
#[derive(Debug)]
pub struct Sled {
    rows: ::sled::Tree,
    shared: Arc<Shared>,
    flushing: Flushing,
}

/// What the stores of a directory share.
#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    /// There until this is dropped.
    db: Option<(::sled::Db, Release)>,
    // Dropped last, so that whoever gets the lock finds the rows released.
    _lock: File,
    /// Whether something was committed.
    used: AtomicBool,
    /// Whether something could not be read back.
    broken: AtomicBool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let db = self.db.take();
        if self.broken.load(Ordering::Relaxed) {
            // Dropping it would write to, and perhaps panic over, the damaged files.
            std::mem::forget(db);
        }
    }
}

/// When what was applied is handed to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flushing {
    /// Before [`Store::apply`] returns.
    AtOnce,
    /// Soon: the store is a cache of what is committed elsewhere, and a prefix of it does as well.
    Soon,
}

/// Waits, when dropped, until sled's own threads have let go of its file: they may outlive the database by a moment,
/// and opening it in that moment fails.
#[derive(Debug)]
struct Release(PathBuf);

impl Drop for Release {
    fn drop(&mut self) {
        // Without the file there is nothing to wait for.
        let _ = File::open(&self.0).and_then(|file| file.lock());
    }
}

/// What opening a directory gave.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Sled,
    /// Where a damaged store was moved to; the one opened is then empty.
    pub set_aside: Option<PathBuf>,
}

impl Sled {
    /// Opens the store in a directory, or makes one. A damaged one is set aside as `<dir>.damaged-<n>`.
    pub fn open(dir: &Path) -> Result<Opened, StoreError> {
        Sled::open_flushing(dir, Flushing::AtOnce)
    }

    /// The same for a cache of what is committed elsewhere: the last epochs may be missing after a crash, and rows are
    /// not looked at before they are asked for. One that turns out to be damaged then says so, and is set aside when it
    /// is opened again.
    pub fn open_as_cache(dir: &Path) -> Result<Opened, StoreError> {
        Sled::open_flushing(dir, Flushing::Soon)
    }

    fn open_flushing(dir: &Path, flushing: Flushing) -> Result<Opened, StoreError> {
        match Sled::open_or_refuse(dir, flushing) {
            Err(StoreError::Damaged { .. }) => {
                let aside = set_aside(dir)?;
                Ok(Opened { store: Sled::open_or_refuse(dir, flushing)?, set_aside: Some(aside) })
            }
            opened => Ok(Opened { store: opened?, set_aside: None }),
        }
    }

    fn open_or_refuse(dir: &Path, flushing: Flushing) -> Result<Sled, StoreError> {
        let refused = |source| failed("open", dir, source);
        std::fs::create_dir_all(dir).map_err(refused)?;
        let lock = lock(dir)?;
        let path = dir.join("rows");
        check_format(dir, path.exists())?;
        if dir.join(DAMAGED).exists() {
            return Err(damaged("open", dir, "what was committed could not be read back"));
        }
        let config = ::sled::Config::new()
            .path(&path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms((flushing == Flushing::Soon).then_some(FLUSH_EVERY_MS));
        // sled panics on some damaged files. What it leaves behind is not used again.
        let db = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| damaged("open", dir, "its files make no sense"))?
            .map_err(|error| convert("open", dir, error))?;
        let used = dir.join(USED).exists();
        let rows = ::sled::Tree::clone(&db);
        let shared = Shared {
            dir: dir.into(),
            db: Some((db, Release(path.join("db")))),
            _lock: lock,
            used: AtomicBool::new(used),
            broken: AtomicBool::new(false),
        };
        let store = Sled { rows, shared: Arc::new(shared), flushing };
        let committed = store.guarded("read", || match flushing {
            Flushing::AtOnce => readable(store.db()),
            Flushing::Soon => has_footer(store.db()),
        })?;
        // sled takes a file that lost its content for a new one.
        if used && !committed { Err(damaged("read", dir, "what was committed is gone")) } else { Ok(store) }
    }

    /// What sled says to `doing`. Where it finds, or panics over, damaged pages, they are not touched again.
    fn guarded<T>(
        &self,
        doing: &'static str,
        what: impl FnOnce() -> Result<T, ::sled::Error>,
    ) -> Result<T, StoreError> {
        if self.shared.broken.load(Ordering::Relaxed) {
            // What panicked may have left a lock behind for which the next call would wait for ever.
            return Err(damaged(doing, self.dir(), "its pages make no sense"));
        }
        let said = catch_unwind(AssertUnwindSafe(what))
            .map_err(|_| damaged(doing, self.dir(), "its pages make no sense"))
            .and_then(|said| said.map_err(|error| convert(doing, self.dir(), error)));
        if let Err(StoreError::Damaged { .. }) = &said {
            self.shared.broken.store(true, Ordering::Relaxed);
            // Without it the next process finds out by itself.
            let _ = File::create(self.dir().join(DAMAGED));
        }
        said
    }

    fn db(&self) -> &::sled::Db {
        &self.shared.db.as_ref().expect("it is there until it is dropped").0
    }

    /// The tasks that have a store in this directory, in order.
    pub fn tasks(&self) -> Vec<TaskId> {
        let names = self.db().tree_names();
        let mut tasks: Vec<TaskId> =
            names.iter().filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok()).collect();
        tasks.sort_unstable();
        tasks
    }

    fn dir(&self) -> &Path {
        &self.shared.dir
    }
}

/// Whether there is a footer somewhere.
fn has_footer(db: &::sled::Db) -> Result<bool, ::sled::Error> {
    for name in db.tree_names() {
        if db.open_tree(name)?.get(FOOTER)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads everything once. Whether there is a footer somewhere.
fn readable(db: &::sled::Db) -> Result<bool, ::sled::Error> {
    for name in db.tree_names() {
        if let Some(error) = db.open_tree(name)?.iter().find_map(Result::err) {
            return Err(error);
        }
    }
    has_footer(db)
}

impl Stores for Sled {
    type Store = Sled;

    fn open(&self, task: TaskId) -> Result<Sled, StoreError> {
        let rows = self.guarded("open", || self.db().open_tree(task.to_string()))?;
        Ok(Sled { rows, shared: Arc::clone(&self.shared), flushing: self.flushing })
    }
}

impl Store for Sled {
    fn footer(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let footer = self.guarded("read", || self.rows.get(FOOTER))?;
        Ok(footer.map(|footer| footer.to_vec()))
    }

    fn rows(&self, each: EachRow<'_>) -> Result<(), StoreError> {
        self.guarded("read", || {
            for row in self.rows.scan_prefix([ROW]) {
                let (key, row) = row?;
                // Nobody writes a shorter key.
                let [_, table, key @ ..] = key.as_ref() else {
                    return Err(::sled::Error::Corruption { at: None, bt: () });
                };
                each(*table, key, &row);
            }
            Ok(())
        })
    }

    fn apply(&mut self, changes: &[Change], footer: &[u8]) -> Result<(), StoreError> {
        let mut batch = ::sled::Batch::default();
        for Change { table, key, row } in changes {
            let key = [&[ROW, *table], key.as_slice()].concat();
            match row {
                Some(row) => batch.insert(key, row.as_slice()),
                None => batch.remove(key),
            }
        }
        batch.insert(FOOTER, footer);
        let first = !self.shared.used.load(Ordering::Relaxed);
        self.guarded("write", || {
            self.rows.apply_batch(batch)?;
            match self.flushing {
                Flushing::Soon if !first => Ok(()),
                Flushing::Soon | Flushing::AtOnce => self.rows.flush().map(|_| ()),
            }
        })?;
        if first {
            File::create(self.dir().join(USED)).map_err(|source| failed("write", self.dir(), source))?;
            self.shared.used.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.guarded("write", || self.rows.clear())
    }
}

#[cfg(test)]
mod tests;
