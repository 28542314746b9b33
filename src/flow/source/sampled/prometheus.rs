//! The JSON of prometheus-kafka-adapter, which Prometheus writes to: one sample a record,
//! `{"timestamp":"2026-01-01T00:00:00Z","value":"0.5","name":"up","labels":{"instance":"a"}}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::refused;
use super::room::{Amount, Point, Room};
use super::stamp::Stamp;
use crate::flow::record::Rejection;

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    timestamp: Value,
    value: Value,
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

pub(super) fn read(bytes: &[u8], room: &mut Room) -> Result<(), Rejection> {
    let sample: Sample = serde_json::from_slice(bytes).map_err(|error| refused(&error))?;
    let tags: Vec<(String, String)> = sample.labels.into_iter().collect();
    let stamp = Stamp::of(Some(&sample.timestamp));
    let amount = match &sample.value {
        // How Prometheus marks a series that has ended.
        Value::String(text) if text == "NaN" => Amount::Absent,
        Value::String(text) => text.parse().map_or(Amount::Wrong("a string"), Amount::Number),
        other => Amount::of(other),
    };
    let point = Point { group: &sample.name, tags: &tags, stamp: &stamp, unit: None, delta: false };
    room.take(&point, "", amount);
    Ok(())
}
