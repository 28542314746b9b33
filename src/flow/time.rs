//! Event time: what a reading says of itself, never a clock.

use std::fmt;

/// Milliseconds since 1970-01-01 UTC, as a reading states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "i64")]
pub struct EventTime(i64);

/// Rows that nobody can have written bring no times that nobody can have read.
impl TryFrom<i64> for EventTime {
    type Error = &'static str;

    fn try_from(ms: i64) -> Result<EventTime, &'static str> {
        EventTime::from_ms(ms).ok_or("a time outside of the years that RFC 3339 can write")
    }
}

const MS_PER_DAY: i64 = 86_400_000;
/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what RFC 3339 can write.
const EARLIEST: i64 = -62_167_219_200_000;
const LATEST: i64 = 253_402_300_799_999;

impl EventTime {
    /// The time that many milliseconds after 1970-01-01 UTC; refuses years that RFC 3339 cannot write.
    pub fn from_ms(ms: i64) -> Option<EventTime> {
        (EARLIEST..=LATEST).contains(&ms).then_some(EventTime(ms))
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// This time moved by a span of milliseconds, kept within the representable years.
    #[must_use]
    pub fn plus_ms(self, span_ms: i64) -> EventTime {
        EventTime(self.0.saturating_add(span_ms).clamp(EARLIEST, LATEST))
    }

    /// The time a number stands for: seconds below 1e11, milliseconds from there on.
    pub fn from_epoch_number(number: f64) -> Option<EventTime> {
        if !number.is_finite() {
            return None;
        }
        let ms = if number.abs() < 1e11 { number * 1000.0 } else { number };
        EventTime::from_ms((ms + 1e-6).floor() as i64)
    }

    /// Reads RFC 3339 (`2026-01-01T00:00:00.25+01:00`); a blank may stand for the `T`, and no offset means UTC.
    /// Digits below the millisecond are dropped; second 60 is the first of the next minute.
    pub fn parse(text: &[u8]) -> Option<EventTime> {
        let (head, rest) = text.split_at_checked(19)?;
        let two =
            |at: usize| -> Option<i64> { Some(digit(*head.get(at)?)? * 10 + digit(*head.get(at + 1)?)?) };
        let separators = [head.get(4)?, head.get(7)?, head.get(13)?, head.get(16)?];
        if separators != [&b'-', &b'-', &b':', &b':'] || !matches!(head.get(10)?, b'T' | b't' | b' ') {
            return None;
        }
        let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
        let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction_ms, rest) = parse_fraction(rest)?;
        let offset_minutes = parse_offset(rest)?;
        let minutes = days_from_civil(year, month, day) * 1440 + hour * 60 + minute - offset_minutes;
        EventTime::from_ms((minutes * 60 + second) * 1000 + fraction_ms)
    }
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

fn parse_fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (digits, rest) = digits.split_at(count);
    let ms = (0..3).fold(0, |ms, place| ms * 10 + digits.get(place).copied().and_then(digit).unwrap_or(0));
    Some((ms, rest))
}

fn parse_offset(rest: &[u8]) -> Option<i64> {
    match rest {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = digit(*h1)? * 10 + digit(*h2)?;
            let minutes = digit(*m1)? * 10 + digit(*m2)?;
            let total = hours * 60 + minutes;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -total } else { total })
        }
        _ => None,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The Gregorian date of a day since 1970-01-01 (same source).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

impl fmt::Display for EventTime {
    /// RFC 3339 in UTC; milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(MS_PER_DAY));
        let ms = self.0.rem_euclid(MS_PER_DAY);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match ms % 1000 {
            0 => f.write_str("Z"),
            fraction => write!(f, ".{fraction:03}Z"),
        }
    }
}

/// A half-open span of event time `[start, end)` of one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first moment inside.
    pub start: EventTime,
    /// The first moment after it.
    pub end: EventTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let time = EventTime::parse(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(time.as_deref(), (!expected.is_empty()).then_some(expected), "{text}");
    }

    #[test]
    fn every_usual_way_to_write_a_time_is_understood() {
        check("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        check("2026-01-01 00:00:00", "2026-01-01T00:00:00Z");
        check("2026-01-01T00:00:00.25+01:00", "2025-12-31T23:00:00.250Z");
        check("2024-02-29t12:00:00.123456789z", "2024-02-29T12:00:00.123Z");
        check("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z");
        check("1969-12-31T23:59:59.5-00:30", "1970-01-01T00:29:59.500Z");
        check("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "yesterday"]
        {
            check(text, "");
        }
        check("2026-01-01T00:00:00.Z", "");
        check("2026-01-01T00:00:00+1:00", "");
        check("2026-01-01T00:00:00Zx", "");
        check("0000-01-01T00:00:00+01:00", "");
    }

    #[test]
    fn an_epoch_number_is_seconds_or_milliseconds_by_its_size() {
        let time = |number| EventTime::from_epoch_number(number).map(EventTime::as_ms);
        assert_eq!(time(1_700_000_000.0), Some(1_700_000_000_000));
        assert_eq!(time(1_700_000_000_123.0), Some(1_700_000_000_123));
        assert_eq!(time(1_700_000_000.123), Some(1_700_000_000_123));
        assert_eq!(time(f64::NAN), None);
        assert_eq!(time(1e300), None);
    }

    #[test]
    fn a_day_written_and_read_is_the_same_day() {
        for day in (-700_000..2_900_000).step_by(997) {
            let time = EventTime::from_ms(day * MS_PER_DAY).unwrap();
            assert_eq!(EventTime::parse(time.to_string().as_bytes()), Some(time));
        }
    }
}
