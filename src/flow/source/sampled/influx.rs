//! Influx line protocol: `cpu,host=a usage_idle=98.1,usage_user=1i 1767225600000000000`. A series is called
//! `measurement.field`. See <https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>.

use super::room::{Amount, Point, Room};
use super::stamp::Stamp;
use crate::flow::record::{Reason, Rejection};
use crate::flow::source::value::quote;

/// The lines of a record, without empty ones and comments. A line end within a string field does not end a line.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let (line, after) = rest.split_at(line_end(rest));
            rest = after.strip_prefix(b"\n").unwrap_or(after);
            let line = line.trim_ascii();
            if !line.is_empty() && !line.starts_with(b"#") {
                return Some(line);
            }
        }
    })
}

/// Quotes mean something behind an equals sign only; a line whose string never ends is one line, not all that follows.
fn line_end(bytes: &[u8]) -> usize {
    let first = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' if quoted => quoted = false,
            b'"' if at > 0 && bytes[at - 1] == b'=' => quoted = true,
            b'\n' if !quoted => return at,
            _ => {}
        }
        at += 1;
    }
    if quoted { first } else { bytes.len() }
}

pub(super) fn read(line: &[u8], room: &mut Room) -> Result<(), Rejection> {
    let malformed = |detail: &str| Rejection::new(Reason::Malformed, detail);
    let text = std::str::from_utf8(line).map_err(|error| malformed(&error.to_string()))?;
    let mut cursor = Cursor(text);
    let group = cursor.word(", ");
    let mut tags = Vec::new();
    while cursor.step(',') {
        let name = cursor.word("=, ");
        if !cursor.step('=') {
            return Err(malformed(&format!("the tag {} has no value", quote(name.as_bytes()))));
        }
        tags.push((name, cursor.word(", ")));
    }
    if group.is_empty() {
        return Err(malformed("the measurement has no name"));
    }
    cursor.0 = cursor.0.trim_start_matches(' ');
    if cursor.0.is_empty() {
        return Err(Rejection::new(Reason::Truncated, "the line ends before its fields"));
    }
    let mut fields = Vec::new();
    loop {
        let name = cursor.word("=, ");
        if name.is_empty() || !cursor.step('=') {
            return Err(malformed(&format!("the field {} has no value", quote(name.as_bytes()))));
        }
        fields.push((name, cursor.amount()?));
        if !cursor.step(',') {
            break;
        }
    }
    let rest = cursor.0.trim();
    if !rest.is_empty() && !cursor.0.starts_with(' ') {
        return Err(malformed(&format!("{} stands behind a value", quote(rest.as_bytes()))));
    }
    let stamp = Stamp::of_text(rest);
    let point = Point { group: &group, tags: &tags, stamp: &stamp, unit: None, delta: false };
    for (name, amount) in &fields {
        room.take(&point, name, *amount);
    }
    Ok(())
}

/// What is left of a line.
struct Cursor<'l>(&'l str);

impl Cursor<'_> {
    /// Steps over that letter, if it comes next.
    fn step(&mut self, letter: char) -> bool {
        let rest = self.0.strip_prefix(letter);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A name or tag, up to one of those letters; a backslash takes away a letter's meaning.
    fn word(&mut self, ends: &str) -> String {
        let (mut word, mut letters) = (String::new(), self.0.chars());
        loop {
            let before = letters.as_str();
            match letters.next() {
                Some('\\') => match letters.clone().next() {
                    Some(letter @ (',' | ' ' | '=')) => {
                        word.push(letter);
                        letters.next();
                    }
                    _ => word.push('\\'),
                },
                Some(letter) if !ends.contains(letter) => word.push(letter),
                _ => {
                    self.0 = before;
                    return word;
                }
            }
        }
    }

    /// The value of a field: `1.5`, `1i`, `1u`, `"text"`, `t`.
    fn amount(&mut self) -> Result<Amount, Rejection> {
        if self.step('"') {
            let mut letters = self.0.chars();
            while let Some(letter) = letters.next() {
                match letter {
                    '\\' => drop(letters.next()),
                    '"' => {
                        self.0 = letters.as_str();
                        return Ok(Amount::Wrong("a string"));
                    }
                    _ => {}
                }
            }
            return Err(Rejection::new(Reason::Truncated, "the line ends within a string"));
        }
        let (word, rest) = self.0.split_at(self.0.find([',', ' ']).unwrap_or(self.0.len()));
        self.0 = rest;
        if ["t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"].contains(&word) {
            return Ok(Amount::Wrong("a boolean"));
        }
        let whole = word.strip_suffix(['i', 'u']);
        let number = match whole {
            Some(digits) => digits.parse::<i128>().ok().map(|number| number as f64),
            None => {
                word.parse::<f64>().ok().filter(|_| word.starts_with(|c: char| "+-.0123456789".contains(c)))
            }
        };
        number.map(Amount::Number).ok_or_else(|| {
            Rejection::new(Reason::WrongType, format!("{} is no value", quote(word.as_bytes())))
        })
    }
}
