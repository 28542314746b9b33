//! How the shape of an accepted reading is learned.

use super::fields::Fields;
use super::json::text_of;
use super::literal::Literal;
use super::shape::{Kind, Shape, Shapes};
use super::split;
use crate::flow::model::Schema;

/// Readings with more values have no shape.
const MAX_PARTS: usize = 128;
/// Readings with more bytes have no shape.
const MAX_BYTES: usize = 16 * 1024;

impl Shapes {
    /// Keeps the shape of an object that has just been accepted, instead of the one that was of no use for longest.
    pub(super) fn learn(&mut self, object: &[u8], schema: &Schema, services: &[String]) {
        if self.limit == 0 || object.len() > MAX_BYTES {
            return;
        }
        let Some(shape) = Learner::learn(object, schema, services) else { return };
        self.kept.truncate(self.limit - 1);
        self.kept.insert(0, shape);
    }
}

/// A shape in the making.
#[derive(Debug)]
struct Learner<'a> {
    object: &'a [u8],
    /// Where the literal begins that the next value ends.
    literal_start: usize,
    parts: Vec<(Literal, Kind)>,
    present: u64,
}

impl Learner<'_> {
    fn learn(object: &[u8], schema: &Schema, services: &[String]) -> Option<Shape> {
        let mut learner = Learner { object, literal_start: 0, parts: Vec::new(), present: 0 };
        for field in Fields::new(object) {
            let name = text_of(&object[field.key])?;
            let (start, value) = (field.value.start, &object[field.value]);
            match name.as_ref() {
                "timestamp" if value.starts_with(b"\"") => learner.text(start, value, Kind::TimeText)?,
                "timestamp" => learner.cut(start, value.len(), Kind::TimeNumber)?,
                "entity" if value.starts_with(b"\"") => learner.text(start, value, Kind::Entity)?,
                "entity" => {}
                "service_status" => learner.services(start, value, services)?,
                name => match schema.index_of(name) {
                    Some(_) if value.starts_with(b"n") => {}
                    Some(index) => {
                        learner.present |= 1 << index;
                        let range = schema.metrics.get(index)?.range;
                        learner.cut(start, value.len(), Kind::Metric(index, range))?;
                    }
                    None => learner.ignored(start, value)?,
                },
            }
        }
        let end = Literal::new(&object[learner.literal_start..]);
        Some(Shape { parts: learner.parts, end, present: learner.present })
    }

    /// The value at `start` is of that kind.
    fn cut(&mut self, start: usize, length: usize, kind: Kind) -> Option<()> {
        let literal = Literal::new(&self.object[self.literal_start..start]);
        self.parts.push((literal, kind));
        self.literal_start = start + length;
        (self.parts.len() <= MAX_PARTS).then_some(())
    }

    /// The string at `start` is of that kind. One with escapes has no shape.
    fn text(&mut self, start: usize, string: &[u8], kind: Kind) -> Option<()> {
        if string.contains(&b'\\') {
            return None;
        }
        self.cut(start + 1, string.len() - 2, kind)
    }

    fn services(&mut self, start: usize, object: &[u8], services: &[String]) -> Option<()> {
        for field in Fields::new(object) {
            let name = text_of(&object[field.key])?;
            let service = services.iter().position(|known| *known == name)?;
            let (place, value) = (start + field.value.start, &object[field.value]);
            if value.starts_with(b"\"") {
                self.text(place, value, Kind::Service(service))?;
            }
        }
        Some(())
    }

    /// Within an ignored value the scalars may change, the structure and its names may not.
    fn ignored(&mut self, start: usize, value: &[u8]) -> Option<()> {
        let mut at = 0;
        while let Some(rest @ [first, ..]) = value.get(at..) {
            let length = match first {
                b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => 1,
                // A scalar that is the whole value has no end to be found.
                _ => split::value_end(rest).unwrap_or(rest.len()),
            };
            let is_name = || split::trim_start(&rest[length..]).starts_with(b":");
            match first {
                b'"' if !is_name() => self.text(start + at, &rest[..length], Kind::Text)?,
                b't' | b'f' | b'n' => self.cut(start + at, length, Kind::Word)?,
                b'-' | b'0'..=b'9' => self.cut(start + at, length, Kind::Number)?,
                _ => {}
            }
            at += length;
        }
        Some(())
    }
}
