//! Records that are lines: NDJSON, and the rows of a CSV file. Quoted cells with a line end in them are not read as one.

use memchr::memchr_iter;

use super::error::InputError;
use super::progress::{Mark, Shape};
use super::reader::Reader;
use super::span::Span;
use crate::flow::record::Extent;

impl Reader {
    /// Finds lines in what has been read, or reads on when there is no whole one.
    pub(super) fn find_lines(&mut self, max_records: usize) -> Result<(), InputError> {
        self.find_whole_lines(max_records);
        if !self.spans.is_empty() || self.ended {
            return Ok(());
        }
        let length = self.buffer.unread().len();
        // One more may be the CR of a line that is just short enough.
        if length > self.bounds.record_bytes + 1 {
            return self.find_long_line();
        }
        if !self.more()? {
            self.ended = true;
            let line = self.buffer.unread().trim_ascii_end().len();
            if line > 0 {
                self.found(line, self.line_extent());
            }
        }
        Ok(())
    }

    /// This is the hot loop of NDJSON: one pass over the buffer.
    fn find_whole_lines(&mut self, max_records: usize) {
        let (base, position) = (self.buffer.start(), self.buffer.position());
        let mut extent = self.line_extent();
        let later = if self.shape == Some(Shape::Csv) { Extent::Continuing } else { Extent::Whole };
        let unread = self.buffer.unread();
        let mut start = 0;
        for newline in memchr_iter(b'\n', unread) {
            let line = &unread[start..newline];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.iter().all(u8::is_ascii_whitespace) {
                if !self.is_mine(position + start as u64) {
                    self.ended = true;
                    break;
                }
                let after =
                    Mark { byte: position + newline as u64 + 1, line: self.line + 1, shape: self.shape };
                self.spans.push(Span {
                    start: base + start,
                    end: base + start + line.len().min(self.bounds.record_bytes + 1),
                    position: position + start as u64,
                    line: self.line,
                    after,
                    reader: self.number,
                    extent,
                });
                extent = later;
            }
            start = newline + 1;
            self.line += 1;
            if self.spans.len() == max_records {
                break;
            }
        }
        self.buffer.pass(start);
        self.opened |= !self.spans.is_empty();
    }

    /// A line longer than a record may be: its beginning is a record that the decoder rejects for its size.
    fn find_long_line(&mut self) -> Result<(), InputError> {
        let kept = self.bounds.record_bytes + 1;
        let (start, position, line) = (self.buffer.start(), self.buffer.position(), self.line);
        if !self.is_mine(position) {
            self.ended = true;
            return Ok(());
        }
        let passed = self.buffer.pass_line_beyond(kept);
        passed.map_err(|source| InputError::Read { path: self.task.path.clone(), source })?;
        self.line += 1;
        let after = Mark { byte: self.buffer.position(), line: self.line, shape: self.shape };
        let extent = self.line_extent();
        self.spans.push(Span {
            start,
            end: start + kept,
            position,
            line,
            after,
            reader: self.number,
            extent,
        });
        self.opened = true;
        Ok(())
    }

    fn line_extent(&self) -> Extent {
        match (self.shape, self.opened) {
            (Some(Shape::Csv), false) => Extent::Opening,
            (Some(Shape::Csv), true) => Extent::Continuing,
            _ => Extent::Whole,
        }
    }
}
