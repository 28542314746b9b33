//! What is a record, in every format.

use proptest::prelude::*;

use super::*;
use crate::edge::scratch::Scratch;

/// Reads a file of that name; a `|` stands between the expected records.
fn check_named(name: &str, text: &str, expected: &str) -> Vec<Row> {
    let scratch = Scratch::new();
    let paths = [scratch.file(name, text.as_bytes())];
    let (rows, _, broken) = read(&paths, Progress::default(), Bounds::default());
    let expected: Vec<&str> = expected.split('|').filter(|value| !value.is_empty()).collect();
    assert_eq!(values(&rows), expected, "{text}");
    assert!(broken.is_empty(), "{text}: {broken:?}");
    assert_eq!(read(&paths, Progress::default(), small()).0, rows, "with a small buffer: {text}");
    for row in &rows {
        let before = &text.as_bytes()[..row.position as usize];
        assert!(text[before.len()..].starts_with(&row.value), "{row:?} lies where it says");
        assert_eq!(row.line, memchr::memchr_iter(b'\n', before).count() as u64 + 1, "{row:?}");
    }
    rows
}

fn check(text: &str, expected: &str) -> Vec<Row> {
    check_named("input", text, expected)
}

fn extents(rows: &[Row]) -> Vec<Extent> {
    rows.iter().map(|row| row.extent).collect()
}

