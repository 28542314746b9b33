//! The import table as data: a new arrow between rooms needs a row here, and that row is the design review.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom, by folder of `src`, and within `flow` by stage.
#[rustfmt::skip]
const ARROWS: &[(&str, &[&str])] = &[
    ("cli", &["backtest", "edge", "flow", "run", "simulate", "topology", "view"]),
    ("run", &["edge", "flow", "view"]),
    ("view", &["flow"]),
    ("topology", &["flow"]),
    ("simulate", &["flow"]),
    ("backtest", &["flow"]),
    ("edge", &["flow"]),
    ("flow", &[]),
    ("flow/time", &[]),
    ("flow/hash", &[]),
    ("flow/samples", &[]),
    ("flow/model", &["flow/samples", "flow/time"]),
    ("flow/record", &[]),
    ("flow/table", &["flow"]),
    ("flow/task", &["flow"]),
    ("flow/readings", &["flow/model", "flow/time"]),
    ("flow/feedback", &["flow/detect", "flow/record", "flow/time"]),
    ("flow/source", &["flow/feedback", "flow/model", "flow/record", "flow/samples", "flow/time"]),
    ("flow/intervals", &["flow", "flow/model", "flow/readings", "flow/table", "flow/time"]),
    ("flow/glance", &["flow/readings", "flow/time"]),
    ("flow/window", &["flow", "flow/model", "flow/readings", "flow/record", "flow/table", "flow/time"]),
    ("flow/detect", &["flow", "flow/model", "flow/readings", "flow/table", "flow/time"]),
    ("flow/silence", &["flow", "flow/table", "flow/time"]),
    ("flow/alert", &["flow/detect", "flow/readings", "flow/time"]),
    ("flow/incident", &["flow/hash", "flow/time"]),
    ("flow/sink", &[
            "flow/detect", "flow/feedback", "flow/incident", "flow/model", "flow/readings", "flow/record",
            "flow/silence", "flow/time"
        ]),
    ("flow/judge", &[
            "flow", "flow/alert", "flow/detect", "flow/feedback", "flow/glance", "flow/incident", "flow/intervals", "flow/model",
            "flow/readings", "flow/record", "flow/silence", "flow/sink", "flow/table", "flow/time", "flow/window"
        ]),
    ("flow/detection", &[
            "flow", "flow/alert", "flow/detect", "flow/incident", "flow/intervals", "flow/judge", "flow/model", "flow/record",
            "flow/silence", "flow/source", "flow/table", "flow/time", "flow/window"
        ]),
    ("flow/route", &["flow", "flow/model", "flow/record", "flow/source"]),
    (
        "flow/advise",
        &["flow", "flow/detect", "flow/feedback", "flow/hash", "flow/model", "flow/record", "flow/sink", "flow/time"],
    ),
    ("flow/notify", &["flow/alert", "flow/detect", "flow/incident", "flow/sink", "flow/time"]),
    ("flow/chain", &["flow", "flow/advise", "flow/detection", "flow/record"]),
];

/// Libraries that may be named in one place only.
const LIBRARIES: &[(&str, &str)] = &[
    ("sled", "edge/sled"),
    ("rdkafka", "edge/kafka"),
    ("reqwest", "edge/web"),
    ("jsonschema", "flow/advise"),
    ("prometheus", "edge/metrics"),
    ("axum", "edge/http"),
    ("xxhash_rust", "run/stream/digest"),
    ("clap", "cli"),
    ("clap_complete", "cli"),
    ("dotenvy", "cli"),
    ("indicatif", "cli"),
    ("tracing_subscriber", "cli"),
    ("linfa", "flow/detect"),
    ("linfa_clustering", "flow/detect"),
    ("ndarray", "flow/detect"),
    ("csv_core", "flow/source"),
    ("prost", "flow/source"),
    ("toml", "topology"),
];

/// Names that nothing in `flow` may speak: clocks, files, environment, threads, chance.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::thread",
    "std::time",
    "std::process",
    "SystemTime",
    "Instant::now",
];

/// A file of `src`, without its tests.
struct Source {
    path: PathBuf,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test =
                path.file_stem().is_some_and(|name| name == "tests" || name == "scratch" || name == "sample");
            if is_test {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let code: Vec<&str> =
                    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                found.push(Source {
                    path: path.strip_prefix(&root).unwrap().to_owned(),
                    code: code.join("\n"),
                });
            }
        }
    }
    assert!(found.len() > 20, "the tree was not found");
    found
}

/// The room of a path below `src`: its folder, and within `flow` its stage.
fn room(parts: &[&str]) -> String {
    let clean = |part: &str| part.trim_end_matches(".rs").to_owned();
    match parts {
        ["flow", "mod.rs"] | ["flow"] => "flow".to_owned(),
        ["flow", stage, ..] => format!("flow/{}", clean(stage)),
        [first, ..] => clean(first),
        [] => String::new(),
    }
}

