//! What records of other programs become, and what bad ones are told.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use prost::Message;

use super::proto;
use crate::flow::model::{Metric, Range, Schema, Services};
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::samples::{SampleFormat, Sampled, Sampling, Selector};
use crate::flow::source::{Decoded, Decoder};

/// A gauge `g` in `[0, 100]` and a counter `c`, from these series.
fn schema(format: SampleFormat, gauge: &str, counter: &str) -> Schema {
    let metric = |name: &str, range| Metric {
        name: name.into(),
        unit: String::new(),
        range,
        judged: true,
        optional: true,
    };
    let from = |text: &str| match format {
        SampleFormat::Mapped => Selector::plain(text),
        _ => Selector::parse(text).unwrap(),
    };
    let sampled = |text: &str, scale, rate| Sampled { from: from(text), scale, rate };
    let mapped = format == SampleFormat::Mapped;
    Schema {
        metrics: vec![metric("g", Range::PERCENT), metric("c", Range::PERCENT)],
        services: Services::Any,
        default_entity: "fleet".into(),
        sampling: Some(Box::new(Sampling {
            format,
            entity: if mapped { Some("host".into()) } else { format.usual_entity().map(str::to_owned) },
            time: mapped.then(|| "t".into()),
            series: None,
            interval_ms: None,
            metrics: vec![sampled(gauge, 1.0, false), sampled(counter, 8.0, true)],
        })),
    }
}

fn usual(format: SampleFormat) -> Schema {
    match format {
        SampleFormat::Telegraf | SampleFormat::Influx => schema(format, "m.g", "n.c{if=eth0}"),
        SampleFormat::Collectd => {
            schema(format, "p.k.value{type_instance=idle}", "n.o.rx{plugin_instance=eth0}")
        }
        SampleFormat::OtlpJson | SampleFormat::Otlp => schema(format, "g{unit=By}", "c{if=eth0}"),
        SampleFormat::PrometheusJson => schema(format, "g", "c{if=eth0}"),
        SampleFormat::Mapped | SampleFormat::Native => schema(format, "v.g", "v.list.0"),
    }
}

/// Readings as the JSON that is forwarded, rejections as `reason: detail`.
fn decoded(schema: &Schema, key: Option<&[u8]>, value: &[u8], format: Format<'_>) -> Vec<String> {
    let mut decoder = Decoder::new(schema.clone(), 1 << 20);
    let mut native = Decoder::new(schema.clone().as_routed(), 1 << 20);
    let (offset, origin) = (Offset(0), Origin::default());
    let record = RawRecord { offset, origin, key, value, format, extent: Extent::Whole };
    let mut seen = Vec::new();
    decoder.decode(&record, |decoded| match decoded {
        Decoded::Reading { entity, reading, value } => {
            // What is forwarded is the same reading, to the bit.
            let forwarded = RawRecord { value, key: None, format: Format::Json, ..record };
            let mut again = Vec::new();
            native.decode(&forwarded, |decoded| match decoded {
                Decoded::Reading { entity, reading, .. } => again.push((entity.to_owned(), reading.clone())),
                other => panic!("{other:?}"),
            });
            assert_eq!(again, [(entity.to_owned(), reading.clone())]);
            seen.push(String::from_utf8(value.to_vec()).unwrap());
        }
        Decoded::Feedback { entity, .. } => seen.push(format!("feedback on {entity}")),
        Decoded::Rejected { rejection, .. } => {
            seen.push(format!("{}: {}", rejection.reason.label(), rejection.detail));
        }
    });
    seen
}

/// `expected` has a line an outcome: `time entity g c`, `-` for none, or what a rejection begins with.
fn check(format: SampleFormat, record: &str, expected: &[&str]) {
    check_bytes(&usual(format), None, record.as_bytes(), expected);
}

fn check_bytes(schema: &Schema, key: Option<&[u8]>, record: &[u8], expected: &[&str]) {
    let seen = decoded(schema, key, record, Format::Json);
    assert_eq!(seen.len(), expected.len(), "{seen:#?}");
    for (seen, expected) in seen.iter().zip(expected) {
        let short = short(seen);
        assert!(short.starts_with(expected), "{short} for {expected} of {}", String::from_utf8_lossy(record));
    }
}

