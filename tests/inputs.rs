//! Samples of other programs: a sample file a format, and the laws that hold for all of them.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Folder, golden, lines};

const FLAGS: &str = "--format ndjson --set detect.0.baseline=window --set sink.emit=all";
const HISTORY: &str = "--format ndjson --set detect.0.warm_up=10 --set window.size=1m --scores";

/// Whatever the format, the same samples give the same bytes: `inputs/reports.ndjson`. With TIDEWATCH_UPDATE_GOLDEN=1 the
/// answer is written anew, by the format that comes last.
fn check_format(topology: &str, file: &str) {
    let input = golden(&format!("inputs/{file}"));
    let folder = Folder::new();
    let ran =
        folder.run(&format!("replay {} --topology {topology} {FLAGS} --out out", input.display())).fine();
    let answers = golden("inputs/reports.ndjson");
    if std::env::var_os("TIDEWATCH_UPDATE_GOLDEN").is_some() {
        fs::write(&answers, &ran.out).unwrap();
    }
    assert_eq!(ran.out, fs::read_to_string(&answers).unwrap(), "{topology}");
    let found: Vec<String> = ran
        .reports()
        .iter()
        .flat_map(|report| report["anomalies"].as_array().unwrap().clone())
        .map(|anomaly| {
            format!("{} {}", anomaly["entity"].as_str().unwrap(), anomaly["metric"].as_str().unwrap())
        })
        .collect();
    assert_eq!(found, ["web-1 load1", "web-1 network_in"], "and not the counter of db-1 that begins again");
    assert_eq!(folder.read("out/rejected.ndjson"), "", "{topology}");
}

macro_rules! formats {
    ($($name:ident $topology:literal $file:literal)*) => { $(#[test] fn $name() { check_format($topology, $file); })* };
}

formats! {
    telegraf "telegraf" "telegraf.ndjson"
    influx_line_protocol "influx" "influx.lp"
    collectd "collectd" "collectd.ndjson"
    otlp_json "otlp" "otlp.ndjson"
    prometheus_json "prometheus" "prometheus.ndjson"
    mapped_json "mapped" "mapped.ndjson"
}

fn telegraf_lines() -> Vec<String> {
    let text = fs::read_to_string(golden("inputs/telegraf.ndjson")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn batches_of_any_size_give_the_same_reports() {
    let expected = fs::read_to_string(golden("inputs/reports.ndjson")).unwrap();
    for size in [1, 2, 7, 60] {
        let folder = Folder::new();
        let batches: Vec<String> = telegraf_lines()
            .chunks(size)
            .map(|batch| format!("{{\"metrics\":[{}]}}\n", batch.join(",")))
            .collect();
        folder.write("in.ndjson", batches.concat());
        let ran = folder.run(&format!("replay in.ndjson --topology telegraf {FLAGS}")).fine();
        assert_eq!(ran.out, expected, "batches of {size}");
    }
}

#[test]
fn a_counter_goes_on_where_the_last_run_ended() {
    let all = telegraf_lines();
    let folder = Folder::new();
    folder.write("all.ndjson", all.join("\n") + "\n");
    let words = |file: &str| format!("replay {file} --topology telegraf {HISTORY}");
    folder.run(&format!("{} --out whole", words("all.ndjson"))).fine();
    let expected = folder.read("whole/scores.csv");
    assert!(expected.contains("network_in"), "rates are judged");
    for cut in [37, 101, 180, 255, 333] {
        let _ = fs::remove_dir_all(folder.file("parts"));
        let _ = fs::remove_dir_all(folder.file("s"));
        folder.write("log.ndjson", all[..cut].join("\n") + "\n");
        folder.run(&format!("{} --leave-open --state s --out parts", words("log.ndjson"))).fine();
        folder.write("log.ndjson", all.join("\n") + "\n");
        folder.run(&format!("{} --state s --out parts", words("log.ndjson"))).fine();
        for name in ["scores.csv", "reports.ndjson"] {
            assert_eq!(
                folder.read(&format!("parts/{name}")),
                folder.read(&format!("whole/{name}")),
                "cut at {cut}"
            );
        }
        let rows =
            folder.run("state list s --topology telegraf --set detect.0.warm_up=10 --set window.size=1m");
        assert!(rows.out.contains("counters"), "{}{}", rows.out, rows.err);
    }
}

#[test]
fn a_late_or_unusable_sample_is_kept_with_its_reason() {
    let folder = Folder::new();
    let mut all = telegraf_lines();
    all.push(all[0].clone());
    all.push(all[0].replace("\"load1\":", "\"load1\":\"high\",\"x\":"));
    folder.write("in.ndjson", all.join("\n"));
    folder.run(&format!("replay in.ndjson --topology telegraf {FLAGS} --out out")).fine();
    let (late, rejected) =
        (lines(&folder.read("out/late.ndjson")), lines(&folder.read("out/rejected.ndjson")));
    assert_eq!((late.len(), rejected.len()), (1, 1));
    assert_eq!(rejected[0]["reason"], json!("wrong-type"));
    let text = late[0].to_string();
    assert!(text.contains("load1") && text.contains("2026-01-01T00:00:00Z"), "as one of our own: {text}");
    let summary: Value = serde_json::from_str(&folder.read("out/summary.json")).unwrap();
    assert_eq!(summary["readings"]["late"], json!(1));
}

#[test]
fn a_topology_of_samples_that_cannot_be_is_told_why() {
    let check = |flags: &str, expected: &str| {
        let ran = Folder::new().run(&format!("replay x --topology telegraf {flags}"));
        assert_eq!(ran.code, 78, "{flags}: {}", ran.err);
        assert!(ran.err.contains(expected), "{flags}: {}", ran.err);
    };
    check("--set source.format=telegraph", "did you mean \"telegraf\"?");
    check("--set source.interval=7s", "source.interval must go into window.size without a rest");
    check(
        "--set window.kind=message",
        "source.interval is for windows of the kinds \"tumbling\" and \"whole\"",
    );
    check("--set window.kind=whole --set window.per_entity=false", "need windows of one entity");
    check("--set metric.0.from=a{b}", "must be a name, or name{tag=value,…}, not \"a{b}\"");
    check("--set source.time=at", "source.time needs source.format = \"mapped\"");
    check("--set source.format=mapped", "source.time is missing");
    check("--set source.format=json", "metric.0.from needs another source.format than \"json\"");
    check("--set metric.0.scale=0", "must be above 0");
    let ran = Folder::new().run("replay x --topology minimal --set source.format=influx");
    assert!(ran.err.contains("needs [[metric]]: which series are read"), "{}", ran.err);
}
