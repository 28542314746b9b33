//! What an anomaly is, for people.

use super::forecast::{Outlook, Signal};
use super::novelty::Novel;
use super::{Band, Side};

/// A value never seen before in so many milliseconds, and on which side of the known it lies.
pub fn novelty(metric: &str, value: f64, known: Band, novel: Novel, since_ms: i64) -> (Side, String) {
    let long = span(since_ms);
    match novel {
        Novel::Value if value > known.high => (
            Side::Above,
            format!("{metric} is the highest in {long}: {} above {}", short(value), short(known.high)),
        ),
        Novel::Value if value < known.low => (
            Side::Below,
            format!("{metric} is the lowest in {long}: {} below {}", short(value), short(known.low)),
        ),
        Novel::Value => (
            Side::Neither,
            format!("{metric} is {}, between values seen in {long} but near none", short(value)),
        ),
        Novel::Shape => (Side::Neither, format!("the last hours of {metric} look like none in {long}")),
        Novel::Daytime => {
            (Side::Neither, format!("{metric} has not been {} at this time of day in {long}", short(value)))
        }
        Novel::Minimum => (Side::Neither, format!("the least {metric} of a while is one not seen in {long}")),
    }
}

/// A value that was not expected here and now, and on which side of what was it lies. `first` is what the outlook is
/// counted from; `stuck` tells that no other value has been seen lately.
pub fn forecast(
    metric: &str,
    value: f64,
    expected: Option<Band>,
    outlook: Option<Outlook>,
    first: f64,
    stuck: bool,
) -> (Side, String) {
    let between = expected
        .map_or(String::new(), |band| format!(", expected {} to {}", short(band.low), short(band.high)));
    match outlook.map(|outlook| outlook.signal) {
        Some(Signal::Up) | None => {
            (Side::Above, format!("{metric} is higher than expected now: {}{between}", short(value)))
        }
        Some(Signal::Down) => {
            (Side::Below, format!("{metric} is lower than expected now: {}{between}", short(value)))
        }
        Some(Signal::Shift) => {
            let middle = outlook.map_or(value, |outlook| first + outlook.expected);
            let side = if value < middle { Side::Below } else { Side::Above };
            (side, format!("{metric} has moved to another level, near {}", short(value)))
        }
        Some(Signal::Burst) => (Side::Neither, format!("{metric} varies more than it used to")),
        Some(Signal::Calm) if stuck => {
            (Side::Neither, format!("{metric} is stuck at {}: it used to vary", short(value)))
        }
        Some(Signal::Calm) => (Side::Neither, format!("{metric} varies less than it used to")),
        Some(Signal::Run) => (Side::Neither, format!("{metric} has been {} unusually long", short(value))),
    }
}

/// What to add where several metrics moved in one window.
pub fn together(metric: &str, first: &str, others: usize) -> String {
    let others = if others == 1 { "1 other metric".to_owned() } else { format!("{others} other metrics") };
    if metric == first { format!(" (moved first, {others} with it)") } else { format!(" (after {first})") }
}

/// A span as one would say it.
fn span(ms: i64) -> String {
    let units = [(86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes")];
    let unit = units.iter().find(|(unit_ms, _)| ms >= 2 * unit_ms);
    unit.map_or("all it has shown".into(), |(unit_ms, name)| format!("{} {name}", ms / unit_ms))
}

/// A number as one would say it: four digits, without zeros at the end.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e9).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = [1000.0, 100.0, 10.0].iter().filter(|limit| size < **limit).count();
    let digits = if size < 1.0 { 4 } else { digits };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_enough_to_be_read() {
        let texts = [0.0, 99.0, 1234.567, 3.1719, 0.012_345, -42.50, 1e12, 1e-9].map(short);
        assert_eq!(texts, ["0", "99", "1235", "3.172", "0.0123", "-42.5", "1.000e12", "1.000e-9"]);
    }
}
