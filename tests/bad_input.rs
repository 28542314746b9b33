//! What a careless user and a broken producer send, and what each gets: a message or a rejected record with its
//! reason; never a panic, never a silent loss.

use serde_json::{Value, json};

use crate::support::{Folder, Ran, lines, reading};

const WHOLE: &str = "--topology whole-file --detector z-score --format ndjson";

/// Three good readings around the bad line; the reasons that the bad line is rejected for.
fn reasons(bad: &[u8]) -> Vec<String> {
    let folder = Folder::new();
    let good = |second| reading("a", second, &[]);
    let mut file = format!("{}\n{}\n", good(0), good(10)).into_bytes();
    file.extend_from_slice(bad);
    file.extend_from_slice(format!("\n{}\n", good(20)).as_bytes());
    folder.write("in.ndjson", file);
    let ran = folder.run(&format!("replay in.ndjson --out out {WHOLE}")).fine();
    assert_eq!(ran.reports()[0]["window"]["readings"], 3, "the good ones are used: {}", ran.err);
    let rejected = lines(&folder.read("out/rejected.ndjson"));
    for line in &rejected {
        assert!(!line["detail"].as_str().unwrap().is_empty());
        assert_eq!(line["source"]["line"], 3, "{line}");
    }
    rejected.iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect()
}

fn check(bad: impl AsRef<[u8]>, expected: &str) {
    let shown = String::from_utf8_lossy(bad.as_ref()).chars().take(200).collect::<String>();
    assert_eq!(reasons(bad.as_ref()), [expected], "{shown}");
}

fn changed(name: &str, value: Value) -> String {
    reading("a", 15, &[(name, value)])
}

#[test]
fn every_kind_of_bad_reading_is_rejected_by_its_reason() {
    check("this is no JSON", "malformed");
    check("{\"timestamp\":", "truncated");
    check("42", "not-a-reading");
    check("\"text\"", "not-a-reading");
    check(changed("cpu_usage", json!("45.5")), "wrong-type");
    check(changed("cpu_usage", json!(true)), "wrong-type");
    check(changed("cpu_usage", json!({"a": 1})), "wrong-type");
    check(changed("cpu_usage", json!(100.5)), "out-of-range");
    check(changed("cpu_usage", json!(-0.1)), "out-of-range");
    check(changed("latency_ms", json!(-1)), "out-of-range");
    check(changed("thread_count", json!(0)), "out-of-range");
    check(changed("memory_usage", Value::Null), "missing-field");
    check(changed("memory_usage", json!("(missing)")), "missing-field");
    check(changed("timestamp", json!("(missing)")), "missing-field");
    check(changed("service_status", json!("(missing)")), "missing-field");
    check(changed("timestamp", json!("yesterday")), "bad-timestamp");
    check(changed("timestamp", json!(1e300)), "bad-timestamp");
    check(changed("entity", json!("")), "bad-entity");
    check(changed("entity", json!(7)), "bad-entity");
    check(changed("entity", json!("x".repeat(300))), "bad-entity");
    let status = |database: Value| json!({"database": database, "api_gateway": "online", "cache": "online"});
    check(changed("service_status", status(json!("sleepy"))), "unknown-status");
    check(changed("service_status", status(json!(1))), "wrong-type");
    check(
        changed(
            "service_status",
            json!({"database": "online", "api_gateway": "online", "cache": "online", "x": "online"}),
        ),
        "unknown-service",
    );
    check(
        reading("a", 15, &[]).replace("\"cpu_usage\":", "\"cpu_usage\":1,\"cpu_usage\":"),
        "duplicate-field",
    );
}

/// The reading with the number written as that text.
fn number(text: &str) -> String {
    let usual = reading("a", 15, &[("cpu_usage", json!(12345))]);
    usual.replace("12345", text)
}

#[test]
fn odd_numbers_are_rejected_or_read_as_what_they_are() {
    check(number("NaN"), "malformed");
    check(number("Infinity"), "malformed");
    check(number("1e999"), "out-of-range");
    check(number("01"), "malformed");
    check(number(".5"), "malformed");
    assert_eq!(usable(number("-0").as_bytes()), 4);
    assert_eq!(usable(number("1e-400").as_bytes()), 4);
    assert_eq!(usable(number("9.9999999999999999999999999999").as_bytes()), 4);
}

