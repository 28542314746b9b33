//! Stopping, going on, and reading again.

use super::super::InputError;
use super::*;
use crate::edge::scratch::Scratch;

const ARRAY: &str = "[{\"t\":1},\n{\"t\":2} , {\"t\":3}, {\"t\":4},\n\n{\"t\":5}]\n";
const LINES: &str = "{\"t\":1}\r\n{\"t\":2}\n\n{\"t\":4}\n{\"t\":5}\n{\"t\":9}";
const WRAPPED: &str = "{\"a\":1,\"data\":[{\"t\":1},{\"t\":3},{\"t\":4}],\"b\":2}";
const VALUES: &str = "{\n\"t\":1}\n{\"t\":2}{\"t\":\n7}\n";
const TABLE: &str = "\u{feff}\n a,time \r\n\"t\":1,\n\"t\":3\r\n\n\"t\":5";
const CUT: &str = "[{\"t\":1},{\"t\":2},{\"t\":";

fn stored(progress: &Progress) -> Progress {
    postcard::from_bytes(&postcard::to_stdvec(progress).unwrap()).unwrap()
}

/// Stops after every record and goes on, with every number of records read again.
fn check(texts: &[&str]) {
    let scratch = Scratch::new();
    let paths: Vec<PathBuf> =
        (0..).zip(texts).map(|(number, text)| scratch.file(&format!("{number}"), text.as_bytes())).collect();
    let (whole, _, _) = read(&paths, Progress::default(), small());
    for stop in 0..=whole.len() {
        for replay_from in 0..=stop {
            for max_records in [1, 3, 1000] {
                let mut inputs = Inputs::open(&paths, Progress::default(), small()).unwrap();
                while (inputs.next().0 as usize) < stop {
                    inputs.next_batch(max_records, &mut time).unwrap();
                }
                inputs.forget_before(offset(replay_from));
                let progress = stored(&inputs.progress(offset(replay_from), offset(stop)));
                assert_eq!((progress.replay_from(), progress.next()), (offset(replay_from), offset(stop)));
                let mut inputs = Inputs::open(&paths, progress, small()).unwrap();
                let first = inputs.next().0 as usize;
                assert!(first <= replay_from);
                assert_eq!(rest(&mut inputs, max_records), whole[first..], "{stop} {replay_from} {texts:?}");
            }
        }
    }
}

#[test]
fn a_run_that_was_stopped_anywhere_goes_on_as_if_it_was_not() {
    for text in [ARRAY, LINES, WRAPPED, VALUES, TABLE, CUT, "[]", ""] {
        check(&[text]);
    }
}

#[test]
fn merged_files_go_on_in_the_same_order() {
    check(&[ARRAY, LINES, TABLE]);
    check(&["{}\n{\"t\":3}\n{}\n", WRAPPED, VALUES]);
}

#[test]
fn the_same_file_again_adds_nothing() {
    let scratch = Scratch::new();
    for text in [ARRAY, LINES, WRAPPED, VALUES, TABLE, CUT] {
        let paths = [scratch.file("a", text.as_bytes())];
        let (rows, progress, _) = read(&paths, Progress::default(), small());
        let elsewhere = [scratch.file("moved", text.as_bytes())];
        let (again, progress, _) = read(&elsewhere, stored(&progress), small());
        assert!(again.is_empty(), "{text}: {again:?}");
        assert_eq!(progress.next(), offset(rows.len()));
        assert_eq!(progress.inputs().len(), 1);
    }
}

/// Reads a file, and again when it has grown: what is new in it, with the byte and line of each.
fn check_grown(before: &str, after: &str, expected: &[(&str, u64, u64)]) {
    let scratch = Scratch::new();
    let paths = [scratch.file("a", before.as_bytes())];
    let (rows, progress, _) = read(&paths, Progress::default(), small());
    scratch.file("a", after.as_bytes());
    let (new, _, _) = read(&paths, stored(&progress), small());
    let new: Vec<_> = new.iter().map(|row| (row.value.as_str(), row.position, row.line)).collect();
    assert_eq!(new, expected, "{after}");
    assert!(!rows.is_empty());
}

#[test]
fn a_grown_file_goes_on_at_its_tail() {
    check_grown("{\"t\":1}\n", "{\"t\":1}\n{\"t\":2}\n", &[("{\"t\":2}", 8, 2)]);
    check_grown("{\"t\":1}", "{\"t\":1}\n{\"t\":2}\n", &[("{\"t\":2}", 8, 2)]);
    check_grown("[{\"t\":1}]\n", "[{\"t\":1},\n{\"t\":2}]\n", &[("{\"t\":2}", 10, 2)]);
    check_grown("[{\"t\":1},\n", "[{\"t\":1},\n{\"t\":2}]\n", &[("{\"t\":2}", 10, 2)]);
    check_grown("{\"data\":[1]}", "{\"data\":[1,2]}", &[("2", 11, 1)]);
    check_grown("time\n1\n", "time\n1\n2", &[("2", 7, 3)]);
    check_grown("{\n}\n", "{\n}\n{\n}", &[("{\n}", 4, 3)]);
}

