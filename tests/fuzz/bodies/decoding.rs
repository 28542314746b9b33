//! Bytes into readings: nothing panics, no promise of the schema is broken, and two ways to read one text agree.

use std::fmt::Write;

use serde_json::Value;
use tidewatch::flow::model::Schema;
use tidewatch::flow::record::{Extent, Format, Offset, Origin, RawRecord, Reason};
use tidewatch::flow::source::{Decoded, Decoder};
use tidewatch::topology;

const MOST_BYTES: usize = 1 << 16;

fn record<'a>(value: &'a [u8], format: Format<'a>) -> RawRecord<'a> {
    let (offset, origin, extent) = (Offset(0), Origin::default(), Extent::Whole);
    RawRecord { offset, origin, key: Some(b"key"), value, format, extent }
}

/// Bytes of a reading, its numbers, and which of them it has.
type Found = (Vec<u8>, Vec<f64>, u64);

/// What a decoder says of a record, as text; with the readings, and the bytes that they came from.
fn said(decoder: &mut Decoder, schema: &Schema, record: &RawRecord<'_>) -> (String, Vec<Found>) {
    let (mut text, mut readings) = (String::new(), Vec::new());
    decoder.decode(record, |decoded| {
        let _ = writeln!(text, "{decoded:?}");
        if let Decoded::Reading { reading, value, entity } = decoded {
            assert!(!entity.is_empty());
            for (at, (metric, number)) in schema.metrics.iter().zip(&reading.values).enumerate() {
                let has = reading.present >> at & 1 == 1;
                assert!(
                    !has || metric.range.contains(*number) && number.is_finite(),
                    "{}: {number}",
                    metric.name
                );
                assert!(has || *number == 0.0, "{} is absent and {number}", metric.name);
            }
            readings.push((value.to_vec(), reading.values.clone(), reading.present));
        }
    });
    (text, readings)
}

/// Lines of JSON: a decoder that has learned shapes says what one that knows nothing says, and serde_json agrees.
pub fn readings(bytes: &[u8]) {
    let schema = Schema::native();
    let mut learned = Decoder::new(schema.clone(), MOST_BYTES);
    for line in bytes.split(|byte| *byte == b'\n').take(8) {
        let record = record(line, Format::Json);
        let (with_shapes, _) = said(&mut learned, &schema, &record);
        let (without, found) = said(&mut Decoder::new(schema.clone(), MOST_BYTES), &schema, &record);
        assert_eq!(with_shapes, without);
        for (value, numbers, present) in &found {
            second_opinion(&schema, value, numbers, *present);
        }
        let mut malformed = false;
        Decoder::new(schema.clone(), MOST_BYTES).decode(&record, |decoded| {
            if let Decoded::Rejected { rejection, .. } = decoded {
                malformed |= matches!(rejection.reason, Reason::Malformed | Reason::Truncated);
            }
        });
        if malformed && found.is_empty() {
            let is_object = serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object());
            assert!(!is_object, "serde_json reads it");
        }
    }
}

/// Of an accepted reading: it is JSON, and has those numbers.
fn second_opinion(schema: &Schema, value: &[u8], numbers: &[f64], present: u64) {
    let value: Value = serde_json::from_slice(value).expect("what was accepted is JSON");
    for (at, metric) in schema.metrics.iter().enumerate().filter(|(at, _)| present >> at & 1 == 1) {
        let theirs = value[&metric.name].as_f64().expect("a number");
        // Zero has no sign here.
        assert_eq!((theirs + 0.0).to_bits(), numbers[at].to_bits(), "{}", metric.name);
    }
}

/// A header and lines of CSV.
pub fn csv(bytes: &[u8]) {
    let schema = Schema::native();
    let mut decoder = Decoder::new(schema.clone(), MOST_BYTES);
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let header = lines.next().unwrap_or_default();
    for line in lines.take(8) {
        said(&mut decoder, &schema, &record(line, Format::Csv { header }));
    }
}

const TOPOLOGIES: [&str; 6] = [
    include_str!("../../../topologies/telegraf.toml"),
    include_str!("../../../topologies/collectd.toml"),
    include_str!("../../../topologies/otlp.toml"),
    include_str!("../../../topologies/prometheus.toml"),
    include_str!("../../../topologies/influx.toml"),
    include_str!("../../../topologies/mapped.toml"),
];

/// A byte that chooses the format, and a record of another program: what is forwarded as a reading of our own is the reading.
pub fn samples(bytes: &[u8]) {
    let [which, rest @ ..] = bytes else { return };
    let text = TOPOLOGIES[*which as usize % TOPOLOGIES.len()];
    let is_binary = text.contains("otlp-json") && which / 6 % 2 == 1;
    let overrides: Vec<(String, String)> =
        is_binary.then(|| ("source.format".to_owned(), "otlp".to_owned())).into_iter().collect();
    let settings = topology::with_overrides(text, &overrides).expect("it is a good topology");
    let (sampled, routed) = (settings.schema.clone().as_sampled(), settings.schema.clone().as_routed());
    let mut decoder = Decoder::new(settings.schema.clone(), MOST_BYTES);
    let (_, found) = said(&mut decoder, &sampled, &record(rest, Format::Json));
    let mut native = Decoder::new(routed, MOST_BYTES);
    for (value, numbers, present) in found {
        let (text, again) = said(&mut native, &sampled, &record(&value, Format::Json));
        let [(_, same, also)] = again.as_slice() else {
            panic!("{}: {text}", String::from_utf8_lossy(&value))
        };
        assert!((same, *also) == (&numbers, present), "{numbers:?} {same:?}");
    }
}
