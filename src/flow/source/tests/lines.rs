//! Lines of CSV files.

use super::*;

fn check(header: &str, line: &str, expected: &str) {
    check_with(small(), header, line, expected);
}

fn check_with(schema: Schema, header: &str, line: &str, expected: &str) {
    let format = Format::Csv { header: header.as_bytes() };
    assert_eq!(outline(schema, &record(None, line.as_bytes(), format)), expected, "{header} | {line}");
}

#[test]
fn columns_are_found_by_name_and_the_rest_is_ignored() {
    check("timestamp,cpu,load", "1,5,2", "fleet@1 5 2");
    check("\u{feff}load;x;Time;cpu;entity\r\n", "2;?;1970-01-01 00:00:01; 5 ;host\r\n", "host@1 5 2");
    check(
        "DATE,cpu,db,service_status.web",
        "1970-01-01T00:00:01Z,5,online,offline",
        "fleet@1 5 - 0=online 1=offline",
    );
    check("timestamp,date,cpu", "1,x,5", "fleet@1 5 -");
}

#[test]
fn an_empty_cell_is_missing() {
    check("timestamp,cpu,load,db,entity", "1,5,,,", "fleet@1 5 -");
    check("timestamp,cpu,load", "1,,2", "missing-field");
    check("timestamp,cpu,load", ",5,2", "missing-field");
}

#[test]
fn quotes_hold_delimiters() {
    check(r#""timestamp","x,y",cpu"#, r#"1,"a ""b"", c","5""#, "fleet@1 5 -");
    check("timestamp,cpu,entity", r#"1,5,"a,b""#, "a,b@1 5 -");
    check("timestamp,cpu,entity", "1,5,\"a\nb\"", "bad-entity");
}

#[test]
fn a_line_has_as_many_cells_as_its_header() {
    check("timestamp,cpu", "1", "malformed");
    check("timestamp,cpu", "1,5,2", "malformed");
    check("timestamp,cpu", r#"1,"5",2"#, "malformed");
    check("timestamp,cpu", "", "malformed");
    check("timestamp,cpu", "1,5\n2,5", "malformed");
}

#[test]
fn cells_are_judged_as_fields_are() {
    check("timestamp,cpu", "1,101", "out-of-range");
    check("timestamp,cpu", "1,NaN", "out-of-range");
    check("timestamp,cpu", "1,-Inf", "out-of-range");
    check("timestamp,cpu", "1,1e999", "out-of-range");
    check("timestamp,cpu", "1,five", "wrong-type");
    check("timestamp,cpu", "1,+5", "wrong-type");
    check("timestamp;cpu", "1;5,5", "wrong-type");
    check("timestamp,cpu", "noon,5", "bad-timestamp");
    check("timestamp,cpu,db", "1,5,asleep", "unknown-status");
}

#[test]
fn a_header_that_lacks_a_column_or_has_it_twice_spoils_every_line() {
    check("cpu,load", "5,2", "missing-field");
    check("timestamp,load", "1,2", "missing-field");
    check("timestamp,cpu,cpu", "1,5,5", "duplicate-field");
    check("timestamp,Timestamp,cpu", "1,1,5", "duplicate-field");
    check("timestamp,cpu,db,service_status.db", "1,5,online,online", "duplicate-field");
    check("timestamp,cpu,x,x", "1,5,2,2", "fleet@1 5 -");
    check_with(Schema::native(), "timestamp", "1", "missing-field");
}

#[test]
fn services_of_any_name_have_prefixed_columns() {
    let schema = Schema { services: Services::Any, ..small() };
    check_with(schema, "timestamp,cpu,db,service_status.web", "1,5,x,online", "fleet@1 5 - 0=online");
}

#[test]
fn lines_under_several_headers_may_take_turns() {
    let mut decoder = Decoder::new(small(), MAX_PAYLOAD_BYTES);
    for turn in 0..40 {
        let header = format!("cpu,{}timestamp", "x,".repeat(turn % 10));
        let line = format!("5,{}1", "0,".repeat(turn % 10));
        let format = Format::Csv { header: header.as_bytes() };
        assert_eq!(outline_once(&mut decoder, &record(None, line.as_bytes(), format)), "fleet@1 5 -");
    }
}
