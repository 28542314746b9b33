//! The output files of a replay: appended to, cut back to what was committed, never half a record.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Bytes gathered per file before the system is asked to write them.
const BUFFER_BYTES: usize = 256 << 10;

/// The files of an output directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OutFile {
    /// One report a line.
    Reports,
    /// What could not be used, one a line.
    Rejected,
    /// Readings that came after their window had closed, one a line.
    Late,
    /// One row a judged value.
    Scores,
}

impl OutFile {
    /// Its name in the directory.
    pub fn name(self) -> &'static str {
        match self {
            OutFile::Reports => "reports.ndjson",
            OutFile::Rejected => "rejected.ndjson",
            OutFile::Late => "late.ndjson",
            OutFile::Scores => "scores.csv",
        }
    }
}

/// How long each file was when the run was last committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths(BTreeMap<OutFile, u64>);

/// What a commit outlives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process.
    Process,
    /// A power cut.
    Machine,
}

/// Why an output file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The directory or file cannot be made or opened.
    #[error("open output {}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody took away what a committed run had written.
    #[error(
        "cut back {} to the {committed_bytes} bytes that the state knows of: it has only {found_bytes}; put the file \
         back, or start afresh with another state directory",
        path.display()
    )]
    Short {
        /// Which.
        path: PathBuf,
        /// How long it must be.
        committed_bytes: u64,
        /// How long it is.
        found_bytes: u64,
    },
    /// No room is left.
    #[error("write {}: the disk is full; make room and run again, which goes on from the last commit", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused.
    #[error("write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The output files of a run, open for appending.
#[derive(Debug)]
pub struct Outbox {
    durability: Durability,
    files: BTreeMap<OutFile, Appended>,
}

#[derive(Debug)]
struct Appended {
    path: PathBuf,
    writer: BufWriter<File>,
    length_bytes: u64,
}

impl Outbox {
    /// Makes the directory and opens `wanted` in it: cut back to `lengths` where a run goes on, empty where one begins
    /// (or where a file was not wanted so far). Other files of the directory stay as they are.
    pub fn open(
        dir: &Path,
        wanted: &[OutFile],
        durability: Durability,
        lengths: Option<&Lengths>,
    ) -> Result<Outbox, OutboxError> {
        std::fs::create_dir_all(dir).map_err(|source| OutboxError::Open { path: dir.into(), source })?;
        let mut files = BTreeMap::new();
        for file in wanted {
            let committed_bytes = lengths.and_then(|lengths| lengths.0.get(file)).copied().unwrap_or(0);
            files.insert(*file, Appended::open(dir.join(file.name()), committed_bytes)?);
        }
        if durability == Durability::Machine {
            // The names of new files are durable only when their directory is.
            let synced = File::open(dir).and_then(|dir| dir.sync_all());
            synced.map_err(|source| OutboxError::Open { path: dir.into(), source })?;
        }
        Ok(Outbox { durability, files })
    }

    /// How long a file is with all that was appended; `None` when it is not wanted. A CSV without rows wants a header.
    pub fn length_bytes(&self, file: OutFile) -> Option<u64> {
        self.files.get(&file).map(|appended| appended.length_bytes)
    }

    /// Appends bytes to a file; does nothing when it is not wanted.
    pub fn append(&mut self, file: OutFile, bytes: &[u8]) -> Result<(), OutboxError> {
        let Some(appended) = self.files.get_mut(&file) else { return Ok(()) };
        appended.writer.write_all(bytes).map_err(|source| appended.failed(source))?;
        appended.length_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Hands all that was appended to the system; the lengths that a later run has to cut back to.
    pub fn commit(&mut self) -> Result<Lengths, OutboxError> {
        let durability = self.durability;
        for appended in self.files.values_mut() {
            let written = appended.writer.flush().and_then(|()| match durability {
                Durability::Process => Ok(()),
                Durability::Machine => appended.writer.get_ref().sync_data(),
            });
            written.map_err(|source| appended.failed(source))?;
        }
        Ok(Lengths(self.files.iter().map(|(file, appended)| (*file, appended.length_bytes)).collect()))
    }
}

impl Appended {
    fn open(path: PathBuf, committed_bytes: u64) -> Result<Appended, OutboxError> {
        let cut = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            let found_bytes = file.metadata()?.len();
            if found_bytes >= committed_bytes {
                file.set_len(committed_bytes)?;
                file.seek(SeekFrom::Start(committed_bytes))?;
            }
            Ok((file, found_bytes))
        };
        match cut() {
            Err(source) => Err(OutboxError::Open { path, source }),
            Ok((_, found_bytes)) if found_bytes < committed_bytes => {
                Err(OutboxError::Short { path, committed_bytes, found_bytes })
            }
            Ok((file, _)) => {
                let writer = BufWriter::with_capacity(BUFFER_BYTES, file);
                Ok(Appended { path, writer, length_bytes: committed_bytes })
            }
        }
    }

