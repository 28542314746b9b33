//! The topology as JSON, for programs.

use serde_json::{Value, json};

use super::{Stage, Topic, stages, words};
use crate::flow::model::Services;
use crate::topology::Topology;

/// Name, fingerprint, metrics, services, and the stages with what each reads, does and writes.
pub fn json(topology: &Topology) -> Value {
    let (stages, output) = stages(topology);
    let next = stages.iter().skip(1).map(|stage| stage.reads).chain([output]);
    let listed: Vec<Value> = stages.iter().zip(next).map(|(stage, next)| stage_of(stage, next)).collect();
    let metrics: Vec<&str> = topology.schema.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let services = match &topology.schema.services {
        Services::Named { names, .. } => json!(names),
        Services::Any => json!("any"),
    };
    let detectors: Vec<Value> = topology
        .detectors
        .iter()
        .map(|settings| json!({"kind": settings.kind.name(), "settings": words::detector(settings)}))
        .collect();
    let warnings: Vec<String> = topology.warnings.iter().map(ToString::to_string).collect();
    json!({
        "name": topology.name,
        "fingerprint": topology.fingerprint(),
        "metrics": metrics,
        "services": services,
        "window": words::window(&topology.window),
        "detectors": detectors,
        "stages": listed,
        "warnings": warnings,
    })
}

fn stage_of(stage: &Stage<'_>, next: Topic<'_>) -> Value {
    let topic = |topic: &Topic<'_>| json!({"role": topic.role, "topic": topic.name, "holds": topic.holds});
    let writes: Vec<Value> = std::iter::once(&next).chain(&stage.aside).map(topic).collect();
    json!({"stage": stage.name, "reads": topic(&stage.reads), "does": stage.does, "writes": writes})
}
