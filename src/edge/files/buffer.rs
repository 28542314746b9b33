//! The window of bytes through which a file is seen.

use std::fmt;
use std::io::{self, Read};

/// Bytes of a source that were read and not yet passed; records lie in it, so it moves only when asked for more.
pub(super) struct Buffer {
    source: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    /// What was read and not passed lies here.
    start: usize,
    end: usize,
    /// The place of `bytes[0]` in the file.
    base: u64,
    ended: bool,
    size_bytes: usize,
}

impl Buffer {
    /// Sees a source that stands at that byte of its file.
    pub(super) fn new(source: Box<dyn Read + Send>, position: u64, size_bytes: usize) -> Buffer {
        let size_bytes = size_bytes.max(2);
        Buffer { source, bytes: Vec::new(), start: 0, end: 0, base: position, ended: false, size_bytes }
    }

    /// What was read and not passed.
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// All of it, as spans count.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the unread begins in [`Buffer::bytes`].
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Where the unread begins in the file.
    pub(super) fn position(&self) -> u64 {
        self.base + self.start as u64
    }

    /// How far the file has been read.
    pub(super) fn read_to(&self) -> u64 {
        self.base + self.end as u64
    }

    /// Whether the source has nothing more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn pass(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end, "only what was read can be passed");
    }

    /// Reads on behind the unread, growing where it fills more than half; `false` at the end of the source. Spans
    /// taken before no longer hold.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.end * 2 > self.bytes.len() || self.bytes.is_empty() {
            self.bytes.resize((self.bytes.len() * 2).max(self.size_bytes), 0);
        }
        self.read()
    }

    /// Passes the rest of a line too long to be kept: all up to its end, but the first `kept` unread bytes stay where
    /// they are for a span to point at.
    pub(super) fn pass_line_beyond(&mut self, kept: usize) -> io::Result<()> {
        let rest = self.start + kept;
        loop {
            if let Some(newline) = memchr::memchr(b'\n', &self.bytes[rest..self.end]) {
                self.start = rest + newline + 1;
                return Ok(());
            }
            self.base += (self.end - rest) as u64;
            self.end = rest;
            self.bytes.resize(self.bytes.len().max(rest + self.size_bytes), 0);
            if !self.read()? {
                self.start = self.end;
                return Ok(());
            }
        }
    }

    fn read(&mut self) -> io::Result<bool> {
        while !self.ended {
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.end += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({}..{})", self.position(), self.read_to())
    }
}