    fn failed(&self, source: io::Error) -> OutboxError {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OutboxError::Full { path, source },
            _ => OutboxError::Write { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::scratch::Scratch;

    fn open(dir: &Path, lengths: Option<&Lengths>) -> Result<Outbox, OutboxError> {
        Outbox::open(dir, &[OutFile::Reports, OutFile::Late], Durability::Machine, lengths)
    }

    #[test]
    fn what_was_written_after_the_last_commit_is_cut_off() {
        let scratch = Scratch::new();
        let mut outbox = open(scratch.path(), None).unwrap();
        outbox.append(OutFile::Reports, b"one\n").unwrap();
        let lengths = outbox.commit().unwrap();
        outbox.append(OutFile::Reports, b"two\n").unwrap();
        outbox.append(OutFile::Late, b"late\n").unwrap();
        outbox.commit().unwrap();
        drop(outbox);

        let lengths = postcard::from_bytes(&postcard::to_stdvec(&lengths).unwrap()).unwrap();
        let mut outbox = open(scratch.path(), Some(&lengths)).unwrap();
        outbox.append(OutFile::Reports, b"zwei\n").unwrap();
        outbox.commit().unwrap();
        assert_eq!(std::fs::read(scratch.path().join("reports.ndjson")).unwrap(), b"one\nzwei\n");
        assert_eq!(std::fs::read(scratch.path().join("late.ndjson")).unwrap(), b"");
    }

    #[test]
    fn a_run_that_begins_empties_its_own_files_and_no_other() {
        let scratch = Scratch::new();
        let reports = scratch.file("reports.ndjson", b"old");
        let scores = scratch.file("scores.csv", b"not wanted");
        let mut outbox = open(scratch.path(), None).unwrap();
        outbox.append(OutFile::Scores, b"dropped").unwrap();
        outbox.commit().unwrap();
        assert_eq!(std::fs::read(reports).unwrap(), b"");
        assert_eq!(std::fs::read(scores).unwrap(), b"not wanted");
        assert_eq!(outbox.length_bytes(OutFile::Scores), None);
    }

    #[test]
    fn a_file_shorter_than_its_commit_is_refused() {
        let scratch = Scratch::new();
        let mut outbox = open(scratch.path(), None).unwrap();
        outbox.append(OutFile::Reports, b"one\n").unwrap();
        let lengths = outbox.commit().unwrap();
        drop(outbox);
        scratch.file("reports.ndjson", b"o");
        let refused = open(scratch.path(), Some(&lengths)).unwrap_err().to_string();
        assert!(refused.contains("to the 4 bytes") && refused.contains("it has only 1"), "{refused}");
    }

    #[test]
    fn a_full_disk_is_named_with_its_file() {
        if let Ok(file) = OpenOptions::new().write(true).open("/dev/full") {
            let writer = BufWriter::new(file);
            let full = Appended { path: "out/reports.ndjson".into(), writer, length_bytes: 0 };
            let mut outbox =
                Outbox { durability: Durability::Process, files: [(OutFile::Reports, full)].into() };
            outbox.append(OutFile::Reports, b"one\n").unwrap();
            let refused = outbox.commit().unwrap_err();
            assert!(matches!(refused, OutboxError::Full { .. }), "{refused}");
            assert!(
                refused.to_string().starts_with("write out/reports.ndjson: the disk is full"),
                "{refused}"
            );
            // What could not be written must not be tried again when the test ends.
            std::mem::forget(outbox);
        }
    }
}
