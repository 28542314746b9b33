//! The built-in rules, and which of them is taken.

use super::super::picture::sample::{finding, report};
use super::*;
use crate::flow::model::Schema;
use crate::flow::sink::report::Finding;

fn advised(anomalies: Vec<Finding>) -> Vec<Recommendation> {
    Runbook::built_in().recommend(&report("web-1", anomalies))
}

/// The first action for these `metric value` on one host, all of high severity.
fn check(signs: &[(&str, f64)], action: &str, target: &str) {
    let anomalies =
        signs.iter().map(|(metric, value)| finding("web-1", metric, *value, 10, Severity::High)).collect();
    let advice = advised(anomalies);
    assert!(advice[0].action.contains(action), "{signs:?}: {advice:#?}");
    assert_eq!(advice[0].target, target);
}

#[test]
fn every_judged_metric_has_rules_of_its_own_on_both_sides() {
    let rules = &Runbook::built_in().rules;
    for metric in Schema::native().metrics.iter().filter(|metric| metric.judged) {
        for side in [Side::Above, Side::Below] {
            let alone =
                |rule: &&Rule| rule.when == [Term { metric: metric.name.clone(), sides: Sides::Value(side) }];
            assert!(
                rules.iter().any(|rule| alone(&rule) && rule.from == Severity::Low),
                "{} {side:?}",
                metric.name
            );
        }
    }
}

#[test]
fn every_condition_names_a_metric_there_is_and_every_severity_grows() {
    let (rules, schema) = (&Runbook::built_in().rules, Schema::native());
    for (line, term) in Runbook::terms_of(rules) {
        let known = schema.index_of(&term.metric).is_some() || PATTERNS.contains(&term.metric.as_str());
        assert!(known, "line {line}: {}", term.metric);
    }
    for pair in rules.windows(2) {
        assert!(pair[0].when != pair[1].when || pair[0].from < pair[1].from, "line {}", pair[1].line);
    }
}

#[test]
fn what_shows_together_is_one_thing_to_do() {
    check(&[("memory_usage", 95.0), ("thread_count", 900.0)], "leak", "web-1");
    check(&[("error_rate", 50.0), ("latency_ms", 900.0)], "Roll back", "web-1");
    check(&[("service_status.database", 2.0), ("error_rate", 50.0)], "service over", "database");
    check(
        &[("temperature_celsius", 95.0), ("power_consumption_watts", 900.0), ("cpu_usage", 99.0)],
        "load",
        "web-1",
    );
    check(&[("network_in_kbps", 1.0), ("active_connections", 2.0)], "traffic", "web-1");
    check(&[("cpu_usage", 99.0), ("latency_ms", 900.0)], "Scale", "web-1");
    let both = advised(vec![
        finding("web-1", "memory_usage", 95.0, 10, Severity::High),
        finding("web-1", "thread_count", 900.0, 20, Severity::Low),
    ]);
    assert_eq!(both.len(), 1, "{both:#?}");
    assert_eq!(both[0].parameters["together"], json!(["memory_usage", "thread_count"]));
}

#[test]
fn a_disk_that_fills_is_told_with_the_time_that_is_left() {
    let rising = (0..10).map(|at| finding("a", "disk_usage", 60.0 + f64::from(at), at * 60, Severity::High));
    let advice = Runbook::built_in().recommend(&report("a", rising.collect()));
    assert!(advice[0].action.contains("31 minutes"), "{}", advice[0].action);
    assert_eq!(advice[0].parameters["hours_until_full"], json!(0.52));
}

#[test]
fn the_severity_that_is_reached_chooses_among_rules_of_one_metric() {
    let one = |severity| advised(vec![finding("web-1", "cpu_usage", 99.0, 10, severity)]).remove(0).action;
    assert_ne!(one(Severity::Low), one(Severity::High));
}

#[test]
fn a_rule_of_ones_own_goes_before_the_built_in_one() {
    let own = "cpu_usage above | high | Call the batch team about {entity} | they know it | pager=batch\n\
               service_status.database offline | high | Run the database fail-over | back in a minute";
    let runbook = Runbook::with(parse::rules(own).unwrap());
    let told = |finding| runbook.recommend(&report("web-1", vec![finding])).remove(0);
    let cpu = told(finding("web-1", "cpu_usage", 99.0, 10, Severity::High));
    assert_eq!(
        (cpu.action.as_str(), &cpu.parameters["pager"]),
        ("Call the batch team about web-1", &json!("batch"))
    );
    assert_eq!(
        told(finding("web-1", "service_status.database", 2.0, 1, Severity::High)).action,
        "Run the database fail-over"
    );
    assert_eq!(runbook.rules.len(), Runbook::built_in().rules.len() + 1);
}

#[test]
fn placeholders_in_a_name_stay_as_they_are() {
    let advice = Runbook::with(parse::rules("cpu_usage | low | Look at {entity} now | good").unwrap())
        .recommend(&report(
            "{entity}{metric}",
            vec![finding("{entity}{metric}", "cpu_usage", 30.0, 1, Severity::Low)],
        ));
    assert_eq!(advice[0].action, "Look at {entity}{metric} now");
}

#[test]
fn what_no_rule_knows_still_gets_something_to_do() {
    let advice = advised(vec![finding("web-1", "queue_depth", 99.0, 10, Severity::Low)]);
    assert!(advice[0].action.contains("queue_depth"), "{advice:?}");
    assert!(advised(Vec::new()).is_empty());
}
