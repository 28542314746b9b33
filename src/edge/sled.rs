//! Learned rows at rest: one sled tree, one atomic batch per epoch.
//!
//! ```text
//! <dir>/lock      held while the store is open
//! <dir>/format    the number of the format, as text
//! <dir>/used      there once something was committed
//! <dir>/rows/     sled's own files, a tree a task: key 0 is the footer, keys 1 ‖ table ‖ key are the rows
//! ```
//!
//! A directory that cannot be read any more is set aside under a new name, never deleted.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::edge::ports::{EachRow, Store, StoreError, Stores};
use crate::flow::Change;
use crate::flow::task::TaskId;

/// The format this version reads and writes.
const FORMAT: u32 = 2;
/// What sled may keep in memory: rows are read once at the start, so a small cache does.
const CACHE_BYTES: u64 = 64 << 20;
/// How long a cache may keep what was applied to itself.
const FLUSH_EVERY_MS: u64 = 200;
/// The file that says that something was committed.
const USED: &str = "used";
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
    // Dropped in this order, so that whoever gets the lock finds the rows released.
    db: ::sled::Db,
    _release: Release,
    _lock: File,
    /// Whether something was committed.
    used: AtomicBool,
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

    /// The same for a cache of what is committed elsewhere: the last epochs may be missing after a crash.
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
        let config = ::sled::Config::new()
            .path(&path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms((flushing == Flushing::Soon).then_some(FLUSH_EVERY_MS));
        // sled panics on some damaged files. What it leaves behind is not used again.
        let db = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| damaged("open", dir, "its files make no sense"))?
            .map_err(|error| convert("open", dir, error))?;
        let used = dir.join(USED).exists();
        match catch_unwind(AssertUnwindSafe(|| readable(&db))) {
            // sled takes a file that lost its content for a new one.
            Ok(Ok(false)) if used => Err(damaged("read", dir, "what was committed is gone")),
            Ok(Ok(_)) => {
                let release = Release(path.join("db"));
                let rows = ::sled::Tree::clone(&db);
                let used = AtomicBool::new(used);
                let shared = Arc::new(Shared { dir: dir.into(), db, _release: release, _lock: lock, used });
                Ok(Sled { rows, shared, flushing })
            }
            Ok(Err(error)) => Err(convert("read", dir, error)),
            Err(_) => {
                // Dropping it would write to, and perhaps panic over, the damaged files.
                std::mem::forget(db);
                Err(damaged("read", dir, "its pages make no sense"))
            }
        }
    }

    /// The tasks that have a store in this directory, in order.
    pub fn tasks(&self) -> Vec<TaskId> {
        let names = self.shared.db.tree_names();
        let mut tasks: Vec<TaskId> =
            names.iter().filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok()).collect();
        tasks.sort_unstable();
        tasks
    }

    fn dir(&self) -> &Path {
        &self.shared.dir
    }
}

/// Reads everything once. Whether there is a footer somewhere.
fn readable(db: &::sled::Db) -> Result<bool, ::sled::Error> {
    let mut committed = false;
    for name in db.tree_names() {
        let tree = db.open_tree(name)?;
        if let Some(error) = tree.iter().find_map(Result::err) {
            return Err(error);
        }
        committed |= tree.get(FOOTER)?.is_some();
    }
    Ok(committed)
}

impl Stores for Sled {
    type Store = Sled;

    fn open(&self, task: TaskId) -> Result<Sled, StoreError> {
        let rows =
            self.shared.db.open_tree(task.to_string()).map_err(|error| convert("open", self.dir(), error))?;
        Ok(Sled { rows, shared: Arc::clone(&self.shared), flushing: self.flushing })
    }
}

impl Store for Sled {
    fn footer(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let footer = self.rows.get(FOOTER).map_err(|error| convert("read", self.dir(), error))?;
        Ok(footer.map(|footer| footer.to_vec()))
    }

    fn rows(&self, each: EachRow<'_>) -> Result<(), StoreError> {
        for row in self.rows.scan_prefix([ROW]) {
            let (key, row) = row.map_err(|error| convert("read", self.dir(), error))?;
            match key.as_ref() {
                [_, table, key @ ..] => each(*table, key, &row),
                _ => return Err(damaged("read", self.dir(), "a key is too short")),
            }
        }
        Ok(())
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
        let applied = self.rows.apply_batch(batch).and_then(|()| match self.flushing {
            Flushing::AtOnce => self.rows.flush().map(|_| ()),
            Flushing::Soon => Ok(()),
        });
        applied.map_err(|error| convert("write", self.dir(), error))?;
        if !self.shared.used.load(Ordering::Relaxed) {
            self.rows.flush().map_err(|error| convert("write", self.dir(), error))?;
            File::create(self.dir().join(USED)).map_err(|source| failed("write", self.dir(), source))?;
            self.shared.used.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.rows.clear().map_err(|error| convert("write", self.dir(), error))
    }
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|source| failed("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: dir.into() }),
        Err(TryLockError::Error(source)) => Err(failed("lock", dir, source)),
    }
}

/// Refuses a newer format; a new directory gets the present one.
fn check_format(dir: &Path, has_rows: bool) -> Result<(), StoreError> {
    let path = dir.join("format");
    match std::fs::read(&path) {
        Ok(text) => match std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse::<u32>().ok()) {
            Some(FORMAT) => Ok(()),
            Some(found) if found > FORMAT => {
                Err(StoreError::Newer { path: dir.into(), found, known: FORMAT })
            }
            _ => Err(damaged("open", dir, "its format is not a number")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound && has_rows => {
            Err(damaged("open", dir, "the file `format` is missing"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::write(&path, format!("{FORMAT}\n")).map_err(|source| failed("write", &path, source))
        }
        Err(source) => Err(failed("open", &path, source)),
    }
}

fn set_aside(dir: &Path) -> Result<PathBuf, StoreError> {
    let name = |number: u32| {
        let mut name = dir.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        PathBuf::from(name)
    };
    let aside = (1..=u32::MAX).map(name).find(|path| !path.exists());
    let aside = aside.expect("a directory does not hold four billion damaged stores");
    std::fs::rename(dir, &aside).map_err(|source| failed("set aside", dir, source))?;
    Ok(aside)
}

fn damaged(doing: &'static str, dir: &Path, detail: impl Into<String>) -> StoreError {
    StoreError::Damaged { doing, path: dir.into(), detail: detail.into() }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    let path = path.into();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { doing, path, source },
        // sled reports bytes that it cannot decode as one of these.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
            StoreError::Damaged { doing, path, detail: source.to_string() }
        }
        _ => StoreError::Other { doing, path, source },
    }
}

fn convert(doing: &'static str, dir: &Path, error: ::sled::Error) -> StoreError {
    match error {
        ::sled::Error::Io(source) => failed(doing, dir, source),
        error => damaged(doing, dir, error.to_string()),
    }
}

#[cfg(test)]
mod tests;
