//! Every reason for a rejection, and the fast way against the general one.

use proptest::prelude::*;

use super::*;
use crate::flow::model::{Metric, Range, Services};
use crate::flow::record::{Extent, Offset, Origin};

fn record<'a>(value: &'a [u8], key: Option<&'a [u8]>, format: Format<'a>) -> RawRecord<'a> {
    RawRecord { offset: Offset(0), origin: Origin::default(), key, value, format, extent: Extent::Whole }
}

/// Two metrics, the second optional and above zero; services of any name.
fn schema() -> Schema {
    let metric = |name: &str, range, optional| Metric {
        name: name.into(),
        unit: String::new(),
        range,
        judged: true,
        optional,
    };
    Schema {
        metrics: vec![metric("cpu", Range::PERCENT, false), metric("load", Range::POSITIVE, true)],
        services: Services::Any,
        default_entity: "fleet".into(),
    }
}

fn said(decoder: &mut Decoder, record: &RawRecord<'_>) -> String {
    let mut said = Vec::new();
    decoder.decode(record, |decoded| {
        said.push(match decoded {
            Decoded::Reading { entity, reading, .. } => {
                let values: Vec<String> =
                    reading.values.iter().map(|value| format!("{:x}", value.to_bits())).collect();
                let (time, present) = (reading.time.as_ms(), reading.present);
                format!("{entity}@{time} {} {present} {:x}", values.join(","), reading.statuses.to_bits())
            }
            Decoded::Rejected { rejection, .. } => rejection.reason.label().to_owned(),
        });
    });
    said.join(" | ")
}

