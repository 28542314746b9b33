//! Bytes into readings: the decoders, one file per input format.
//!
//! ```text
//! record ─▶ split ─▶ shape ─▶ reading              the usual case: keys in the last reading's order
//!                      └▶ json ─▶ draft ─▶ reading  everything else, and all that is rejected
//! record ─▶ csv ─▶ draft ─▶ reading
//! record ─▶ sampled ─▶ readings                    records of other programs
//! record ─▶ feedback                               what people say of findings
//! ```

mod csv;
mod day;
mod draft;
mod elements;
mod envelope;
mod fields;
mod json;
mod learn;
mod literal;
mod number;
mod said;
mod sampled;
mod shape;
mod split;
#[cfg(test)]
mod tests;
mod value;

use std::convert::Infallible;
use std::ops::ControlFlow;

use crate::flow::feedback::Feedback;
use crate::flow::model::{MAX_SERVICES, Reading, Schema, Services, Statuses};
use crate::flow::record::{Format, RawRecord, Reason, Rejection};
use crate::flow::time::EventTime;
use draft::Draft;
use elements::{Element, Elements};
use envelope::Envelope;
use said::{Said, is_feedback};
use sampled::Samples;
use shape::Shapes;

/// What a decoder makes of a record, or of one element of its array.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A reading that keeps every promise of the schema.
    Reading {
        /// What it describes: its own field, else the record's key, else the topology's default.
        entity: &'a str,
        /// The reading; its memory is used again for the next one.
        reading: &'a Reading,
        /// The original bytes: the record's, or the array element's. Of records of other programs the reading as JSON.
        value: &'a [u8],
    },
    /// What somebody says of findings.
    Feedback {
        /// Of which entity: as of readings.
        entity: &'a str,
        /// What is said.
        feedback: &'a Feedback,
        /// The original bytes: the record's, or the array element's.
        value: &'a [u8],
    },
    /// Something that cannot be used.
    Rejected {
        /// The original bytes: the record's, or the array element's. None where an array lacks its end and nothing else.
        value: &'a [u8],
        /// Why.
        rejection: Rejection,
    },
}

/// Turns records into readings. It learns the shape of what producers send, for speed only: what it accepts and refuses
/// does not depend on what came before (but for the names of services where any are allowed, see [`Decoder::services`]).
#[derive(Debug)]
pub struct Decoder {
    schema: Schema,
    /// Payloads above are refused whole, in bytes.
    max_payload_bytes: usize,
    /// The names behind the bits of [`Statuses`].
    services: Vec<String>,
    scratch: Reading,
    shapes: Shapes,
    tables: csv::Tables,
    /// Where records are not readings of our own.
    samples: Option<Samples>,
}

impl Decoder {
    /// A decoder of readings of that schema.
    pub fn new(schema: Schema, max_payload_bytes: usize) -> Decoder {
        let schema = schema.as_sampled();
        let services = match &schema.services {
            Services::Named { names, .. } => names.clone(),
            Services::Any => Vec::with_capacity(MAX_SERVICES),
        };
        let values = vec![0.0; schema.metrics.len()];
        let time = EventTime::from_ms(0).expect("1970 is representable");
        let scratch = Reading { time, values, present: 0, statuses: Statuses::default() };
        let (shapes, tables) = (Shapes::new(), csv::Tables::default());
        let samples = Samples::of(&schema);
        Decoder { schema, max_payload_bytes, services, scratch, shapes, tables, samples }
    }

    /// A decoder that learns no shapes.
    #[cfg(test)]
    fn general_only(schema: Schema, max_payload_bytes: usize) -> Decoder {
        Decoder { shapes: Shapes::none(), ..Decoder::new(schema, max_payload_bytes) }
    }

    /// The names of services, in the order of their bits.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Restores the names of services that were learned before (only where any are allowed).
    pub fn restore_services(&mut self, names: Vec<String>) {
        self.services = names;
        self.shapes.clear();
    }

    /// Hands every reading and every rejection of a record to `each`, in the record's order.
    pub fn decode<F: FnMut(Decoded<'_>)>(&mut self, record: &RawRecord<'_>, mut each: F) {
        // Nothing breaks, so all of the record is decoded.
        let _ = self.decode_until(record, &mut |decoded| {
            each(decoded);
            ControlFlow::<Infallible>::Continue(())
        });
    }

    /// The time of the first usable reading of a record. Learns no services.
    pub fn first_time(&mut self, record: &RawRecord<'_>) -> Option<EventTime> {
        let known = self.services.len();
        let found = self.decode_until(record, &mut |decoded| match decoded {
            Decoded::Reading { reading, .. } => ControlFlow::Break(reading.time),
            Decoded::Feedback { .. } | Decoded::Rejected { .. } => ControlFlow::Continue(()),
        });
        if self.services.len() > known {
            self.services.truncate(known);
            self.shapes.clear();
        }
        found.break_value()
    }