/// The rooms that a file imports.
fn imports(source: &Source) -> BTreeSet<String> {
    let parts: Vec<&str> = source.path.iter().filter_map(|part| part.to_str()).collect();
    let home = room(&parts);
    let mut modules: Vec<&str> = parts.iter().map(|part| part.trim_end_matches(".rs")).collect();
    if modules.last() == Some(&"mod") {
        modules.pop();
    }
    let mut found = BTreeSet::new();
    for (at, _) in source.code.match_indices("crate::").chain(source.code.match_indices("super::")) {
        let before = source.code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let mut rest = &source.code[at..];
        let mut base = if let Some(after) = rest.strip_prefix("crate::") {
            rest = after;
            Vec::new()
        } else {
            let mut base = modules.clone();
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            base
        };
        if let Some(group) = rest.strip_prefix('{') {
            // `use super::{a, b::c}`: each name stands for itself.
            for name in group.split('}').next().unwrap_or_default().split(',') {
                let first = name.trim().split("::").next().unwrap_or_default();
                let mut path = base.clone();
                if first.starts_with(char::is_lowercase) {
                    path.push(first);
                }
                found.insert(room(&path));
            }
            continue;
        }
        for name in rest.split("::").take(3) {
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            if !name.starts_with(char::is_lowercase) {
                break;
            }
            base.push(&name[..end]);
            if end < name.len() {
                break;
            }
        }
        found.insert(room(&base));
    }
    found.retain(|to| !to.is_empty() && *to != home);
    found
}

#[test]
fn no_arrow_is_drawn_that_the_table_does_not_have() {
    let table: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let parts: Vec<&str> = source.path.iter().filter_map(|part| part.to_str()).collect();
        let home = room(&parts);
        if ["lib", "main", "flow"].contains(&home.as_str()) {
            continue;
        }
        let Some(allowed) = table.get(home.as_str()) else {
            wrong.push(format!("{}: room {home} has no row", source.path.display()));
            continue;
        };
        for to in imports(&source) {
            let folder = to.split('/').next().unwrap_or_default();
            let inside_flow = home.starts_with("flow/");
            if !allowed.contains(&to.as_str()) && (inside_flow || !allowed.contains(&folder)) {
                wrong.push(format!("{}: {home} -> {to}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows without a row:\n{}", wrong.join("\n"));
}

#[test]
fn edges_never_import_each_other() {
    for source in sources().iter().filter(|source| source.path.starts_with("edge")) {
        let own = source.path.iter().nth(1).and_then(|part| part.to_str()).unwrap_or_default();
        for (at, _) in source.code.match_indices("crate::edge::") {
            let to = &source.code[at + "crate::edge::".len()..];
            let own_folder = own.trim_end_matches(".rs");
            assert!(
                to.starts_with("ports")
                    || to.starts_with("web")
                    || to.starts_with(own_folder)
                    || own == "mod.rs",
                "{} imports {}",
                source.path.display(),
                to.lines().next().unwrap_or_default()
            );
        }
    }
}

#[test]
fn a_library_is_named_in_its_own_place_only() {
    for source in sources() {
        let path = source.path.to_str().unwrap();
        for (library, place) in LIBRARIES {
            let named = source.code.contains(&format!("{library}::"))
                || source.code.contains(&format!("use {library};"));
            let own_module = source.code.contains(&format!("super::{library}::"))
                || source.code.contains(&format!("edge::{library}::"))
                || source.code.contains(&format!("self::{library}::"));
            assert!(
                !named || own_module || path.starts_with(place) || path == "main.rs",
                "{path} names {library}"
            );
        }
    }
}

#[test]
fn nothing_in_the_flow_reads_a_clock_a_file_or_the_environment() {
    for source in sources().iter().filter(|source| source.path.starts_with("flow")) {
        for name in IMPURE {
            assert!(!source.code.contains(name), "{} speaks of {name}", source.path.display());
        }
        for logarithm in [".ln()", ".log10()", ".log2()", ".exp()", ".powf(", ".sin()", ".cos()", ".tanh()"] {
            assert!(
                !source.code.contains(logarithm),
                "{} uses the system's {logarithm}: its bits differ between machines, take libm's",
                source.path.display()
            );
        }
    }
}

#[test]
fn no_file_is_longer_than_300_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for source in sources() {
        let lines = fs::read_to_string(root.join(&source.path)).unwrap().lines().count();
        assert!(
            lines <= 300,
            "{} has {lines} lines: which of its ideas is a file of its own?",
            source.path.display()
        );
    }
}

#[test]
fn every_dependency_is_used_and_says_why() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let all: String = sources().into_iter().map(|source| source.code).collect();
    for line in section.lines().filter(|line| line.contains('=')) {
        let name = line.split('=').next().unwrap().trim().replace('-', "_");
        assert!(line.contains("# "), "{name} does not say why it is there");
        assert!(all.contains(&format!("{name}::")), "{name} is not used");
    }
}
