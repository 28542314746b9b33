//! Readings as bytes: NDJSON, CSV or one JSON array, with the decimals that producers send.

use super::FleetReading;
use super::host::METRICS;
use crate::flow::model::{Schema, Status};
use crate::flow::time::EventTime;

/// How readings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An object a line.
    Ndjson,
    /// A header row, then a row a reading.
    Csv,
    /// One array.
    Json,
}

/// The order of the fields, as places in the native schema: uptime stands before temperature.
const ORDER: [usize; METRICS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
/// Decimals by place in the native schema.
const DECIMALS: [u32; METRICS] = [2, 2, 1, 2, 1, 1, 2, 0, 0, 4, 1, 1, 0];
const SERVICES: [&str; 3] = ["database", "api_gateway", "cache"];

/// Writes readings in a format.
#[derive(Clone, Debug)]
pub struct Encoder {
    format: Format,
    /// What stands before each metric's value.
    keys: Vec<Vec<u8>>,
    names: Vec<String>,
    first: bool,
    /// The last time written, as text.
    time: (EventTime, String),
}

impl Encoder {
    /// An encoder before its first reading.
    pub fn new(format: Format) -> Encoder {
        let names: Vec<String> = Schema::native().metrics.into_iter().map(|metric| metric.name).collect();
        let key = |name: &String| match format {
            Format::Csv => b",".to_vec(),
            Format::Ndjson | Format::Json => format!(",\"{name}\":").into_bytes(),
        };
        let time = EventTime::from_ms(0).expect("1970 is representable");
        Encoder {
            format,
            keys: names.iter().map(key).collect(),
            names,
            first: true,
            time: (time, time.to_string()),
        }
    }

    /// Appends what comes before the first reading.
    pub fn head(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Ndjson => {}
            Format::Json => out.extend_from_slice(b"["),
            Format::Csv => {
                out.extend_from_slice(b"timestamp,entity");
                for &metric in &ORDER {
                    out.push(b',');
                    out.extend_from_slice(self.names[metric].as_bytes());
                }
                for service in SERVICES {
                    out.extend_from_slice(b",service_status.");
                    out.extend_from_slice(service.as_bytes());
                }
                out.push(b'\n');
            }
        }
    }

    /// Appends a reading.
    pub fn reading(&mut self, reading: &FleetReading<'_>, out: &mut Vec<u8>) {
        if self.time.0 != reading.time {
            self.time = (reading.time, reading.time.to_string());
        }
        if self.format == Format::Json {
            out.extend_from_slice(if self.first { b"\n" } else { b",\n" });
        }
        self.first = false;
        let csv = self.format == Format::Csv;
        out.extend_from_slice(if csv { b"" } else { b"{\"timestamp\":\"" });
        out.extend_from_slice(self.time.1.as_bytes());
        out.extend_from_slice(if csv { b"," } else { b"\",\"entity\":\"" });
        out.extend_from_slice(reading.entity.as_bytes());
        out.extend_from_slice(if csv { b"" } else { b"\"" });
        for &metric in &ORDER {
            out.extend_from_slice(&self.keys[metric]);
            fixed(reading.values[metric], DECIMALS[metric], out);
        }
        out.extend_from_slice(if csv { b"" } else { b",\"service_status\":{" });
        for (number, service) in SERVICES.iter().enumerate() {
            let status = reading.statuses.get(number).unwrap_or(Status::Online).name();
            if csv {
                out.push(b',');
                out.extend_from_slice(status.as_bytes());
                continue;
            }
            out.extend_from_slice(if number == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(service.as_bytes());
            out.extend_from_slice(b"\":\"");
            out.extend_from_slice(status.as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(if csv { b"" } else { b"}}" });
        if self.format != Format::Json {
            out.push(b'\n');
        }
    }

    /// Appends what comes after the last reading.
    pub fn foot(&self, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend_from_slice(b"\n]\n");
        }
    }
}

/// A number with a fixed count of decimals, rounded half away from zero.
fn fixed(value: f64, decimals: u32, out: &mut Vec<u8>) {
    let scale = 10_u64.pow(decimals);
    let scaled = (value.abs() * scale as f64 + 0.5) as u64;
    if value < 0.0 && scaled > 0 {
        out.push(b'-');
    }
    let (mut digits, mut at) = ([b'0'; 24], 24);
    let mut rest = scaled;
    for place in 0.. {
        if place == decimals && decimals > 0 {
            at -= 1;
            digits[at] = b'.';
        }
        if rest == 0 && place > decimals {
            break;
        }
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_decimals() {
        let check = |value, decimals, expected: &str| {
            let mut out = Vec::new();
            fixed(value, decimals, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(48.2, 2, "48.20");
        check(0.0, 0, "0");
        check(0.00321, 4, "0.0032");
        check(-3.05, 1, "-3.1");
        check(-0.001, 2, "0.00");
        check(360_010.0, 0, "360010");
        check(9.999, 2, "10.00");
    }
}
