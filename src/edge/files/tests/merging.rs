//! Several files as one.

use super::*;
use crate::edge::scratch::Scratch;

/// Files with those times in them, merged: `file:time` each, `-` being a record without a time.
fn check(files: &[&str], expected: &str) {
    let scratch = Scratch::new();
    let line = |time: &str| if time == "-" { "{}\n".to_owned() } else { format!("{{\"t\":{time}}}\n") };
    let paths: Vec<PathBuf> = files
        .iter()
        .enumerate()
        .map(|(number, times)| {
            let lines: String = times.split_whitespace().map(line).collect();
            scratch.file(&format!("{number}"), lines.as_bytes())
        })
        .collect();
    for max_records in [1, 2, 1000] {
        let mut inputs = Inputs::open(&paths, Progress::default(), small()).unwrap();
        let rows = rest(&mut inputs, max_records);
        let time = |row: &Row| row.value.chars().filter(char::is_ascii_digit).collect::<String>();
        let times: Vec<String> = rows.iter().map(|row| format!("{}:{}", row.input, time(row))).collect();
        assert_eq!(times.join(" "), expected.replace('-', ""), "at most {max_records} at once");
    }
}

#[test]
fn records_of_several_files_come_by_time() {
    check(&["1 4 5", "2 3 9", "0"], "2:0 0:1 1:2 1:3 0:4 0:5 1:9");
}

#[test]
fn equal_times_come_in_the_order_of_the_files() {
    check(&["2 2", "1 2", "2"], "1:1 0:2 0:2 1:2 2:2");
}

#[test]
fn a_record_without_a_time_follows_the_one_before_it() {
    check(&["1 - - 5", "- 2 -"], "1:- 0:1 0:- 0:- 1:2 1:- 0:5");
    check(&["- -", "- -"], "0:- 0:- 1:- 1:-");
}

#[test]
fn a_file_that_is_not_sorted_keeps_its_order() {
    check(&["5 1 6", "2 3"], "1:2 1:3 0:5 0:1 0:6");
}

#[test]
fn files_of_every_format_can_be_merged() {
    let scratch = Scratch::new();
    let paths = [
        scratch.file("a.json", b"[{\"t\":1},\n{\"t\":4}]"),
        scratch.file("b.csv", b"timestamp,\"t\":\n2,\"t\":2\n"),
        scratch.file("c.ndjson", b"{\"t\":3}\n"),
        scratch.file("d.json", b""),
    ];
    let (rows, _, _) = read(&paths, Progress::default(), small());
    assert_eq!(values(&rows), ["{\"t\":1}", "2,\"t\":2", "{\"t\":3}", "{\"t\":4}"]);
    assert_eq!(rows[1].header.as_deref(), Some("timestamp,\"t\":"));
    assert_eq!((rows[3].input, rows[3].line, rows[3].position), (0, 2, 10));
    assert_eq!(rows.iter().map(|row| row.offset).collect::<Vec<_>>(), [0, 1, 2, 3]);
}
