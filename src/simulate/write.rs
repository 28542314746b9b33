//! Readings as bytes: NDJSON, CSV, or one JSON array, with the decimals that producers send.

use super::FleetReading;
use super::values::{METRICS, SERVICES};
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
/// Decimals by place in the native schema: percents have 2 but errors 4, counts none.
const DECIMALS: [u32; METRICS] = [2, 2, 1, 2, 1, 1, 2, 0, 0, 4, 1, 1, 0];
const DAY_MS: i64 = 86_400_000;

/// Writes readings in a format.
#[derive(Clone, Debug)]
pub struct Encoder {
    format: Format,
    marks: Marks,
    /// The day last written: its number, and its text up to the `T`.
    day: (i64, String),
    first: bool,
}

/// What stands between the values.
#[derive(Clone, Debug)]
struct Marks {
    open: &'static str,
    entity: &'static str,
    /// Before each metric, in the order of the fields.
    metrics: [String; METRICS],
    services: [String; SERVICES.len()],
    close: &'static str,
}

impl Marks {
    fn of(format: Format) -> Marks {
        let names = names();
        let key = |at: usize| format!(",\"{}\":", names[at]);
        let service = |at: usize| match at {
            0 => format!(",\"service_status\":{{\"{}\":\"", SERVICES[at]),
            _ => format!("\",\"{}\":\"", SERVICES[at]),
        };
        let object = |close| Marks {
            open: "{\"timestamp\":\"",
            entity: "\",\"entity\":\"",
            // The first one also closes the entity.
            metrics: std::array::from_fn(|at| if at == 0 { format!("\"{}", key(at)) } else { key(at) }),
            services: std::array::from_fn(service),
            close,
        };
        match format {
            Format::Ndjson => object("\"}}\n"),
            Format::Json => object("\"}}"),
            Format::Csv => Marks {
                open: "",
                entity: ",",
                metrics: std::array::from_fn(|_| ",".to_owned()),
                services: std::array::from_fn(|_| ",".to_owned()),
                close: "\n",
            },
        }
    }
}

/// The metrics' names in the order of the fields.
fn names() -> [String; METRICS] {
    let mut metrics = Schema::native().metrics;
    ORDER.map(|place| std::mem::take(&mut metrics[place].name))
}

impl Encoder {
    /// An encoder before its first reading.
    pub fn new(format: Format) -> Encoder {
        Encoder { format, marks: Marks::of(format), day: (i64::MIN, String::new()), first: true }
    }

    /// Appends what comes before the first reading.
    pub fn head(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Ndjson => {}
            Format::Json => out.extend_from_slice(b"[\n"),
            Format::Csv => {
                let services = SERVICES.map(|service| format!("service_status.{service}"));
                let columns = [&names()[..], &services[..]].concat().join(",");
                out.extend_from_slice(format!("timestamp,entity,{columns}\n").as_bytes());
            }
        }
    }

    /// Appends a reading. Allocates nothing but what `out` needs, and a few bytes once a day.
    pub fn reading(&mut self, reading: &FleetReading<'_>, out: &mut Vec<u8>) {
        if self.format == Format::Json && !self.first {
            out.extend_from_slice(b",\n");
        }
        self.first = false;
        out.extend_from_slice(self.marks.open.as_bytes());
        self.time(reading.time, out);
        out.extend_from_slice(self.marks.entity.as_bytes());
        out.extend_from_slice(reading.entity.as_bytes());
        for (place, mark) in ORDER.into_iter().zip(&self.marks.metrics) {
            out.extend_from_slice(mark.as_bytes());
            fixed(reading.values[place], DECIMALS[place], out);
        }
        for (service, mark) in self.marks.services.iter().enumerate() {
            out.extend_from_slice(mark.as_bytes());
            let status = reading.statuses.get(service).unwrap_or(Status::Online);
            out.extend_from_slice(status.name().as_bytes());
        }
        out.extend_from_slice(self.marks.close.as_bytes());
    }

    /// Appends what comes after the last reading.
    pub fn foot(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Ndjson | Format::Csv => {}
            Format::Json => out.extend_from_slice(b"\n]\n"),
        }
    }

    /// RFC 3339, as [`EventTime`] writes itself.
    fn time(&mut self, time: EventTime, out: &mut Vec<u8>) {
        let (day, ms) = (time.as_ms().div_euclid(DAY_MS), time.as_ms().rem_euclid(DAY_MS));
        if self.day.0 != day {
            let mut text = time.to_string();
            text.truncate("2026-01-01T".len());
            self.day = (day, text);
        }
        out.extend_from_slice(self.day.1.as_bytes());
        let two = |number: i64| [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        let ([h, i], [m, n], [s, t]) = (two(ms / 3_600_000), two(ms / 60_000 % 60), two(ms / 1000 % 60));
        out.extend_from_slice(&[h, i, b':', m, n, b':', s, t]);
        if ms % 1000 != 0 {
            let [tens, ones] = two(ms % 100);
            out.extend_from_slice(&[b'.', b'0' + (ms / 100 % 10) as u8, tens, ones]);
        }
        out.push(b'Z');
    }
}

