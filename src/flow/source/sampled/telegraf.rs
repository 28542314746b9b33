//! Telegraf's JSON: `{"name":"cpu","tags":{"host":"a"},"fields":{"usage_idle":98.1},"timestamp":1767225600}`. A series is
//! called `name.field`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::refused;
use super::room::{Amount, Point, Room};
use super::stamp::Stamp;
use crate::flow::record::Rejection;

#[derive(Deserialize)]
struct Metric {
    name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    fields: BTreeMap<String, Value>,
    #[serde(default)]
    timestamp: Value,
}

pub(super) fn read(bytes: &[u8], room: &mut Room) -> Result<(), Rejection> {
    let metric: Metric = serde_json::from_slice(bytes).map_err(|error| refused(&error))?;
    let tags: Vec<(String, String)> = metric.tags.into_iter().collect();
    let stamp = Stamp::of(Some(&metric.timestamp));
    let point = Point { group: &metric.name, tags: &tags, stamp: &stamp, unit: None, delta: false };
    for (field, value) in &metric.fields {
        room.take(&point, field, Amount::of(value));
    }
    Ok(())
}
