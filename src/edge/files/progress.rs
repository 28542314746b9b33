//! How far files have been read, as it is stored between runs.

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use crate::flow::record::Offset;

/// The most files a progress remembers; beyond, the oldest that no open window needs is forgotten.
pub const MAX_KNOWN_INPUTS: usize = 4096;

/// What has been read of which files, and what of it must be read again to refill open windows.
///
/// An input is known by its first bytes: the same file again adds nothing, a grown file goes on at its tail, another
/// file starts at its beginning. Standard input and pipes are never known again.
///
/// A line that had no line end when it was read counts as read: what is later written behind it must begin with a new
/// line. A file that was broken somewhere is not read on behind that place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub(super) next: Offset,
    pub(super) replay_from: Offset,
    pub(super) inputs: Vec<Known>,
    /// In the order of their records; the last ends at `next`.
    pub(super) stretches: Vec<Stretch>,
}

/// A file of which something was read, or would have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Where it was.
    pub path: String,
    /// By what it is known again; standard input has none.
    pub fingerprint: Option<Fingerprint>,
    pub(super) at: Mark,
}

/// A place between two records of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The first byte not read.
    pub(super) byte: u64,
    /// Its line, from 0.
    pub(super) line: u64,
    /// How to read on; `None` before the first record.
    pub(super) shape: Option<Shape>,
}

/// How a file's records follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    /// A JSON value a line.
    Lines,
    /// JSON values one after the other, lines or not.
    Values,
    /// Rows under a header.
    Csv,
    /// Elements of an array, which is the `data` of an object when `wrapped`.
    Elements {
        /// Whether the array's end is not yet the end.
        wrapped: bool,
    },
    /// Nothing more: it broke here.
    Spent,
}

/// Records that were merged from some files, each from one place to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretch {
    /// The number of its first record.
    pub(super) first: Offset,
    /// In the order that ties were broken.
    pub(super) legs: Vec<Leg>,
}

/// One file's part in a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leg {
    /// Its place in [`Progress::inputs`].
    pub(super) known: u32,
    pub(super) from: Mark,
    pub(super) to: Mark,
}

impl Progress {
    /// The number of the first record that has not been processed.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// The number of the oldest record that must be read again: those from here to [`Progress::next`] refill windows.
    pub fn replay_from(&self) -> Offset {
        self.replay_from
    }

    /// The files it knows, the oldest first.
    pub fn inputs(&self) -> &[Known] {
        &self.inputs
    }

    /// The files that must be read again.
    pub fn needed(&self) -> impl Iterator<Item = &Known> {
        let needed = |known: usize| self.needs(known);
        self.inputs.iter().enumerate().filter(move |(known, _)| needed(*known)).map(|(_, input)| input)
    }

    /// The same without reading anything again: the readings of open windows are given up.
    #[must_use]
    pub fn without_replay(self) -> Progress {
        Progress { replay_from: self.next, stretches: Vec::new(), ..self }
    }

    fn needs(&self, known: usize) -> bool {
        self.stretches.iter().flat_map(|stretch| &stretch.legs).any(|leg| leg.known as usize == known)
    }

    /// Forgets what can never be recognised, and the oldest of too many.
    pub(super) fn forget_useless(&mut self) {
        let mut known = 0;
        while known < self.inputs.len() {
            let useless = self.inputs[known].fingerprint.is_none() || self.inputs.len() > MAX_KNOWN_INPUTS;
            if !useless || self.needs(known) {
                known += 1;
                continue;
            }
            self.inputs.remove(known);
            for leg in self.stretches.iter_mut().flat_map(|stretch| &mut stretch.legs) {
                leg.known -= u32::from(leg.known as usize > known);
            }
        }
    }
}
