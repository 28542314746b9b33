//! Errors of state directories and files.

use std::io;
use std::path::PathBuf;

use tidewatch::edge::files::InputError;
use tidewatch::edge::outbox::OutboxError;
use tidewatch::edge::ports::StoreError;
use tidewatch::run::RunError;

use super::errors::{ROWS, row};

/// State directories, what a replay reads and what it writes.
pub fn state_and_files(text: &mut String) {
    let (path, state) = (|| PathBuf::from("FILE"), || PathBuf::from("STATE"));
    let no = || io::Error::from(io::ErrorKind::PermissionDenied);
    let stores: [(StoreError, &str, &str); 5] = [
        (
            StoreError::Locked { path: state() },
            "78, `replay` 1",
            "another process runs with it: each instance has its own directory",
        ),
        (
            StoreError::Newer { path: state(), found: 9, known: 8 },
            "78",
            "[go back to the later version](production.md#upgrade-and-go-back), or name an empty directory",
        ),
        (
            StoreError::Damaged { doing: "open", path: state(), detail: "…".into() },
            "–",
            "`run` sets it aside as `STATE.damaged-1`, says so, and restores from the changelog; `replay` learns afresh",
        ),
        (StoreError::Full { doing: "write", path: state(), source: no() }, "1", "make room; nothing is lost"),
        (
            StoreError::Other { doing: "write", path: state(), source: no() },
            "1",
            "what the system says stands behind it: rights, mounts",
        ),
    ];
    text.push_str("\n## State directories\n\n");
    text.push_str(ROWS);
    for (error, code, what_to_do) in &stores {
        row(text, error, code, what_to_do);
    }
    let inputs: [(InputError, &str); 7] = [
        (InputError::Missing { path: path() }, "name a file that is there"),
        (InputError::Directory { path: path() }, "name the files in it: `DIR/*.ndjson`"),
        (InputError::Denied { path: path() }, "rights on the file"),
        (InputError::GivenTwice { path: path() }, "name it once; `-`, standard input, too"),
        (
            InputError::Needed { path: "FILE".into() },
            "with `--state` a file must stay until its last windows have closed",
        ),
        (
            InputError::Changed { paths: "FILE".into(), expected: 100, found: 90 },
            "append to files, and change nothing in them",
        ),
        (InputError::Read { path: path(), source: no() }, "what the system says stands behind it"),
    ];
    text.push_str("\n## Files of a replay\n\n");
    text.push_str(ROWS);
    for (error, what_to_do) in &inputs {
        row(text, error, "1", what_to_do);
    }
    let outputs: [(OutboxError, &str); 4] = [
        (OutboxError::Open { path: path(), source: no() }, "rights on the folder of `--out`"),
        (
            OutboxError::Short { path: path(), committed_bytes: 900, found_bytes: 100 },
            "the files of `--out` belong to the state directory",
        ),
        (OutboxError::Full { path: path(), source: no() }, "make room"),
        (OutboxError::Write { path: path(), source: no() }, "what the system says stands behind it"),
    ];
    for (error, what_to_do) in &outputs {
        row(text, error, "1", what_to_do);
    }
    let (found, wanted) = ("fleet 9f0c".to_owned(), "fleet 2a76".to_owned());
    let other = RunError::OtherTopology { path: state(), found, wanted };
    row(text, &other, "78", "one directory for each topology");
    row(
        text,
        &RunError::Unreadable { path: state() },
        "1",
        "it was written by a later version, or by something else",
    );
}
