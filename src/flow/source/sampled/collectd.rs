//! What collectd's `write_kafka` sends with `Format JSON`: an array of value lists. A series is called
//! `plugin.type.dsname`; its tags are `host`, `plugin_instance` and `type_instance`.

use serde::Deserialize;
use serde_json::Value;

use super::refused;
use super::room::{Amount, Point, Room};
use super::stamp::Stamp;
use crate::flow::record::{Reason, Rejection};

#[derive(Deserialize)]
struct ValueList {
    values: Vec<Value>,
    dsnames: Vec<String>,
    #[serde(default)]
    time: Value,
    host: String,
    plugin: String,
    #[serde(default)]
    plugin_instance: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    type_instance: String,
}

pub(super) fn read(bytes: &[u8], room: &mut Room) -> Result<(), Rejection> {
    let list: ValueList = serde_json::from_slice(bytes).map_err(|error| refused(&error))?;
    if list.values.len() != list.dsnames.len() {
        let detail = format!("{} values of {} data sources", list.values.len(), list.dsnames.len());
        return Err(Rejection::new(Reason::WrongType, detail));
    }
    let tag = |name: &str, value: String| (name.to_owned(), value);
    let tags = [
        tag("host", list.host),
        tag("plugin_instance", list.plugin_instance),
        tag("type_instance", list.type_instance),
    ];
    let stamp = Stamp::of(Some(&list.time));
    let group = format!("{}.{}", list.plugin, list.kind);
    let point = Point { group: &group, tags: &tags, stamp: &stamp, unit: None, delta: false };
    for (name, value) in list.dsnames.iter().zip(&list.values) {
        room.take(&point, name, Amount::of(value));
    }
    Ok(())
}
