//! Records of other programs: samples in, readings of ours out.
//!
//! ```text
//! record ─▶ element ─▶ telegraf, influx, … ─▶ samples ─▶ room ─▶ readings, by time and entity
//! ```
//!
//! A format's file knows what its records look like and nothing of readings; the room knows which series are wanted. What
//! nobody asked for is ignored, also where it is odd. An element with wrong samples is rejected with the first reason, and
//! its other samples are used.

mod collectd;
mod influx;
mod mapped;
mod otlp;
mod prometheus;
mod proto;
mod room;
mod stamp;
mod telegraf;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use super::elements::{Element, Elements};
use super::fields::Fields;
use super::json::{check_syntax, text_of};
use super::{Decoded, Reading, split};
use crate::flow::model::Schema;
use crate::flow::record::{Format, RawRecord, Reason, Rejection};
use crate::flow::samples::SampleFormat;
pub(super) use mapped::Columns;
use room::Room;

/// The decoder of samples.
#[derive(Debug)]
pub(super) struct Samples {
    format: SampleFormat,
    room: Room,
    columns: Columns,
}

impl Samples {
    /// The decoder, where records are samples.
    pub(super) fn of(schema: &Schema) -> Option<Samples> {
        let sampling = schema.sampling.as_ref().filter(|sampling| sampling.format != SampleFormat::Native)?;
        let room = Room::new(schema.clone(), (**sampling).clone());
        Some(Samples { format: sampling.format, room, columns: Columns::default() })
    }

    /// Hands every reading and every rejection of a record to `each`.
    pub(super) fn decode<B, F>(
        &mut self,
        record: &RawRecord<'_>,
        scratch: &mut Reading,
        each: &mut F,
    ) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        let value = record.value;
        if let (SampleFormat::Mapped, Format::Csv { header }) = (self.format, record.format) {
            let read = self.columns.read(header, value, &mut self.room);
            return self.room.hand_over(value, read, record.key, scratch, each);
        }
        if let Err(rejection) = self.admit(record) {
            return each(Decoded::Rejected { value, rejection });
        }
        let bytes = split::trim(value);
        match self.format {
            SampleFormat::Otlp => self.element(value, record.key, scratch, each),
            SampleFormat::Influx => {
                for line in influx::lines(bytes) {
                    self.element(line, record.key, scratch, each)?;
                }
                ControlFlow::Continue(())
            }
            SampleFormat::Telegraf => match batch(bytes) {
                Some(array) => self.elements(array, record.key, scratch, each),
                None => self.one_or_many(bytes, record.key, scratch, each),
            },
            SampleFormat::OtlpJson => self.element(bytes, record.key, scratch, each),
            SampleFormat::Collectd
            | SampleFormat::PrometheusJson
            | SampleFormat::Mapped
            | SampleFormat::Native => self.one_or_many(bytes, record.key, scratch, each),
        }
    }

    /// What no format can be, said in plain words.
    fn admit(&self, record: &RawRecord<'_>) -> Result<(), Rejection> {
        let malformed = |detail: String| Err(Rejection::new(Reason::Malformed, detail));
        match record.value {
            [0x1F, 0x8B, ..] => malformed("it is compressed (gzip)".into()),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => malformed("it is compressed (zstd)".into()),
            _ if matches!(record.format, Format::Csv { .. }) => {
                malformed(format!("a line of CSV is no record of {}", self.format.name()))
            }
            bytes if self.format != SampleFormat::Otlp && split::trim(bytes).is_empty() => {
                malformed("empty".into())
            }
            _ => Ok(()),
        }
    }

    fn one_or_many<B, F>(
        &mut self,
        bytes: &[u8],
        key: Option<&[u8]>,
        scratch: &mut Reading,
        each: &mut F,
    ) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        match bytes {
            [b'[', array @ ..] => self.elements(array, key, scratch, each),
            _ => self.element(bytes, key, scratch, each),
        }
    }

    fn elements<B, F>(
        &mut self,
        array: &[u8],
        key: Option<&[u8]>,
        scratch: &mut Reading,
        each: &mut F,
    ) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        let mut elements = Elements::new(array);
        for element in elements.by_ref() {
            match element {
                Element::Whole(bytes) => self.element(bytes, key, scratch, each)?,
                Element::Cut(value) => {
                    let rejection = Rejection::new(Reason::Truncated, "the bytes end before the array does");
                    each(Decoded::Rejected { value, rejection })?;
                }
            }
        }
        match elements.behind().map(split::trim) {
            None | Some([]) => ControlFlow::Continue(()),
            Some(value) => {
                let rejection = Rejection::new(Reason::Malformed, "something stands behind the array");
                each(Decoded::Rejected { value, rejection })
            }
        }
    }

    fn element<B, F>(
        &mut self,
        bytes: &[u8],
        key: Option<&[u8]>,
        scratch: &mut Reading,
        each: &mut F,
    ) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        let room = &mut self.room;
        let read = match self.format {
            SampleFormat::Telegraf => telegraf::read(bytes, room),
            SampleFormat::Collectd => collectd::read(bytes, room),
            SampleFormat::OtlpJson => otlp::read(bytes, room),
            SampleFormat::Otlp => proto::read(bytes, room),
            SampleFormat::PrometheusJson => prometheus::read(bytes, room),
            SampleFormat::Influx => influx::read(bytes, room),
            SampleFormat::Mapped | SampleFormat::Native => mapped::read(bytes, room),
        };
        room.hand_over(bytes, read, key, scratch, each)
    }
}

/// The metrics of Telegraf's `{"metrics": […]}`, behind their bracket, where the object is right as a whole.
fn batch(bytes: &[u8]) -> Option<&[u8]> {
    let is_batch =
        |field: &super::fields::Field| text_of(&bytes[field.key.clone()]).as_deref() == Some("metrics");
    let found = Fields::new(bytes).find(is_batch)?;
    let array = bytes[found.value].strip_prefix(b"[")?;
    check_syntax(bytes).is_ok().then_some(array)
}

/// Why JSON is not what a format's records are.
fn refused(error: &serde_json::Error) -> Rejection {
    let text = error.to_string();
    let reason = match error.classify() {
        serde_json::error::Category::Eof => Reason::Truncated,
        serde_json::error::Category::Data if text.starts_with("missing field") => Reason::MissingField,
        serde_json::error::Category::Data if text.starts_with("duplicate field") => Reason::DuplicateField,
        serde_json::error::Category::Data => Reason::WrongType,
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => Reason::Malformed,
    };
    Rejection::new(reason, text)
}