/// Whose readings a record holds, or why not; the same with a decoder that has seen the like before.
fn check(json: &str, expected: &str) {
    let mut decoder = Decoder::new(schema(), 100_000);
    let short = |said: String| -> String {
        said.split(" | ")
            .map(|one| one.split(' ').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
            .join(" | ")
    };
    for _ in 0..2 {
        assert_eq!(
            short(said(&mut decoder, &record(json.as_bytes(), None, Format::Json))),
            expected,
            "{json}"
        );
    }
}

#[test]
fn a_reading_needs_a_time_and_what_the_schema_requires() {
    check(r#"{"timestamp":1000,"cpu":1}"#, "fleet@1000000");
    check(r#"{"timestamp":"1970-01-01T00:00:01Z","cpu":1,"load":2}"#, "fleet@1000");
    check(r#"{"timestamp":1000,"cpu":1,"load":null}"#, "fleet@1000000");
    check(r#"{"timestamp":1000,"load":1}"#, "missing-field");
    check(r#"{"cpu":1}"#, "missing-field");
    check(r#"{"timestamp":1000,"cpu":null}"#, "missing-field");
    check(r#"{"timestamp":1000,"cpu":1,"load":0}"#, "out-of-range");
    check(r#"{"timestamp":1000,"cpu":1,"load":1e999}"#, "out-of-range");
    check(r#"{"timestamp":1000,"cpu":"1"}"#, "wrong-type");
    check(r#"{"timestamp":"1000","cpu":1}"#, "bad-timestamp");
    check(r#"{"timestamp":true,"cpu":1}"#, "bad-timestamp");
    check(r#"{"timestamp":1000,"cpu":1,"cpu":1}"#, "duplicate-field");
    check(r#"{"timestamp":1000,"timestamp":1000,"cpu":1}"#, "duplicate-field");
    check(r#"{"timestamp":1000,"cpu":1,"other":[{"cpu":2}],"other":7}"#, "fleet@1000000");
}

#[test]
fn an_entity_is_the_field_or_the_key_or_the_default() {
    check(r#"{"timestamp":1000,"cpu":1,"entity":"a"}"#, "a@1000000");
    check(r#"{"timestamp":1000,"cpu":1,"entity":"\u0061"}"#, "a@1000000");
    check(r#"{"timestamp":1000,"cpu":1,"entity":""}"#, "bad-entity");
    check(r#"{"timestamp":1000,"cpu":1,"entity":"a\nb"}"#, "bad-entity");
    check(r#"{"timestamp":1000,"cpu":1,"entity":7}"#, "bad-entity");
    let mut decoder = Decoder::new(schema(), 1000);
    let json = br#"{"timestamp":1000,"cpu":1}"#;
    for _ in 0..2 {
        assert!(said(&mut decoder, &record(json, Some(b"key"), Format::Json)).starts_with("key@"));
        assert_eq!(said(&mut decoder, &record(json, Some(b"\xff"), Format::Json)), "bad-entity");
        assert!(said(&mut decoder, &record(json, None, Format::Json)).starts_with("fleet@"));
    }
}

#[test]
fn services_are_known_or_learned_and_their_status_is_one_of_three() {
    let with = |services: &str| format!(r#"{{"timestamp":1000,"cpu":1,"service_status":{services}}}"#);
    check(&with(r#"{"db":"online","web":"offline"}"#), "fleet@1000000");
    check(&with("{}"), "fleet@1000000");
    check(&with(r#"{"db":"asleep"}"#), "unknown-status");
    check(&with(r#"{"db":1}"#), "wrong-type");
    check(&with("[]"), "wrong-type");
    check(&with(r#"{"db":"online","db":"online"}"#), "duplicate-field");
    let many: Vec<String> = (0..33).map(|at| format!(r#""s{at}":"online""#)).collect();
    check(&with(&format!("{{{}}}", many.join(","))), "unknown-service");
    let mut native = Decoder::new(Schema { metrics: Vec::new(), ..Schema::native() }, 1000);
    let json = |services: &str| format!(r#"{{"timestamp":1,"service_status":{{{services}}}}}"#);
    let mut answer =
        |services: &str| said(&mut native, &record(json(services).as_bytes(), None, Format::Json));
    assert_eq!(answer(r#""database":"online""#), "missing-field");
    assert_eq!(answer(r#""database":"online","x":"online""#), "unknown-service");
}

#[test]
fn arrays_and_data_are_taken_apart_and_a_bad_element_spoils_nothing() {
    let good = r#"{"timestamp":1000,"cpu":1,"entity":"a"}"#;
    check(&format!("[{good},{good}]"), "a@1000000 | a@1000000");
    check(&format!("{{\"data\": [{good}]}}"), "a@1000000");
    check(&format!("{{\"n\":1,\"data\": [{good}]}}"), "a@1000000");
    check(&format!("[{good},NaN,{good}]"), "a@1000000 | malformed | a@1000000");
    check(&format!("[{good},[{good}],3]"), "a@1000000 | not-a-reading | not-a-reading");
    check(&format!("[{good},{{\"timestamp\":"), "a@1000000 | truncated");
    check(&format!("[{good}] x"), "a@1000000 | malformed");
    check("[]", "");
    check("", "malformed");
    check("  ", "malformed");
    check(&format!("\u{feff} {good}\r"), "a@1000000");
    check(&format!("{good}{good}"), "malformed");
    check(&format!("{}{good}", " ".repeat(100_000)), "too-large");
}

#[test]
fn a_csv_line_is_read_by_its_header() {
    let mut decoder = Decoder::new(schema(), 1000);
    let mut check = |header: &str, line: &str, expected: &str| {
        let format = Format::Csv { header: header.as_bytes() };
        let answer = said(&mut decoder, &record(line.as_bytes(), None, format));
        assert_eq!(answer.split(' ').next().unwrap_or_default(), expected, "{header} {line}");
    };
    check("timestamp,cpu", "1970-01-01 00:00:01,5", "fleet@1000");
    check("Time;load;cpu;entity", "1000;2;5;\"a;b\"", "a;b@1000000");
    check("timestamp,cpu,note", "1000,5,hello", "fleet@1000000");
    check("timestamp,cpu,load", "1000,5,", "fleet@1000000");
    check("timestamp,cpu,service_status.db", "1000,.5,online", "fleet@1000000");
    check("timestamp,cpu", "1000,", "missing-field");
    check("timestamp,load", "1000,5", "missing-field");
    check("moment,cpu", "1000,5", "missing-field");
    check("timestamp,cpu", "1000,NaN", "out-of-range");
    check("timestamp,cpu", "1000,much", "wrong-type");
    check("timestamp,cpu", "someday,5", "bad-timestamp");
    check("timestamp,cpu", "1000", "malformed");
    check("timestamp,cpu", "1000,5,6", "malformed");
    check("timestamp,cpu,cpu", "1000,5,6", "duplicate-field");
    check("timestamp,cpu,service_status.db", "1000,5,asleep", "unknown-status");
}

/// Readings as producers write them, and as they should not.
fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let number = prop_oneof![
        (0_u32..20_000).prop_map(|n| format!("{}.{:02}", n / 100, n % 100)),
        any::<f64>().prop_map(|n| format!("{n:e}")),
        (0_u64..1000).prop_map(|n| n.to_string()),
        Just("null".to_owned()),
        Just("-0".to_owned()),
        Just("1e999".to_owned()),
        Just("\"5\"".to_owned()),
    ];
    let time = prop_oneof![
        (0_u32..60).prop_map(|s| format!("\"2026-01-01T00:00:{s:02}Z\"")),
        Just("1767225600".to_owned()),
        Just("\"2026-01-01 00:00:00.5\"".to_owned()),
        Just("\"never\"".to_owned()),
    ];
    let text = prop_oneof![Just("host-1"), Just("höst"), Just("a\\\"b"), Just(""), Just("host-00042")];
    let status = prop_oneof![4 => Just("online"), 1 => Just("offline"), 1 => Just("dozing")];
    let line = (time, text, number.clone(), number, status, 0_usize..6, any::<u16>(), any::<u8>()).prop_map(
        |(time, entity, cpu, load, status, order, at, byte)| {
            let fields = [
                format!("\"timestamp\":{time}"),
                format!("\"entity\":\"{entity}\""),
                format!("\"cpu\":{cpu}"),
                format!("\"load\":{load}"),
                format!("\"note\":\"{entity}\""),
                format!("\"service_status\":{{\"db\":\"{status}\"}}"),
            ];
            let mut fields: Vec<String> = fields.to_vec();
            if order == 5 {
                fields.rotate_left(2);
            }
            let mut bytes = format!("{{{}}}", fields.join(",")).into_bytes();
            // Most are left whole; some lose their end, some have a byte turned.
            let place = usize::from(at) % bytes.len();
            match order {
                3 => bytes.truncate(place),
                4 => bytes[place] = byte,
                _ => {}
            }
            bytes
        },
    );
    prop::collection::vec(line, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn the_fast_way_accepts_and_refuses_as_the_general_one(lines in lines()) {
        let mut fast = Decoder::new(schema(), usize::MAX);
        let mut general = Decoder::general_only(schema());
        for line in &lines {
            let record = record(line, None, Format::Json);
            prop_assert_eq!(said(&mut fast, &record), said(&mut general, &record));
        }
        // As one array they are the same, as far as the array's own structure is whole.
        let whole: Vec<&[u8]> = lines.iter().map(Vec::as_slice)
            .filter(|line| serde_json::from_slice::<serde_json::Value>(line).is_ok()).collect();
        let array = [b"[", whole.join(&b","[..]).as_slice(), b"]"].concat();
        let one_by_one: Vec<String> =
            whole.iter().map(|line| said(&mut general, &record(line, None, Format::Json))).collect();
        prop_assert_eq!(said(&mut fast, &record(&array, None, Format::Json)), one_by_one.join(" | "));
    }
}
