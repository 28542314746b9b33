//! JSON readings, the fast path: the next one is expected to have the keys of an earlier one, in its order.
//!
//! ```text
//! {"timestamp":"2026-01-01T00:00:00Z","cpu_usage":48.2,"load":1}
//! [-----------]time                [-----------]metric 0
//!                                          [-------]ignored [end]
//! ```
//!
//! A shape is the bytes between the values, compared as they are, and what each value is. Whatever is not as expected
//! leaves the reading to the general path, so a shape refuses nothing and accepts nothing that the general path would not.

use super::day::Day;
use super::literal::Literal;
use super::number;
use super::value::is_name;
use crate::flow::model::{Range, Reading, Status, Statuses};
use crate::flow::time::EventTime;

/// How many shapes are kept: as many kinds of producer may take turns without a slow reading.
const MAX_SHAPES: usize = 4;

/// The shapes of the latest kinds of readings, the latest first.
#[derive(Debug)]
pub(super) struct Shapes {
    pub(super) kept: Vec<Shape>,
    pub(super) limit: usize,
    day: Day,
}

/// A reading's fixed bytes and the values between them.
#[derive(Debug)]
pub(super) struct Shape {
    /// The bytes before each value, and what the value is.
    pub(super) parts: Vec<(Literal, Kind)>,
    /// The bytes behind the last value.
    pub(super) end: Literal,
    /// Which metrics there are.
    pub(super) present: u64,
}

/// What a value is. Quotes belong to the literals around it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The timestamp as a string.
    TimeText,
    /// The timestamp as a number.
    TimeNumber,
    /// The entity.
    Entity,
    /// The metric with that place in the schema.
    Metric(usize, Range),
    /// The status of the service with that number.
    Service(usize),
    /// A number that nobody reads.
    Number,
    /// A string that nobody reads.
    Text,
    /// A `true`, `false` or `null` that nobody reads.
    Word,
}

/// A reading that a shape has read.
#[derive(Debug)]
pub(super) struct Match<'v> {
    /// How many bytes it is long.
    pub(super) length: usize,
    /// The entity it names.
    pub(super) entity: Option<&'v str>,
}

impl Shapes {
    /// None yet, and never more than `limit`.
    fn limited(limit: usize) -> Shapes {
        Shapes { kept: Vec::with_capacity(limit), limit, day: Day::default() }
    }

    /// None yet.
    pub(super) fn new() -> Shapes {
        Shapes::limited(MAX_SHAPES)
    }

    /// None ever: all readings take the general path.
    #[cfg(test)]
    pub(super) fn none() -> Shapes {
        Shapes::limited(0)
    }

    /// Forgets them: the numbers of services have changed.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Reads the object that `bytes` begin with, if a shape fits it. `reading` is spoilt otherwise.
    #[inline]
    pub(super) fn read<'v>(&mut self, bytes: &'v [u8], reading: &mut Reading) -> Option<Match<'v>> {
        let Shapes { kept, day, .. } = self;
        let mut tried = kept.iter().enumerate();
        let (place, found) =
            tried.find_map(|(place, shape)| Some((place, shape.read(bytes, day, reading)?)))?;
        if let (1.., Some(moved)) = (place, kept.get_mut(..=place)) {
            moved.rotate_right(1);
        }
        Some(found)
    }
}

impl Shape {
    fn read<'v>(&self, bytes: &'v [u8], day: &mut Day, reading: &mut Reading) -> Option<Match<'v>> {
        let (mut rest, mut entity, mut statuses) = (bytes, None, Statuses::default());
        if self.present.count_ones() as usize != reading.values.len() {
            reading.values.fill(0.0);
        }
        for (literal, kind) in &self.parts {
            rest = literal.skip(rest)?;
            match *kind {
                Kind::Metric(index, range) => {
                    let (number, after) = number::scan(rest)?;
                    if !range.contains(number) {
                        return None;
                    }
                    *reading.values.get_mut(index)? = number + 0.0;
                    rest = after;
                }
                Kind::Service(service) => {
                    let (status, after) = scan_status(rest)?;
                    statuses.set(service, status);
                    rest = after;
                }
                Kind::TimeText => (reading.time, rest) = day.scan(rest)?,
                Kind::TimeNumber => {
                    let (number, after) = number::scan(rest)?;
                    reading.time = EventTime::from_epoch_number(number)?;
                    rest = after;
                }
                Kind::Entity => {
                    let (text, after) = scan_text(rest)?;
                    entity = Some(text).filter(|name| is_name(name));
                    entity?;
                    rest = after;
                }
                Kind::Number => rest = number::scan(rest)?.1,
                Kind::Text => rest = scan_text(rest)?.1,
                Kind::Word => rest = scan_word(rest)?,
            }
        }
        rest = self.end.skip(rest)?;
        (reading.present, reading.statuses) = (self.present, statuses);
        Some(Match { length: bytes.len() - rest.len(), entity })
    }
}

#[inline]
fn scan_status(rest: &[u8]) -> Option<(Status, &[u8])> {
    if let Some(after) = rest.strip_prefix(b"online") {
        return Some((Status::Online, after));
    }
    let others = [Status::Degraded, Status::Offline];
    others.into_iter().find_map(|status| Some((status, rest.strip_prefix(status.name().as_bytes())?)))
}

/// A string without escapes, up to its closing quote.
#[inline]
pub(super) fn scan_text(rest: &[u8]) -> Option<(&str, &[u8])> {
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    let (text, after) = rest.split_at_checked(end)?;
    if !after.starts_with(b"\"") {
        return None;
    }
    Some((std::str::from_utf8(text).ok()?, after))
}

fn scan_word(rest: &[u8]) -> Option<&[u8]> {
    [&b"true"[..], b"false", b"null"].into_iter().find_map(|word| rest.strip_prefix(word))
}
