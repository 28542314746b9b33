//! Spans of time and sizes as people write them: `"1h30m"`, `"16MiB"`.

/// Why a text is no duration or size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// It is nearly one; this is how it is written.
    #[error("{0:?}: use {1:?}")]
    Nearly(String, String),
    /// A number alone.
    #[error("{0:?} has no unit: use one of {1}")]
    NoUnit(String, &'static str),
    /// Something else.
    #[error("{0:?} is not a whole number with one of the units {1}")]
    Unknown(String, &'static str),
    /// More than can be counted.
    #[error("{0:?} is too much")]
    TooMuch(String),
}

type Units = &'static [(&'static str, i64)];

const SPANS: Units = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SPAN_UNITS: &str = "ms s m h d";
const SIZES: Units = &[
    ("B", 1),
    ("kB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];
const SIZE_UNITS: &str = "B kB KiB MB MiB GB GiB";
/// How people write units out, and the unit they mean.
const WORDS: &[(&str, &str)] = &[
    ("milliseconds", "ms"),
    ("millisecond", "ms"),
    ("millis", "ms"),
    ("msec", "ms"),
    ("seconds", "s"),
    ("second", "s"),
    ("secs", "s"),
    ("sec", "s"),
    ("minutes", "m"),
    ("minute", "m"),
    ("mins", "m"),
    ("min", "m"),
    ("hours", "h"),
    ("hour", "h"),
    ("hrs", "h"),
    ("hr", "h"),
    ("days", "d"),
    ("day", "d"),
    ("bytes", "B"),
    ("byte", "B"),
    ("k", "KiB"),
    ("m", "MiB"),
    ("g", "GiB"),
];

/// The milliseconds of a duration such as `"90s"` or `"1h30m"`.
pub fn span_ms(text: &str) -> Result<i64, UnitError> {
    parse(text, SPANS, SPAN_UNITS)
}

/// The bytes of a size such as `"16MiB"`.
pub fn size_bytes(text: &str) -> Result<usize, UnitError> {
    parse(text, SIZES, SIZE_UNITS).map(|bytes| bytes as usize)
}

/// A duration as [`span_ms`] reads it: `1h30m`.
pub fn write_span(ms: i64) -> String {
    let mut rest = ms;
    let mut text = String::new();
    for (unit, scale) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= scale {
            text += &(rest / scale).to_string();
            text += unit;
            rest %= scale;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// A size as [`size_bytes`] reads it: `16MiB`.
pub fn write_size(bytes: usize) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fit = units.iter().find(|(_, scale)| bytes >= *scale && bytes.is_multiple_of(*scale));
    fit.map_or_else(|| format!("{bytes}B"), |(unit, scale)| format!("{}{unit}", bytes / scale))
}

fn parse(text: &str, units: Units, names: &'static str) -> Result<i64, UnitError> {
    match sum(text, units) {
        Some(Sum::Fits(total)) => Ok(total),
        Some(Sum::Overflows) => Err(UnitError::TooMuch(text.into())),
        None if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(UnitError::NoUnit(text.into(), names))
        }
        None => Err(meant(text, units).map_or_else(
            || UnitError::Unknown(text.into(), names),
            |meant| UnitError::Nearly(text.into(), meant),
        )),
    }
}

enum Sum {
    Fits(i64),
    Overflows,
}

/// Adds up number and unit, again and again; `None` where that is not what the text is.
fn sum(text: &str, units: Units) -> Option<Sum> {
    let mut total: Option<i64> = Some(0);
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, unit, after) = part(rest)?;
        let scale = units.iter().find(|(name, _)| *name == unit)?.1;
        let amount = digits.parse::<i64>().ok().and_then(|number| number.checked_mul(scale));
        total = total.zip(amount).and_then(|(total, amount)| total.checked_add(amount));
        rest = after;
    }
    if text.is_empty() { None } else { Some(total.map_or(Sum::Overflows, Sum::Fits)) }
}

/// The first digits, the letters after them, and the rest.
fn part(text: &str) -> Option<(&str, &str, &str)> {
    let (digits, rest) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(end);
    (!digits.is_empty()).then_some((digits, unit, after))
}

/// The text with blanks removed and units as they are written here, if that makes it one.
fn meant(text: &str, units: Units) -> Option<String> {
    let tight: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != ',').collect();
    let mut written = String::new();
    let mut rest = tight.as_str();
    while !rest.is_empty() {
        let (digits, unit, after) = part(rest)?;
        written += digits;
        written += known_unit(unit, units)?;
        rest = after;
    }
    matches!(sum(&written, units), Some(Sum::Fits(_))).then_some(written)
}

fn known_unit(unit: &str, units: Units) -> Option<&'static str> {
    let named =
        |name: &str| units.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|unit| unit.0);
    let mut spelled = WORDS.iter().filter(|(word, _)| word.eq_ignore_ascii_case(unit));
    units
        .iter()
        .find(|(known, _)| *known == unit)
        .map(|unit| unit.0)
        .or_else(|| named(unit))
        .or_else(|| spelled.find_map(|(_, name)| named(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_span(text: &str, expected: Result<i64, &str>) {
        assert_eq!(
            span_ms(text).map_err(|error| error.to_string()),
            expected.map_err(String::from),
            "{text}"
        );
    }

    fn check_size(text: &str, expected: Result<usize, &str>) {
        assert_eq!(
            size_bytes(text).map_err(|error| error.to_string()),
            expected.map_err(String::from),
            "{text}"
        );
    }

    #[test]
    fn a_duration_is_a_sum_of_numbers_with_units() {
        check_span("250ms", Ok(250));
        check_span("30s", Ok(30_000));
        check_span("5m", Ok(300_000));
        check_span("1h30m", Ok(5_400_000));
        check_span("1d", Ok(86_400_000));
        check_span("0s", Ok(0));
    }

    #[test]
    fn what_is_nearly_a_duration_is_told_how_to_be_one() {
        check_span("5 minutes", Err(r#""5 minutes": use "5m""#));
        check_span("1 hour, 30 min", Err(r#""1 hour, 30 min": use "1h30m""#));
        check_span("5M", Err(r#""5M": use "5m""#));
        check_span("5 m", Err(r#""5 m": use "5m""#));
        check_span("30", Err(r#""30" has no unit: use one of ms s m h d"#));
        check_span("soon", Err(r#""soon" is not a whole number with one of the units ms s m h d"#));
        check_span("", Err(r#""" is not a whole number with one of the units ms s m h d"#));
        check_span("-5m", Err(r#""-5m" is not a whole number with one of the units ms s m h d"#));
        check_span("1.5h", Err(r#""1.5h" is not a whole number with one of the units ms s m h d"#));
        check_span("99999999999999999999d", Err(r#""99999999999999999999d" is too much"#));
    }

    #[test]
    fn a_size_has_decimal_or_binary_units() {
        check_size("16MiB", Ok(16 << 20));
        check_size("1kB", Ok(1000));
        check_size("512B", Ok(512));
        check_size("16 mib", Err(r#""16 mib": use "16MiB""#));
        check_size("16M", Err(r#""16M": use "16MiB""#));
        check_size("16", Err(r#""16" has no unit: use one of B kB KiB MB MiB GB GiB"#));
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for ms in [0, 1, 999, 1000, 61_000, 5_400_000, 86_400_000 * 400 + 1] {
            assert_eq!(span_ms(&write_span(ms)), Ok(ms));
        }
        for bytes in [0, 1, 1000, 1024, 16 << 20, (1 << 30) + 1] {
            assert_eq!(size_bytes(&write_size(bytes)), Ok(bytes));
        }
    }
}
