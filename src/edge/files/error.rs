//! What can be wrong with input files.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the input cannot be opened or read on. Records that cannot be used are no errors: the decoder rejects them.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// No such file.
    #[error("open {}: there is no such file", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// A directory where a file should be.
    #[error("open {}: it is a directory; name the files in it", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
    },
    /// No right to read it.
    #[error("open {}: permission denied", path.display())]
    Denied {
        /// Which.
        path: PathBuf,
    },
    /// The same file, or `-`, stands twice among the inputs.
    #[error("read {}: it is given twice", path.display())]
    GivenTwice {
        /// Which.
        path: PathBuf,
    },
    /// A run before left windows open, and their readings cannot be read again.
    #[error(
        "read {path} again: readings of windows that are still open lie in it, and it is gone or has other content; \
         put it back, or start afresh with another state directory"
    )]
    Needed {
        /// Where it was.
        path: String,
    },
    /// What was read again is not what was read before.
    #[error(
        "read {paths} again: {found} records lie where {expected} were read before; put the old content back, or \
         start afresh with another state directory"
    )]
    Changed {
        /// The files that were read again.
        paths: String,
        /// How many records they had.
        expected: u64,
        /// How many they have.
        found: u64,
    },
    /// The system refused.
    #[error("read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl InputError {
    pub(super) fn from_open(path: PathBuf, source: io::Error) -> InputError {
        match source.kind() {
            io::ErrorKind::NotFound => InputError::Missing { path },
            io::ErrorKind::IsADirectory => InputError::Directory { path },
            io::ErrorKind::PermissionDenied => InputError::Denied { path },
            _ => InputError::Read { path, source },
        }
    }
}

/// A place from which on a file cannot be used. What came before has been yielded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The number of the file, as in [`crate::flow::record::Origin`].
    pub input: u32,
    /// The file.
    pub path: PathBuf,
    /// The byte where it breaks.
    pub byte: u64,
    /// The line of that byte, from 1.
    pub line: u64,
    /// What is wrong there.
    pub why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {} (byte {}): {}", self.path.display(), self.line, self.byte, self.why)
    }
}
