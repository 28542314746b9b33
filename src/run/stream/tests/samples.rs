//! Records of other programs next to Kafka: what `route` makes of them is what `detect` understands.

use std::collections::BTreeMap;

use super::super::blueprint::Blueprint;
use super::input;
use crate::flow::record::{Extent, Format, Offset, Origin, Output, RawRecord, Role};
use crate::flow::samples::{SampleFormat, Sampled, Sampling, Selector};
use crate::flow::task::FlowName;

/// Telegraf's metrics in batches of two hosts: a gauge, and a counter that begins again once.
fn batches() -> Vec<String> {
    let batch = |step: u64| {
        let metric = |host: &str, name: &str, value: u64| {
            let time = input::START_SECOND + step * 2;
            format!(
                r#"{{"name":"{name}","tags":{{"host":"{host}"}},"fields":{{"v":{value}}},"timestamp":{time}}}"#
            )
        };
        let odd = if step == 37 { 900 } else { step % 5 };
        let counted = if step < 30 { step * 7 } else { (step - 30) * 9 };
        let metrics = [
            metric("a", "gauge", odd),
            metric("b", "counter", step * 3 + odd),
            metric("a", "counter", counted),
            metric("b", "gauge", step % 3),
        ];
        format!("{{\"metrics\":[{}]}}", metrics.join(","))
    };
    (0..60).map(batch).collect()
}

fn blueprint() -> Blueprint {
    let mut blueprint = input::blueprint(0);
    let schema = &mut blueprint.detection.schema;
    schema.metrics.iter_mut().for_each(|metric| metric.optional = true);
    let sampled = |from: &str, rate| Sampled { from: Selector::plain(from), scale: 1.0, rate };
    schema.sampling = Some(Box::new(Sampling {
        format: SampleFormat::Telegraf,
        entity: Some("host".into()),
        time: None,
        series: None,
        interval_ms: Some(2_000),
        metrics: vec![sampled("gauge.v", false), sampled("counter.v", true)],
    }));
    blueprint
}

fn run(blueprint: &Blueprint, flow: FlowName, records: &[(Option<Vec<u8>>, Vec<u8>)]) -> Vec<Output> {
    let mut flow = blueprint.flow(flow);
    for (at, (key, value)) in records.iter().enumerate() {
        flow.process(&[RawRecord {
            offset: Offset(at as u64),
            origin: Origin::default(),
            key: key.as_deref(),
            value,
            format: Format::Json,
            extent: Extent::Whole,
        }]);
    }
    flow.finish();
    flow.epoch(Offset(records.len() as u64)).outputs
}

fn findings(outputs: &[Output]) -> BTreeMap<Vec<u8>, Vec<String>> {
    let mut by_entity: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
    for output in outputs {
        assert_eq!(output.role, Role::Findings, "{output:?}");
        let text = String::from_utf8(output.value.clone()).unwrap();
        by_entity.entry(output.key.clone().unwrap()).or_default().push(text);
    }
    by_entity
}

#[test]
fn a_batch_of_several_hosts_is_routed_to_each_and_judged_as_if_it_had_not_been() {
    let records: Vec<_> = batches().into_iter().map(|batch| (None, batch.into_bytes())).collect();
    let routed = blueprint();
    let readings: Vec<_> = run(&routed, FlowName::Route, &records)
        .into_iter()
        .map(|output| {
            assert_eq!(output.role, Role::Readings);
            (output.key, output.value)
        })
        .collect();
    assert_eq!(readings.len(), 240, "every metric of a batch by itself, under its host");
    let judged = findings(&run(&routed, FlowName::Detect, &readings));
    let mut keyed = blueprint();
    keyed.inputs.retain(|(flow, _)| *flow != FlowName::Route);
    assert_eq!(judged, findings(&run(&keyed, FlowName::Detect, &records)));
    let all: Vec<&String> = judged.values().flatten().collect();
    assert!(all.iter().any(|report| report.contains("\"anomalies\":[{")), "{all:#?}");
}
