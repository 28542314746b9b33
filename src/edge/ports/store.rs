//! Learned rows at rest, as whoever restores a task asks for them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::flow::Change;
use crate::flow::task::TaskId;

/// Takes a row: table, key, bytes.
pub type EachRow<'a> = &'a mut dyn FnMut(u8, &[u8], &[u8]);

/// Rows and the footer that belongs to them, changed together or not at all.
///
/// Opened once per task, read whole when the task is restored, then only changed.
pub trait Store {
    /// What the last [`Store::apply`] left beside the rows; `None` before the first.
    fn footer(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Hands every row to `each`, in the order of table and key.
    fn rows(&self, each: EachRow<'_>) -> Result<(), StoreError>;

    /// Makes all changes and puts the new footer, durably, or does nothing. After an error the store is not to be used
    /// again: what it holds is either the state before or the one after, and opening it anew tells which.
    fn apply(&mut self, changes: &[Change], footer: &[u8]) -> Result<(), StoreError>;

    /// Forgets every row and the footer.
    fn clear(&mut self) -> Result<(), StoreError>;
}

/// Where the stores of several tasks are.
pub trait Stores {
    /// The store of one task.
    type Store: Store;

    /// Opens a task's store, or makes one.
    fn open(&self, task: TaskId) -> Result<Self::Store, StoreError>;
}

impl<S: Stores> Stores for Arc<S> {
    type Store = S::Store;

    fn open(&self, task: TaskId) -> Result<S::Store, StoreError> {
        S::open(self, task)
    }
}

/// Why a store could not do what it was asked, by what there is to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it: wait for that one, or use another directory.
    #[error("open store at {}: locked by another process", path.display())]
    Locked {
        /// The state directory.
        path: PathBuf,
    },
    /// A later version of this program wrote it: use that one, or another directory.
    #[error("open store at {}: its format is {found}, newer than the {known} that this version reads", path.display())]
    Newer {
        /// The state directory.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest format this version reads.
        known: u32,
    },
    /// It cannot be read any more: restore it, or start afresh.
    #[error("{doing} store at {}: damaged: {detail}", path.display())]
    Damaged {
        /// What was attempted.
        doing: &'static str,
        /// The state directory.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// No room is left: make some and run again, nothing is lost.
    #[error("{doing} store at {}: the disk is full; make room and run again, which goes on from here", path.display())]
    Full {
        /// What was attempted.
        doing: &'static str,
        /// The state directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused.
    #[error("{doing} store at {}", path.display())]
    Other {
        /// What was attempted.
        doing: &'static str,
        /// The file or directory it was attempted with.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
