//! What a false-alarm rate promises, next to quiet fleets that it was not measured on.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Folder;

/// Metrics that are judged, without `disk_usage`: its weekly clean-up is a step that no threshold is meant to hide.
const METRICS: f64 = 11.0;

/// Alarms of a detector after the first day, and how many its rate stands for.
fn alarms(folder: &Folder, kind: &str, false_alarms: f64) -> (f64, f64) {
    folder.write(
        "t.toml",
        format!(
            "name = \"t\"\n[[detect]]\nkind = \"{kind}\"\nfalse_alarms = {false_alarms}\nlearn_for = \"1d\"\n"
        ),
    );
    let ran = folder.run("replay quiet.ndjson --topology t.toml --no-advice --format ndjson").fine();
    let mut told = 0;
    for report in ran.reports() {
        for anomaly in report["anomalies"].as_array().unwrap() {
            let late = anomaly["timestamp"].as_str().unwrap() >= "2026-01-02";
            told += u32::from(late && anomaly["metric"] != "disk_usage");
        }
    }
    // Six hosts, six days after the first, a reading a minute.
    (f64::from(told), 6.0 * 6.0 * 1440.0 * METRICS * false_alarms / 1e6)
}

#[test]
fn quiet_fleets_raise_as_many_false_alarms_as_stated() {
    let folder = Folder::new();
    let made = folder.run("generate --entities 6 --hours 168 --interval 60s --incidents 0 --seed 77").fine();
    folder.write("quiet.ndjson", &made.out);
    for kind in ["forecast", "novelty"] {
        let (told, stated) = alarms(&folder, kind, 100.0);
        assert!(told > stated / 2.0 && told < stated * 2.0, "{kind}: {told} of {stated}");
    }
}

#[test]
fn the_example_of_the_readme_finds_its_six_incidents_and_nothing_else() {
    let folder = Folder::new();
    let words = "generate --entities 50 --hours 6 --incidents 6 --seed 7 --labels labels.json";
    let made = folder.run(words).fine();
    folder.write("fleet.ndjson", &made.out);
    let labels: Value = serde_json::from_str(&folder.read("labels.json")).unwrap();
    let labelled: BTreeSet<&str> = labels["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|incident| incident["entity"].as_str().unwrap())
        .collect();
    let ran = folder.run("replay fleet.ndjson --no-advice --format ndjson").fine();
    let reports = ran.reports();
    let opened = reports.iter().filter(|report| report["incident"]["state"] == "opened");
    let found: Vec<&str> = opened.map(|report| report["entity"].as_str().unwrap()).collect();
    assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), labelled);
    assert_eq!(found.len(), 6, "each once: {found:?}");
}