#[test]
fn every_line_of_ndjson_is_a_record() {
    check("{\"t\":1}\n{\"t\":2}\n", r#"{"t":1}|{"t":2}"#);
    check("{\"t\":1}\r\n\r\n  \n{\"t\":2}", r#"{"t":1}|{"t":2}"#);
    check("\u{feff}{\"t\":1}\n{\"t\":2}\n\n", r#"{"t":1}|{"t":2}"#);
    check("\n\n{\"t\":1}\nnonsense\n", r#"{"t":1}|nonsense"#);
    let rows = check("[{\"t\":1}]\n[{\"t\":2},{\"t\":3}]\n", r#"[{"t":1}]|[{"t":2},{"t":3}]"#);
    assert_eq!(extents(&rows), [Extent::Whole; 2]);
    check("{\"data\":[1]}\n{\"data\":[2]}\n", r#"{"data":[1]}|{"data":[2]}"#);
}

#[test]
fn a_bad_first_line_does_not_hide_the_others() {
    check("{\"t\":1\n{\"t\":2}\n{\"t\":3}\n", r#"{"t":1|{"t":2}|{"t":3}"#);
    check("{\"t\": \"2026\n{\"t\":2}\n{\"t\":3}\n", r#"{"t": "2026|{"t":2}|{"t":3}"#);
    check("nonsense\n{\"t\":2}\n", r#"nonsense|{"t":2}"#);
}

#[test]
fn objects_may_stretch_over_lines() {
    let rows =
        check("{\n \"t\": 1\n}\n\n{\n \"t\": 2 }{\"t\":3}\n", "{\n \"t\": 1\n}|{\n \"t\": 2 }|{\"t\":3}");
    assert_eq!(extents(&rows), [Extent::Whole; 3]);
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 5, 6]);
    check("{\"t\":1} {\"t\":2}\n", r#"{"t":1}|{"t":2}"#);
    check("{\n}\nnonsense \n{\n}", "{\n}|nonsense|{\n}");
}

#[test]
fn every_element_of_an_array_is_a_record() {
    let rows = check("[{\"t\":1},\n {\"t\":[2]} , 3,\"a,]\", null ]\n", r#"{"t":1}|{"t":[2]}|3|"a,]"|null"#);
    assert_eq!(extents(&rows)[..3], [Extent::Opening, Extent::Continuing, Extent::Continuing]);
    check("\u{feff} [\n{\"t\":\"}\\\"{\"}\n]", r#"{"t":"}\"{"}"#);
    check("[]", "");
    check(" [ ]\n", "");
    check("[1,2,]", "1|2");
}

#[test]
fn arrays_may_follow_each_other() {
    let rows = check("[1,\n2]\n[3]\n{\"t\":4}\n", r#"1|2|3|{"t":4}"#);
    assert_eq!(extents(&rows), [Extent::Opening, Extent::Continuing, Extent::Opening, Extent::Whole]);
}

#[test]
fn the_array_may_be_the_data_of_an_object() {
    check("{\"data\":[{\"t\":1},{\"t\":2}]}\n", r#"{"t":1}|{"t":2}"#);
    check(
        "{\n\"source\": {\"a\":[1]}, \"data\" : [\n{\"t\":1}\n], \"count\": [1], \"x\":{}}\n",
        r#"{"t":1}"#,
    );
    check("{\"other\":[1],\n\"data\":[2]}", "{\"other\":[1],\n\"data\":[2]}");
    check("{\"data\":[]}", "");
}

#[test]
fn a_row_of_csv_knows_its_header() {
    let rows = check("\u{feff}cpu;\"Time\"\r\n1;2\r\n\r\n3;4", "1;2|3;4");
    assert!(rows.iter().all(|row| row.header.as_deref() == Some("cpu;\"Time\"")));
    assert_eq!(extents(&rows), [Extent::Opening, Extent::Continuing]);
    assert_eq!(rows[1].line, 4);
    for header in ["timestamp,value", "a, DateTime ,b", "date", "value;time"] {
        assert_eq!(check(&format!("{header}\n1\n"), "1")[0].header.as_deref(), Some(header));
    }
    assert_eq!(check_named("a.CSV", "when,what\n1,2\n", "1,2")[0].header.as_deref(), Some("when,what"));
    assert_eq!(check("when,what\n1,2\n", "when,what|1,2")[0].header, None);
    check("timestamp,value\n", "");
}

#[test]
fn an_empty_file_has_no_records() {
    check("", "");
    check("\n \n", "");
    check("\u{feff}", "");
    check_named("a.csv", "", "");
}

#[test]
fn a_value_longer_than_the_head_of_the_file_is_still_one() {
    let long = "x".repeat(100_000);
    let (one, two) = (format!("{{\"t\":1,\"a\":\"{long}\"}}"), format!("{{\"t\":2,\"a\":\"{long}\"}}"));
    for text in [format!("{one}\n{two}\n"), format!("[{one},{two}]"), format!("{{\"data\":[{one},{two}]}}")] {
        let scratch = Scratch::new();
        let paths = [scratch.file("input", text.as_bytes())];
        let (rows, _, broken) = read(&paths, Progress::default(), Bounds::default());
        assert!(values(&rows) == [&one, &two] && broken.is_empty());
    }
}

#[test]
fn a_line_longer_than_a_record_may_be_shows_one_byte_more() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
    let scratch = Scratch::new();
    for end in ["\n{\"t\":2}\n", "\n", ""] {
        let paths = [scratch.file("input", format!("{{\"t\":1}}\n{long}{end}").as_bytes())];
        for buffer_bytes in [16, 1100, 1 << 20] {
            let bounds = Bounds { buffer_bytes, record_bytes: 1000 };
            let (rows, progress, _) = read(&paths, Progress::default(), bounds);
            assert_eq!(rows[1].value, long[..1001], "{buffer_bytes} {end:?}");
            assert_eq!(rows.len(), if end.len() > 1 { 3 } else { 2 });
            assert!(rows.get(2).is_none_or(|row| row.value == "{\"t\":2}" && row.line == 3));
            assert!(read(&paths, progress, bounds).0.is_empty());
        }
    }
}

fn element() -> impl Strategy<Value = String> {
    let text = r#"([ a-z{}\[\],:é]|\\"|\\\\|\\n){0,12}"#;
    let object = prop::collection::vec((text, text), 0..3).prop_map(|fields| {
        let fields: Vec<String> = fields
            .iter()
            .map(|(key, value)| format!("\"{key}\":{{\"v\":\"{value}\",\n\"w\":[1]}}"))
            .collect();
        format!("{{{}}}", fields.join(", "))
    });
    prop_oneof![
        object,
        text.prop_map(|text| format!("\"{text}\"")),
        Just("[[],{}]".to_owned()),
        Just("-1.5".into())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn where_a_buffer_ends_changes_nothing(
        elements in prop::collection::vec(element(), 0..9),
        blank in "[ \n]{0,3}",
        buffer_bytes in 1_usize..80,
        max_records in 1_usize..5,
    ) {
        let scratch = Scratch::new();
        let array = format!("{blank}[{blank}{}{blank}]{blank}", elements.join(&format!("{blank},{blank}")));
        let wrapped = format!("{{\"count\": 3,\n\"data\":{array}}}");
        for text in [array, wrapped] {
            let paths = [scratch.file("input", text.as_bytes())];
            let bounds = Bounds { buffer_bytes, record_bytes: 1000 };
            let mut inputs = Inputs::open(&paths, Progress::default(), bounds).unwrap();
            let rows = rest(&mut inputs, max_records);
            prop_assert_eq!(values(&rows), elements.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert!(inputs.broken().is_empty());
            prop_assert_eq!(inputs.bytes_total(), Some(text.len() as u64));
            prop_assert_eq!(inputs.bytes_read(), text.len() as u64);
        }
    }
}
