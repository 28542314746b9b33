//! Examples are run, or checked where they cannot be.

use std::path::Path;
use std::process::{Command, Stdio};

use clap::Parser;
use clap::error::ErrorKind;
use serde_json::Value;
use tidewatch::cli::Arguments;

use super::{Block, blocks, commands, pages, path_with_program};
use crate::support::{Folder, Ran};

const KINDS: [&str; 7] = ["sh", "sh kafka", "sh elsewhere", "text output", "toml", "json", "text"];

fn place(page: &Path, block: &Block) -> String {
    format!("{}:{}", page.display(), block.line)
}

/// Every line that is expected, in that order; parts of a line around `…` in theirs.
fn assert_printed(printed: &str, expected: &str, place: &str) {
    let mut lines = printed.lines();
    for line in expected.lines().filter(|line| !matches!(line.trim(), "" | "…")) {
        let fits = |found: &str| {
            let mut rest = found;
            line.split('…').map(str::trim).all(|part| match rest.split_once(part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        };
        assert!(lines.any(fits), "{place}: not printed, or not in this order: {line}\n{printed}");
    }
}

/// The words of a command, as a shell would part them; quotes are all it needs to know.
fn words(command: &str) -> Vec<String> {
    let (mut all, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(letter), true),
            (None, ' ') => {
                if begun {
                    all.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (Some(_) | None, _) => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        all.push(word);
    }
    all
}

/// The calls of the program in a line: what a shell parts by `|`, `&&`, `||` and `;`, without what it redirects.
fn calls(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for part in line.replace("&&", ";").replace('|', ";").split(';') {
        let words = words(part.trim());
        let is_setting =
            |word: &&String| word.split('=').next().is_some_and(|name| name.starts_with("TIDEWATCH_"));
        let mut words: Vec<String> = words.iter().skip_while(is_setting).cloned().collect();
        if words.starts_with(&["cargo".to_owned(), "run".to_owned()]) {
            words = words.split(|word| word == "--").nth(1).unwrap_or_default().to_vec();
            words.insert(0, "tidewatch".to_owned());
        }
        if words.first().is_some_and(|first| first == "tidewatch" || first.ends_with("/tidewatch")) {
            let end = words.iter().position(|word| matches!(word.as_str(), ">" | "2>" | "<" | "&"));
            words.truncate(end.unwrap_or(words.len()));
            found.push(words);
        }
    }
    found
}

#[test]
fn every_block_says_what_it_is() {
    for page in pages() {
        for block in blocks(&page) {
            assert!(KINDS.contains(&block.info.as_str()), "{}: {:?}", place(&page, &block), block.info);
        }
    }
}

#[test]
fn every_flag_in_an_example_is_one_of_the_program() {
    let mut checked = 0;
    for page in pages() {
        for block in blocks(&page).iter().filter(|block| block.info.starts_with("sh")) {
            for call in commands(block).iter().flat_map(|line| calls(line)) {
                match Arguments::try_parse_from(&call) {
                    Ok(_) => checked += 1,
                    Err(said)
                        if matches!(said.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {}
                    Err(said) => panic!("{}: {call:?}: {said}", place(&page, block)),
                }
            }
        }
    }
    assert!(checked > 30, "only {checked} commands were found");
}

#[test]
fn examples_that_need_nothing_but_the_program_run_and_print_what_is_shown() {
    let (mut ran, mut compared) = (0, 0);
    for page in pages() {
        let folder = Folder::new();
        let path = path_with_program(&folder);
        let mut printed = None;
        for block in blocks(&page) {
            match block.info.as_str() {
                "sh" => {
                    let mut shell = Command::new("sh");
                    shell.args(["-e", "-c", &block.text]).current_dir(folder.file(".")).stdin(Stdio::null());
                    let output = shell.env_clear().env("PATH", &path).output().unwrap();
                    let said = Ran::of(&output);
                    assert_eq!(said.code, 0, "{}: {}{}", place(&page, &block), said.out, said.err);
                    printed = Some(said.out + &said.err);
                    ran += 1;
                }
                "text output" => {
                    let printed = printed.as_ref().expect("a block was run before");
                    assert_printed(printed, &block.text, &place(&page, &block));
                    compared += 1;
                }
                _ => {}
            }
        }
    }
    assert!(ran >= 8 && compared >= 3, "{ran} were run, {compared} compared");
}

#[test]
fn topologies_in_the_text_are_right() {
    let mut checked = 0;
    for page in pages() {
        for block in blocks(&page).iter().filter(|block| block.info == "toml") {
            let folder = Folder::new();
            let mut text = block.text.clone();
            if !text.contains("[[detect]]") {
                text.push_str("\n[[detect]]\nkind = \"z-score\"\n");
            }
            if !text.lines().any(|line| line.starts_with("name = ") && text.starts_with("name")) {
                text.insert_str(0, "name = \"example\"\n");
            }
            folder.write("runbook.txt", "disk_usage filling | low | Make room | writes go on\n");
            std::fs::create_dir(folder.file("notes")).unwrap();
            folder.write("t.toml", &text);
            let said = folder.run("topology check t.toml");
            assert_eq!(said.code, 0, "{}: {}{}", place(&page, block), said.out, said.err);
            checked += 1;
        }
    }
    assert!(checked >= 5, "only {checked} topologies were found");
}

#[test]
fn json_in_the_text_is_json() {
    for page in pages() {
        for block in blocks(&page).iter().filter(|block| block.info == "json") {
            let parsed: Result<Vec<Value>, _> =
                serde_json::Deserializer::from_str(&block.text).into_iter().collect();
            assert!(parsed.is_ok_and(|values| !values.is_empty()), "{}", place(&page, block));
        }
    }
}

#[test]
fn the_reading_that_the_readme_shows_is_taken() {
    let shown = blocks(&super::root().join("README.md"));
    let reading = &shown.iter().find(|block| block.info == "json").unwrap().text;
    let said = Folder::new().run_with_input("replay -", reading.replace('\n', " ").as_bytes()).fine();
    assert!(said.out.contains("1 reading in 1 window") && !said.out.contains("rejected"), "{}", said.out);
}

#[test]
fn lines_that_were_not_printed_are_noticed() {
    assert_printed("a b c\nd\n", "a … c\n…\nd\n", "here");
    let check =
        |expected: &'static str| std::panic::catch_unwind(|| assert_printed("a b c\nd\n", expected, "here"));
    assert!(check("d\na b c\n").is_err(), "out of order");
    assert!(check("a … d\n").is_err(), "not in this line");
    assert_eq!(words("a 'b  c' --d=\"e\" ''"), ["a", "b  c", "--d=e", ""]);
    assert_eq!(
        calls("X=1; TIDEWATCH_A=b tidewatch run > log & tidewatch doctor | head")[0],
        ["tidewatch", "run"]
    );
}
