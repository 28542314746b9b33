//! What people say of findings, as a user of files sees it.

use serde_json::{Value, json};

use crate::support::Folder;

const TOPOLOGY: &str = r#"
name = "one"
[window]
size = "1m"
grace = "0s"
[[metric]]
name = "cpu"
[services]
required = false
[[detect]]
kind = "z-score"
baseline = "history"
warm_up = 30
threshold = 6
[incident]
resolve_after = "2m"
reopen_within = "1m"
"#;

/// Minutes with readings every ten seconds; in some of them cpu is as high as is said. What people say comes before a minute.
fn replayed(high: &[(u64, f64)], said: &[(u64, Value)]) -> Vec<Value> {
    let folder = Folder::new();
    folder.write("t.toml", TOPOLOGY);
    let mut lines = Vec::new();
    for minute in 0..60 {
        lines.extend(said.iter().filter(|(at, _)| *at == minute).map(|(_, said)| said.to_string()));
        for part in 0..6 {
            let second = minute * 60 + part * 10;
            let high = high.iter().find(|(at, _)| *at == minute && part == 3).map(|(_, value)| *value);
            let cpu = high.unwrap_or_else(|| 40.0 + ((second * 7 / 10) % 5) as f64);
            lines.push(
                json!({"timestamp": 1_767_225_600 + second, "entity": "web-1", "cpu": cpu}).to_string(),
            );
        }
    }
    folder.write("in.ndjson", lines.join("\n"));
    let ran = folder.run("replay in.ndjson --topology t.toml --no-advice --format ndjson").fine();
    ran.reports()
}

/// The minutes in which something was found.
fn told(reports: &[Value]) -> Vec<String> {
    let found = reports.iter().filter(|report| report["anomalies"][0].is_object());
    found.map(|report| report["window"]["start"].as_str().unwrap()[14..16].to_owned()).collect()
}

#[test]
fn what_was_said_to_be_expected_is_told_no_more_and_worse_is() {
    let high = [(20, 97.0), (30, 97.0), (40, 90.0), (50, 200.0)];
    let before = replayed(&high, &[]);
    assert_eq!(told(&before), ["20", "30", "40", "50"]);
    let (finding, id) = (&before[0]["anomalies"][0], &before[0]["incident"]["id"]);
    let expected = json!({"tidewatch": "expected", "entity": "web-1", "finding": finding, "incident": id, "note": "a backup"});
    let reports = replayed(&high, &[(25, expected)]);
    assert_eq!(told(&reports), ["20", "50"]);
    let opened = reports.iter().rfind(|report| report["incident"]["state"] == "opened").unwrap();
    let marked = json!([{"incident": id, "mark": "expected", "metric": "cpu", "note": "a backup"}]);
    assert_eq!(opened["marked"], marked);
    assert_eq!(before[0].get("marked"), None);
}

#[test]
fn a_mute_holds_for_one_entity_until_it_ends() {
    let high = [(20, 97.0), (30, 97.0), (40, 97.0)];
    let mute = |entity: &str| json!({"tidewatch": "mute", "entity": entity, "metric": "cpu", "until": "2026-01-01T00:35:00Z"});
    assert_eq!(told(&replayed(&high, &[(15, mute("web-1"))])), ["40"]);
    assert_eq!(told(&replayed(&high, &[(15, mute("web-2"))])), ["20", "30", "40"]);
    let unmute = json!({"tidewatch": "unmute", "entity": "web-1"});
    assert_eq!(told(&replayed(&high, &[(15, mute("web-1")), (25, unmute)])), ["30", "40"]);
}

#[test]
fn feedback_that_cannot_be_used_is_rejected_with_words() {
    let folder = Folder::new();
    folder.write("t.toml", TOPOLOGY);
    let reading = json!({"timestamp": 1_767_225_600, "entity": "web-1", "cpu": 1}).to_string();
    folder.write("in.ndjson", format!("{reading}\n{{\"tidewatch\":\"mute\",\"untill\":5}}\n"));
    folder.run("replay in.ndjson --topology t.toml --no-advice --out o").fine();
    let rejected = folder.read("o/rejected.ndjson");
    assert!(rejected.contains("wrong-type") && rejected.contains("untill"), "{rejected}");
}
