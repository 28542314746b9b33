//! One file as records, in its own order.

use std::ops::Range;

use super::Bounds;
use super::buffer::Buffer;
use super::elements::Stage;
use super::error::{Broken, InputError};
use super::progress::{Mark, Shape};
use super::sniff::{Sniffed, sniff};
use super::source::{self, BYTE_ORDER_MARK, Task};
use super::span::Span;
use super::structure::ValueScan;
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};

/// What is shown of the part of a file that cannot be used.
const REMAINDER_BYTES: usize = 64 << 10;
/// How many records are found at once when they are merged with other files'.
const LOOKAHEAD_RECORDS: usize = 256;

/// A file being read. Records are found some at a time, and then taken one by one or together.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) task: Task,
    /// Its place among those merged.
    pub(super) number: u32,
    pub(super) bounds: Bounds,
    pub(super) buffer: Buffer,
    pub(super) shape: Option<Shape>,
    header: Vec<u8>,
    /// Whether a record has been found, now or before.
    pub(super) opened: bool,
    /// The line of the first unread byte, from 0.
    pub(super) line: u64,
    pub(super) stage: Stage,
    pub(super) scan: ValueScan,
    /// Whether all records have been found.
    pub(super) ended: bool,
    pub(super) broken: Option<Broken>,
    pub(super) spans: Vec<Span>,
    taken: usize,
    mark: Mark,
}

impl Reader {
    pub(super) fn open(task: Task, number: u32, bounds: Bounds) -> Result<Reader, InputError> {
        let from = task.from;
        let failed = |source| InputError::from_open(task.path.clone(), source);
        let (source, header, length) = source::open(&task, bounds).map_err(failed)?;
        let mut reader = Reader {
            number,
            bounds,
            buffer: Buffer::new(source, from.byte, bounds.buffer_bytes),
            shape: from.shape,
            header,
            opened: from.shape.is_some(),
            line: from.line,
            stage: if from.shape.is_some() { Stage::Behind } else { Stage::Start },
            scan: ValueScan::default(),
            ended: false,
            broken: None,
            spans: Vec::new(),
            taken: 0,
            mark: from,
            task,
        };
        match (from.shape, length) {
            (_, Some(length)) if length < from.byte => {
                reader.note("it is shorter than what was read of it before, so nothing is read");
                reader.ended = true;
            }
            (Some(Shape::Spent), length) => {
                if length.is_some_and(|length| length > from.byte) {
                    reader.note("it was broken here when it was read before, so nothing behind is read");
                }
                reader.ended = true;
            }
            _ => {}
        }
        Ok(reader)
    }

    /// The next record, not yet taken.
    pub(super) fn head(&mut self) -> Result<Option<Span>, InputError> {
        self.available(LOOKAHEAD_RECORDS)?;
        Ok(self.spans.get(self.taken).copied())
    }

    /// Takes the next record, which [`Reader::head`] has shown.
    pub(super) fn take(&mut self) {
        self.mark = self.spans[self.taken].after;
        self.taken += 1;
    }

    /// Takes some records: none at the end only. They lie in [`Reader::spans`] and [`Reader::bytes`] until more is
    /// asked for.
    pub(super) fn take_many(&mut self, max_records: usize) -> Result<Range<usize>, InputError> {
        self.available(max_records)?;
        let taken = self.taken..self.spans.len().min(self.taken + max_records);
        if let Some(last) = self.spans[taken.clone()].last() {
            self.mark = last.after;
        }
        self.taken = taken.end;
        Ok(taken)
    }

    /// Where the next record not yet taken begins.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// A record out of a span of this reader and the bytes that the span points into.
    pub(super) fn record<'a>(&'a self, span: &Span, bytes: &'a [u8], offset: Offset) -> RawRecord<'a> {
        let format = match self.shape {
            Some(Shape::Csv) => Format::Csv { header: &self.header },
            _ => Format::Json,
        };
        let origin = Origin { input: self.task.input, position: span.position, line: span.line + 1 };
        let value = &bytes[span.start..span.end];
        RawRecord { offset, origin, key: None, value, format, extent: span.extent }
    }

