//! What a topology says arrives, and what it leaves out has its default.

use super::*;
use crate::flow::detect::settings::{Baseline, ClusterModel, Size};
use crate::flow::model::{Range, Services};
use crate::flow::window::settings::{TimeScope, WindowKind};

#[test]
fn settings_of_the_kafka_client_pass_through_however_they_are_nested() {
    let topology = right(&format!(
        "name = \"x\"\n{DETECT}[kafka]\nlinger.ms = 5\n[kafka.client]\n\"security.protocol\" = \"ssl\"\nenable.x = true\n"
    ));
    let pairs: Vec<String> =
        topology.kafka_client.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(pairs, ["enable.x=true", "linger.ms=5", "security.protocol=ssl"]);
}

#[test]
fn every_key_of_a_detector_arrives() {
    let topology = right(
        "name = \"x\"\n[[detect]]\nkind = \"clusters\"\nbaseline = \"window\"\nthreshold = 3\ncontamination = 0.1\n\
         warm_up = 5\nseed = 6\ntrees = 7\nsamples = 8\nrefit_every = 9\nreservoir = 10\nvariance = 0.5\n\
         quantile = 0.6\nclusters = 11\nmodel = \"gaussian-mixture\"\nrelearn_after = 12\nsize = \"small\"\n\
         false_alarms = 13\nagree = 14\nlearn_for = \"15s\"\nafter = \"16s\"\n",
    );
    let expected = Settings {
        kind: Kind::Clusters,
        baseline: Baseline::Window,
        threshold: Some(3.0),
        false_alarms: Some(13.0),
        agree: 14,
        learn_for_ms: 15_000,
        after_ms: 16_000,
        contamination: 0.1,
        warm_up: 5,
        seed: 6,
        trees: 7,
        samples: 8,
        refit_every: 9,
        reservoir: 10,
        variance: 0.5,
        quantile: 0.6,
        clusters: 11,
        model: ClusterModel::GaussianMixture,
        relearn_after: 12,
        size: Size::Small,
    };
    assert_eq!(topology.detectors, [expected]);
}

#[test]
fn every_default_of_the_table_is_the_default_of_the_code() {
    for key in keys::KEYS.iter().filter(|key| !key.default.is_empty()) {
        let written = file::read_value(&key.default.replace("<name>", "x"), &Place::Unsaid);
        assert_eq!(key.takes.read(&written).err(), None, "{}", key.path);
    }
    let keys = keys::KEYS.iter().filter(|key| key.path.starts_with("detect.") && !key.default.is_empty());
    let said: Vec<(String, String)> = keys
        .map(|key| (key.path.replace("detect.", "detect.0."), key.default.trim_matches('"').into()))
        .collect();
    for kind in Kind::ALL {
        let mut said = said.clone();
        said.push(("detect.0.kind".into(), kind.name().into()));
        let topology = with_overrides("name = \"x\"", &said).unwrap();
        assert_eq!(topology.detectors, [Settings::of(*kind)]);
    }
}

#[test]
fn a_minimal_topology_has_the_defaults_of_the_interface() {
    let topology = minimal_with(&[]);
    assert_eq!(topology.source.topic, "infra-input");
    assert_eq!(topology.source.keyed_by, KeyedBy::Anything);
    assert_eq!(topology.source.max_payload_bytes, 16 << 20);
    assert_eq!(topology.schema, Schema::native());
    assert_eq!(topology.window.kind, WindowKind::Tumbling { size_ms: 300_000 });
    assert_eq!((topology.window.grace_ms, topology.window.time), (30_000, TimeScope::Partition));
    assert_eq!((topology.window.max_jump_ms, topology.window.max_entities), (Some(86_400_000), 2_000_000));
    assert_eq!(topology.incident, None);
    assert_eq!(topology.sink.topic, "infra-output");
    assert_eq!(topology.sink.findings, "minimal-findings");
    assert_eq!(topology.sink.changelog, "minimal-changelog");
    assert_eq!(topology.sink.emit, Emit::Findings);
}

#[test]
fn own_metrics_replace_the_native_ones_and_free_the_services() {
    let topology = right(&format!(
        "name = \"x\"\n{DETECT}[[metric]]\nname = \"v\"\nunit = \"%\"\nrange = [0, inf]\njudged = false\noptional = true\n"
    ));
    let metric = &topology.schema.metrics[0];
    assert_eq!(
        (metric.name.as_str(), metric.unit.as_str(), metric.judged, metric.optional),
        ("v", "%", false, true)
    );
    assert_eq!(metric.range, Range { low: 0.0, high: f64::INFINITY, above_low: false });
    assert_eq!(topology.schema.services, Services::Any);
    assert_eq!(topology.warnings[0].path, "metric");
}

#[test]
fn services_are_named_or_any() {
    let named = |names: &[&str], required| Services::Named {
        names: names.iter().copied().map(String::from).collect(),
        required,
    };
    let services = |overrides: &[(&str, &str)]| minimal_with(overrides).schema.services;
    assert_eq!(
        services(&[("services.required", "false")]),
        named(&["database", "api_gateway", "cache"], false)
    );
    assert_eq!(services(&[("services.names", "[\"a\"]")]), named(&["a"], true));
    assert_eq!(services(&[("services.any", "true")]), Services::Any);
    check_flags(
        &[("services.names", "[\"a\"]"), ("services.any", "true")],
        &["--set services.any: services.any and services.names exclude each other"],
    );
    check_flags(
        &[("services.names", "[\"a\", \"a\"]")],
        &["--set services.names: services.names must be names, each once: \"a\" is not"],
    );
}