fn short(seen: &str) -> String {
    let Ok(reading) = serde_json::from_str::<serde_json::Value>(seen) else { return seen.to_owned() };
    let number = |name: &str| reading.get(name).map_or("-".into(), ToString::to_string);
    let text = |name: &str| reading[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {} {}", text("timestamp"), text("entity"), number("g"), number("c"))
}

const T: &str = "2026-01-01T00:00:0";

fn at(second: u8, rest: &str) -> String {
    format!("{T}{second}Z {rest}")
}

#[test]
fn telegraf_sends_a_metric_or_a_batch() {
    let metric = |name: &str, field: &str, more: &str| {
        format!(
            r#"{{"name":"{name}","tags":{{"host":"a"{more}}},"fields":{{{field}}},"timestamp":1767225601}}"#
        )
    };
    let (gauge, counter) =
        (metric("m", "\"g\":5,\"other\":\"x\"", ""), metric("n", "\"c\":2", ",\"if\":\"eth0\""));
    let other = metric("n", "\"c\":3", ",\"if\":\"eth1\"");
    let (one, two) = (at(1, "a 5.0 -"), at(1, "a - 16.0"));
    check(SampleFormat::Telegraf, &gauge, &[&one]);
    check(SampleFormat::Telegraf, &format!("[{gauge},{counter},{other}]"), &[&one, &two]);
    check(
        SampleFormat::Telegraf,
        &format!("{{\"metrics\":[{gauge},{counter},7]}}"),
        &[&one, &two, "wrong-type"],
    );
    check(SampleFormat::Telegraf, &metric("elsewhere", "\"g\":true", ""), &[]);
    check(
        SampleFormat::Telegraf,
        &metric("m", "\"g\":\"5\"", ""),
        &["wrong-type: g is a string, not a number"],
    );
    check(
        SampleFormat::Telegraf,
        &metric("m", "\"g\":101", ""),
        &["out-of-range: g is 101, outside of 0 to 100"],
    );
    check(SampleFormat::Telegraf, &gauge.replace("1767225601", "\"soon\""), &["bad-timestamp"]);
    check(
        SampleFormat::Telegraf,
        &gauge.replace(",\"timestamp\":1767225601", ""),
        &["missing-field: the time"],
    );
    check(SampleFormat::Telegraf, &gauge.replace("\"host\":\"a\"", "\"host\":\"\""), &["bad-entity"]);
    check(SampleFormat::Telegraf, &gauge.replace("\"host\":\"a\"", "\"x\":\"a\""), &[&at(1, "fleet 5.0 -")]);
    check(SampleFormat::Telegraf, &gauge.replace("1767225601", "1767225601000000000"), &[&one]);
    check(SampleFormat::Telegraf, &gauge[..40], &["truncated"]);
    check(SampleFormat::Telegraf, &format!("[{gauge}"), &[&one, "truncated"]);
    check(SampleFormat::Telegraf, &format!("[{gauge}] x"), &[&one, "malformed: something stands behind"]);
    check(SampleFormat::Telegraf, &format!("{gauge}{gauge}"), &["malformed"]);
    check(SampleFormat::Telegraf, r#"{"name":"m","fields":{}}"#, &[]);
    check(SampleFormat::Telegraf, r#"{"name":"m"}"#, &["missing-field: missing field `fields`"]);
    check(SampleFormat::Telegraf, r#"{"name":"m","name":"m","fields":{}}"#, &["duplicate-field"]);
}

#[test]
fn a_line_of_influx_has_escapes_types_and_a_time() {
    let ns = "1767225601000000000";
    let one = at(1, "a 5.0 -");
    check(SampleFormat::Influx, &format!("m,host=a g=5 {ns}"), &[&one]);
    check(
        SampleFormat::Influx,
        &format!("m,host=a text=\"x,y=\\\" z\n\",g=5i {ns}\n# a comment\n\n"),
        &[&one],
    );
    check(SampleFormat::Influx, &format!(r"m,host=a\ b\,c g=5u {ns}"), &[&at(1, "a b,c 5.0 -")]);
    check(SampleFormat::Influx, &format!("m,host=a g=5 {ns}\nm g=6 {ns}\n"), &[&one, &at(1, "fleet 6.0 -")]);
    check(SampleFormat::Influx, &format!("n,host=a,if=eth0 c=2 {ns}"), &[&at(1, "a - 16.0")]);
    check(
        SampleFormat::Influx,
        &format!("bad line\nm,host=a g=5 {ns}"),
        &["malformed: the field \"line\"", &one],
    );
    check(SampleFormat::Influx, &format!("m g=\"open\nm,host=a g=5 {ns}"), &["truncated", &one]);
    check(SampleFormat::Influx, "m,host=a g=5", &["missing-field: the time is missing"]);
    check(SampleFormat::Influx, "m,host=a", &["truncated"]);
    check(SampleFormat::Influx, "m,host g=5", &["malformed: the tag \"host\" has no value"]);
    check(SampleFormat::Influx, &format!("m g=true {ns}"), &["wrong-type: g is a boolean"]);
    check(SampleFormat::Influx, &format!("m g=x {ns}"), &["wrong-type: \"x\" is no value"]);
    check(SampleFormat::Influx, &format!("m g=inf {ns}"), &["wrong-type"]);
    check(SampleFormat::Influx, &format!("m g=1e999 {ns}"), &["out-of-range"]);
    check(SampleFormat::Influx, "m g=5 then", &["bad-timestamp: the time is \"then\""]);
    check(SampleFormat::Influx, &format!("m g=\"s\"5 {ns}"), &["malformed: \"5 "]);
    check(SampleFormat::Influx, &format!(",host=a g=5 {ns}"), &["malformed: the measurement has no name"]);
    check(SampleFormat::Influx, "# only a comment", &[]);
}

#[test]
fn collectd_sends_value_lists() {
    let list = |values: &str, names: &str, kind: &str| {
        format!(
            r#"{{"values":[{values}],"dstypes":["x"],"dsnames":[{names}],"time":1767225601.004,"interval":10.000,"host":"a",{kind}}}"#
        )
    };
    let idle = r#""plugin":"p","plugin_instance":"","type":"k","type_instance":"idle""#;
    let octets = r#""plugin":"n","plugin_instance":"eth0","type":"o","type_instance":"""#;
    let gauge = list("5", "\"value\"", idle);
    let counter = list("2,3", "\"rx\",\"tx\"", octets);
    let (one, two) = ("2026-01-01T00:00:01.004Z a 5.0 -", "2026-01-01T00:00:01.004Z a - 16.0");
    check(SampleFormat::Collectd, &format!("[{gauge},{counter}]"), &[one, two]);
    check(SampleFormat::Collectd, &gauge, &[one]);
    check(SampleFormat::Collectd, &format!("[{}]", list("null", "\"value\"", idle)), &[]);
    check(
        SampleFormat::Collectd,
        &list("5,6", "\"value\"", idle),
        &["wrong-type: 2 values of 1 data sources"],
    );
    check(
        SampleFormat::Collectd,
        &gauge.replace("\"host\":\"a\",", ""),
        &["missing-field: missing field `host`"],
    );
    check(SampleFormat::Collectd, &gauge.replace("\"a\"", "7"), &["wrong-type"]);
    check(SampleFormat::Collectd, "[]", &[]);
    check(SampleFormat::Collectd, &format!("[{{}},{gauge}]"), &["missing-field", one]);
}

#[test]
fn prometheus_sends_a_sample_a_record() {
    let sample = |value: &str, name: &str| {
        format!(
            r#"{{"timestamp":"2026-01-01T00:00:01Z","value":{value},"name":"{name}","labels":{{"instance":"a","if":"eth0"}}}}"#
        )
    };
    check(SampleFormat::PrometheusJson, &sample("\"5\"", "g"), &[&at(1, "a 5.0 -")]);
    check(SampleFormat::PrometheusJson, &sample("2", "c"), &[&at(1, "a - 16.0")]);
    check(SampleFormat::PrometheusJson, &sample("\"NaN\"", "g"), &[]);
    check(SampleFormat::PrometheusJson, &sample("\"+Inf\"", "g"), &["out-of-range: g is inf"]);
    check(
        SampleFormat::PrometheusJson,
        &sample("\"-1\"", "c"),
        &["out-of-range: c is -8, outside of 0 to inf"],
    );
    check(SampleFormat::PrometheusJson, &sample("\"many\"", "g"), &["wrong-type"]);
}

fn otlp(unit: &str, points: &str, more: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"host.name","value":{{"stringValue":"a"}}}}]}},"scopeMetrics":[{{"metrics":[{{"name":"g","unit":"{unit}","gauge":{{"dataPoints":[{points}]}}}}{more}]}}]}}]}}"#
    )
}

