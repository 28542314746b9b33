//! Several readings in one record: arrays and `{"data": […]}`.

use super::*;

/// `expected`: `+` and the seconds of a reading, or the label of a rejection and its bytes.
fn check(json: &str, expected: &[&str]) {
    let mut decoder = Decoder::new(small(), MAX_PAYLOAD_BYTES);
    for round in ["cold", "warm"] {
        let mut found = Vec::new();
        decoder.decode(&record(None, json.as_bytes(), Format::Json), |decoded| {
            found.push(match decoded {
                Decoded::Reading { reading, .. } => format!("+{}", reading.time.as_ms() / 1000),
                Decoded::Feedback { entity, .. } => format!("feedback on {entity}"),
                Decoded::Rejected { value, rejection } => {
                    format!("{} {}", rejection.reason.label(), String::from_utf8_lossy(value))
                }
            });
        });
        assert_eq!(found, expected, "{json}, {round}");
    }
}

#[test]
fn an_array_is_its_elements() {
    check("[]", &[]);
    check(r#" [ {"timestamp":1,"cpu":5} , {"timestamp":2,"cpu":5} ] "#, &["+1", "+2"]);
}

#[test]
fn a_bad_element_is_rejected_alone_with_its_own_bytes() {
    check(
        r#"[{"timestamp":1,"cpu":5}, {"timestamp":2,"cpu":NaN}, {"timestamp":3,"cpu":5}, [{"timestamp":4,"cpu":5}],
            {"timestamp":5,"cpu":1e999} ,7,, {"timestamp":6,"cpu":5}]"#,
        &[
            "+1",
            r#"malformed {"timestamp":2,"cpu":NaN}"#,
            "+3",
            r#"not-a-reading [{"timestamp":4,"cpu":5}]"#,
            r#"out-of-range {"timestamp":5,"cpu":1e999}"#,
            "not-a-reading 7",
            "malformed ",
            "+6",
        ],
    );
}

#[test]
fn a_truncated_array_keeps_the_readings_before_the_cut() {
    check(r#"[{"timestamp":1,"cpu":5},{"timestamp":2,"#, &["+1", r#"truncated {"timestamp":2,"#]);
    check(r#"[{"timestamp":1,"cpu":5},"#, &["+1", "truncated "]);
    check(r#"[{"timestamp":1,"cpu":5}"#, &["+1", "truncated "]);
    check("[", &["truncated "]);
}

#[test]
fn what_stands_behind_an_array_is_malformed() {
    check(r#"[{"timestamp":1,"cpu":5}] x"#, &["+1", "malformed x"]);
    check("[][]", &["malformed []"]);
}

#[test]
fn data_holds_readings_unless_the_object_is_one() {
    check(r#"{"data":[{"timestamp":1,"cpu":5},{"timestamp":2,"cpu":5}]}"#, &["+1", "+2"]);
    check(r#"{"v":{"data":[]},"data":[{"timestamp":1,"cpu":5},{}],"n":1}"#, &["+1", "missing-field {}"]);
    check(r#"{"data":[{"timestamp":1,"cpu":5}],"timestamp":3,"cpu":5}"#, &["+3"]);
    check(r#"{"timestamp":3,"cpu":5,"data":[]}"#, &["+3"]);
    check(r#"{"data":5}"#, &[r#"missing-field {"data":5}"#]);
    check(r#"{"data":[],"data":[]}"#, &[r#"duplicate-field {"data":[],"data":[]}"#]);
}

#[test]
fn a_broken_envelope_gives_what_can_be_used() {
    check(r#"{"data":[{"timestamp":1,"cpu":5},{"cpu":"#, &["+1", r#"truncated {"cpu":"#]);
    check(r#"{"data":[{"timestamp":1,"cpu":5}]"#, &["+1", "truncated "]);
    check(r#"{"data":[{"timestamp":1,"cpu":5}],}"#, &["+1", "malformed ,}"]);
    check(
        r#"{"v":NaN,"data":[{"timestamp":1,"cpu":5}]}"#,
        &[r#"malformed {"v":NaN,"data":[{"timestamp":1,"cpu":5}]}"#],
    );
}

#[test]
fn a_hundred_readings_in_an_array_are_a_hundred_readings() {
    let elements: Vec<String> =
        (0..100).map(|second| NATIVE.replace("00:00:10Z", &format!("00:01:{:02}Z", second % 60))).collect();
    let json = format!("[{}]", elements.join(",\n"));
    let mut decoder = Decoder::new(Schema::native(), MAX_PAYLOAD_BYTES);
    let together = decoded(&mut decoder, &record(None, json.as_bytes(), Format::Json));
    let alone: Vec<String> = elements
        .iter()
        .flat_map(|json| decoded(&mut decoder, &record(None, json.as_bytes(), Format::Json)))
        .collect();
    assert_eq!(together, alone);
    assert_eq!(together.len(), 100);
}

#[test]
fn ten_thousand_levels_do_not_exhaust_the_stack() {
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    check(&format!(r#"{{"timestamp":1,"cpu":5,"x":{open}{close}}}"#), &["+1"]);
    check(&open, &[&format!("truncated {}", &open[1..])]);
    check(&format!(r#"{{"x":{open}"#), &[&format!(r#"truncated {{"x":{open}"#)]);
    let objects = r#"{"a":"#.repeat(10_000);
    check(&objects, &[&format!("truncated {objects}")]);
}