#[test]
fn another_file_under_the_same_name_starts_at_its_beginning() {
    let scratch = Scratch::new();
    let paths = [scratch.file("a", b"{\"t\":1}\n{\"t\":2}\n")];
    let (_, progress, _) = read(&paths, Progress::default(), small());
    scratch.file("a", b"{\"t\":7}\n{\"t\":8}\n{\"t\":9}\n");
    let (rows, progress, _) = read(&paths, progress, small());
    assert_eq!(rows.iter().map(|row| row.offset).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(progress.inputs().len(), 2);
}

#[test]
fn what_a_broken_file_grows_by_is_not_read() {
    let scratch = Scratch::new();
    let paths = [scratch.file("a", CUT.as_bytes())];
    let (_, progress, _) = read(&paths, Progress::default(), small());
    scratch.file("a", format!("{CUT}3}}]").as_bytes());
    let (rows, _, broken) = read(&paths, progress, small());
    assert!(rows.is_empty());
    assert_eq!(broken, ["22: it was broken here when it was read before, so nothing behind is read"]);
}

fn lines(times: impl IntoIterator<Item = u32>) -> String {
    let lines: Vec<String> = times.into_iter().map(|time| format!("{{\"t\":{time}}}\n")).collect();
    lines.concat()
}

/// A run over two files that stops with its last four records still needed.
fn with_open_windows(scratch: &Scratch) -> (Vec<PathBuf>, Vec<Row>, Progress) {
    let paths = vec![
        scratch.file("a", lines([1, 3, 5, 7]).as_bytes()),
        scratch.file("b", lines([2, 4, 6]).as_bytes()),
    ];
    let mut inputs = Inputs::open(&paths, Progress::default(), small()).unwrap();
    let rows = rest(&mut inputs, 1);
    (paths, rows, stored(&inputs.progress(Offset(3), Offset(7))))
}

#[test]
fn files_that_are_not_given_again_are_found_where_they_were() {
    let scratch = Scratch::new();
    let (_, rows, progress) = with_open_windows(&scratch);
    assert_eq!(progress.needed().count(), 2);
    // Its times lie between those that are read again, and yet it comes after them.
    let paths = [scratch.file("c", b"{\"t\":4}\n{\"t\":8}\n{\"t\":9}\n")];
    let mut inputs = Inputs::open(&paths, progress, small()).unwrap();
    let again = rest(&mut inputs, 1);
    let same = |one: &[Row], other: &[Row]| {
        let key = |row: &Row| (row.offset, row.value.clone(), row.line);
        one.iter().map(key).eq(other.iter().map(key))
    };
    assert!(same(&again[..4], &rows[3..]), "{again:?}");
    assert_eq!(values(&again[4..]), ["{\"t\":4}", "{\"t\":8}", "{\"t\":9}"]);
    assert_eq!(inputs.path(again[0].input), scratch.path().join("b"));
    assert_eq!((again[4].input, again[4].offset), (0, 7));

    // And a third run, from the middle of what the second read again to the middle of what it read anew.
    for (replay_from, next) in [(3, 8), (5, 9), (7, 9), (8, 10), (5, 7)] {
        let progress = stored(&inputs.progress(offset(replay_from), offset(next)));
        let mut third = Inputs::open(&paths, progress, small()).unwrap();
        assert_eq!(third.next(), offset(replay_from));
        assert!(same(&rest(&mut third, 2), &again[replay_from - 3..]), "{replay_from} {next}");
    }
}

#[test]
fn progress_stored_before_anything_new_still_reads_all_again() {
    let scratch = Scratch::new();
    let (paths, rows, progress) = with_open_windows(&scratch);
    let mut inputs = Inputs::open(&paths, progress.clone(), small()).unwrap();
    assert_eq!(inputs.progress(Offset(3), Offset(7)), progress);
    inputs.next_batch(2, &mut time).unwrap();
    let progress = inputs.progress(Offset(4), Offset(7));
    let (again, _, _) = read(&paths, progress, small());
    assert_eq!(values(&again), values(&rows[3..]));
}

#[test]
fn readings_that_cannot_be_read_again_stop_the_run() {
    let scratch = Scratch::new();
    let (paths, _, progress) = with_open_windows(&scratch);
    std::fs::remove_file(&paths[0]).unwrap();
    let refused = Inputs::open(&[], progress.clone(), small()).unwrap_err();
    assert!(
        matches!(&refused, InputError::Needed { path } if *path == paths[0].display().to_string()),
        "{refused}"
    );
    let mut inputs = Inputs::open(&[], progress.without_replay(), small()).unwrap();
    assert_eq!((rest(&mut inputs, 9), inputs.next()), (Vec::new(), Offset(7)));
}

#[test]
fn a_file_that_lost_its_tail_stops_the_run() {
    let scratch = Scratch::new();
    let (paths, _, progress) = with_open_windows(&scratch);
    let long = lines(0..9999);
    let path = scratch.file("long", long.as_bytes());
    let mut inputs = Inputs::open(std::slice::from_ref(&path), progress.without_replay(), small()).unwrap();
    rest(&mut inputs, 1000);
    let progress = inputs.progress(Offset(9000), inputs.next());
    // The head is the same; records behind it are not.
    scratch.file("long", &long.as_bytes()[..long.len() - 100]);
    let mut inputs = Inputs::open(&paths, progress, small()).unwrap();
    let refused = loop {
        match inputs.next_batch(1000, &mut time) {
            Ok(batch) => assert!(!batch.is_empty()),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, InputError::Changed { .. }), "{refused}");
}

#[test]
fn progress_inside_the_last_batch_is_exact() {
    let scratch = Scratch::new();
    let paths = [scratch.file("a", LINES.as_bytes()), scratch.file("b", ARRAY.as_bytes())];
    let (whole, _, _) = read(&paths, Progress::default(), small());
    let mut inputs = Inputs::open(&paths, Progress::default(), small()).unwrap();
    inputs.next_batch(2, &mut time).unwrap();
    inputs.next_batch(6, &mut time).unwrap();
    for stop in 2..=8 {
        let progress = inputs.progress(offset(stop), offset(stop));
        assert_eq!(read(&paths, progress, small()).0, whole[stop..], "{stop}");
    }
}
