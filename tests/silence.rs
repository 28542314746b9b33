//! A host that goes quiet, and what a user sees of it.

use crate::support::Folder;

/// Two hours of three hosts, of which one is heard for an hour only.
fn fleet(folder: &Folder) {
    let made = folder.run("generate --entities 3 --hours 2 --interval 30s --incidents 0 --seed 5").fine();
    let text = String::from_utf8(made.out.into()).unwrap();
    let late = |line: &str| line.contains("host-00001") && !line.contains("T00:");
    folder.write("fleet.ndjson", text.lines().filter(|line| !late(line)).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_host_that_goes_quiet_is_told_once_with_the_time_it_was_missed() {
    let folder = Folder::new();
    fleet(&folder);
    let words = "replay fleet.ndjson --no-advice --format ndjson";
    let reports = folder.run(words).fine().reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    let (report, found) = (&reports[0], &reports[0]["anomalies"][0]);
    assert_eq!((&report["entity"], &report["window"]["readings"]), (&"host-00001".into(), &0.into()));
    assert_eq!(report["window"]["start"], "2026-01-01T01:00:00Z");
    assert_eq!(report["timestamp"], "2026-01-01T01:15:00Z");
    assert_eq!((&found["detector"], &found["metric"]), (&"silence".into(), &"readings".into()));
    assert_eq!(found["description"], "nothing was heard for 15 minutes, after readings in 12 windows");
    assert_eq!(report["incident"]["state"], "opened");
}

#[test]
fn silence_can_be_expected() {
    let folder = Folder::new();
    fleet(&folder);
    for mute in ["alert.2.detector=silence", "alert.2.entity=host-0*1"] {
        let words =
            format!("replay fleet.ndjson --no-advice --format ndjson --set {mute} --set alert.2.mute=true");
        assert_eq!(folder.run(&words).fine().reports().len(), 0, "{mute}");
    }
    let patient = folder
        .run("replay fleet.ndjson --no-advice --format ndjson --detector silence --set detect.0.after=2h");
    assert_eq!(patient.fine().reports().len(), 0);
}