/// A number with so many decimals, rounded half away from zero.
fn fixed(value: f64, decimals: u32, out: &mut Vec<u8>) {
    let mut rest = (value.abs() * 10_u64.pow(decimals) as f64 + 0.5) as u64;
    if value < 0.0 && rest > 0 {
        out.push(b'-');
    }
    // Digits from the last to the first; 20 of them and a point is the most that 64 bits have.
    let (mut text, mut at, mut place) = ([0_u8; 24], 24, 0);
    while rest > 0 || place <= decimals {
        if place == decimals && decimals > 0 {
            at -= 1;
            text[at] = b'.';
        }
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        place += 1;
    }
    out.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::model::Statuses;

    fn written(format: Format, times: &[&str]) -> String {
        let values =
            [48.2, 61.0, 120.04, 55.5, 1200.0, 900.25, 0.5, 150.0, 42.0, 0.0321, 51.26, 250.0, 360_010.0];
        let mut statuses = Statuses::default();
        [Status::Online, Status::Degraded, Status::Offline]
            .iter()
            .enumerate()
            .for_each(|(at, &status)| statuses.set(at, status));
        let (mut encoder, mut out) = (Encoder::new(format), Vec::new());
        encoder.head(&mut out);
        for time in times {
            let time = EventTime::parse(time.as_bytes()).unwrap();
            encoder
                .reading(&FleetReading { entity: "host-00042", time, values: &values, statuses }, &mut out);
        }
        encoder.foot(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_has_every_field_in_its_place_with_its_decimals() {
        let expected = concat!(
            r#"{"timestamp":"2026-01-01T00:00:00Z","entity":"host-00042","cpu_usage":48.20,"memory_usage":61.00,"#,
            r#""latency_ms":120.0,"disk_usage":55.50,"network_in_kbps":1200.0,"network_out_kbps":900.3,"#,
            r#""io_wait":0.50,"thread_count":150,"active_connections":42,"error_rate":0.0321,"#,
            r#""uptime_seconds":360010,"temperature_celsius":51.3,"power_consumption_watts":250.0,"#,
            r#""service_status":{"database":"online","api_gateway":"degraded","cache":"offline"}}"#,
            "\n"
        );
        assert_eq!(written(Format::Ndjson, &["2026-01-01T00:00:00Z"]), expected);
    }

    #[test]
    fn an_array_is_json_whatever_the_number_of_readings() {
        for count in 0..3 {
            let text = written(Format::Json, &["2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"][..count]);
            let read: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(read.len(), count);
        }
    }

    #[test]
    fn a_table_has_as_many_cells_in_each_row_as_in_its_header() {
        let text = written(Format::Csv, &["2026-01-01T00:00:00Z"]);
        let (header, row) = text.trim_end().split_once('\n').unwrap();
        assert_eq!(header.split(',').count(), row.split(',').count());
        assert!(header.ends_with(",service_status.database,service_status.api_gateway,service_status.cache"));
        assert!(row.starts_with("2026-01-01T00:00:00Z,host-00042,48.20,"));
        assert!(row.ends_with(",360010,51.3,250.0,online,degraded,offline"));
    }

    #[test]
    fn times_are_written_as_event_time_writes_itself() {
        let times = [
            "2026-01-01T23:59:59.999Z",
            "2026-01-02T00:00:00Z",
            "1969-12-31T23:59:59.050Z",
            "2024-02-29T12:34:56Z",
        ];
        let text = written(Format::Csv, &times);
        let read: Vec<&str> = text.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
        assert_eq!(read, times);
    }

    #[test]
    fn numbers_are_rounded_half_away_from_zero() {
        let check = |value, decimals, expected: &str| {
            let mut out = Vec::new();
            fixed(value, decimals, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(0.0, 0, "0");
        check(0.0, 2, "0.00");
        check(0.003_21, 4, "0.0032");
        check(9.999, 2, "10.00");
        check(100.0, 2, "100.00");
        check(-3.06, 1, "-3.1");
        check(-0.001, 2, "0.00");
        check(5_184_000.0, 0, "5184000");
        check(f64::MAX, 4, "1844674407370955.1615");
    }
}
