//! What the view keeps, and that it stays bounded whatever comes.

use serde_json::json;

use super::*;
use crate::flow::record::{Origin, Rejection};
use crate::flow::time::EventTime;

fn glance(entity: &str, minute: i64, value: f32) -> Glance {
    let end = EventTime::from_ms(minute * 60_000).unwrap();
    Glance { entity: entity.into(), end, learning: false, means: vec![Some(value); 13] }
}

/// A report of an entity's incident: with an anomaly of `cpu_usage` unless it resolves.
fn report(entity: &str, incident: &str, minute: i64, state: &str) -> Output {
    let time = |minute: i64| EventTime::from_ms(minute * 60_000).unwrap().to_string();
    let anomaly = json!({
        "metric": "cpu_usage", "value": 99.0, "threshold": 88.0, "severity": "high", "description": "too much",
        "timestamp": time(minute - 1), "entity": entity, "detector": "z-score", "score": 0.9,
        "expected": {"low": 20.0, "high": 88.0}, "contributions": [{"metric": "cpu_usage", "share": 1.0}],
    });
    let value = json!({
        "timestamp": time(minute), "entity": entity,
        "window": {"start": time(minute - 5), "end": time(minute), "readings": 30},
        "insights": {}, "anomalies": if state == "resolved" { json!([]) } else { json!([anomaly]) },
        "recommendations": [{"id": "1", "action": "add a core", "target": entity, "parameters": {}, "benefit_estimate": "less load"}],
        "incident": {"id": incident, "state": state, "since": time(minute - 5)},
        "service_status_summary": {"online": [], "degraded": [], "offline": ["cache"]},
    });
    let value = value.to_string().into_bytes();
    Output { role: Role::Reports, number: 0, key: None, value, refused: None }
}

fn fleet() -> Fleet {
    Fleet::new(&Schema::native())
}

#[test]
fn an_incident_opens_with_its_reasons_and_is_over_when_it_resolves() {
    let mut fleet = fleet();
    for minute in [5, 10, 15] {
        fleet.take(None, &[glance("a", minute, 40.0)], &[]);
    }
    fleet.take(None, &[glance("a", 20, 99.0)], &[report("a", "i1", 20, "opened")]);
    let before = fleet.changes(0);
    assert_eq!(before["entities"], json!([[0, "a", Health::High.number()]]));
    assert_eq!(before["incidents"][0]["why"], "too much");
    assert_eq!(before["incidents"][0]["action"], "add a core");
    let one = fleet.incident("i1").unwrap();
    assert_eq!(one["plots"][0]["points"].as_array().unwrap().len(), 4);
    assert_eq!(one["plots"][0]["marks"], json!([[19 * 60_000, 99.0]]));
    assert_eq!(one["plots"][0]["expected"], json!({"low": 20.0, "high": 88.0}));
    let version = fleet.version();
    assert!(fleet.changes(version).get("incidents").is_none());
    fleet.take(None, &[glance("a", 25, 40.0)], &[report("a", "i1", 25, "resolved")]);
    let after = fleet.changes(version);
    assert_eq!(after["entities"], json!([[0, "a", Health::Healthy.number()]]));
    assert_eq!(after["incidents"][0]["open"], false);
    assert_eq!(fleet.entity_named("a").unwrap()["incidents"][0]["id"], "i1");
}

#[test]
fn findings_and_reports_of_one_window_are_counted_once() {
    let mut fleet = fleet();
    let mut finding = report("a", "i1", 20, "opened");
    finding.role = Role::Findings;
    fleet.take(None, &[], &[finding, report("a", "i1", 20, "opened")]);
    let one = fleet.incident("i1").unwrap();
    assert_eq!((&one["windows"], &one["anomalies"]), (&json!(1), &json!(1)));
}

#[test]
fn incidents_entities_and_points_are_bounded() {
    let mut fleet = fleet();
    for number in 0..MOST_INCIDENTS + 50 {
        fleet.take(None, &[], &[report("a", &format!("i{number}"), 20, "opened")]);
    }
    assert_eq!((fleet.incidents.len(), fleet.order.len()), (MOST_INCIDENTS, MOST_INCIDENTS));
    let glances: Vec<Glance> =
        (0..MOST_ENTITIES as i64 + 100).map(|at| glance(&format!("host-{at}"), 5, 1.0)).collect();
    fleet.take(None, &glances, &[]);
    assert_eq!(fleet.entities.len(), MOST_ENTITIES);
    assert!(fleet.left_out >= 100);
    for minute in 0..1000 {
        fleet.take(None, &[glance("a", minute, 1.0)], &[]);
    }
    assert!(fleet.entities[0].points.len() <= 144);
}

#[test]
fn the_report_shows_names_as_text_and_stays_small() {
    let mut fleet = fleet();
    let name = "<script>alert(1)</script>";
    for minute in 0..200 {
        fleet.take(None, &[glance(name, minute * 5, 40.0)], &[]);
    }
    for number in 0..500 {
        let minute = 1000 + number * 5;
        let output = report(name, &format!("i{number}"), minute, "opened");
        fleet.take(Some(&Counts { late: 1, ..Counts::default() }), &[glance(name, minute, 99.0)], &[output]);
    }
    let refused = Rejection::new(Reason::Late, "<b>late</b>");
    let origin = Origin { input: 0, position: 0, line: 0 };
    let late = Output {
        role: Role::Late,
        number: 0,
        key: None,
        value: b"<img src=x>".to_vec(),
        refused: Some((refused, origin)),
    };
    fleet.take(None, &[], &[late]);
    let page = fleet.report_html(false);
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"));
    assert!(
        page.contains("&lt;script&gt;") && page.contains("class=band") && page.contains("350 more incidents")
    );
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
}

#[test]
fn a_report_that_is_none_changes_nothing() {
    let mut fleet = fleet();
    let mut output = report("a", "i1", 20, "opened");
    output.value = b"{\"anomalies\":1}".to_vec();
    fleet.take(None, &[], &[output]);
    assert!(fleet.incidents.is_empty());
}
