//! Some files as one row of records, merged by event time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::error::InputError;
use super::progress::Mark;
use super::reader::Reader;
use super::source::Task;
use super::span::Span;
use super::{Bounds, FirstTime};
use crate::flow::record::Offset;
use crate::flow::time::EventTime;

/// Records of several files are copied together until there are that many bytes.
const BATCH_BYTES: usize = 4 << 20;
/// All read buffers together, as far as their least size allows.
const ALL_BUFFERS_BYTES: usize = 64 << 20;
const LEAST_BUFFER_BYTES: usize = 64 << 10;

/// Files being merged. Only their next records are compared, so a file that is not sorted stays as it is.
#[derive(Debug)]
pub(super) struct Stretch {
    readers: Vec<Reader>,
    /// The files whose next record has been looked at, by its time and then by their own order.
    heads: BinaryHeap<Reverse<(EventTime, usize)>>,
    /// The file that the last record came from: its next one has not been looked at.
    turn: Option<usize>,
    /// The files that have not been looked at yet.
    fresh: Range<usize>,
    merged_bytes: Vec<u8>,
    merged: Vec<Span>,
    last: Last,
}

/// Where the records given last lie.
#[derive(Clone, Debug)]
enum Last {
    /// In a file's own buffer.
    Direct(usize, Range<usize>),
    /// Copied together.
    Merged,
}

impl Stretch {
    pub(super) fn open(tasks: &[Task], bounds: Bounds) -> Result<Stretch, InputError> {
        let share = (ALL_BUFFERS_BYTES / tasks.len().max(1)).max(LEAST_BUFFER_BYTES);
        let bounds = Bounds { buffer_bytes: bounds.buffer_bytes.min(share), ..bounds };
        let readers = tasks.iter().enumerate();
        let readers = readers.map(|(number, task)| Reader::open(task.clone(), number as u32, bounds));
        let readers = readers.collect::<Result<Vec<_>, _>>()?;
        Ok(Stretch {
            fresh: 0..readers.len(),
            readers,
            heads: BinaryHeap::new(),
            turn: None,
            merged_bytes: Vec::new(),
            merged: Vec::new(),
            last: Last::Merged,
        })
    }

    /// Takes the next records, none at the end only; they are then in [`Stretch::spans`].
    pub(super) fn take(&mut self, next: Offset, max: usize, time: FirstTime<'_>) -> Result<(), InputError> {
        self.merged.clear();
        self.merged_bytes.clear();
        self.last = Last::Merged;
        match self.only_reader() {
            Some(only) => {
                self.heads.clear();
                (self.fresh, self.turn) = (0..0, Some(only));
                self.last = Last::Direct(only, self.readers[only].take_many(max)?);
                Ok(())
            }
            None => self.merge(next, max, time),
        }
    }

    /// The file that all further records come from, if it is known to be one only.
    fn only_reader(&self) -> Option<usize> {
        match (self.turn, self.heads.peek(), self.heads.len() + self.fresh.len()) {
            (Some(turn), _, 0) => Some(turn),
            (None, Some(Reverse((_, head))), 1) => Some(*head),
            (None, None, 1) => Some(self.fresh.start),
            _ => None,
        }
    }

    fn merge(&mut self, next: Offset, max: usize, time: FirstTime<'_>) -> Result<(), InputError> {
        while self.merged.len() < max && self.merged_bytes.len() < BATCH_BYTES {
            if let Some(number) = self.turn.take().or_else(|| self.fresh.next()) {
                let reader = &mut self.readers[number];
                let Some(span) = reader.head()? else { continue };
                let offset = Offset(next.0 + self.merged.len() as u64);
                match time(&reader.record(&span, reader.bytes(), offset)) {
                    Some(time) => self.heads.push(Reverse((time, number))),
                    None => self.copy(number, span), // it follows the record before it in its file
                }
            } else {
                let Some(Reverse((_, number))) = self.heads.pop() else { break };
                if let Some(span) = self.readers[number].head()? {
                    self.copy(number, span);
                }
            }
        }
        Ok(())
    }

    fn copy(&mut self, number: usize, span: Span) {
        let reader = &mut self.readers[number];
        let start = self.merged_bytes.len();
        self.merged_bytes.extend_from_slice(&reader.bytes()[span.start..span.end]);
        self.merged.push(Span { start, end: self.merged_bytes.len(), ..span });
        reader.take();
        self.turn = Some(number);
    }

    /// The records taken last, and the bytes they lie in.
    pub(super) fn spans(&self) -> (&[Span], &[u8]) {
        match &self.last {
            Last::Direct(only, taken) => {
                let reader = &self.readers[*only];
                (reader.spans.get(taken.clone()).unwrap_or_default(), reader.bytes())
            }
            Last::Merged => (&self.merged, &self.merged_bytes),
        }
    }

    pub(super) fn readers(&self) -> &[Reader] {
        &self.readers
    }

    pub(super) fn readers_mut(&mut self) -> &mut [Reader] {
        &mut self.readers
    }

    /// Where each file stands behind the records taken last.
    pub(super) fn marks(&self) -> Vec<Mark> {
        self.readers.iter().map(Reader::mark).collect()
    }

    /// How much has been read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.readers.iter().map(|reader| reader.buffer.read_to() - reader.task.from.byte).sum()
    }
}
