//! The time of a sample, in whatever unit it is written.

use crate::flow::source::value::quote;
use crate::flow::time::EventTime;

/// The time of a point.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stamp {
    At(EventTime),
    Missing,
    /// What stands there, for people.
    Bad(String),
}

impl Stamp {
    /// Of a JSON value: a number since 1970, or RFC 3339, or a number as text.
    pub(super) fn of(value: Option<&serde_json::Value>) -> Stamp {
        match value {
            None | Some(serde_json::Value::Null) => Stamp::Missing,
            Some(serde_json::Value::String(text)) => Stamp::of_text(text),
            Some(serde_json::Value::Number(number)) => Stamp::of_text(&number.to_string()),
            Some(other) => Stamp::Bad(quote(other.to_string().as_bytes())),
        }
    }

    /// Of RFC 3339, or a number since 1970.
    pub(super) fn of_text(text: &str) -> Stamp {
        let whole = || text.parse::<i64>().ok().map(since_1970);
        let broken = || text.parse::<f64>().ok().and_then(EventTime::from_epoch_number);
        let time = EventTime::parse(text.as_bytes()).or_else(|| whole().unwrap_or_else(broken));
        match time {
            Some(time) => Stamp::At(time),
            None if text.is_empty() => Stamp::Missing,
            None => Stamp::Bad(quote(text.as_bytes())),
        }
    }

    /// Of nanoseconds since 1970; 0 is how OTLP says that there is none.
    pub(super) fn of_nanoseconds(nanoseconds: u64) -> Stamp {
        let time = EventTime::from_ms((nanoseconds / 1_000_000) as i64);
        match (nanoseconds, time) {
            (0, _) => Stamp::Missing,
            (_, Some(time)) => Stamp::At(time),
            (_, None) => Stamp::Bad(nanoseconds.to_string()),
        }
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds, by the size of the number: in our centuries they lie a thousandfold
/// apart. Whole numbers, because no double holds the nanoseconds of today.
fn since_1970(number: i64) -> Option<EventTime> {
    let ms = match number.unsigned_abs() {
        0..100_000_000_000 => number * 1000,
        100_000_000_000..100_000_000_000_000 => number,
        100_000_000_000_000..100_000_000_000_000_000 => number.div_euclid(1000),
        _ => number.div_euclid(1_000_000),
    };
    EventTime::from_ms(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match Stamp::of_text(text) {
            Stamp::At(time) => time.to_string(),
            Stamp::Missing => "missing".into(),
            Stamp::Bad(_) => "bad".into(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn the_unit_of_a_number_is_told_by_its_size() {
        check("1767225600", "2026-01-01T00:00:00Z");
        check("1767225600001", "2026-01-01T00:00:00.001Z");
        check("1767225600001000", "2026-01-01T00:00:00.001Z");
        check("1767225600001000000", "2026-01-01T00:00:00.001Z");
        check("1767225600.25", "2026-01-01T00:00:00.250Z");
        check("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z");
        check("-1", "1969-12-31T23:59:59Z");
        check("", "missing");
        check("soon", "bad");
        check("NaN", "bad");
        check("9223372036854775807", "2262-04-11T23:47:16.854Z");
        check("-9223372036854775808", "1677-09-21T00:12:43.145Z");
        check("1e300", "bad");
    }
}
