//! Every command as a user types it.

use serde_json::Value;

use crate::support::{Folder, lines, reading};

#[test]
fn a_generated_fleet_is_read_back_in_every_format() {
    let folder = Folder::new();
    for format in ["ndjson", "csv", "json"] {
        let words = format!(
            "generate --entities 5 --hours 1 --interval 10s --incidents 2 --seed 7 --format {format} --labels labels.json"
        );
        let made = folder.run(&words).fine();
        folder.write(&format!("fleet.{format}"), &made.out);
        let ran = folder
            .run(&format!("replay fleet.{format} --set sink.emit=all --format ndjson --out out"))
            .fine();
        let readings: u64 =
            ran.reports().iter().map(|report| report["window"]["readings"].as_u64().unwrap()).sum();
        let late = lines(&folder.read("out/late.ndjson")).len() as u64;
        assert_eq!(folder.read("out/rejected.ndjson"), "", "{format}");
        assert!(readings + late > 1500 && readings > 1400, "{format}: {readings} and {late} late");
        let labels: Value = serde_json::from_str(&folder.read("labels.json")).unwrap();
        assert_eq!(labels["incidents"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn the_same_seed_makes_the_same_fleet() {
    let folder = Folder::new();
    let words = "generate --entities 3 --hours 0.5 --incidents 1 --seed";
    assert_eq!(folder.run(&format!("{words} 7")).fine().out, folder.run(&format!("{words} 7")).fine().out);
    assert_ne!(folder.run(&format!("{words} 7")).out, folder.run(&format!("{words} 8")).out);
}

#[test]
fn the_demo_finds_something_and_ends() {
    let ran = Folder::new().run("demo --speed max --hours 4").fine();
    assert!(ran.out.contains("high"), "{}", ran.out);
}

#[test]
fn fail_on_ends_with_3_when_something_that_bad_was_found() {
    let folder = Folder::new();
    folder.write(
        "in.json",
        reading(
            "a",
            0,
            &[(
                "service_status",
                serde_json::json!({"database": "offline", "api_gateway": "online", "cache": "online"}),
            )],
        ),
    );
    assert_eq!(folder.run("replay in.json --fail-on high").code, 3);
    assert_eq!(folder.run("replay in.json").code, 0);
    folder.write("in.json", reading("a", 0, &[]));
    assert_eq!(folder.run("replay in.json --fail-on low").code, 0);
}

#[test]
fn every_built_in_topology_is_fine_and_described_in_every_format() {
    let folder = Folder::new();
    for name in ["infrastructure", "minimal", "whole-file", "message"] {
        folder.run(&format!("topology check {name}")).fine();
        for format in ["text", "mermaid", "dot"] {
            let shown = folder.run(&format!("topology describe {name} --format {format}")).fine();
            assert!(shown.out.contains("detect"), "{}", shown.out);
        }
        let json: Value =
            serde_json::from_str(&folder.run(&format!("topology describe {name} --format json")).fine().out)
                .unwrap();
        assert!(json.is_object());
    }
}

#[test]
fn schemas_and_completions_are_printed() {
    let folder = Folder::new();
    for of in ["reading", "report", "topology"] {
        let schema: Value = serde_json::from_str(&folder.run(&format!("schema {of}")).fine().out).unwrap();
        assert_eq!(schema["type"], "object", "{of}");
    }
    assert!(folder.run("completions bash").fine().out.contains("tidewatch"));
}

#[test]
fn a_backtest_scores_every_detector_and_what_they_find_together() {
    let folder = Folder::new();
    let fleet = folder
        .run("generate --entities 3 --hours 6 --interval 30s --incidents 4 --seed 7 --labels labels.json");
    folder.write("fleet.ndjson", fleet.fine().out);
    let out = folder.run("backtest fleet.ndjson --labels labels.json --topology minimal").fine().out;
    assert!(out.contains("z-score") && out.contains("combined") && out.contains("precision"), "{out}");
    let both =
        folder.run("backtest fleet.ndjson --labels labels.json --compare minimal infrastructure").fine().out;
    assert!(
        both.contains("minimal\n") && both.contains("infrastructure\n") && both.contains("novelty"),
        "{both}"
    );
    folder.write("labels.json", "[]");
    let refused = folder.run("backtest fleet.ndjson --labels labels.json");
    assert!(refused.code == 1 && refused.err.contains("labels"), "{}", refused.err);
}

#[test]
fn state_is_listed_shown_and_verified() {
    let folder = Folder::new();
    let all: Vec<String> = (0..200).map(|at| reading("a", at * 10, &[])).collect();
    folder.write("in.ndjson", all.join("\n"));
    folder.run("replay in.ndjson --state s").fine();
    assert!(folder.run("state list s").fine().out.contains("infrastructure"));
    assert!(folder.run("state show s a").fine().out.contains("novelty"));
    assert!(folder.run("state verify s").fine().out.contains("fine"));
    assert_ne!(folder.run("state list nowhere").code, 0);
}

#[test]
fn recommendations_name_an_action_for_what_was_found() {
    let folder = Folder::new();
    folder.write(
        "in.json",
        reading(
            "web-1",
            0,
            &[(
                "service_status",
                serde_json::json!({"database": "offline", "api_gateway": "degraded", "cache": "online"}),
            )],
        ),
    );
    let report = folder.run("replay in.json --format ndjson").fine().reports().remove(0);
    let advice = report["recommendations"].as_array().unwrap();
    assert_eq!((advice.len(), &advice[0]["target"]), (2, &serde_json::json!("database")));
    assert_eq!(report["advice"]["source"], "rules");
    assert_eq!(report["incident"]["state"], "opened");
    let bare = folder.run("replay in.json --format ndjson --no-advice").fine().reports().remove(0);
    assert!(bare["recommendations"].as_array().unwrap().is_empty());
}

#[test]
fn a_message_is_reported_as_one_window() {
    let folder = Folder::new();
    let array = |from: u64| {
        let all: Vec<String> = (from..from + 100).map(|at| reading("a", at * 10, &[])).collect();
        format!("[{}]", all.join(","))
    };
    folder.write("in.ndjson", format!("{}\n{}\n", array(0), array(100)));
    let reports = folder.run("replay in.ndjson --topology message --format ndjson").fine().reports();
    assert_eq!(reports.len(), 2, "one report a record");
    assert!(reports.iter().all(|report| report["window"]["readings"] == 100));
}