    /// Finds more records when all that were found are taken.
    fn available(&mut self, max_records: usize) -> Result<(), InputError> {
        if self.taken < self.spans.len() {
            return Ok(());
        }
        self.spans.clear();
        self.taken = 0;
        while self.spans.is_empty() && !self.ended {
            match self.shape {
                None => self.begin()?,
                Some(Shape::Lines | Shape::Csv) => self.find_lines(max_records)?,
                Some(Shape::Values) => self.find_values(max_records)?,
                Some(Shape::Elements { .. }) => self.find_elements(max_records)?,
                Some(Shape::Spent) => self.ended = true,
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), InputError> {
        while self.buffer.unread().len() < BYTE_ORDER_MARK.len() && self.more()? {}
        if self.buffer.unread().starts_with(BYTE_ORDER_MARK) {
            self.buffer.pass(BYTE_ORDER_MARK.len());
        }
        let named_csv = self.task.path.extension().is_some_and(|name| name.eq_ignore_ascii_case("csv"));
        let told = loop {
            match sniff(self.buffer.unread(), self.buffer.has_ended()) {
                Some(Sniffed::Shape(..)) if named_csv => break Sniffed::Shape(Shape::Csv, 0),
                Some(told) => break told,
                None => self.more()?,
            };
        };
        match told {
            Sniffed::Unreadable(why) => self.break_off(why),
            Sniffed::Shape(shape, passed) => {
                self.pass(passed);
                self.shape = Some(shape);
                if shape == Shape::Csv { self.take_header() } else { Ok(()) }
            }
        }
    }

    fn take_header(&mut self) -> Result<(), InputError> {
        let blank = self.buffer.unread().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.pass(blank);
        loop {
            let unread = self.buffer.unread();
            let newline = memchr::memchr(b'\n', unread);
            if newline.unwrap_or(unread.len()) > self.bounds.record_bytes {
                return self.break_off("the header row is too long");
            }
            if let Some(end) = newline {
                self.header = unread[..end].trim_ascii_end().to_vec();
                self.pass(end + 1);
                return Ok(());
            }
            if !self.more()? {
                self.ended = true; // a header and nothing else
                return Ok(());
            }
        }
    }

    /// Reads on, if that is allowed: spans must all be taken, for it moves what they point at.
    pub(super) fn more(&mut self) -> Result<bool, InputError> {
        debug_assert!(self.spans.is_empty(), "records that were found lie in the buffer");
        self.buffer.more().map_err(|source| InputError::Read { path: self.task.path.clone(), source })
    }

    /// Passes unread bytes, counting their lines.
    pub(super) fn pass(&mut self, count: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.buffer.unread()[..count]).count() as u64;
        self.buffer.pass(count);
    }

    /// Whether a record that begins at this byte is for this reader.
    pub(super) fn is_mine(&self, position: u64) -> bool {
        self.task.to.is_none_or(|to| position < to.byte)
    }

    /// A value of that length at the beginning of the unread is a record.
    pub(super) fn found(&mut self, length: usize, extent: Extent) {
        let (start, position, line) = (self.buffer.start(), self.buffer.position(), self.line);
        if !self.is_mine(position) {
            self.ended = true;
            return;
        }
        self.pass(length);
        let after = Mark { byte: position + length as u64, line: self.line, shape: self.shape };
        let end = start + length;
        self.spans.push(Span { start, end, position, line, after, reader: self.number, extent });
    }

    /// Ends here: what cannot be used is a last record, for the decoder to reject. When records wait to be taken, it
    /// comes to this again.
    pub(super) fn break_off(&mut self, why: &'static str) -> Result<(), InputError> {
        if !self.spans.is_empty() {
            return Ok(());
        }
        while self.buffer.unread().len() < REMAINDER_BYTES && self.more()? {}
        self.note(why);
        self.shape = Some(Shape::Spent);
        self.found(self.buffer.unread().len().min(REMAINDER_BYTES), Extent::Whole);
        self.ended = true;
        Ok(())
    }

    /// Remembers that the file breaks here.
    pub(super) fn note(&mut self, why: &'static str) {
        let (byte, line) = (self.buffer.position(), self.line + 1);
        self.broken = Some(Broken { input: self.task.input, path: self.task.path.clone(), byte, line, why });
    }
}
