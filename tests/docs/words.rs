//! Flags, keys, metrics and variables that the text names between backticks are those of the program.

use std::collections::BTreeSet;
use std::fs;

use super::places::{all_pages, prose, quoted};
use super::root;
use crate::support::Folder;

/// Flags of cargo, and of the predecessor.
const FLAGS_OF_OTHERS: [&str; 8] =
    ["--ignored", "--nocapture", "--lib", "--test", "--bench", "--open", "--locked", "--mode"];

/// The words that a text begins with such a letter, up to what cannot be in them.
fn beginning<'t>(
    text: &'t str,
    with: &'t str,
    fits: impl Fn(char) -> bool + 't,
) -> impl Iterator<Item = &'t str> {
    let starts = text.match_indices(with).map(|(at, _)| at);
    let begins = move |at: &usize| {
        text[..*at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && before != '-')
    };
    starts.filter(begins).map(move |at| text[at..].split(|c: char| !fits(c)).next().unwrap_or_default())
}

/// Calls `each` with every text between backticks, and where it stands.
fn each_quoted(mut each: impl FnMut(&str, &str)) {
    for page in all_pages() {
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        for line in prose(&page).lines() {
            quoted(line).for_each(|text| each(text, &name));
        }
    }
}

#[test]
fn flags_in_the_text_are_flags() {
    let folder = Folder::new();
    let commands = [
        "replay",
        "run",
        "backtest",
        "demo",
        "generate",
        "produce",
        "feedback",
        "consume",
        "audit",
        "doctor",
        "reset",
        "topology describe",
        "schema",
        "state verify",
        "completions",
    ];
    let help: String =
        commands.iter().map(|command| folder.run(&format!("{command} --help")).fine().out).collect();
    let flags: BTreeSet<&str> = beginning(&help, "--", |c| c.is_ascii_alphanumeric() || c == '-').collect();
    let (mut seen, mut wrong) = (0, Vec::new());
    each_quoted(|text, page| {
        let is_cargo = text.contains("cargo ");
        for flag in
            beginning(text, "--", |c| c.is_ascii_alphanumeric() || c == '-').filter(|flag| flag.len() > 2)
        {
            seen += 1;
            if !is_cargo && !flags.contains(flag) && !FLAGS_OF_OTHERS.contains(&flag) {
                wrong.push(format!("{page}: {flag}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 40, "only {seen} flags were found");
}

#[test]
fn keys_and_metrics_in_the_text_are_in_the_references() {
    let keys = fs::read_to_string(root().join("docs/reference-topology.md")).unwrap();
    let metrics = fs::read_to_string(root().join("docs/reference-metrics.md")).unwrap();
    let word = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    let (mut seen, mut wrong) = (0, Vec::new());
    each_quoted(|text, page| {
        if let Some((section, key)) = text.split_once('.')
            && !section.is_empty()
            && page != "tests/bench/peers/README.md"
            && key.chars().all(word)
            && let Some(table) = keys.split(&format!("[{section}]")).nth(1)
        {
            seen += 1;
            let table = table.split("\n## ").next().unwrap_or_default();
            if !table.contains(&format!("| `{key}` |")) && key != "client" {
                wrong.push(format!("{page}: {text}"));
            }
        }
        for name in beginning(text, "tidewatch_", word).filter(|name| !name.ends_with('_')) {
            seen += 1;
            let name = name.trim_end_matches("_bucket");
            if !metrics.contains(&format!("| `{name}` |")) && !text.contains(':') {
                wrong.push(format!("{page}: {name}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 40, "only {seen} were found");
}

#[test]
fn variables_in_the_text_are_read_by_the_program() {
    let source = super::sources();
    let (mut seen, mut wrong) = (0, Vec::new());
    each_quoted(|text, page| {
        let word = |c: char| c.is_ascii_uppercase() || c == '_';
        for name in beginning(text, "TIDEWATCH_", word).filter(|name| !name.ends_with('_')) {
            seen += 1;
            let by_prefix =
                ["TIDEWATCH_KAFKA_CLIENT_", "TIDEWATCH_NOTIFY_", "TIDEWATCH_TEST_", "TIDEWATCH_UPDATE_"];
            let of_a_benchmark = name == "TIDEWATCH_NAB";
            if !source.contains(name)
                && !of_a_benchmark
                && !by_prefix.iter().any(|prefix| name.starts_with(prefix))
            {
                wrong.push(format!("{page}: {name}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 15, "only {seen} variables were found");
}
