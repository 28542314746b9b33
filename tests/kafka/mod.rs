//! Against a real broker: what users rely on, what goes wrong, and what it gets.

#![expect(clippy::disallowed_methods, reason = "processes and brokers live by the clock")]

mod advice;
mod broker;
mod chaos;
mod collectd;
mod commands;
mod documented;
mod feedback;
mod instance;
mod notify;
mod refusals;
mod rights;
mod secure;
mod trouble;

use serde_json::json;

use crate::support::reading;

/// Readings of so many entities, one each 10 s: odd, late, bad and array-wrapped ones among them.
fn fleet(entities: u64, ticks: std::ops::Range<u64>) -> Vec<String> {
    let mut lines = Vec::new();
    for tick in ticks {
        for entity in 0..entities {
            let (name, second) = (format!("host-{entity}"), tick * 10);
            let changes = match (tick * 31 + entity * 17) % 97 {
                0 => vec![("latency_ms", json!(900.0 + tick as f64))],
                1 => vec![("cpu_usage", json!(99.0)), ("error_rate", json!(20.0))],
                _ => Vec::new(),
            };
            match (tick * 7 + entity * 13) % 101 {
                0 => lines.push("{\"entity\":\"host-0\",".to_owned()),
                1 if tick > 30 => lines.push(reading(&name, second - 250, &changes)),
                2 => lines.push(format!(
                    "[{},{}]",
                    reading(&name, second, &[]),
                    reading(&name, second + 1, &changes)
                )),
                _ => lines.push(reading(&name, second, &changes)),
            }
        }
    }
    lines
}