    fn decode_until<B, F>(&mut self, record: &RawRecord<'_>, each: &mut F) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        let value = record.value;
        if value.len() > self.max_payload_bytes {
            let detail = format!("{} bytes, more than {}", value.len(), self.max_payload_bytes);
            return each(Decoded::Rejected { value, rejection: Rejection::new(Reason::TooLarge, detail) });
        }
        if let Some(samples) = &mut self.samples {
            let trimmed = split::trim(value);
            if record.format == Format::Json && is_feedback(trimmed) {
                return each(Said::read(trimmed, value, record.key, &self.schema.default_entity).decoded());
            }
            return samples.decode(record, &mut self.scratch, each);
        }
        match record.format {
            Format::Json => self.decode_json(record, each),
            Format::Csv { header } => {
                let (schema, services) = (&self.schema, &mut self.services);
                let table = self.tables.of(header, schema);
                let entity = table.read(value, Draft::new(schema, services, &mut self.scratch), record.key);
                each(match &entity {
                    Ok(entity) => Decoded::Reading { entity, reading: &self.scratch, value },
                    Err(rejection) => Decoded::Rejected { value, rejection: rejection.clone() },
                })
            }
        }
    }

    fn decode_json<B, F>(&mut self, record: &RawRecord<'_>, each: &mut F) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        let value = record.value;
        let bytes = split::trim(value);
        match bytes {
            [b'[', array @ ..] => {
                let behind = self.decode_elements(Elements::new(array), record.key, each)?;
                let Some(value @ [_, ..]) = behind.map(split::trim_start) else {
                    return ControlFlow::Continue(());
                };
                let rejection = Rejection::new(Reason::Malformed, "something stands behind the array");
                return each(Decoded::Rejected { value, rejection });
            }
            [b'{', ..] => {
                if let Some((length, entity)) = self.read_by_shape(bytes, record.key)
                    && length == bytes.len()
                {
                    let entity = entity.unwrap_or(&self.schema.default_entity);
                    return each(Decoded::Reading { entity, reading: &self.scratch, value });
                }
            }
            _ => return self.decode_one(bytes, value, record.key, each),
        }
        match Envelope::open(bytes) {
            Ok(None) => self.decode_one(bytes, value, record.key, each),
            Ok(Some(envelope)) => {
                self.decode_elements(envelope.elements.clone(), record.key, each)?;
                match envelope.problem_behind() {
                    Some((value, rejection)) => each(Decoded::Rejected { value, rejection }),
                    None => ControlFlow::Continue(()),
                }
            }
            Err(rejection) => each(Decoded::Rejected { value, rejection }),
        }
    }

    /// What stands behind the array, if it has an end.
    fn decode_elements<'v, B, F>(
        &mut self,
        mut elements: Elements<'v>,
        key: Option<&[u8]>,
        each: &mut F,
    ) -> ControlFlow<B, Option<&'v [u8]>>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        loop {
            // A shape finds the end of a reading while reading it, which saves the splitting.
            let ahead = elements.ahead();
            if let Some((length, entity)) = self.read_by_shape(ahead, key)
                && elements.step(length)
            {
                let entity = entity.unwrap_or(&self.schema.default_entity);
                each(Decoded::Reading { entity, reading: &self.scratch, value: &ahead[..length] })?;
                continue;
            }
            match elements.next() {
                None => return ControlFlow::Continue(elements.behind()),
                Some(Element::Whole(bytes)) => self.decode_one(bytes, bytes, key, each)?,
                Some(Element::Cut(value)) => {
                    let rejection = Rejection::new(Reason::Truncated, "the bytes end before the array does");
                    each(Decoded::Rejected { value, rejection })?;
                }
            }
        }
    }

    /// The length of the reading that `bytes` begin with and the entity that it or its key names, if a shape fits.
    #[inline]
    fn read_by_shape<'v>(
        &mut self,
        bytes: &'v [u8],
        key: Option<&'v [u8]>,
    ) -> Option<(usize, Option<&'v str>)> {
        let found = self.shapes.read(bytes, &mut self.scratch)?;
        let entity = match (found.entity, key) {
            (None, Some(key)) => Some(value::name_in(key)?),
            (entity, _) => entity,
        };
        Some((found.length, entity))
    }

    /// The general path. `original` is what a rejection gives back.
    fn decode_one<B, F>(
        &mut self,
        bytes: &[u8],
        original: &[u8],
        key: Option<&[u8]>,
        each: &mut F,
    ) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        if is_feedback(bytes) {
            return each(Said::read(bytes, original, key, &self.schema.default_entity).decoded());
        }
        let mut draft = Draft::new(&self.schema, &mut self.services, &mut self.scratch);
        match json::read(bytes, &mut draft).and_then(|()| draft.finish(key)) {
            Ok(entity) => {
                self.shapes.learn(bytes, &self.schema, &self.services);
                each(Decoded::Reading { entity: &entity, reading: &self.scratch, value: original })
            }
            Err(rejection) => each(Decoded::Rejected { value: original, rejection }),
        }
    }
}
