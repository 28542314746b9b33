//! Records that are the elements of an array, found one after the other without its end in sight; and values that
//! follow each other without an array.

use super::error::InputError;
use super::progress::Shape;
use super::reader::Reader;
use crate::flow::record::Extent;

/// Where in a file with elements the unread begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before the first record; of an array: before its `[`.
    Start,
    /// Behind the `[`.
    Opened,
    /// Behind a comma.
    Comma,
    /// Behind a record.
    Behind,
    /// Behind the `]`, in the object around the array.
    Wrapper,
    /// Behind all of it.
    Closed,
}

const CUT: &str = "it ends inside of a value";
const LONG: &str = "a value is longer than a record may be";
const NO_COMMA: &str = "an element is followed by neither a comma nor the closing bracket";
const NO_VALUE: &str = "a value is missing";
const STRAY: &str = "something follows the closing bracket";
const UNCLOSED: &str = "the array is not closed";
const UNCLOSED_OBJECT: &str = "the object around the array is not closed";

impl Reader {
    /// Finds elements in what has been read, or reads on when there is no whole one.
    pub(super) fn find_elements(&mut self, max_records: usize) -> Result<(), InputError> {
        while self.spans.len() < max_records && !self.ended {
            let Some(next) = self.next_solid()? else { return Ok(()) };
            match (self.stage, next) {
                (Stage::Start, _) => self.step(Stage::Opened),
                (Stage::Closed, b'[') => {
                    self.shape = Some(Shape::Elements { wrapped: false });
                    self.step(Stage::Opened);
                }
                (Stage::Opened | Stage::Comma | Stage::Behind, b']') => self.close(),
                (Stage::Behind, b',') => self.step(Stage::Comma),
                (Stage::Behind, _) => return self.break_off(NO_COMMA),
                (Stage::Opened | Stage::Comma, _) => match self.value_end()? {
                    Some(0) => return self.break_off(NO_VALUE),
                    Some(length) => {
                        let opening = self.stage == Stage::Opened;
                        self.found(length, if opening { Extent::Opening } else { Extent::Continuing });
                        self.stage = Stage::Behind;
                    }
                    None => return Ok(()),
                },
                (Stage::Wrapper, b'}') => self.step(Stage::Closed),
                (Stage::Wrapper, b',' | b':') => self.step(Stage::Wrapper),
                (Stage::Wrapper, _) => match self.value_end()? {
                    Some(0) => return self.break_off(NO_VALUE),
                    Some(length) => self.pass(length),
                    None => return Ok(()),
                },
                (Stage::Closed, b'{') => {
                    self.shape = Some(Shape::Values);
                    return Ok(());
                }
                (Stage::Closed, _) => return self.break_off(STRAY),
            }
        }
        Ok(())
    }

    /// Finds values that follow each other, with any white space between them. What begins like none is a line.
    pub(super) fn find_values(&mut self, max_records: usize) -> Result<(), InputError> {
        self.stage = Stage::Closed;
        while self.spans.len() < max_records && !self.ended {
            let length = match self.next_solid()? {
                None => return Ok(()),
                Some(b'{' | b'[') => self.value_end()?,
                Some(_) => self.line_end()?,
            };
            let Some(length) = length else { return Ok(()) };
            self.found(length, Extent::Whole);
        }
        Ok(())
    }

    fn step(&mut self, stage: Stage) {
        self.buffer.pass(1);
        self.stage = stage;
    }

    fn close(&mut self) {
        let wrapped = self.shape == Some(Shape::Elements { wrapped: true });
        self.step(if wrapped { Stage::Wrapper } else { Stage::Closed });
    }

    /// The next byte that is not white space; `None` when none is there, and either records wait to be taken or the
    /// file has ended.
    fn next_solid(&mut self) -> Result<Option<u8>, InputError> {
        loop {
            let mut blank = 0;
            for byte in self.buffer.unread() {
                match byte {
                    b'\n' => self.line += 1,
                    b' ' | b'\t' | b'\r' | b'\x0C' => {}
                    solid => {
                        let solid = *solid;
                        self.buffer.pass(blank);
                        return Ok(Some(solid));
                    }
                }
                blank += 1;
            }
            self.buffer.pass(blank);
            if !self.spans.is_empty() {
                return Ok(None);
            }
            if !self.more()? {
                self.ended = true;
                match self.stage {
                    Stage::Start | Stage::Closed => {}
                    Stage::Opened | Stage::Comma | Stage::Behind => self.note(UNCLOSED),
                    Stage::Wrapper => self.note(UNCLOSED_OBJECT),
                }
                return Ok(None);
            }
        }
    }

    /// The length of the value at the beginning of the unread; `None` when records wait to be taken before it can be
    /// read whole, or it cannot be.
    fn value_end(&mut self) -> Result<Option<usize>, InputError> {
        loop {
            let unread = self.buffer.unread();
            let end = self.scan.end(unread);
            if end.unwrap_or(unread.len()) > self.bounds.record_bytes {
                self.break_off(LONG)?;
                return Ok(None);
            }
            if end.is_some() {
                return Ok(end);
            }
            if !self.spans.is_empty() {
                return Ok(None);
            }
            if !self.more()? {
                self.break_off(CUT)?;
                return Ok(None);
            }
        }
    }

    fn line_end(&mut self) -> Result<Option<usize>, InputError> {
        loop {
            let unread = self.buffer.unread();
            let newline = memchr::memchr(b'\n', unread);
            let line = unread[..newline.unwrap_or(unread.len())].trim_ascii_end().len();
            if line > self.bounds.record_bytes {
                self.break_off(LONG)?;
                return Ok(None);
            }
            if newline.is_some() {
                return Ok(Some(line));
            }
            if !self.spans.is_empty() {
                return Ok(None);
            }
            if !self.more()? {
                return Ok(Some(line));
            }
        }
    }
}
