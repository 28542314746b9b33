//! The JSON Schema of a topology file, for editors: made from the table of keys.

use serde_json::{Map, Value as Json, json};

use super::file::{Value, read_value};
use super::keys::{KEYS, Key, SECTIONS, Section, split};
use super::problem::Place;
use super::takes::{Bounds, MAX_NAME_BYTES, MAX_TOPIC_BYTES, Takes, kind_names};
use crate::flow::model::MAX_SERVICES;

const SPAN: &str = "^([0-9]+(ms|s|m|h|d))+$";
const SIZE: &str = "^([0-9]+(B|kB|KiB|MB|MiB|GB|GiB))+$";

/// The JSON Schema (2020-12) of a topology.
pub fn json_schema() -> Json {
    let mut properties = properties_of("");
    for section in SECTIONS {
        properties.insert(section.name.into(), section_schema(section));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tidewatch topology",
        "type": "object",
        "properties": properties,
        "required": ["name", "detect"],
        "additionalProperties": false,
    })
}

fn section_schema(section: &Section) -> Json {
    if section.name == "kafka" {
        let setting = json!({"type": ["string", "number", "boolean", "object"]});
        return json!({"description": section.doc, "type": "object", "additionalProperties": setting});
    }
    let required: &[&str] = match section.name {
        "detect" => &["kind"],
        "metric" => &["name"],
        _ => &[],
    };
    let table = json!({
        "type": "object",
        "properties": properties_of(section.name),
        "required": required,
        "additionalProperties": false,
    });
    match section.most {
        Some(most) => {
            json!({"description": section.doc, "type": "array", "items": table, "minItems": 1, "maxItems": most})
        }
        None => with(table, "description", section.doc.into()),
    }
}

fn properties_of(section: &str) -> Map<String, Json> {
    let keys = KEYS.iter().filter(|key| split(key.path).0 == section);
    keys.map(|key| (split(key.path).1.to_owned(), key_schema(key))).collect()
}

fn key_schema(key: &Key) -> Json {
    let kinds: Vec<&str> = key.kinds.iter().map(|kind| kind.name()).collect();
    let doc =
        if kinds.is_empty() { key.doc.to_owned() } else { format!("{} ({})", key.doc, kinds.join(", ")) };
    let described = with(type_schema(key.takes), "description", doc.into());
    match default_of(key) {
        Some(default) => with(described, "default", default),
        None => described,
    }
}

fn with(mut schema: Json, name: &str, value: Json) -> Json {
    schema[name] = value;
    schema
}

/// The default, where it is the same in every topology and JSON can say it.
fn default_of(key: &Key) -> Option<Json> {
    if key.default.is_empty() || key.default.contains('<') {
        return None;
    }
    match read_value(key.default, &Place::Unsaid).value {
        Value::Text(text) => Some(text.into()),
        Value::Integer(number) => Some(number.into()),
        Value::Float(number) => Some(number.into()),
        Value::Boolean(flag) => Some(flag.into()),
        Value::Date(_) | Value::Huge(_) | Value::List(_) | Value::Table(_) => None,
    }
}

fn type_schema(takes: Takes) -> Json {
    let name = |most: usize| json!({"type": "string", "pattern": format!("^[A-Za-z0-9._-]{{1,{most}}}$")});
    let span = || json!({"type": "string", "pattern": SPAN});
    match takes {
        Takes::Name => name(MAX_NAME_BYTES),
        Takes::Topic => name(MAX_TOPIC_BYTES),
        Takes::Text { high_bytes } => json!({"type": "string", "minLength": 1, "maxLength": high_bytes}),
        Takes::Label { high_bytes } => json!({"type": "string", "maxLength": high_bytes}),
        Takes::Word(words) => json!({"enum": words}),
        Takes::Detector => json!({"enum": kind_names()}),
        Takes::Boolean => json!({"type": "boolean"}),
        Takes::Number(bounds) => number_schema(bounds),
        Takes::Integer { low, high } => json!({"type": "integer", "minimum": low, "maximum": high}),
        Takes::Span { .. } => span(),
        Takes::SpanOrOff { .. } => json!({"anyOf": [span(), {"const": "off"}]}),
        Takes::SpanOrCount { high_count, .. } => {
            json!({"anyOf": [span(), {"type": "integer", "minimum": 1, "maximum": high_count}]})
        }
        Takes::Size { high_bytes } => {
            json!({"anyOf": [{"type": "string", "pattern": SIZE}, {"type": "integer", "minimum": 1, "maximum": high_bytes}]})
        }
        Takes::Names => {
            json!({"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": true, "maxItems": MAX_SERVICES})
        }
        Takes::Range => json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
    }
}

fn number_schema(bounds: Bounds) -> Json {
    let schema = json!({"type": "number", "exclusiveMinimum": bounds.low});
    match (bounds.high.is_finite(), bounds.below_high) {
        (false, _) => schema,
        (true, true) => with(schema, "exclusiveMaximum", bounds.high.into()),
        (true, false) => with(schema, "maximum", bounds.high.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_schema_with_its_description() {
        let schema = json_schema();
        for key in KEYS {
            let (section, name) = split(key.path);
            let table = &schema["properties"][section];
            let properties = match section {
                "" => &schema["properties"],
                "metric" | "detect" | "alert" | "notify" => &table["items"]["properties"],
                _ => &table["properties"],
            };
            let described = properties[name]["description"].as_str().unwrap_or_default();
            assert!(described.starts_with(key.doc), "{}", key.path);
        }
    }

    #[test]
    fn limits_and_defaults_of_the_table_are_in_the_schema() {
        let detect = &json_schema()["properties"]["detect"]["items"]["properties"];
        assert_eq!(detect["contamination"]["maximum"], 0.5);
        assert_eq!(detect["contamination"]["default"], 0.05);
        assert_eq!(detect["trees"]["maximum"], 10_000);
        assert_eq!(detect["kind"]["enum"][0], "z-score");
        assert_eq!(json_schema()["properties"]["window"]["properties"]["size"]["default"], "5m");
    }
}
