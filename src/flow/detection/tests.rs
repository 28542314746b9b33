//! How much of what is learned is written, and when; what is counted; who is remembered.

use super::*;
use crate::flow::record::{Extent, Format, Origin, Role};
use crate::flow::sink::report::Report;

/// Windows of a minute in which a z-score is learned of each entity.
fn learning(keeping: Keeping) -> Detection {
    let text = "name = \"t\"\n[window]\nsize = \"1m\"\ngrace = \"0s\"\n[[metric]]\nname = \"cpu\"\n[[metric]]\nname = \"load\"\n\
                [[detect]]\nkind = \"z-score\"\n";
    Detection::new(&crate::topology::parse(text).expect("it is a good topology").detection(false, keeping))
}

/// Bytes of input and of learned rows, epoch by epoch: a minute of 40 entities each, with a reading apiece.
fn bytes(keeping: Keeping) -> Vec<(usize, Vec<usize>)> {
    let mut flow = learning(keeping);
    let minute = |minute: u64| {
        let mut records = Vec::new();
        for entity in 0..40 {
            let time = 1_767_225_600 + minute * 60 + entity;
            let value = format!(r#"{{"timestamp":{time},"cpu":{},"load":2.5}}"#, minute % 7);
            records.push((format!("host-{entity:04}").into_bytes(), value.into_bytes()));
        }
        records
    };
    let mut epochs = Vec::new();
    for number in 0..60 {
        let records = minute(number);
        for (key, value) in &records {
            flow.process(&[RawRecord {
                offset: Offset(number),
                origin: Origin::default(),
                key: Some(key),
                value,
                format: Format::Json,
                extent: Extent::Whole,
            }]);
        }
        let epoch = flow.epoch(Offset(number + 1));
        let rows = epoch.changes.iter().filter(|change| change.table == FIRST_DETECTOR);
        let rows = rows.map(|change| change.key.len() + change.row.as_ref().map_or(0, Vec::len)).collect();
        epochs.push((records.iter().map(|(key, value)| key.len() + value.len()).sum(), rows));
    }
    epochs
}

#[test]
fn rows_take_their_share_of_the_inputs_bytes_and_no_more() {
    for share in [0.05, 0.2] {
        let (mut taken, mut written, mut largest) = (0, 0, 0);
        for (input, rows) in bytes(Keeping::Checkpoints { share }) {
            taken += input;
            written += rows.iter().sum::<usize>();
            largest = rows.into_iter().max().unwrap_or(0).max(largest);
            // The last one may be larger than what was left.
            assert!(written as f64 <= share * taken as f64 + largest as f64, "{share}: {written} of {taken}");
        }
        assert!(written as f64 > share * taken as f64 - largest as f64, "{share}: {written} of {taken}");
        assert!(written > 10 * largest, "{share}: {written}");
    }
}

#[test]
fn where_there_is_room_every_row_is_written_with_its_window() {
    for keeping in [Keeping::Checkpoints { share: 5.0 }, Keeping::Everything] {
        let epochs = bytes(keeping);
        // A minute's windows close with the next one's readings.
        assert!(epochs[1..].iter().all(|(_, rows)| rows.len() == 40), "{epochs:?}");
    }
}

const WATCHING: &str = r#"
name = "t"
[window]
size = "1m"
grace = "0s"
[[metric]]
name = "cpu"
[services]
any = true
[[detect]]
kind = "status"
[incident]
resolve_after = "1m"
reopen_within = "2m"
"#;

/// Takes readings, an entity and a minute each; with a `!` its service is offline.
fn feed(flow: &mut Detection, words: &[String]) {
    for (at, word) in words.iter().enumerate() {
        let status = if word.ends_with('!') { "offline" } else { "online" };
        let (entity, minute) = word.trim_end_matches('!').split_once('@').unwrap();
        let time = 1_767_225_600 + 60 * minute.parse::<u64>().unwrap();
        let value = format!(
            r#"{{"timestamp":{time},"entity":"{entity}","cpu":{},"service_status":{{"db":"{status}"}}}}"#,
            time / 60 % 5
        );
        flow.process(&[RawRecord {
            offset: Offset(at as u64),
            origin: Origin::default(),
            key: None,
            value: value.as_bytes(),
            format: Format::Json,
            extent: Extent::Whole,
        }]);
    }
}

fn watching(more: &str, keeping: Keeping) -> Detection {
    let text = format!("{WATCHING}{more}");
    let settings = crate::topology::parse(&text).expect("it is a good topology").detection(false, keeping);
    Detection::new(&DetectionSettings { glances: true, ..settings })
}

fn words(minutes: std::ops::Range<u64>, entities: &[&str]) -> Vec<String> {
    minutes.flat_map(|minute| entities.iter().map(move |entity| format!("{entity}@{minute}"))).collect()
}

#[test]
fn windows_findings_and_incidents_are_counted_once() {
    let learning =
        "[[detect]]\nkind = \"z-score\"\nwarm_up = 6\n[[detect]]\nkind = \"silence\"\nafter = \"3m\"\n";
    let mut flow = watching(learning, Keeping::Nothing);
    let mut all = words(0..14, &["a", "b"]);
    all[10] = "a@5!".to_owned();
    all.extend(words(14..24, &["a"]));
    feed(&mut flow, &all);
    flow.finish();
    let epoch = flow.epoch(Offset(all.len() as u64));
    let counts = &epoch.counts;
    assert_eq!((counts.records, counts.windowed, counts.closed), (38, 38, 38));
    // Of each entity the first six; the fifth minute's finding does not keep the z-score from learning.
    assert_eq!((counts.learning, epoch.glances.iter().filter(|glance| glance.learning).count()), (12, 12));
    assert_eq!(epoch.glances.len(), 38);
    // A service that is offline, and an entity that went quiet.
    assert_eq!(
        (counts.findings, counts.incidents, counts.anomalies_by_severity().iter().sum::<u64>()),
        (2, 2, 2)
    );
    let of = |kind: Kind| counts.anomalies[Kind::ALL.iter().position(|one| *one == kind).expect("it is one")];
    assert_eq!((of(Kind::Status), of(Kind::Silence).iter().sum::<u64>()), ([0, 0, 1], 1));
    let findings = epoch.outputs.iter().filter(|output| output.role == Role::Findings);
    let reports: Vec<Report> =
        findings.map(|output| serde_json::from_slice(&output.value).expect("it is a report")).collect();
    let quiet: Vec<&Report> = reports.iter().filter(|report| report.entity == "b").collect();
    assert_eq!((quiet.len(), quiet[0].window.end.as_str()), (1, "2026-01-01T00:17:00Z"));
}

#[test]
fn an_entity_is_remembered_as_long_as_its_incident_may_go_on() {
    let mut flow = watching("", Keeping::Everything);
    feed(&mut flow, &words(0..3, &["a", "b"]));
    flow.finish();
    assert_eq!(flow.windows.entities().len(), 0, "nothing is learned of anybody");
    let _ = flow.epoch(Offset(6));
    let mut all = words(10..13, &["a"]);
    all[0] = "a@10!".to_owned();
    feed(&mut flow, &all);
    let states = |epoch: &Epoch| -> Vec<String> {
        let findings = epoch.outputs.iter().filter(|output| output.role == Role::Findings);
        let report = |value: &[u8]| serde_json::from_slice::<Report>(value).expect("it is a report");
        let state = |report: Report| format!("{:?}", report.incident.expect("it is of an incident").state);
        findings.map(|output| state(report(&output.value))).collect()
    };
    let epoch = flow.epoch(Offset(9));
    assert_eq!(states(&epoch), ["Opened", "Resolved"]);
    assert_eq!(flow.windows.entities().len(), 1);
    // Resolved at minute 12. Two minutes later it might be opened again, three minutes later it is forgotten.
    let rows_of = |epoch: Epoch| epoch.changes.into_iter().filter(|change| change.table == INCIDENTS);
    feed(&mut flow, &words(13..16, &["a"]));
    assert!(rows_of(flow.epoch(Offset(12))).all(|change| change.row.is_some()));
    feed(&mut flow, &words(16..17, &["a"]));
    assert_eq!(rows_of(flow.epoch(Offset(13))).map(|change| change.row).collect::<Vec<_>>(), [None]);
}
