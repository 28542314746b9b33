//! Bytes into readings: the decoders, a file per input format.
//!
//! ```text
//! record ─┬▶ csv ──────────────────────────┐
//!         └▶ split ─▶ shape (known keys) ──┼▶ reading
//!                  └▶ json (any keys) ─────┘
//! ```

mod csv;
mod json;
mod number;
mod reading;
mod shape;
mod split;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::reading::Builder;
use self::shape::Shapes;
use self::split::{Element, Elements};
use super::model::{Reading, Schema};
use super::record::{Format, RawRecord, Reason, Rejection};
use super::time::EventTime;

/// What a decoder makes of a record, or of one element of its array.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A reading that keeps every promise of the schema.
    Reading {
        /// What it describes: its own field, else the record's key, else the topology's default.
        entity: &'a str,
        /// The reading; its memory is used again for the next one.
        reading: &'a Reading,
        /// The original bytes: the record's, or the array element's.
        value: &'a [u8],
    },
    /// Something that cannot be used.
    Rejected {
        /// The original bytes: the record's, or the array element's.
        value: &'a [u8],
        /// Why.
        rejection: Rejection,
    },
}

/// Turns records into readings. It learns the shape of what producers send, for speed only: what it accepts and refuses
/// does not depend on what came before (but for the names of services where any are allowed, see [`Decoder::services`]).
#[derive(Debug)]
pub struct Decoder {
    builder: Builder,
    shapes: Shapes,
    csv: csv::Layout,
    default_entity: String,
    /// Payloads above are refused whole.
    max_payload_bytes: usize,
}

impl Decoder {
    /// A decoder of readings of that schema.
    pub fn new(schema: Schema, max_payload_bytes: usize) -> Decoder {
        Decoder {
            default_entity: schema.default_entity.clone(),
            shapes: Shapes::default(),
            csv: csv::Layout::default(),
            builder: Builder::new(schema),
            max_payload_bytes,
        }
    }

    /// One that never goes the fast way: the other must do as it does.
    #[cfg(test)]
    fn general_only(schema: Schema) -> Decoder {
        Decoder { shapes: Shapes::none(), ..Decoder::new(schema, usize::MAX) }
    }

    /// The names of services, in the order of their bits.
    pub fn services(&self) -> &[String] {
        &self.builder.services
    }

    /// Restores the names of services that were learned before (only where any are allowed).
    pub fn restore_services(&mut self, names: Vec<String>) {
        self.builder.services = names;
        self.shapes = Shapes::default();
    }

    /// The time of a record's first usable reading.
    pub fn first_time(&mut self, record: &RawRecord<'_>) -> Option<EventTime> {
        let mut first = None;
        self.decode(record, |decoded| {
            if let (Decoded::Reading { reading, .. }, None) = (decoded, first) {
                first = Some(reading.time);
            }
        });
        first
    }

    /// Hands every reading and every rejection of a record to `each`, in the record's order.
    pub fn decode<F: FnMut(Decoded<'_>)>(&mut self, record: &RawRecord<'_>, mut each: F) {
        let value = record.value;
        if value.len() > self.max_payload_bytes {
            let detail =
                format!("{} bytes are more than the {} allowed", value.len(), self.max_payload_bytes);
            return each(Decoded::Rejected { value, rejection: Rejection::new(Reason::TooLarge, detail) });
        }
        if let Format::Csv { header } = record.format {
            let read = self.csv.read(header, value, &mut self.builder);
            return self.finish(read, record.key, value, &mut each);
        }
        if self.known_shape(value, record.key, &mut each) {
            return;
        }
        let text = value.strip_prefix(b"\xef\xbb\xbf").unwrap_or(value).trim_ascii();
        match text.first() {
            None => {
                let rejection = Rejection::new(Reason::Malformed, "it is empty");
                each(Decoded::Rejected { value, rejection });
            }
            Some(b'[') => self.array(&text[1..], record.key, &mut each),
            Some(_) => match data_of(text) {
                Some(array) => self.array(array, record.key, &mut each),
                None => self.element(value, text, record.key, &mut each),
            },
        }
    }

    /// The elements of an array, from behind its bracket.
    fn array<F: FnMut(Decoded<'_>)>(&mut self, bytes: &[u8], key: Option<&[u8]>, each: &mut F) {
        let mut elements = Elements::after_bracket(bytes);
        loop {
            match elements.step() {
                Element::Whole(element) => {
                    if !self.known_shape(element, key, each) {
                        self.element(element, element, key, each);
                    }
                }
                Element::Cut(rest) => {
                    let rejection = Rejection::new(Reason::Truncated, "the array ends inside an element");
                    return each(Decoded::Rejected { value: rest, rejection });
                }
                Element::End(rest) => {
                    let rest = rest.trim_ascii().strip_prefix(b"}").unwrap_or(rest).trim_ascii();
                    if !rest.is_empty() && !rest.starts_with(b",") {
                        let rejection = Rejection::new(Reason::Malformed, "something follows the array");
                        each(Decoded::Rejected { value: rest, rejection });
                    }
                    return;
                }
            }
        }
    }

    /// The fast way: whether the value has a shape that was seen before.
    fn known_shape<F: FnMut(Decoded<'_>)>(&mut self, value: &[u8], key: Option<&[u8]>, each: &mut F) -> bool {
        let Some(fitted) = self.shapes.read(value, &mut self.builder.reading) else { return false };
        if let Some(entity) = fitted.entity {
            each(Decoded::Reading { entity, reading: &self.builder.reading, value });
        } else {
            self.builder.entity.clear();
            self.finish(Ok(()), key, value, each);
        }
        true
    }

    /// One reading by the general way; what is accepted teaches the fast one.
    fn element<F: FnMut(Decoded<'_>)>(
        &mut self,
        value: &[u8],
        text: &[u8],
        key: Option<&[u8]>,
        each: &mut F,
    ) {
        let members = match json::members(text) {
            Ok(members) => members,
            Err(rejection) => return each(Decoded::Rejected { value, rejection }),
        };
        if let Some(array) = members.data() {
            return self.array(array, key, each);
        }
        match json::read(&members, &mut self.builder) {
            Ok(()) => {
                self.shapes.learn(value, &members, &self.builder);
                self.finish(Ok(()), key, value, each);
            }
            Err(rejection) => each(Decoded::Rejected { value, rejection }),
        }
    }

    /// Hands on a reading with its entity, or why there is none.
    fn finish<F: FnMut(Decoded<'_>)>(
        &mut self,
        read: Result<(), Rejection>,
        key: Option<&[u8]>,
        value: &[u8],
        each: &mut F,
    ) {
        let entity: Result<Cow<'_, str>, Rejection> =
            read.and_then(|()| match (self.builder.entity.as_str(), key) {
                ("", None) => Ok(Cow::Borrowed(self.default_entity.as_str())),
                ("", Some(key)) => {
                    let name = std::str::from_utf8(key)
                        .map_err(|_| Rejection::new(Reason::BadEntity, "the record's key is no text"))?;
                    reading::check_entity(name)?;
                    Ok(Cow::Borrowed(name))
                }
                (named, _) => Ok(Cow::Borrowed(named)),
            });
        match entity {
            Ok(entity) => each(Decoded::Reading { entity: &entity, reading: &self.builder.reading, value }),
            Err(rejection) => each(Decoded::Rejected { value, rejection }),
        }
    }
}

/// What is behind the bracket of `{"data": [` at the start of a text: such an array need not be JSON to its end.
fn data_of(text: &[u8]) -> Option<&[u8]> {
    let after = text.strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"data\"")?.trim_ascii_start();
    after.strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"[")
}
