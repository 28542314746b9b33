//! The fast way: producers send the same keys in the same order again and again, so a record is expected to be the one
//! before with other values. Anything unexpected is left to the general way, which alone decides what is refused.
//!
//! ```text
//! {"timestamp":"2026-01-01T00:00:10Z","cpu_usage":48.20,"service_status":{"cache":"online"}}
//! |-- literal --|------ time -------||-- literal --|--| |---------- literal ---------|----|--|
//! ```

use super::json::Members;
use super::number;
use super::reading::Builder;
use crate::flow::model::{MAX_ENTITY_BYTES, Range, Reading, Status, Statuses};
use crate::flow::time::EventTime;

/// So many shapes are remembered: a few kinds of producers may mix.
const MOST_SHAPES: usize = 4;

/// What a value between two literals is.
#[derive(Clone, Copy, Debug)]
enum Value {
    Time,
    EpochNumber,
    Entity,
    Metric(usize, Range),
    Service(usize),
    /// Of a field that nobody reads.
    Number,
    /// Of a field that nobody reads.
    Text,
}

/// A record that had a known shape; its values are in the reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fitted<'b> {
    /// The entity it names.
    pub(super) entity: Option<&'b str>,
}

#[derive(Clone, Debug)]
struct Shape {
    /// A literal, and the value behind it.
    steps: Vec<(Box<[u8]>, Value)>,
    tail: Box<[u8]>,
    present: u64,
    absent: Vec<usize>,
}

/// The shapes of records seen lately, the last one first.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: Vec<Shape>,
    last_time: Option<([u8; 20], EventTime)>,
    #[cfg(test)]
    never: bool,
}

impl Shapes {
    #[cfg(test)]
    pub(super) fn none() -> Shapes {
        Shapes { never: true, ..Shapes::default() }
    }

    /// Reads a record of a known shape. `None` where it has none of the shapes.
    pub(super) fn read<'b>(&mut self, bytes: &'b [u8], reading: &mut Reading) -> Option<Fitted<'b>> {
        for at in 0..self.known.len() {
            if let Some(fitted) = self.known[at].read(bytes, reading, &mut self.last_time) {
                self.known.swap(0, at);
                return Some(fitted);
            }
        }
        None
    }

    /// Learns the shape of a record that the general way has accepted.
    pub(super) fn learn(&mut self, bytes: &[u8], members: &Members<'_>, builder: &Builder) {
        #[cfg(test)]
        if self.never {
            return;
        }
        let Some(shape) = Shape::of(bytes, members, builder) else { return };
        self.known.truncate(MOST_SHAPES - 1);
        self.known.insert(0, shape);
    }
}

impl Shape {
    fn of(bytes: &[u8], members: &Members<'_>, builder: &Builder) -> Option<Shape> {
        // Values are slices of the record: where they lie tells the literals between them.
        let place = |text: &str| (text.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize);
        let mut steps = Vec::new();
        let mut literal_from = 0;
        let mut add = |text: &str, value: Value| -> Option<()> {
            let quoted = usize::from(text.starts_with('"'));
            if quoted == 1 && text.contains('\\') {
                return None;
            }
            let from = place(text)? + quoted;
            steps.push((bytes.get(literal_from..from)?.into(), value));
            literal_from = from + text.len() - 2 * quoted;
            Some(())
        };
        for (name, raw) in &members.0 {
            let text = raw.get();
            let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            match &**name {
                "timestamp" if is_number => add(text, Value::EpochNumber)?,
                "timestamp" => add(text, Value::Time)?,
                "entity" => add(text, Value::Entity)?,
                "service_status" => {
                    let services: Members<'_> = serde_json::from_str(text).ok()?;
                    for (service, status) in &services.0 {
                        let number = builder.services.iter().position(|known| known == service)?;
                        add(status.get(), Value::Service(number))?;
                    }
                }
                name => match builder.schema().index_of(name) {
                    Some(metric) if is_number => {
                        add(text, Value::Metric(metric, builder.schema().metrics[metric].range))?;
                    }
                    None if is_number => add(text, Value::Number)?,
                    None if text.starts_with('"') => add(text, Value::Text)?,
                    // Anything else must come again to the letter.
                    Some(_) | None => {}
                },
            }
        }
        let present = builder.reading.present;
        let absent = (0..builder.reading.values.len()).filter(|metric| present >> metric & 1 == 0).collect();
        Some(Shape { steps, tail: bytes.get(literal_from..)?.into(), present, absent })
    }

    fn read<'b>(
        &self,
        bytes: &'b [u8],
        reading: &mut Reading,
        last_time: &mut Option<([u8; 20], EventTime)>,
    ) -> Option<Fitted<'b>> {
        let (mut rest, mut entity) = (bytes, None);
        let mut statuses = Statuses::default();
        for (literal, value) in &self.steps {
            rest = rest.strip_prefix(&**literal)?;
            match *value {
                Value::Metric(metric, range) => {
                    let (number, length) = number::scan(rest)?;
                    if !range.contains(number) {
                        return None;
                    }
                    reading.values[metric] = number;
                    rest = &rest[length..];
                }
                Value::Service(number) => {
                    let (text, after) = quoted(rest)?;
                    statuses.set(number, Status::parse(text)?);
                    rest = after;
                }
                Value::Time => {
                    let (text, after) = quoted(rest)?;
                    reading.time = time(text, last_time)?;
                    rest = after;
                }
                Value::EpochNumber => {
                    let (number, length) = number::scan(rest)?;
                    reading.time = EventTime::from_epoch_number(number)?;
                    rest = &rest[length..];
                }
                Value::Entity => {
                    let (text, after) = plain(rest)?;
                    if text.is_empty() || text.len() > MAX_ENTITY_BYTES {
                        return None;
                    }
                    entity = Some(text);
                    rest = after;
                }
                Value::Number => rest = &rest[number::scan(rest)?.1..],
                Value::Text => rest = plain(rest)?.1,
            }
        }
        if *rest != *self.tail {
            return None;
        }
        for &metric in &self.absent {
            reading.values[metric] = 0.0;
        }
        reading.present = self.present;
        reading.statuses = statuses;
        Some(Fitted { entity })
    }
}

/// A short text up to its closing quote, which stays.
fn quoted(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = rest.iter().take(40).position(|byte| *byte == b'"')?;
    Some(rest.split_at(end))
}

/// A text without escapes, control characters and anything beyond ASCII, up to its closing quote, which stays.
fn plain(rest: &[u8]) -> Option<(&str, &[u8])> {
    let end =
        rest.iter().position(|byte| *byte == b'"' || !(b' '..b'\x7f').contains(byte) || *byte == b'\\')?;
    if rest[end] != b'"' {
        return None;
    }
    let (text, after) = rest.split_at(end);
    Some((std::str::from_utf8(text).ok()?, after))
}

/// A time, which is often that of the record before.
fn time(text: &[u8], last: &mut Option<([u8; 20], EventTime)>) -> Option<EventTime> {
    if let Some((_, time)) = last.filter(|(seen, _)| seen[..] == *text) {
        return Some(time);
    }
    let time = EventTime::parse(text)?;
    if let Ok(known) = text.try_into() {
        *last = Some((known, time));
    }
    Some(time)
}
