//! Laws: the same readings give the same reports, however they arrive.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Folder, reading};

/// Two hours of three entities with something wrong now and then.
fn fleet() -> Vec<(String, u64, String)> {
    let mut all = Vec::new();
    for at in 0..720_u64 {
        for entity in ["a", "b", "c"] {
            let odd = at % 97 == 40 && entity == "b";
            let changes = if odd { vec![("cpu_usage", serde_json::json!(99.5))] } else { Vec::new() };
            all.push((entity.to_owned(), at * 10, reading(entity, at * 10, &changes)));
        }
    }
    all
}

fn by_entity(out: &str) -> BTreeMap<String, Vec<String>> {
    let mut reports: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in out.lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        reports.entry(report["entity"].as_str().unwrap().to_owned()).or_default().push(line.to_owned());
    }
    reports
}

const FLAGS: &str =
    "--format ndjson --set sink.emit=all --set detect.5.kind=z-score --set detect.5.warm_up=100";

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = Folder::new();
    let all: Vec<String> = fleet().into_iter().map(|(_, _, line)| line).collect();
    folder.write("in.ndjson", all.join("\n"));
    let words = format!("replay in.ndjson --scores {FLAGS}");
    let first = folder.run(&format!("{words} --out one")).fine();
    let second = folder.run(&format!("{words} --out two")).fine();
    assert_eq!(first.out, second.out);
    assert!(first.out.lines().any(|line| line.contains("\"metric\":\"cpu_usage\"")), "something is found");
    for name in ["reports.ndjson", "scores.csv", "summary.json"] {
        assert!(!folder.read(&format!("one/{name}")).is_empty(), "{name}");
        assert_eq!(folder.read(&format!("one/{name}")), folder.read(&format!("two/{name}")), "{name}");
    }
}

#[test]
fn readings_in_several_files_or_interleaved_otherwise_give_the_same_reports_per_entity() {
    let folder = Folder::new();
    let all = fleet();
    let text = |readings: Vec<&(String, u64, String)>| {
        readings.into_iter().map(|(_, _, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    };
    folder.write("all.ndjson", text(all.iter().collect()));
    let expected = by_entity(&folder.run(&format!("replay all.ndjson {FLAGS}")).fine().out);
    assert_eq!(expected.len(), 3);
    for entity in ["a", "b", "c"] {
        folder
            .write(&format!("{entity}.ndjson"), text(all.iter().filter(|(of, _, _)| of == entity).collect()));
    }
    let split = folder.run(&format!("replay c.ndjson a.ndjson b.ndjson {FLAGS}")).fine();
    assert_eq!(by_entity(&split.out), expected, "a file an entity, merged by event time");
    let mut other: Vec<&(String, u64, String)> = all.iter().collect();
    other.sort_by(|a, b| (a.1 / 20, &b.0).cmp(&(b.1 / 20, &a.0)));
    folder.write("other.ndjson", text(other));
    let other = folder.run(&format!("replay other.ndjson {FLAGS}")).fine();
    assert_eq!(by_entity(&other.out), expected, "interleaved otherwise");
    let array =
        format!("[{}]", all.iter().map(|(_, _, line)| line.as_str()).collect::<Vec<_>>().join(" ,\n"));
    folder.write("all.json", &array);
    let array_out = folder.run(&format!("replay all.json {FLAGS}")).fine();
    assert_eq!(by_entity(&array_out.out), expected, "one array");
    folder.write("data.json", format!("{{\"data\": {array}}}"));
    let data_out = folder.run(&format!("replay data.json {FLAGS}")).fine();
    assert_eq!(by_entity(&data_out.out), expected, "an object with data");
    let stdin = folder.run_with_input(&format!("replay - {FLAGS}"), array.as_bytes()).fine();
    assert_eq!(by_entity(&stdin.out), expected, "standard input");
}
