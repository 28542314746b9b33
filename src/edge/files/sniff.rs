//! What a file is, told from its first bytes.
//!
//! | begins with | is |
//! |---|---|
//! | `[` | an array; or an array a line, when the first line holds a whole one and another follows |
//! | `{` | an object a line, when the first or second line holds a whole one; an array in an object, when the first key that has an array is `data`; else objects over several lines |
//! | a row with a cell `timestamp`, `time`, `datetime` or `date` | CSV under that header, as is every file named `.csv` |
//! | anything else | lines, which the decoder will reject |

use super::fingerprint::HEAD_BYTES;
use super::progress::Shape;
use super::structure::ValueScan;

const TIME_COLUMNS: [&str; 4] = ["timestamp", "time", "datetime", "date"];

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// Records of that shape; those of an array begin behind the `[` that is that many bytes ahead.
    Shape(Shape, usize),
    /// Nothing that could be read.
    Unreadable(&'static str),
}

/// What a file is that begins so; `None` when more bytes are needed to tell, which is never so when they are `all` or
/// [`HEAD_BYTES`] many. More bytes never change what fewer have told.
pub(super) fn sniff(head: &[u8], all: bool) -> Option<Sniffed> {
    let all = all && head.len() <= HEAD_BYTES;
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    let told = Head { bytes: head, last: all || head.len() == HEAD_BYTES };
    match head {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => {
            return Some(Sniffed::Unreadable("it is UTF-16: convert it to UTF-8"));
        }
        [0x1F, 0x8B, ..] => return Some(Sniffed::Unreadable("it is compressed: unpack it first")),
        [0xFF | 0xFE | 0x1F] if !told.last => return None,
        _ => {}
    }
    let Some(at) = told.solid_from(0) else { return told.last.then_some(Sniffed::Shape(Shape::Lines, 0)) };
    let shape = match head[at] {
        b'[' => told.array(at)?,
        b'{' => told.object(at)?,
        _ => told.text(at)?,
    };
    Some(shape)
}

struct Head<'a> {
    bytes: &'a [u8],
    /// Whether one must do with these.
    last: bool,
}

enum Line {
    /// One JSON value and nothing else.
    Whole,
    /// A value with something behind it.
    Several,
    /// The beginning of a value.
    Part,
}

impl Head<'_> {
    fn array(&self, at: usize) -> Option<Sniffed> {
        let elements = Sniffed::Shape(Shape::Elements { wrapped: false }, at);
        let Some(end) = self.line_end(at) else { return self.last.then_some(elements) };
        match self.line(at, end) {
            Line::Whole => self.lines_if_followed(end, elements),
            Line::Several | Line::Part => Some(elements),
        }
    }

    fn object(&self, at: usize) -> Option<Sniffed> {
        let lines = Sniffed::Shape(Shape::Lines, 0);
        let values = Sniffed::Shape(Shape::Values, 0);
        let data = self.data(at);
        let wrapped = |data: usize| Sniffed::Shape(Shape::Elements { wrapped: true }, data);
        let Some(end) = self.line_end(at) else {
            return self.last.then(|| data.ok().flatten().map_or(lines, wrapped));
        };
        match (self.line(at, end), data) {
            (Line::Whole, Ok(Some(data))) => self.lines_if_followed(end, wrapped(data)),
            (Line::Whole, Ok(None) | Err(Short)) => Some(lines),
            (Line::Several, _) => Some(values),
            (Line::Part, Ok(Some(data))) => Some(wrapped(data)),
            (Line::Part, Err(Short)) if !self.last => None,
            (Line::Part, Ok(None) | Err(Short)) => match self.is_whole_object_behind(end) {
                Some(true) => Some(lines),
                Some(false) => Some(values),
                None => self.last.then_some(values),
            },
        }
    }

    fn text(&self, at: usize) -> Option<Sniffed> {
        let lines = Sniffed::Shape(Shape::Lines, 0);
        let Some(end) = self.line_end(at) else { return self.last.then_some(lines) };
        let is_header = self.bytes[at..end].split(|byte| matches!(byte, b',' | b';')).any(|cell| {
            let cell = cell.trim_ascii();
            let cell = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell);
            TIME_COLUMNS.iter().any(|column| cell.trim_ascii().eq_ignore_ascii_case(column.as_bytes()))
        });
        Some(if is_header { Sniffed::Shape(Shape::Csv, 0) } else { lines })
    }

    /// Lines, if another value follows the first line; else `alone`.
    fn lines_if_followed(&self, line_end: usize, alone: Sniffed) -> Option<Sniffed> {
        match self.solid_from(line_end) {
            Some(next) if matches!(self.bytes[next], b'[' | b'{') => Some(Sniffed::Shape(Shape::Lines, 0)),
            Some(_) => Some(alone),
            None => self.last.then_some(alone),
        }
    }

    /// Whether the next line with anything on it is an object: then the line before was just a bad one.
    fn is_whole_object_behind(&self, line_end: usize) -> Option<bool> {
        let at = self.solid_from(line_end)?;
        let end = self.line_end(at)?;
        Some(self.bytes[at] == b'{' && matches!(self.line(at, end), Line::Whole))
    }

    fn line(&self, at: usize, end: usize) -> Line {
        match ValueScan::default().end(&self.bytes[at..end]) {
            None => Line::Part,
            Some(length) if self.bytes[at + length..end].trim_ascii().is_empty() => Line::Whole,
            Some(_) => Line::Several,
        }
    }

    fn line_end(&self, at: usize) -> Option<usize> {
        let newline = memchr::memchr(b'\n', &self.bytes[at..]).map(|length| at + length);
        // Bytes that are all of the file end its last line; those that merely fill the head do not.
        newline.or_else(|| (self.last && self.bytes.len() < HEAD_BYTES).then_some(self.bytes.len()))
    }

    fn solid_from(&self, at: usize) -> Option<usize> {
        self.bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|length| at + length)
    }

    /// Where the array of the object's first key that has one begins, if that key is `data`.
    fn data(&self, at: usize) -> Result<Option<usize>, Short> {
        let mut at = at + 1;
        loop {
            at = self.solid_from(at).ok_or(Short)?;
            if self.bytes[at] != b'"' {
                return Ok(None);
            }
            let key = at..at + self.value_end(at)?;
            at = self.solid_from(key.end).ok_or(Short)?;
            if self.bytes[at] != b':' {
                return Ok(None);
            }
            at = self.solid_from(at + 1).ok_or(Short)?;
            if self.bytes[at] == b'[' {
                return Ok((&self.bytes[key] == b"\"data\"").then_some(at));
            }
            at = self.solid_from(at + self.value_end(at)?).ok_or(Short)?;
            if self.bytes[at] != b',' {
                return Ok(None);
            }
            at += 1;
        }
    }

    fn value_end(&self, at: usize) -> Result<usize, Short> {
        ValueScan::default().end(&self.bytes[at..]).ok_or(Short)
    }
}

/// The bytes end before the answer.
#[derive(Clone, Copy, Debug)]
struct Short;
