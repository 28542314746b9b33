//! What a topology may say, and what it is told when it says something else.

mod flags;
mod problems;
mod reference;
mod values;

use super::*;

const DETECT: &str = "[[detect]]\nkind = \"z-score\"\n";

fn pairs(overrides: &[(&str, &str)]) -> Vec<(String, String)> {
    overrides.iter().map(|(path, value)| ((*path).into(), (*value).into())).collect()
}

fn told(result: Result<Topology, Vec<Problem>>) -> Vec<String> {
    result.err().unwrap_or_default().iter().map(Problem::to_string).collect()
}

/// Checks the problems of a text.
fn check(text: &str, expected: &[&str]) {
    assert_eq!(told(parse(text)), expected, "{text}");
}

/// Checks the problems of lines added to a text that is right; the first of them is line 3.
fn check_added(lines: &str, expected: &[&str]) {
    check(&format!("name = \"x\"\ndetect = [{{ kind = \"z-score\" }}]\n{lines}"), expected);
}

/// Checks the problems of flags over a text that is right.
fn check_flags(overrides: &[(&str, &str)], expected: &[&str]) {
    let text = builtin("infrastructure").unwrap();
    assert_eq!(told(with_overrides(text, &pairs(overrides))), expected, "{overrides:?}");
}

fn right(text: &str) -> Topology {
    parse(text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn minimal_with(overrides: &[(&str, &str)]) -> Topology {
    with_overrides(builtin("minimal").unwrap(), &pairs(overrides))
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn warnings(overrides: &[(&str, &str)]) -> Vec<String> {
    minimal_with(overrides).warnings.iter().map(Problem::to_string).collect()
}
