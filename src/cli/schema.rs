//! `tidewatch schema reading|report|topology`.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::settings::{self, Environment};
use super::{Exit, TopologyChoice};
use crate::flow::model::{Range, Schema, Services};
use crate::flow::sink::report::Report;

/// The flags of `schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaFlags {
    /// Of what
    of: Subject,
    #[command(flatten)]
    choice: TopologyChoice,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Subject {
    /// What goes in, by the topology's metrics and services
    Reading,
    /// What comes out
    Report,
    /// A topology file
    Topology,
}

/// Prints the schema to stdout.
pub(super) fn run(flags: &SchemaFlags, environment: &Environment) -> Exit {
    let schema = match flags.of {
        Subject::Report => schemars::schema_for!(Report).to_value(),
        Subject::Topology => crate::topology::json_schema(),
        Subject::Reading => match settings::load(&flags.choice, environment) {
            Ok(topology) => of_reading(&topology.schema),
            Err(problem) => return Exit::configuration(&problem),
        },
    };
    super::replay::print(format!("{schema:#}\n").as_bytes())
}

/// What a reading of that schema looks like.
fn of_reading(schema: &Schema) -> Value {
    let mut properties = Map::new();
    let mut required = vec![json!("timestamp")];
    properties.insert(
        "timestamp".into(),
        json!({"description": "RFC 3339, or seconds or milliseconds since 1970", "type": ["string", "number"]}),
    );
    properties.insert("entity".into(), json!({"type": "string", "minLength": 1, "maxLength": 256}));
    for metric in &schema.metrics {
        properties.insert(metric.name.clone(), of_metric(metric.range, &metric.unit, metric.optional));
        if !metric.optional {
            required.push(json!(metric.name));
        }
    }
    let status = json!({"enum": ["online", "degraded", "offline"]});
    let services = match &schema.services {
        Services::Any => json!({"type": "object", "additionalProperties": status}),
        Services::Named { names, required: all } => {
            let each: Map<String, Value> = names.iter().map(|name| (name.clone(), status.clone())).collect();
            if *all {
                required.push(json!("service_status"));
            }
            let needed = if *all { names.clone() } else { Vec::new() };
            json!({"type": "object", "properties": each, "required": needed, "additionalProperties": false})
        }
    };
    properties.insert("service_status".into(), services);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Reading",
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

fn of_metric(range: Range, unit: &str, optional: bool) -> Value {
    let kind = if optional { json!(["number", "null"]) } else { json!("number") };
    let mut metric = Map::from_iter([("type".to_owned(), kind)]);
    if !unit.is_empty() {
        metric.insert("description".into(), json!(format!("in {unit}")));
    }
    if range.low.is_finite() {
        metric.insert(if range.above_low { "exclusiveMinimum" } else { "minimum" }.into(), json!(range.low));
    }
    if range.high.is_finite() {
        metric.insert("maximum".into(), json!(range.high));
    }
    Value::Object(metric)
}
