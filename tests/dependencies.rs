//! What other people's code comes along: under which licences, and what of it twice.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Licences that ask for no more than to be named.
const LICENCES: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// What is there in two versions, and who brings the older one. A name more is a look at `cargo tree -d` first.
const TWICE: [(&str, &str); 12] = [
    ("bitflags", "sled, by its parking_lot"),
    ("embedded-io", "postcard, which builds neither"),
    ("getrandom", "linfa by rand, jsonschema by ahash"),
    ("parking_lot", "sled"),
    ("parking_lot_core", "sled"),
    ("r-efi", "getrandom, where no system is"),
    ("rand", "linfa"),
    ("rand_core", "linfa"),
    ("redox_syscall", "parking_lot, on Redox"),
    ("syn", "macros that are not at the new one yet"),
    ("thiserror", "linfa"),
    ("thiserror-impl", "linfa"),
];

/// What is built on this machine; the rest need not have been fetched.
fn packages() -> Vec<Value> {
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let ran = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let metadata: Value = serde_json::from_slice(&ran.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether an expression of SPDX can be met by those licences; `/` is what `OR` was.
fn is_free(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ").replace(" WITH LLVM-exception", "");
    let met = |all: &str| all.split(" AND ").all(|one| LICENCES.contains(&one.trim()));
    plain.split(" OR ").any(met)
}

#[test]
fn licences_ask_for_no_more_than_to_be_named() {
    let all = packages();
    assert!(all.len() > 100, "{}", all.len());
    let strange: Vec<String> = all
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_free))
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert_eq!(strange, [""; 0]);
    assert!(is_free("MIT/Apache-2.0") && is_free("GPL-3.0 OR MIT") && !is_free("MIT AND GPL-3.0"));
}

#[test]
fn what_is_there_twice_is_known() {
    let lock = include_str!("../Cargo.lock");
    let mut versions: BTreeMap<&str, u32> = BTreeMap::new();
    for name in lock.lines().filter_map(|line| line.strip_prefix("name = ")) {
        *versions.entry(name.trim_matches('"')).or_default() += 1;
    }
    let twice = versions.iter().filter(|(_, versions)| **versions > 1).map(|(name, _)| *name);
    let found: BTreeSet<&str> = twice.collect();
    assert_eq!(found, TWICE.iter().map(|(name, _)| *name).collect());
}
