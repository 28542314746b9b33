//! JSON that is rejected, reason by reason.

use super::*;

fn check(json: &str, expected: &str) {
    check_bytes(json.as_bytes(), expected);
}

/// Against the small schema: reason and detail.
fn check_bytes(json: &[u8], expected: &str) {
    let mut decoder = Decoder::new(small(), MAX_PAYLOAD_BYTES);
    let lines = decoded(&mut decoder, &record(None, json, Format::Json));
    let shown = String::from_utf8_lossy(json).into_owned();
    assert_eq!(lines, [format!("{expected}: {shown}")], "{shown}");
}

#[test]
fn what_is_no_json_is_malformed() {
    check("", "malformed: empty");
    check("\u{feff} \r\n", "malformed: empty");
    check(r#"{"cpu":NaN}"#, "malformed: expected value at line 1 column 8");
    check(r#"{"cpu":01}"#, "malformed: invalid number at line 1 column 9");
    check(r#"{"timestamp":1,"cpu":5} x"#, "malformed: trailing characters at line 1 column 25");
    check(r#"{"timestamp":1,"cpu":5}{}"#, "malformed: trailing characters at line 1 column 24");
    check(r#"{"timestamp":1,"\ud800":5}"#, "malformed: a name has an unpaired surrogate");
    check_bytes(b"{\"x\":\"\xFF\"}", "malformed: invalid utf-8 sequence of 1 bytes from index 6");
}

#[test]
fn what_ends_too_soon_is_truncated() {
    check(r#"{"cpu":5"#, "truncated: EOF while parsing an object at line 1 column 8");
    check(r#"{"cpu":"#, "truncated: EOF while parsing a value at line 1 column 7");
    check_bytes(b"{\"x\":\"\xC3", "truncated: the bytes end inside of a character");
}

#[test]
fn json_of_another_kind_is_not_a_reading() {
    check("12", "not-a-reading: \"12\" is no reading");
    check("null", "not-a-reading: \"null\" is no reading");
    check(r#""text""#, r#"not-a-reading: "\"text\"" is no reading"#);
}

#[test]
fn a_payload_above_the_limit_is_too_large() {
    let mut decoder = Decoder::new(small(), 22);
    let lines = decoded(&mut decoder, &record(None, br#"{"timestamp":1,"cpu":5}"#, Format::Json));
    assert_eq!(lines, [r#"too-large: 23 bytes, more than 22: {"timestamp":1,"cpu":5}"#]);
}

#[test]
fn a_required_field_that_is_absent_or_null_is_missing() {
    check("{}", "missing-field: timestamp is missing");
    check(r#"{"timestamp":null,"cpu":5}"#, "missing-field: timestamp is missing");
    check(r#"{"timestamp":1}"#, "missing-field: cpu is missing");
    check(r#"{"timestamp":1,"cpu":null}"#, "missing-field: cpu is missing");
}

#[test]
fn a_required_service_that_is_absent_is_missing() {
    let check = |cut: &str, expected: &str| {
        let json = NATIVE.replace(cut, "");
        assert_eq!(
            outline(Schema::native(), &record(None, json.as_bytes(), Format::Json)),
            expected,
            "{cut}"
        );
    };
    check(r#","cache":"offline""#, "missing-field");
    check(
        r#","service_status":{"database":"online","api_gateway":"degraded","cache":"offline"}"#,
        "missing-field",
    );
}

#[test]
fn a_field_that_stands_twice_is_a_duplicate_even_as_null() {
    check(r#"{"timestamp":1,"timestamp":1,"cpu":5}"#, r#"duplicate-field: "timestamp" stands twice"#);
    check(r#"{"timestamp":1,"cpu":5,"cpu":null}"#, r#"duplicate-field: "cpu" stands twice"#);
    check(r#"{"timestamp":1,"cpu":5,"c\u0070u":5}"#, r#"duplicate-field: "cpu" stands twice"#);
    check(r#"{"timestamp":1,"entity":"a","entity":"a"}"#, r#"duplicate-field: "entity" stands twice"#);
    check(
        r#"{"service_status":{},"service_status":{}}"#,
        r#"duplicate-field: "service_status" stands twice"#,
    );
    check(r#"{"service_status":{"db":"online","db":null}}"#, r#"duplicate-field: "db" stands twice"#);
}

#[test]
fn another_type_than_the_schemas_is_a_wrong_type() {
    check(r#"{"timestamp":1,"cpu":"5"}"#, "wrong-type: cpu is a string, not a number");
    check(r#"{"timestamp":1,"cpu":true}"#, "wrong-type: cpu is a boolean, not a number");
    check(r#"{"timestamp":1,"cpu":{}}"#, "wrong-type: cpu is an object, not a number");
    check(r#"{"timestamp":1,"cpu":[5]}"#, "wrong-type: cpu is an array, not a number");
    check(r#"{"service_status":"online"}"#, "wrong-type: service_status is a string, not an object");
    check(r#"{"service_status":{"db":1}}"#, r#"wrong-type: "db" is a number, not a status"#);
}

#[test]
fn a_number_outside_of_its_range_is_named_with_the_range() {
    check(r#"{"timestamp":1,"cpu":100.5}"#, "out-of-range: cpu is 100.5, outside of 0 to 100");
    check(r#"{"timestamp":1,"cpu":1e999}"#, "out-of-range: cpu is 1e999, outside of 0 to 100");
    check(r#"{"timestamp":1,"cpu":1,"load":0}"#, "out-of-range: load is 0, outside of above 0 to inf");
    check(r#"{"load":-1e-999}"#, "out-of-range: load is -1e-999, outside of above 0 to inf");
}

#[test]
fn a_time_that_cannot_be_read_is_shown() {
    check(r#"{"timestamp":"noon"}"#, r#"bad-timestamp: timestamp is "noon""#);
    check(r#"{"timestamp":1e18}"#, "bad-timestamp: timestamp is 1e18");
    check(r#"{"timestamp":true}"#, "bad-timestamp: timestamp is a boolean");
    check(r#"{"timestamp":"2026-02-30T00:00:00Z"}"#, r#"bad-timestamp: timestamp is "2026-02-30T00:00:00Z""#);
}

#[test]
fn a_service_or_status_that_is_unknown_is_shown() {
    check(r#"{"service_status":{"dba":"online"}}"#, r#"unknown-service: "dba""#);
    check(r#"{"service_status":{"db":"ONLINE"}}"#, r#"unknown-status: "db" is "ONLINE""#);
}

#[test]
fn an_entity_that_names_nothing_is_bad() {
    check(r#"{"entity":""}"#, r#"bad-entity: entity is """#);
    check(r#"{"entity":5}"#, "bad-entity: entity is a number");
    check(r#"{"entity":"a\nb"}"#, r#"bad-entity: entity is "a\nb""#);
    let long = format!(r#"{{"entity":"{}"}}"#, "x".repeat(257));
    check(&long, &format!(r#"bad-entity: entity is "{}…""#, "x".repeat(48)));
}

#[test]
fn of_several_mistakes_the_first_in_the_reading_is_told_and_a_missing_field_last() {
    check(r#"{"load":"x","cpu":500}"#, "wrong-type: load is a string, not a number");
    check(r#"{"cpu":500,"load":"x"}"#, "out-of-range: cpu is 500, outside of 0 to 100");
}
