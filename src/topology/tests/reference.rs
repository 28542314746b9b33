//! `docs/reference-topology.md` is written from the table of keys: with TIDEWATCH_UPDATE_GOLDEN=1 anew.

use std::fmt::Write;

use crate::topology::keys::{KEYS, Key, SECTIONS, Section, split};
use crate::topology::takes::{Bounds, MAX_NAME_BYTES, MAX_TOPIC_BYTES, Takes, kind_names};
use crate::topology::units::{write_size, write_span};

const HEADING: &str = "# Topology keys\n\n\
<!-- Written from src/topology/keys.rs by `TIDEWATCH_UPDATE_GOLDEN=1 cargo test --lib reference`: edit that. -->\n\n\
Every key that a topology may have, in the order data flows. [Writing a topology](write-a-topology.md) shows how they go \
together; [`topologies/infrastructure.toml`](../topologies/infrastructure.toml) is a topology in which each of them is \
explained where it stands; `tidewatch schema topology` prints the same as a JSON Schema, for editors.\n\n\
A duration is text with units, `\"90s\"` or `\"1h30m\"` (`ms s m h d`), a size too, `\"16MiB\"`. `–` in the column *default* \
says that there is none, or that it is told in the column *meaning*. For one run any key can be set by \
`--set window.size=10m --set detect.0.threshold=3`: tables that come several times are numbered from 0.\n";

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
}

fn number(bounds: Bounds) -> String {
    match (bounds.high.is_finite(), bounds.below_high) {
        (false, _) => format!("a number above {}", bounds.low),
        (true, true) => format!("a number above {} and below {}", bounds.low, bounds.high),
        (true, false) => format!("a number above {} and at most {}", bounds.low, bounds.high),
    }
}

/// What a key takes, for people.
fn takes(key: &Key) -> String {
    match key.takes {
        Takes::Name => format!("a name: 1 to {MAX_NAME_BYTES} of `A-Z a-z 0-9 . _ -`"),
        Takes::Topic => format!("a topic: 1 to {MAX_TOPIC_BYTES} of `A-Z a-z 0-9 . _ -`"),
        Takes::Text { high_bytes } => format!("text, 1 to {high_bytes} bytes"),
        Takes::Label { high_bytes } => format!("text, up to {high_bytes} bytes"),
        Takes::Word(words) => quoted(words),
        Takes::Detector => quoted(&kind_names()),
        Takes::Boolean => "`true`, `false`".to_owned(),
        Takes::Number(bounds) => number(bounds),
        Takes::Integer { low, high: i64::MAX } => format!("a whole number from {low}"),
        Takes::Integer { low, high } => format!("a whole number, {low} to {high}"),
        Takes::Span { low_ms: 0, high_ms } => format!("a duration up to `\"{}\"`", write_span(high_ms)),
        Takes::Span { low_ms, high_ms } => {
            format!("a duration, `\"{}\"` to `\"{}\"`", write_span(low_ms), write_span(high_ms))
        }
        Takes::SpanOrOff { high_ms } => {
            format!("a duration up to `\"{}\"`, or `\"off\"`", write_span(high_ms))
        }
        Takes::SpanOrCount { high_ms, high_count } => {
            format!(
                "a duration up to `\"{}\"`, or a number of readings up to {high_count}",
                write_span(high_ms)
            )
        }
        Takes::Size { high_bytes } => format!("a size up to `\"{}\"`", write_size(high_bytes)),
        Takes::Names => "a list of texts".to_owned(),
        Takes::Range => "`[low, high]`".to_owned(),
    }
}

fn row(text: &mut String, key: &Key) {
    let (_, name) = split(key.path);
    let default = if key.default.is_empty() { "–".to_owned() } else { format!("`{}`", cell(key.default)) };
    let kinds: Vec<&str> = key.kinds.iter().map(|kind| kind.name()).collect();
    let of = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let _ = writeln!(text, "| `{name}` | {} | {default} | {}{of} |", cell(&takes(key)), cell(key.doc));
}

fn table(text: &mut String, section: &str) {
    text.push_str("\n| key | takes | default | meaning |\n|---|---|---|---|\n");
    KEYS.iter().filter(|key| split(key.path).0 == section).for_each(|key| row(text, key));
}

fn heading(text: &mut String, section: &Section) {
    let name = section.name;
    match section.most {
        Some(most) => {
            let _ = write!(text, "\n## `[[{name}]]`\n\nUp to {most} of them: {}.\n", section.doc);
        }
        None => {
            let _ = write!(text, "\n## `[{name}]`\n\n{}.\n", sentence(section.doc));
        }
    }
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn reference() -> String {
    let mut text = HEADING.to_owned();
    text.push_str("\n## At the top\n");
    table(&mut text, "");
    for section in SECTIONS {
        heading(&mut text, section);
        if section.name == "kafka" {
            text.push_str(
                "\nBelow `[kafka.client]` stands any setting of \
                 [librdkafka](https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md) by its own name, such as \
                 `linger.ms = 5`, but for those that exactly-once rests on, which are refused. Addresses and secrets are read \
                 from the environment: `TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS`, `TIDEWATCH_KAFKA_CLIENT_SASL_PASSWORD` and so on.\n",
            );
        } else {
            table(&mut text, section.name);
        }
    }
    text
}

#[test]
fn the_reference_of_keys_is_the_table_of_keys() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference-topology.md");
    let expected = reference();
    if std::env::var_os("TIDEWATCH_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference-topology.md is not what the keys say: TIDEWATCH_UPDATE_GOLDEN=1 cargo test --lib reference"
    );
    for key in KEYS {
        assert!(found.contains(key.doc), "{}", key.path);
    }
}
