//! What decoders accept and refuse, for all formats.

mod differential;
mod envelopes;
mod lines;
mod readings;
mod rejections;

use super::{Decoded, Decoder};
use crate::flow::model::{MAX_SERVICES, Metric, Range, Schema, Services};
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};

const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// A native reading as producers send it.
const NATIVE: &str = concat!(
    r#"{"timestamp":"2026-01-01T00:00:10Z","entity":"host-00042","cpu_usage":48.20,"memory_usage":61.02,"#,
    r#""latency_ms":120.5,"disk_usage":50.10,"network_in_kbps":1200.3,"network_out_kbps":900.1,"io_wait":8.20,"#,
    r#""thread_count":140,"active_connections":95,"error_rate":0.0312,"uptime_seconds":360010,"#,
    r#""temperature_celsius":55.3,"power_consumption_watts":210.7,"#,
    r#""service_status":{"database":"online","api_gateway":"degraded","cache":"offline"}}"#
);

fn record<'a>(key: Option<&'a [u8]>, value: &'a [u8], format: Format<'a>) -> RawRecord<'a> {
    let (offset, origin) = (Offset(0), Origin::default());
    RawRecord { offset, origin, key, value, format, extent: Extent::Whole }
}

/// What a decoder makes of a record, a line each: numbers and times exact, rejections with their bytes.
fn decoded(decoder: &mut Decoder, record: &RawRecord<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    decoder.decode(record, |decoded| {
        lines.push(match decoded {
            Decoded::Reading { entity, reading, .. } => {
                let bits: Vec<u64> = reading.values.iter().map(|value| value.to_bits()).collect();
                let (present, statuses) = (reading.present, reading.statuses.to_bits());
                format!("{entity} {} {present:x} {statuses:x} {bits:x?} {:?}", reading.time, reading.values)
            }
            Decoded::Feedback { entity, feedback, .. } => format!("{entity} {feedback:?}"),
            Decoded::Rejected { value, rejection } => {
                let (label, detail) = (rejection.reason.label(), rejection.detail);
                format!("{label}: {detail}: {}", String::from_utf8_lossy(value))
            }
        });
    });
    lines
}

/// One small metric and no required service: what most cases need.
fn small() -> Schema {
    let metric = |name: &str, range, optional| Metric {
        name: name.into(),
        unit: String::new(),
        range,
        judged: true,
        optional,
    };
    Schema {
        metrics: vec![metric("cpu", Range::PERCENT, false), metric("load", Range::POSITIVE, true)],
        services: Services::Named { names: vec!["db".into(), "web".into()], required: false },
        default_entity: "fleet".into(),
        sampling: None,
    }
}

/// In short: `entity@seconds cpu load|- statuses`, or the reason's label, joined by `; `. A second reading of the same
/// record, by the shapes just learned, must give the same.
fn outline(schema: Schema, record: &RawRecord<'_>) -> String {
    let mut decoder = Decoder::new(schema, MAX_PAYLOAD_BYTES);
    let first = outline_once(&mut decoder, record);
    assert_eq!(outline_once(&mut decoder, record), first, "decoded again");
    first
}

fn outline_once(decoder: &mut Decoder, record: &RawRecord<'_>) -> String {
    let mut all = Vec::new();
    decoder.decode(record, |decoded| {
        all.push(match decoded {
            Decoded::Reading { entity, reading, .. } => {
                let value = |(index, value): (usize, &f64)| match reading.present >> index & 1 {
                    0 => "-".into(),
                    _ => value.to_string(),
                };
                let values: Vec<String> = reading.values.iter().enumerate().map(value).collect();
                let time = reading.time.as_ms() as f64 / 1000.0;
                let said = |service| Some(format!(" {service}={}", reading.statuses.get(service)?.name()));
                let statuses: String = (0..MAX_SERVICES).filter_map(said).collect();
                format!("{entity}@{time} {}{statuses}", values.join(" "))
            }
            Decoded::Feedback { entity, .. } => format!("feedback on {entity}"),
            Decoded::Rejected { rejection, .. } => rejection.reason.label().to_owned(),
        });
    });
    all.join("; ")
}
