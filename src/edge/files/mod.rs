//! Input files as one row of numbered records, in bounded memory, that can be gone on with later.
//!
//! ```text
//! a.json ─▶ buffer ─▶ reader ─┐
//! b.csv  ─▶ buffer ─▶ reader ─┴▶ stretch ─▶ inputs ─▶ batch, batch, …
//! ```
//!
//! A reader sniffs what its file is and finds where records begin and end, without understanding them. A stretch merges
//! readers by event time. A run reads one stretch after the other: first those that refill windows that were open when
//! the run before stopped, then the given files from where they had been read to.
//!
//! Records lie in the buffer that the file was read into, and are gone when the next batch is asked for.

mod batch;
mod buffer;
mod checkpoint;
mod elements;
mod error;
mod fingerprint;
mod lines;
mod progress;
mod reader;
mod recognise;
mod sniff;
mod source;
mod span;
mod stretch;
mod structure;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use batch::Batch;
pub use error::{Broken, InputError};
pub use fingerprint::Fingerprint;
pub use progress::{Known, MAX_KNOWN_INPUTS, Progress};

use crate::flow::record::{Offset, RawRecord};
use crate::flow::time::EventTime;
use progress::Mark;
use recognise::{Plan, Recognised};
use stretch::Stretch;

/// Tells a record's event time, if it has a readable one.
pub type FirstTime<'a> = &'a mut dyn FnMut(&RawRecord<'_>) -> Option<EventTime>;

/// How much is held in memory of each file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How much is read at once. A buffer grows beyond only for a record that is longer than half of it.
    pub buffer_bytes: usize,
    /// How long a record may be. Of a longer line one byte more is yielded, so that the decoder sees that it is too
    /// large; an array with a longer element breaks there.
    pub record_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { buffer_bytes: 1 << 20, record_bytes: 16 << 20 }
    }
}

/// The input files of a run.
#[derive(Debug)]
pub struct Inputs {
    bounds: Bounds,
    paths: Vec<PathBuf>,
    known: Vec<Known>,
    /// The last one reads the given files on; those before refill windows.
    plans: Vec<Plan>,
    current: usize,
    stretch: Stretch,
    next: Offset,
    /// Where each batch began: in which plan, and where its files stood.
    checkpoints: BTreeMap<Offset, (usize, Vec<Mark>)>,
    broken: Vec<Broken>,
    bytes_before: u64,
    bytes_total: Option<u64>,
}

impl Inputs {
    /// Opens files, `-` being standard input, to be read from where `progress` says: from their beginning by default.
    /// The first records are those from [`Progress::replay_from`] (or a few before it) to [`Progress::next`] again.
    pub fn open(paths: &[PathBuf], progress: Progress, bounds: Bounds) -> Result<Inputs, InputError> {
        let Recognised { plans, known, paths } = recognise::recognise(paths, progress)?;
        let tasks = || plans.iter().flat_map(|plan| &plan.tasks);
        let length =
            |path: &Path| path.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        let left = |task: &source::Task| {
            let end = task.to.map(|to| to.byte).or_else(|| length(&task.path))?;
            Some(end.saturating_sub(task.from.byte))
        };
        let bytes_total = tasks().map(left).sum();
        let mut inputs = Inputs {
            bounds,
            paths,
            known,
            stretch: Stretch::open(&plans[0].tasks, bounds)?,
            next: plans[0].first,
            current: 0,
            checkpoints: BTreeMap::new(),
            broken: Vec::new(),
            bytes_before: 0,
            bytes_total,
            plans,
        };
        inputs.remember();
        Ok(inputs)
    }

    /// The next records, at most `max_records`; none at the end of the input only.
    ///
    /// With several files they come in the order of the times that `first_time` reads, as far as each file is sorted;
    /// equal times come in the order of the files, and a record without a time comes right after the one before it in
    /// its file. So a function that never knows a time has the files read one after the other.
    pub fn next_batch(
        &mut self,
        max_records: usize,
        first_time: FirstTime<'_>,
    ) -> Result<Batch<'_>, InputError> {
        let max_records = max_records.max(1);
        loop {
            self.remember();
            self.stretch.take(self.next, max_records, first_time)?;
            self.note_broken();
            if !self.stretch.spans().0.is_empty() || self.current + 1 == self.plans.len() {
                break;
            }
            self.open_next_stretch()?;
        }
        let (spans, bytes) = self.stretch.spans();
        let first = self.next;
        self.next = Offset(first.0 + spans.len() as u64);
        Ok(Batch { first, spans, bytes, readers: self.stretch.readers() })
    }

    /// The number of the next record.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// The path of an input, by the number in a record's origin.
    pub fn path(&self, input: u32) -> &Path {
        self.paths.get(input as usize).map_or(Path::new(""), PathBuf::as_path)
    }

    /// The places from which on files could not be used, so far.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// How much has been read by this run.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_before + self.stretch.bytes_read()
    }

    /// How much there was to read when the run began; unknown with standard input.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    fn note_broken(&mut self) {
        let is_live = self.current + 1 == self.plans.len();
        let found = self.stretch.readers_mut().iter_mut().filter_map(|reader| reader.broken.take());
        // What is read again has been complained about before.
        self.broken.extend(found.filter(|_| is_live));
    }

    fn open_next_stretch(&mut self) -> Result<(), InputError> {
        let (before, plan) = (&self.plans[self.current], &self.plans[self.current + 1]);
        if self.next != plan.first {
            let paths: Vec<String> =
                before.tasks.iter().map(|task| task.path.display().to_string()).collect();
            let (expected, found) = (plan.first.0 - before.first.0, self.next.0 - before.first.0);
            return Err(InputError::Changed { paths: paths.join(", "), expected, found });
        }
        self.bytes_before += self.stretch.bytes_read();
        self.stretch = Stretch::open(&plan.tasks, self.bounds)?;
        self.current += 1;
        Ok(())
    }
}
