//! Points in time as people name them on the command line.

use std::time::{SystemTime, UNIX_EPOCH};

use super::settings::Problem;
use crate::edge::kafka::Since;
use crate::flow::time::EventTime;
use crate::topology::units::span_ms;

/// `beginning`, `now`, a span before now, or a time.
pub(super) fn since(text: &str) -> Result<Since, Problem> {
    match text {
        "beginning" => return Ok(Since::Beginning),
        "now" => return Ok(Since::Now),
        _ => {}
    }
    if let Ok(span) = span_ms(text) {
        return Ok(Since::Time(now_ms() - span));
    }
    match EventTime::parse(text.as_bytes()) {
        Some(time) => Ok(Since::Time(time.as_ms())),
        None => Err(Problem(format!(
            "{text:?} is no point in time: expected beginning, now, a span such as 24h, or 2026-01-01T00:00:00Z"
        ))),
    }
}

#[expect(clippy::disallowed_methods, reason = "a span before now, as a person means it")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_times_are_told_apart() {
        assert_eq!(since("beginning").unwrap(), Since::Beginning);
        assert_eq!(since("1970-01-01T00:00:01Z").unwrap(), Since::Time(1000));
        assert!(matches!(since("24h").unwrap(), Since::Time(ms) if ms > 0));
        assert!(since("yesterday").is_err());
    }
}
