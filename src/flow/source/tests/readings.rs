//! JSON readings that are accepted, and what is read from them.

use super::*;

fn check(json: &str, expected: &str) {
    let key = Some(&b"host-1"[..]);
    assert_eq!(outline(small(), &record(key, json.as_bytes(), Format::Json)), expected, "{json}");
}

#[test]
fn a_native_reading_is_read_in_full() {
    let record = record(None, NATIVE.as_bytes(), Format::Json);
    assert_eq!(
        outline(Schema::native(), &record),
        "host-00042@1767225610 48.2 61.02 120.5 50.1 1200.3 900.1 8.2 140 95 0.0312 55.3 210.7 360010 \
         0=online 1=degraded 2=offline"
    );
}

#[test]
fn the_entity_is_the_field_or_the_key_or_the_default() {
    let json = br#"{"timestamp":1,"cpu":5}"#;
    let by_key = |key| outline(small(), &record(key, json, Format::Json));
    check(r#"{"timestamp":1,"cpu":5,"entity":"own"}"#, "own@1 5 -");
    check(r#"{"timestamp":1,"cpu":5,"entity":null}"#, "host-1@1 5 -");
    assert_eq!(by_key(Some(b"key")), "key@1 5 -");
    assert_eq!(by_key(None), "fleet@1 5 -");
    for key in [&b""[..], b"\xFF", b"a\nb", &[b'k'; 257]] {
        assert_eq!(by_key(Some(key)), "bad-entity");
    }
}

#[test]
fn order_and_white_space_and_escapes_and_unknown_fields_do_not_matter() {
    check("\u{feff}\r\n { \"cpu\" : 5 ,\t\"timestamp\" : 1 } \r\n", "host-1@1 5 -");
    check(r#"{"c\u0070u":5,"timestamp":"1970-01-01T00:00:0\u0031Z","entity":"\u00e9"}"#, "é@1 5 -");
    check(r#"{"x":{"y":[1,"a\"",true,{"timestamp":5}]},"timestamp":1,"cpu":5,"z":null}"#, "host-1@1 5 -");
    check(r#"{"timestamp":1,"cpu":5,"entity":"Zürich","note":"\ud800"}"#, "Zürich@1 5 -");
}

#[test]
fn a_time_is_text_or_seconds_or_milliseconds() {
    check(r#"{"timestamp":"1970-01-01T01:00:00.5+01:00","cpu":5}"#, "host-1@0.5 5 -");
    check(r#"{"timestamp":"1970-01-01 00:00:07","cpu":5}"#, "host-1@7 5 -");
    check(r#"{"timestamp":"2016-12-31T23:59:60Z","cpu":5}"#, "host-1@1483228800 5 -");
    check(r#"{"timestamp":1700000000.123,"cpu":5}"#, "host-1@1700000000.123 5 -");
    check(r#"{"timestamp":1700000000123,"cpu":5}"#, "host-1@1700000000.123 5 -");
}

#[test]
fn a_zero_has_no_sign() {
    let mut decoder = Decoder::new(small(), MAX_PAYLOAD_BYTES);
    for json in
        [r#"{"timestamp":1,"cpu":-0}"#, r#"{"timestamp":1,"cpu":-0.0}"#, r#"{"timestamp":1,"cpu":-1e-999}"#]
    {
        let record = record(None, json.as_bytes(), Format::Json);
        let zero = "fleet 1970-01-01T00:00:01Z 1 0 [0, 0] [0.0, 0.0]";
        assert_eq!(decoded(&mut decoder, &record), [zero], "{json}");
        assert_eq!(decoded(&mut decoder, &record), [zero], "{json} again");
    }
}

#[test]
fn what_is_optional_may_be_null_or_absent_after_a_reading_that_had_it() {
    check(
        r#"[{"timestamp":1,"cpu":5,"load":2,"service_status":{"web":"online"}},{"timestamp":2,"cpu":6,"load":null},
            {"timestamp":3,"cpu":7,"service_status":null},{"timestamp":4,"cpu":8,"service_status":{"db":null}},
            {"timestamp":5,"cpu":9,"load":2,"service_status":{"web":"offline"}}]"#,
        "host-1@1 5 2 1=online; host-1@2 6 -; host-1@3 7 -; host-1@4 8 -; host-1@5 9 2 1=offline",
    );
}

#[test]
fn services_of_any_name_are_numbered_as_they_come_with_accepted_readings() {
    let mut decoder = Decoder::new(Schema { services: Services::Any, ..small() }, MAX_PAYLOAD_BYTES);
    let mut check = |statuses: &str, expected: &str| {
        let json = format!(r#"{{"timestamp":1,"cpu":5,"service_status":{{{statuses}}}}}"#);
        assert_eq!(outline_once(&mut decoder, &record(None, json.as_bytes(), Format::Json)), expected);
    };
    check(r#""b":"online","a":"offline""#, "fleet@1 5 - 0=online 1=offline");
    check(r#""refused":"online","bad":"asleep""#, "unknown-status");
    check(r#""a":"online","c":"degraded""#, "fleet@1 5 - 1=online 2=degraded");
    check(r#""d":"online","d":"online""#, "duplicate-field");
    let more: Vec<String> = (3..32).map(|number| format!(r#""s{number}":"online""#)).collect();
    check(&(more.join(",") + r#","one-more":"online""#), "unknown-service");
    assert_eq!(decoder.services(), ["b", "a", "c"]);
}

#[test]
fn restored_services_keep_their_numbers() {
    let mut decoder = Decoder::new(Schema { services: Services::Any, ..small() }, MAX_PAYLOAD_BYTES);
    let json = br#"{"timestamp":1,"cpu":5,"service_status":{"a":"online"}}"#;
    let record = record(None, json, Format::Json);
    assert_eq!(outline_once(&mut decoder, &record), "fleet@1 5 - 0=online");
    decoder.restore_services(vec!["z".into(), "a".into()]);
    assert_eq!(outline_once(&mut decoder, &record), "fleet@1 5 - 1=online");
}

#[test]
fn the_first_time_of_a_record_is_that_of_its_first_usable_reading() {
    let mut decoder = Decoder::new(Schema { services: Services::Any, ..small() }, MAX_PAYLOAD_BYTES);
    let mut first = |json: &str| {
        let time = decoder.first_time(&record(None, json.as_bytes(), Format::Json));
        assert!(decoder.services().is_empty());
        time.map(crate::flow::time::EventTime::as_ms)
    };
    assert_eq!(
        first(r#"[{},{"timestamp":2,"cpu":5,"service_status":{"a":"online"}},{"timestamp":1,"cpu":5}]"#),
        Some(2000)
    );
    assert_eq!(first("[]"), None);
}
