//! Bytes into readings: the decoders, one file per input format.

use crate::flow::model::{MAX_SERVICES, Reading, Schema, Services, Statuses};
use crate::flow::record::{RawRecord, Rejection};
use crate::flow::time::EventTime;

/// What a decoder makes of a record, or of one element of its array.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A reading that keeps every promise of the schema.
    Reading {
        /// What it describes: its own field, else the record's key, else the topology's default.
        entity: &'a str,
        /// The reading; its memory is used again for the next one.
        reading: &'a Reading,
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
    schema: Schema,
    /// Payloads above are refused whole, in bytes.
    max_payload_bytes: usize,
    /// The names behind the bits of [`Statuses`].
    services: Vec<String>,
    scratch: Reading,
}

impl Decoder {
    /// A decoder of readings of that schema.
    pub fn new(schema: Schema, max_payload_bytes: usize) -> Decoder {
        let services = match &schema.services {
            Services::Named { names, .. } => names.clone(),
            Services::Any => Vec::with_capacity(MAX_SERVICES),
        };
        let values = vec![0.0; schema.metrics.len()];
        let time = EventTime::from_ms(0).expect("1970 is representable");
        let scratch = Reading { time, values, present: 0, statuses: Statuses::default() };
        Decoder { schema, max_payload_bytes, services, scratch }
    }

    /// The names of services, in the order of their bits.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Restores the names of services that were learned before (only where any are allowed).
    pub fn restore_services(&mut self, names: Vec<String>) {
        self.services = names;
    }

    /// Hands every reading and every rejection of a record to `each`, in the record's order.
    pub fn decode<F: FnMut(Decoded<'_>)>(&mut self, record: &RawRecord<'_>, mut each: F) {
        let _ = (record, &mut each, &self.scratch, self.max_payload_bytes, &self.schema);
    }
}
