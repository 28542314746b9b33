//! What is written for people is true: examples run, links lead somewhere, references are what the code says.
//!
//! The first word behind the three backticks says what a block is:
//!
//! | block | what is done with it |
//! |---|---|
//! | `sh` | run, the blocks of a page one after the other in one folder |
//! | `sh kafka` | run next to a broker, where there is one; its flags are checked always |
//! | `sh elsewhere` | not run, as it needs what a test has not; flags of `tidewatch` in it are checked |
//! | `text output` | lines that the block before printed, in their order; `…` stands for anything |
//! | `toml` | a topology, or the part of one: checked |
//! | `json` | parsed |
//! | `text` | a drawing |

mod at_rest;
mod errors;
mod examples;
mod places;
mod rejected;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// A block between three backticks.
#[derive(Clone, Debug)]
pub struct Block {
    /// What stands behind the backticks.
    pub info: String,
    pub text: String,
    /// Of its first line.
    pub line: usize,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The pages whose examples are run.
pub fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> =
        docs.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    assert!(pages.len() >= 8, "{pages:?}");
    pages
}

/// The blocks of a page.
pub fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let (mut found, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.trim().to_owned(), text: String::new(), line: at + 2 });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block does not end", page.display());
    found
}

/// The commands of a block, one a line, without remarks.
pub fn commands(block: &Block) -> Vec<String> {
    let joined = block.text.replace("\\\n", " ");
    let without_remark = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    let lines = joined.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.map(without_remark).filter(|line| !line.is_empty()).collect()
}

/// The search path of a shell that finds the program under its own name, in a folder that has it.
pub fn path_with_program(folder: &crate::support::Folder) -> String {
    let bin = folder.file(".bin");
    fs::create_dir_all(&bin).unwrap();
    let link = bin.join("tidewatch");
    if !link.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tidewatch"), &link).unwrap();
        for name in ["tests", "topologies"] {
            std::os::unix::fs::symlink(root().join(name), folder.file(name)).unwrap();
        }
    }
    format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())
}

/// The source, with texts that go over several lines as one.
pub fn sources() -> String {
    let (mut folders, mut all) = (vec![root().join("src")], String::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let joined = text.split("\\\n").map(str::trim_start).collect::<Vec<_>>();
                all += &joined.concat();
            }
        }
    }
    all
}