#[test]
fn otlp_has_points_of_metrics_of_resources() {
    let point = |value: &str| format!(r#"{{"timeUnixNano":"1767225601000000000",{value}}}"#);
    let sum = |temporality: &str| {
        let point = r#"{"timeUnixNano":"1767225602000000000","asInt":"2","attributes":[{"key":"if","value":{"stringValue":"eth0"}}]}"#;
        format!(r#",{{"name":"c","sum":{{"aggregationTemporality":{temporality},"dataPoints":[{point}]}}}}"#)
    };
    let (one, two) = (at(1, "a 5.0 -"), at(2, "a - 16.0"));
    let format = SampleFormat::OtlpJson;
    check(format, &otlp("By", &point("\"asDouble\":5"), &sum("2")), &[&one, &two]);
    check(format, &otlp("By", &point("\"asInt\":\"5\""), &sum("1")), &[&one, "wrong-type: c is a delta"]);
    check(format, &otlp("By", "", &sum("\"AGGREGATION_TEMPORALITY_DELTA\"")), &["wrong-type: c is a delta"]);
    check(
        format,
        &otlp("KiBy", &point("\"asDouble\":5"), ""),
        &["wrong-type: the unit of g is \"KiBy\", not \"By\""],
    );
    check(format, &otlp("By", &point("\"asDouble\":\"NaN\""), ""), &["out-of-range"]);
    check(format, &otlp("By", &point("\"flags\":1"), ""), &[]);
    check(format, &otlp("By", &point("\"asDouble\":true"), ""), &["wrong-type"]);
    check(format, &otlp("By", r#"{"asDouble":5}"#, ""), &["missing-field: the time"]);
    check(format, &otlp("By", r#"{"timeUnixNano":"0","asDouble":5}"#, ""), &["missing-field: the time"]);
    check(format, &otlp("By", r#"{"timeUnixNano":"x","asDouble":5}"#, ""), &["bad-timestamp"]);
    let twice = format!("{},{}", point("\"asDouble\":5"), point("\"asDouble\":6"));
    check(
        format,
        &otlp("By", &twice, ""),
        &[&one, "duplicate-field: g stands twice for one entity and time"],
    );
    let two_bad = format!("{},{}", point("\"asDouble\":500"), point("\"asDouble\":600"));
    check(format, &otlp("By", &two_bad, ""), &["out-of-range: g is 500, outside of 0 to 100 (and 1 more)"]);
    check(format, r#"{"resourceSpans":[]}"#, &["missing-field"]);
    check(format, "{\"resourceMetrics\":[{\"resource\":", &["truncated"]);
}

#[test]
fn a_histogram_is_its_count_and_sum() {
    let schema = schema(SampleFormat::OtlpJson, "d.sum", "d.count");
    let point = r#"{"timeUnixNano":"1767225601000000000","count":"3","sum":12.5}"#;
    let metric =
        format!(r#",{{"name":"d","histogram":{{"aggregationTemporality":2,"dataPoints":[{point}]}}}}"#);
    check_bytes(&schema, None, otlp("By", "", &metric).as_bytes(), &[&at(1, "a 12.5 24.0")]);
}

fn request() -> proto::Request {
    let attribute = |key: &str, text: &str| proto::Attribute {
        key: key.into(),
        value: Some(proto::AttributeValue { text: Some(text.into()), ..Default::default() }),
    };
    let point = |second: u64, value: Option<f64>, whole| proto::Number {
        time_unix_nano: (1_767_225_600 + second) * 1_000_000_000,
        as_double: value,
        as_int: whole,
        attributes: vec![attribute("if", "eth0")],
        flags: 0,
    };
    let numbers = |point| Some(proto::Numbers { data_points: vec![point], aggregation_temporality: 2 });
    let gauge = numbers(point(1, Some(5.0), None));
    let sum = numbers(point(2, None, Some(2)));
    let metrics = vec![
        proto::Metric { name: "g".into(), unit: "By".into(), gauge, ..Default::default() },
        proto::Metric { name: "c".into(), sum, ..Default::default() },
    ];
    proto::Request {
        resource_metrics: vec![proto::ResourceMetrics {
            resource: Some(proto::Resource { attributes: vec![attribute("host.name", "a")] }),
            scope_metrics: vec![proto::ScopeMetrics { metrics }],
        }],
    }
}

#[test]
fn otlp_as_protobuf_says_the_same() {
    let schema = usual(SampleFormat::Otlp);
    let bytes = request().encode_to_vec();
    check_bytes(&schema, None, &bytes, &[&at(1, "a 5.0 -"), &at(2, "a - 16.0")]);
    check_bytes(&schema, None, &bytes[..bytes.len() - 9], &["malformed"]);
    check_bytes(&schema, None, b"{\"resourceMetrics\":[]}", &["malformed"]);
    check_bytes(&schema, None, &[], &[]);
    let mut other = request();
    other.resource_metrics[0].scope_metrics[0].metrics[0].unit = "KiBy".into();
    let expected = [&at(2, "a - 16.0"), "wrong-type: the unit of g is \"KiBy\", not \"By\""];
    check_bytes(&schema, None, &other.encode_to_vec(), &expected);
}

/// Bytes put together by hand from the numbers in opentelemetry-proto's `metrics.proto`, `resource.proto`, `common.proto`.
#[test]
fn the_numbers_of_protobufs_fields_are_those_of_the_specification() {
    let point = b"\x19\x00\x9a\x75\x00\xd8\x72\x86\x18\x21\x00\x00\x00\x00\x00\x00\x14\x40";
    let wrap = |tag: u8, inner: &[u8]| [&[tag << 3 | 2, inner.len() as u8], inner].concat();
    let metric = [wrap(1, b"g"), wrap(3, b"By"), wrap(5, &wrap(1, point))].concat();
    let attribute = [wrap(1, b"host.name"), wrap(2, &wrap(1, b"a"))].concat();
    let of_resource = [wrap(1, &wrap(1, &attribute)), wrap(2, &wrap(2, &metric))].concat();
    let nanoseconds = u64::from_le_bytes(point[1..9].try_into().unwrap());
    let time = crate::flow::time::EventTime::from_ms((nanoseconds / 1_000_000) as i64).unwrap();
    check_bytes(&usual(SampleFormat::Otlp), None, &wrap(1, &of_resource), &[&format!("{time} a 5.0 -")]);
}

/// What OpenTelemetry's own Python SDK 1.45 exported of a gauge, two counters, an up-down counter and a histogram.
#[test]
fn what_opentelemetrys_own_library_writes_is_read() {
    let bytes = include_bytes!("../../../../tests/golden/inputs/otlp-sdk.bin");
    let text = include_str!("../../../../tests/golden/inputs/otlp-sdk.json");
    let at = crate::flow::time::EventTime::from_ms(1_795_466_935_424).unwrap();
    for (gauge, counter, expected) in [
        ("g{disk=sda}", "c{if=eth0}", format!("{at} web-1 42.5 56.0")),
        ("g{ok=true,number=3}", "c{if=eth1}", format!("{at} web-1 42.5 72.0")),
        ("h.sum", "h.count", format!("{at} web-1 42.0 16.0")),
    ] {
        check_bytes(&schema(SampleFormat::Otlp, gauge, counter), None, bytes, &[&expected]);
        check_bytes(
            &schema(SampleFormat::OtlpJson, gauge, counter),
            None,
            text.trim().as_bytes(),
            &[&expected],
        );
    }
}

#[test]
fn mapped_json_is_read_by_paths() {
    let format = SampleFormat::Mapped;
    let (both, one) = (at(1, "a 5.0 16.0"), at(1, "fleet 5.0 -"));
    check(format, r#"{"host":"a","t":"2026-01-01T00:00:01Z","v":{"g":5,"list":[2,9]}}"#, &[&both]);
    check(format, r#"[{"t":1767225601,"v":{"g":5}},{"t":1767225601,"v":{"g":null}}]"#, &[&one]);
    check(format, r#"{"host":7,"t":1767225601000,"v":{"g":5}}"#, &[&at(1, "7 5.0 -")]);
    check(format, r#"{"host":[],"t":1767225601,"v":{"g":5}}"#, &["bad-entity: host is an array"]);
    check(format, r#"{"t":1767225601,"v":{"g":"5"}}"#, &["wrong-type: g is a string"]);
    check(format, r#"{"t":{},"v":{"g":5}}"#, &["bad-timestamp"]);
    check(format, "7", &["not-a-reading"]);
    check(format, r#"{"t":1767225601}"#, &[]);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    check(format, &format!("{{\"v\":{deep}}}"), &["malformed: recursion limit"]);
}

#[test]
fn mapped_records_can_be_one_sample_each() {
    let mut schema = schema(SampleFormat::Mapped, "one", "two");
    schema.sampling.as_mut().unwrap().series = Some(("name".into(), "value".into()));
    let check = |text: &str, expected: &[&str]| check_bytes(&schema, None, text.as_bytes(), expected);
    check(r#"{"host":"a","t":1767225601,"name":"one","value":5}"#, &[&at(1, "a 5.0 -")]);
    check(r#"{"host":"a","t":1767225601,"name":"three","value":5}"#, &[]);
    check(r#"{"host":"a","t":1767225601,"value":5}"#, &["missing-field: name is missing"]);
}

#[test]
fn mapped_csv_is_read_by_columns() {
    let schema = schema(SampleFormat::Mapped, "load", "bytes in");
    let read = |header: &str, line: &str| -> Vec<String> {
        let format = Format::Csv { header: header.as_bytes() };
        decoded(&schema, None, line.as_bytes(), format).iter().map(|seen| short(seen)).collect()
    };
    let header = "t;host;load;bytes in;note";
    assert_eq!(read(header, "1767225601;a;5;2;\"x;y\""), [at(1, "a 5.0 16.0")]);
    assert_eq!(read(header, "1767225601;a;;2;"), [at(1, "a - 16.0")]);
    assert_eq!(
        read(header, "1767225601;a;high;2;"),
        [at(1, "a - 16.0"), "wrong-type: g is a text, not a number".into()]
    );
    assert_eq!(read(header, "1767225601;a"), ["malformed: 2 cells under 5 columns"]);
    assert_eq!(read("host,load", "a,5"), ["missing-field: the time is missing"]);
}

#[test]
fn a_record_without_entity_is_its_keys() {
    let schema = usual(SampleFormat::Influx);
    check_bytes(&schema, Some(b"k"), b"m g=5 1767225601", &[&at(1, "k 5.0 -")]);
    check_bytes(&schema, Some(b"\xFF"), b"m g=5 1767225601", &["bad-entity: the record's key"]);
    check_bytes(&schema, Some(b"\xFF"), b"m,host=a g=5 1767225601", &[&at(1, "a 5.0 -")]);
}

const FORMATS: [SampleFormat; 7] = [
    SampleFormat::Telegraf,
    SampleFormat::Collectd,
    SampleFormat::OtlpJson,
    SampleFormat::Otlp,
    SampleFormat::PrometheusJson,
    SampleFormat::Influx,
    SampleFormat::Mapped,
];

#[test]
fn what_is_compressed_is_told_so() {
    for format in FORMATS {
        check_bytes(&usual(format), None, b"\x1F\x8B\x08\0\0", &["malformed: it is compressed (gzip)"]);
        check_bytes(&usual(format), None, b"\x28\xB5\x2F\xFD\0", &["malformed: it is compressed (zstd)"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes: Vec<u8>, format in 0..FORMATS.len()) {
        decoded(&usual(FORMATS[format]), None, &bytes, Format::Json);
        let csv = Format::Csv { header: b"t,host,v.g" };
        decoded(&usual(FORMATS[format]), None, &bytes, csv);
    }

    #[test]
    fn no_slip_in_a_good_record_makes_a_decoder_panic(at: prop::sample::Index, byte: u8, cut: prop::sample::Index, which in 0..6_usize) {
        let good: [(SampleFormat, Vec<u8>); 6] = [
            (SampleFormat::Telegraf, br#"{"metrics":[{"name":"m","tags":{"host":"a"},"fields":{"g":5},"timestamp":1767225601}]}"#.to_vec()),
            (SampleFormat::Influx, b"m,host=a g=5,x=\"y\" 1767225601\nm g=6i 1767225602".to_vec()),
            (SampleFormat::OtlpJson, otlp("By", r#"{"timeUnixNano":"1767225601000000000","asDouble":5}"#, "").into_bytes()),
            (SampleFormat::Otlp, request().encode_to_vec()),
            (SampleFormat::PrometheusJson, br#"{"timestamp":"2026-01-01T00:00:01Z","value":"5","name":"g","labels":{"instance":"a"}}"#.to_vec()),
            (SampleFormat::Mapped, br#"{"host":"a","t":"2026-01-01T00:00:01Z","v":{"g":5,"list":[2,9]}}"#.to_vec()),
        ];
        let (format, mut bytes) = good[which].clone();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        decoded(&usual(format), None, &bytes, Format::Json);
        bytes.truncate(cut.index(bytes.len()));
        decoded(&usual(format), None, &bytes, Format::Json);
    }
}
