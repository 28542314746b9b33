//! The directory around sled's files: who has it, which format it is in, and what an error means.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::edge::ports::StoreError;

/// The format this version reads and writes.
const FORMAT: u32 = 2;

pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
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
pub(super) fn check_format(dir: &Path, has_rows: bool) -> Result<(), StoreError> {
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

pub(super) fn set_aside(dir: &Path) -> Result<PathBuf, StoreError> {
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

pub(super) fn damaged(doing: &'static str, dir: &Path, detail: impl Into<String>) -> StoreError {
    StoreError::Damaged { doing, path: dir.into(), detail: detail.into() }
}

pub(super) fn failed(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
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

pub(super) fn convert(doing: &'static str, dir: &Path, error: ::sled::Error) -> StoreError {
    match error {
        ::sled::Error::Io(source) => failed(doing, dir, source),
        error => damaged(doing, dir, error.to_string()),
    }
}
