//! The fields of a JSON object as places in its bytes, found by structure.

use std::ops::Range;

use super::split;

/// A field of an object, as places in its bytes; the key with its quotes.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// The fields of an object, in its order, found by structure. Ends where the structure is not an object's.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// Of the object whose brace `bytes` begin with.
    pub(super) fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { bytes, at: 0 }
    }

    /// Steps over the bracket, comma or colon at `at` and the white space behind it.
    fn step(&mut self, expected: &[u8]) -> Option<&'a [u8]> {
        let (first, rest) = self.ahead().split_first()?;
        let next = split::trim_start(rest);
        self.at = self.bytes.len() - next.len();
        expected.contains(first).then_some(next)
    }

    /// The bytes from the next key or value on.
    pub(super) fn ahead(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes on with `rest`, which the bytes end with, behind a value.
    pub(super) fn resume(&mut self, rest: &[u8]) {
        self.at = self.bytes.len() - split::trim_start(rest).len();
    }

    /// The next key. Its value is next.
    pub(super) fn key(&mut self) -> Option<Range<usize>> {
        let rest = self.step(if self.at == 0 { b"{" } else { b"," })?;
        let key = self.at..self.at + (rest.starts_with(b"\"").then(|| split::string_end(rest))?)?;
        self.resume(self.bytes.get(key.end..)?);
        self.step(b":")?;
        Some(key)
    }

    /// The value behind the last key.
    pub(super) fn value(&mut self) -> Option<Range<usize>> {
        let value = self.at..self.at + split::value_end(self.ahead())?;
        self.resume(self.bytes.get(value.end..)?);
        Some(value)
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        Some(Field { key: self.key()?, value: self.value()? })
    }
}