/// How many readings of three good ones and this are used.
fn usable(line: &[u8]) -> u64 {
    let folder = Folder::new();
    let mut file = line.to_vec();
    for second in [0, 10, 20] {
        file.extend_from_slice(format!("\n{}", reading("a", second, &[])).as_bytes());
    }
    folder.write("in.ndjson", file);
    folder.run(&format!("replay in.ndjson {WHOLE}")).fine().reports()[0]["window"]["readings"]
        .as_u64()
        .unwrap()
}

#[test]
fn invalid_text_deep_nesting_and_long_lines_are_survived() {
    let mut bytes = reading("a", 15, &[]).into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'a').unwrap();
    bytes[at] = 0xff;
    assert_eq!(reasons(&bytes).len(), 1);
    check(format!("{{\"x\":{}", "[".repeat(10_000)), "truncated");
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(reasons(deep.as_bytes()).len(), 1);
    check(format!("{{\"x\":\"{}\"}}", "y".repeat(20 << 20)), "too-large");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_matter() {
    let folder = Folder::new();
    let all: Vec<String> = [0, 10, 20].iter().map(|second| reading("a", *second, &[])).collect();
    folder.write("in.ndjson", format!("\u{feff}{}\r\n\r\n", all.join("\r\n")));
    let ran = folder.run(&format!("replay in.ndjson {WHOLE}")).fine();
    assert_eq!(ran.reports()[0]["window"]["readings"], 3);
}

#[test]
fn a_truncated_array_keeps_the_readings_before_the_cut() {
    let folder = Folder::new();
    let all: Vec<String> = [0, 10, 20].iter().map(|second| reading("a", *second, &[])).collect();
    let array = format!("[{}]", all.join(",\n"));
    folder.write("in.json", &array[..array.len() - 40]);
    let ran = folder.run(&format!("replay in.json --out out {WHOLE}")).fine();
    assert_eq!(ran.reports()[0]["window"]["readings"], 2);
    assert!(ran.err.contains("line 3"), "byte and line are named: {}", ran.err);
    assert_eq!(lines(&folder.read("out/rejected.ndjson"))[0]["reason"], "truncated");
}

#[test]
fn a_bad_element_does_not_spoil_its_array() {
    let folder = Folder::new();
    let array = format!("[{},{},{}]", reading("a", 0, &[]), number("NaN"), reading("a", 20, &[]));
    folder.write("in.ndjson", array);
    let ran = folder.run(&format!("replay in.ndjson --out out {WHOLE}")).fine();
    assert_eq!(ran.reports()[0]["window"]["readings"], 2);
    assert_eq!(lines(&folder.read("out/rejected.ndjson")).len(), 1);
}

fn fails(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(words), "{words} is not said: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn what_is_no_input_is_said_with_its_code() {
    let folder = Folder::new();
    folder.write("empty.json", "");
    folder.write("prose.txt", "Dear sir,\nthe server is slow.\n");
    fails(&folder.run("replay nowhere.json"), 1, "nowhere.json");
    fails(&folder.run("replay ."), 1, "directory");
    fails(&folder.run("replay empty.json"), 65, "no usable record");
    fails(&folder.run("replay prose.txt"), 65, "no usable record");
    fails(&folder.run("replay"), 2, "FILE");
    fails(&folder.run("replay --no-such-flag x"), 2, "--no-such-flag");
}

#[test]
fn a_wrong_topology_is_said_with_every_problem_and_78() {
    let folder = Folder::new();
    folder.write(
        "bad.toml",
        "name = \"x\"\n[window]\nkind = \"tumbling\"\nsise = \"5m\"\n[[detect]]\nkind = \"z-scores\"\n",
    );
    let ran = folder.run("topology check bad.toml");
    fails(&ran, 78, "window.size");
    fails(&ran, 78, "z-score");
    fails(&ran, 78, "line 4");
    fails(&folder.run("topology check nowhere.toml"), 78, "nowhere.toml");
    folder.write("one.json", reading("a", 0, &[]));
    fails(&folder.run("replay one.json --set window.size=5"), 78, "window.size");
    fails(&folder.run("replay one.json --detector zscore"), 78, "z-score");
    fails(&folder.run("replay one.json --threshold -1"), 78, "threshold");
}

