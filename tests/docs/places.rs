//! Links lead somewhere, paths that are named exist, and the README stays a comfortable read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// Every page there is for people.
pub fn all_pages() -> Vec<PathBuf> {
    let mut pages = super::pages();
    for more in ["CHANGELOG.md", "src/ARCHITECTURE.md", "grafana/RUNBOOK.md", "tests/bench/peers/README.md"] {
        pages.push(root().join(more));
    }
    pages
}

/// A page without its blocks.
pub fn prose(page: &Path) -> String {
    let text = fs::read_to_string(page).unwrap();
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// What a heading is called in a link: as GitHub does it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(page: &Path) -> BTreeSet<String> {
    let text = prose(page);
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let (mut checked, mut broken) = (0, Vec::new());
    for page in all_pages() {
        let text = prose(&page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http://") || link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let leads = target.exists() && (heading.is_empty() || anchors(&target).contains(heading));
            if !leads {
                broken.push(format!("{}: {link}", page.display()));
            }
            checked += 1;
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked > 40, "only {checked} links were found");
}

/// What stands between backticks in a line.
pub fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether it is meant as a file or folder of this repository.
fn is_path(text: &str) -> bool {
    let begins = ["src/", "tests/", "topologies/", "docs/", "grafana/", ".ci/", ".github/"];
    let clean = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    begins.iter().any(|folder| text.starts_with(folder)) && text.chars().all(clean)
}

#[test]
fn files_that_are_named_exist() {
    let mut missing = Vec::new();
    for page in all_pages() {
        for line in prose(&page).lines() {
            missing.extend(
                quoted(line)
                    .filter(|text| is_path(text) && !root().join(text).exists())
                    .map(|text| format!("{}: {text}", page.display())),
            );
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The texts of a file, or of all files of a folder.
fn texts(path: &Path) -> String {
    if path.is_file() {
        return fs::read_to_string(path).unwrap();
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// A line `- `src/x.rs`: … `word` …` says that the word is in that file; with a folder, in or the name of one of its files.
#[test]
fn the_places_that_a_contributor_is_sent_to_are_as_described() {
    let (mut words, mut wrong) = (0, Vec::new());
    for line in prose(&root().join("docs/CONTRIBUTING.md")).lines() {
        let mut quoted = quoted(line);
        if !line.trim_start().starts_with("- `") {
            continue;
        }
        let Some(path) = quoted.next().filter(|text| is_path(text)) else { continue };
        let text = texts(&root().join(path));
        for word in quoted.filter(|text| !is_path(text)) {
            words += 1;
            if !text.contains(word) && !root().join(path).join(word).exists() {
                wrong.push(format!("{path} does not have {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(words > 20, "only {words} words were looked for");
}

#[test]
fn the_readme_is_a_comfortable_read_and_begins_with_its_two_commands() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() <= 250, "the README has {} lines: which of them belong into docs/?", lines.len());
    assert_eq!(
        &lines[..6],
        ["# Tidewatch", "", "```sh elsewhere", "cargo run --release -- demo", "cargo test", "```"]
    );
    for page in super::pages() {
        let name = page.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        assert!(
            name == "README.md" || text.contains(&format!("({name})")),
            "{name} cannot be found from the README"
        );
    }
}

#[test]
fn pictures_are_small_and_shown() {
    let shown: String = all_pages().iter().map(|page| fs::read_to_string(page).unwrap()).collect();
    let mut count = 0;
    for entry in fs::read_dir(root().join("docs/pictures")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let png = fs::read(&path).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() < 150_000, "{name} has {} bytes", png.len());
        assert!(shown.contains(&format!("pictures/{name})")), "{name} is nowhere shown");
        count += 1;
    }
    assert!((2..=6).contains(&count), "{count} pictures");
}

#[test]
fn public_ci_runs_what_everybody_runs_with_the_same_toolchain() {
    let workflow = fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let version = toolchain.split('"').nth(1).unwrap();
    let minor = version.split('.').take(2).collect::<Vec<_>>().join(".");
    assert!(workflow.contains("- run: .ci/run\n"), "{workflow}");
    assert!(workflow.contains(&format!("container: rust:{minor}-bookworm")), "the toolchain is {version}");
    assert!(!workflow.contains('\t') && workflow.contains("runs-on: ubuntu-latest"), "{workflow}");
}
