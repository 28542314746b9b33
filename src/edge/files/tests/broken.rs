//! What becomes of files that are not what they seem.

use super::super::InputError;
use super::*;
use crate::edge::scratch::Scratch;

/// Reads a broken file; a `|` stands between the expected records, the last of which is what cannot be used.
fn check(text: &[u8], expected: &str, why: &str) {
    let scratch = Scratch::new();
    let paths = [scratch.file("input", text)];
    let (rows, progress, broken) = read(&paths, Progress::default(), Bounds::default());
    let shown = String::from_utf8_lossy(text);
    assert_eq!(values(&rows), expected.split('|').collect::<Vec<_>>(), "{shown}");
    assert_eq!(broken, [why], "{shown}");
    let (again, _, broken_again) = read(&paths, Progress::default(), small());
    assert_eq!((again, broken_again), (rows, broken), "with a small buffer: {shown}");
    assert!(read(&paths, progress, small()).0.is_empty(), "the same file again adds nothing: {shown}");
}

#[test]
fn a_truncated_array_keeps_what_came_before() {
    check(b"[{\"t\":1},{\"t\":2},{\"t\":", r#"{"t":1}|{"t":2}|{"t":"#, "17: it ends inside of a value");
    check(b"[1,2", "1|2", "3: it ends inside of a value");
    check(b"[{\"t\":1},\n", r#"{"t":1}"#, "10: the array is not closed");
    check(b"{\"data\":[{\"t\":1}]", r#"{"t":1}"#, "17: the object around the array is not closed");
    check(b"{\n\"t\":1}\n{\n\"t\"", "{\n\"t\":1}|{\n\"t\"", "9: it ends inside of a value");
}

#[test]
fn garbage_ends_an_array() {
    let why = "an element is followed by neither a comma nor the closing bracket";
    check(b"[{\"t\":1} oops {\"t\":2}]", r#"{"t":1}|oops {"t":2}]"#, &format!("9: {why}"));
    check(b"[{\"t\":1},,{\"t\":2}]", r#"{"t":1}|,{"t":2}]"#, "9: a value is missing");
    check(b"[{\"t\":1}]\noops", r#"{"t":1}|oops"#, "10: something follows the closing bracket");
}

#[test]
fn what_is_shown_of_garbage_is_bounded() {
    let scratch = Scratch::new();
    let paths = [scratch.file("input", format!("[1]{}", "x".repeat(1_000_000)).as_bytes())];
    let (rows, _, _) = read(&paths, Progress::default(), Bounds::default());
    assert_eq!(rows.iter().map(|row| row.value.len()).collect::<Vec<_>>(), [1, 65_536]);
}

#[test]
fn an_element_longer_than_a_record_may_be_ends_an_array() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5000));
    let scratch = Scratch::new();
    for end in ["]", ",2]", ""] {
        let paths = [scratch.file("input", format!("[1,{long}{end}").as_bytes())];
        for buffer_bytes in [16, 1 << 20] {
            let (rows, _, broken) =
                read(&paths, Progress::default(), Bounds { buffer_bytes, record_bytes: 1000 });
            assert_eq!(values(&rows), ["1", &format!("{long}{end}")]);
            assert_eq!(broken, ["3: a value is longer than a record may be"]);
        }
    }
}

#[test]
fn a_file_in_another_encoding_says_so() {
    check(b"\xFF\xFE{\x00}\x00", "\u{fffd}\u{fffd}{\0}\0", "0: it is UTF-16: convert it to UTF-8");
    check(b"\x1F\x8B\x08", "\x1F\u{fffd}\x08", "0: it is compressed: unpack it first");
}

#[test]
fn what_cannot_be_opened_is_said_with_its_path() {
    let scratch = Scratch::new();
    let refuse = |paths: &[PathBuf]| Inputs::open(paths, Progress::default(), small()).unwrap_err();
    let missing = refuse(&["no/such.json".into()]);
    assert_eq!(missing.to_string(), "open no/such.json: there is no such file");
    assert!(matches!(refuse(&[scratch.path().into()]), InputError::Directory { .. }));
    assert_eq!(refuse(&["-".into(), "-".into()]).to_string(), "read -: it is given twice");
    let file = scratch.file("a", b"");
    assert!(matches!(refuse(&[file.clone(), scratch.path().join("./a")]), InputError::GivenTwice { .. }));
}
