//! Descriptions, compared with what they should be.

use super::*;
use crate::topology::{builtin, parse, with_overrides};

fn infrastructure() -> Topology {
    parse(builtin("infrastructure").unwrap()).unwrap()
}

#[test]
fn text_reads_top_to_bottom_in_the_order_data_flows() {
    assert_eq!(text(&infrastructure()), include_str!("golden/infrastructure.txt"));
}

#[test]
fn mermaid_draws_stages_and_topics() {
    assert_eq!(mermaid(&infrastructure()), include_str!("golden/infrastructure.mmd"));
}

#[test]
fn dot_draws_stages_and_topics() {
    assert_eq!(dot(&infrastructure()), include_str!("golden/infrastructure.dot"));
}

#[test]
fn routing_is_left_out_where_producers_key_by_entity() {
    let overrides = [("source.keyed_by".into(), "entity".into()), ("advise.enabled".into(), "false".into())];
    let topology = with_overrides(builtin("whole-file").unwrap(), &overrides).unwrap();
    assert_eq!(text(&topology), include_str!("golden/keyed_by_entity.txt"));
}

#[test]
fn json_names_what_every_stage_reads_and_writes() {
    let json = json(&infrastructure());
    assert_eq!(json["stages"][0]["stage"], "route");
    assert_eq!(json["stages"][0]["writes"][0]["topic"], "infrastructure-readings");
    assert_eq!(json["stages"][1]["reads"]["topic"], "infrastructure-readings");
    assert_eq!(json["stages"][2]["writes"][0]["topic"], "infra-output");
    assert_eq!(json["detectors"][0]["kind"], "novelty");
    assert_eq!(json["services"][2], "cache");
}