#[test]
fn the_closed_pipe_of_a_reader_that_has_seen_enough_is_no_failure() {
    let folder = Folder::new();
    let all: Vec<String> = (0..2000).map(|at| reading("a", at * 10, &[])).collect();
    folder.write("in.ndjson", all.join("\n"));
    let mut command =
        folder.command("replay in.ndjson --format ndjson --set sink.emit=all --set window.size=10s");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!err.contains("panicked"), "{err}");
    assert_eq!(output.status.code(), Some(0), "{err}");
}

#[test]
fn one_clock_a_year_ahead_closes_nobodys_window() {
    let folder = Folder::new();
    let mut all: Vec<String> =
        (0..60).flat_map(|at| ["a", "b"].map(|entity| reading(entity, at * 10, &[]))).collect();
    all.insert(31, reading("a", 155, &[("timestamp", json!("2027-01-01T00:02:35Z"))]));
    folder.write("in.ndjson", all.join("\n"));
    let ran = folder.run("replay in.ndjson --out out --format ndjson --set sink.emit=all").fine();
    assert_eq!(ran.reports().len(), 4, "two windows of two entities");
    let rejected = lines(&folder.read("out/rejected.ndjson"));
    assert_eq!((rejected.len(), &rejected[0]["reason"]), (1, &json!("too-far-ahead")));
    assert_eq!(folder.read("out/late.ndjson"), "");
}

#[test]
fn a_constant_metric_one_reading_and_too_few_readings_are_quiet() {
    for count in [1, 2, 5] {
        let folder = Folder::new();
        let all: Vec<String> =
            (0..count).map(|at| reading("a", at * 10, &[("cpu_usage", json!(50))])).collect();
        folder.write("in.ndjson", all.join("\n"));
        for detector in ["z-score", "pca-mahalanobis", "isolation-forest", "clusters", "status"] {
            let words =
                format!("replay in.ndjson --topology whole-file --format ndjson --detector {detector}");
            let ran = folder.run(&words).fine();
            assert_eq!(ran.reports()[0]["window"]["readings"], count, "{detector}");
            assert!(!ran.out.contains(":-0.0,") && !ran.out.contains("\"entity\":\"\""), "{}", ran.out);
        }
    }
}

#[test]
fn a_file_grouped_by_entity_does_not_quietly_turn_into_late_readings() {
    let folder = Folder::new();
    let all: Vec<String> =
        ["a", "b", "c"].iter().flat_map(|entity| (0..200).map(|at| reading(entity, at * 10, &[]))).collect();
    folder.write("in.ndjson", all.join("\n"));
    let ran = folder.run("replay in.ndjson").fine();
    assert!((ran.out.clone() + &ran.err).contains("window.time=entity"), "{}{}", ran.out, ran.err);
    let right =
        folder.run("replay in.ndjson --set window.time=entity --set sink.emit=all --format ndjson").fine();
    let readings: u64 =
        right.reports().iter().map(|report| report["window"]["readings"].as_u64().unwrap()).sum();
    assert_eq!(readings, 600);
}

#[test]
fn an_input_of_which_nothing_can_be_used_is_told_by_its_reasons() {
    let folder = Folder::new();
    folder.write("in.ndjson", "{}\n{}\n{\"a\":\n");
    let ran = folder.run("replay in.ndjson");
    assert_eq!(ran.code, 65);
    assert!(ran.err.contains("missing-field 2") && ran.err.contains("--out DIR"), "{}", ran.err);
    let ran = folder.run("replay in.ndjson --out out");
    assert!(ran.code == 65 && ran.err.contains("rejected.ndjson has each"), "{}", ran.err);
    folder.write("none.ndjson", "\n");
    let ran = folder.run("replay none.ndjson");
    assert!(ran.code == 65 && ran.err.contains("it holds no record"), "{}", ran.err);
}
