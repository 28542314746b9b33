//! What an anomaly is, for people.

use super::Band;
use super::forecast::{Outlook, Signal};
use super::novelty::Novel;

/// A value never seen before.
pub fn novelty(metric: &str, value: f64, known: Band, novel: Novel) -> String {
    match novel {
        Novel::Value if value > known.high => {
            format!("{metric} is higher than ever before: {} above {}", short(value), short(known.high))
        }
        Novel::Value if value < known.low => {
            format!("{metric} is lower than ever before: {} below {}", short(value), short(known.low))
        }
        Novel::Value => format!("{metric} is {}, between values seen before but near none", short(value)),
        Novel::Shape => format!("the last hours of {metric} look like none before"),
        Novel::Daytime => format!("{metric} has not been {} at this time of day", short(value)),
        Novel::Minimum => format!("the least {metric} of a while is one never seen before"),
    }
}

/// A value that was not expected here and now.
pub fn forecast(metric: &str, value: f64, expected: Option<Band>, outlook: Option<Outlook>) -> String {
    let between = expected
        .map_or(String::new(), |band| format!(", expected {} to {}", short(band.low), short(band.high)));
    match outlook.map(|outlook| outlook.signal) {
        Some(Signal::Up) | None => format!("{metric} is higher than expected now: {}{between}", short(value)),
        Some(Signal::Down) => format!("{metric} is lower than expected now: {}{between}", short(value)),
        Some(Signal::Shift) => format!("{metric} has moved to another level, near {}", short(value)),
        Some(Signal::Burst) => format!("{metric} varies more than it used to"),
        Some(Signal::Calm) => format!("{metric} varies less than it used to"),
        Some(Signal::Run) => format!("{metric} has been {} unusually long", short(value)),
    }
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
