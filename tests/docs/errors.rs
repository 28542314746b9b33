//! `docs/reference-errors.md` is written from exit codes, rejections and errors as the code has them: with
//! TIDEWATCH_UPDATE_GOLDEN=1 anew.

use std::fmt::{Display, Write};
use std::fs;
use std::path::Path;

use tidewatch::flow::record::Offset;
use tidewatch::flow::task::{FlowName, TaskId};
use tidewatch::run::stream::Stop;

use super::at_rest::state_and_files;
use super::rejected::rejections;
use super::{root, sources};
use crate::support::{Folder, reading};

const PAGE: &str = "docs/reference-errors.md";

const HEADING: &str = "# Errors, and what to do\n\n\
<!-- Written from the code by `TIDEWATCH_UPDATE_GOLDEN=1 cargo test --test suite docs::errors`: edit tests/docs/errors.rs. -->\n\n\
Every message says what was attempted with what, and goes to stderr. Here they stand in one place, with what to do. Names such as \
`FILE`, `STATE` and `detect-3` (partition 3 of what the flow `detect` reads) stand for yours.\n";

/// The variants of an enum in a source: name, and its documentation in one line.
pub fn documented(file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let (mut found, mut said) = (Vec::new(), String::new());
    for line in text.lines().map(str::trim) {
        if let Some(part) = line.strip_prefix("/// ") {
            if !said.is_empty() {
                said.push(' ');
            }
            said.push_str(part);
        } else {
            let name = line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            if name.starts_with(|c: char| c.is_ascii_uppercase()) && !said.is_empty() {
                found.push((name.to_owned(), std::mem::take(&mut said)));
            }
            said.clear();
        }
    }
    found
}

pub fn means(all: &[(String, String)], name: &str) -> String {
    all.iter()
        .find(|(variant, _)| variant == name)
        .unwrap_or_else(|| panic!("{name} is not documented"))
        .1
        .clone()
}

fn exit_codes(text: &mut String) {
    let (file, said) = ("src/cli/exit.rs", documented("src/cli/exit.rs"));
    let source = fs::read_to_string(root().join(file)).unwrap();
    text.push_str("\n## Exit codes\n\n| code | means | start it again? |\n|---|---|---|\n");
    let mut count = 0;
    for line in source.lines() {
        let Some((name, code)) = line.trim().strip_prefix("Exit::").and_then(|rest| rest.split_once(" => "))
        else {
            continue;
        };
        let again = match name {
            "Done" => "there is no need to",
            "Failed" => "yes, once the cause that the message names is gone; `run` goes on where it was",
            "Usage" => "no: `tidewatch help` and `tidewatch COMMAND --help` say what there is",
            "Found" => "no: look at what was found",
            "NoUsableRecord" => {
                "no: the message counts why records were rejected, `--out DIR` writes each down"
            }
            "Configuration" => "no: it would say the same; mend what the message names",
            other => panic!("what is there to do about exit code {other}?"),
        };
        let code: u8 = code.trim_end_matches(',').parse().unwrap();
        let _ = writeln!(text, "| {code} | {} | {again} |", means(&said, name));
        count += 1;
    }
    assert_eq!(count, 6, "exit codes in {file}");
}

pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

pub fn row(text: &mut String, message: &dyn Display, code: &str, what_to_do: &str) {
    let _ = writeln!(text, "| {} | {code} | {what_to_do} |", cell(&message.to_string()));
}

pub const ROWS: &str = "| message | code | what to do |\n|---|---|---|\n";

fn stops(text: &mut String) {
    let task = TaskId { flow: FlowName::Detect, partition: 3 };
    let some = |text: &str| text.to_owned();
    let all = [
        Stop::OtherTopology { task, found: some("fleet 9f0c"), wanted: some("fleet 2a76") },
        Stop::PartitionsChanged { task, partitions: 4 },
        Stop::LocalAhead { task, local: 70, group: 50 },
        Stop::OffsetsSetByHand { task, at: Offset(1200) },
        Stop::OtherCluster { task },
        Stop::ChangelogTorn { task, detail: some("it ends too early") },
        Stop::BelowRetention { task, needed: Offset(1200), first: Offset(5000) },
        Stop::InputShrank { task, read_to: Offset(5000), end: Offset(10) },
        Stop::Unreadable { task },
        Stop::Fenced(some("fleet-1")),
    ];
    text.push_str(
        "\n## Why `run` stopped\n\nIt stops rather than guess: nothing was committed that is not right, and nothing is lost. Everything else \
         (brokers that are away, rebalances, time-outs) it waits for or does again by itself.\n\n",
    );
    text.push_str(ROWS);
    for stop in &all {
        let what_to_do = match stop {
            Stop::OtherTopology { .. } => {
                "see [changing a topology](production.md#change-the-topology); topics, alerts, receivers, advice and limits may change \
                 freely"
            }
            Stop::PartitionsChanged { .. } => "see [adding partitions](production.md#add-partitions)",
            Stop::LocalAhead { .. } | Stop::OtherCluster { .. } => {
                "is this the right cluster, and the right state directory? If so move the directory away: what was learned comes back \
                 from the changelog"
            }
            Stop::OffsetsSetByHand { .. } => {
                "to judge old readings again take another name, `--set name=again`, or `tidewatch replay --from-topic`"
            }
            Stop::ChangelogTorn { .. } => {
                "restore the topic, or begin anew; [what is kept where](production.md#what-is-kept-where)"
            }
            Stop::BelowRetention { .. } => {
                "set `retention.ms` to more than the longest time this may be away"
            }
            Stop::InputShrank { .. } => {
                "begin anew: offsets of a topic that was made again mean other records"
            }
            Stop::Unreadable { .. } => {
                "[go back to the later version](production.md#upgrade-and-go-back), or begin anew"
            }
            Stop::Fenced(_) => "one state directory for each instance, and no copies",
            Stop::Log(_) | Stop::Store(_) => panic!("these are told of elsewhere"),
        };
        row(text, stop, if stop.is_configuration() { "78" } else { "1" }, what_to_do);
    }
}

fn refusals(text: &mut String) {
    // Parts of messages that begin with names; a test looks them up in the source.
    let all = [
        ("were partitions added?", "78", "see [adding partitions](production.md#add-partitions)"),
        (
            "has cleanup.policy=",
            "78",
            "change the topic's setting as the message says: changelogs are compacted, readings are not",
        ),
        (
            "but open windows need those of",
            "78",
            "a longer `retention.ms` of the topic: windows are filled from it after a restart",
        ),
        ("create it by hand with", "78", "an administrator makes the topic, or grants the right to"),
        (
            "which never close while readings come",
            "78",
            "`run` wants windows that close: another `window.kind`",
        ),
        (
            "whose clocks a restart next to Kafka does not bring back exactly",
            "78",
            "leave `window.time` out, or replay a file",
        ),
        (
            "cannot be passed through",
            "78",
            "leave the setting of librdkafka out: it is set as exactly-once needs it",
        ),
        ("--listen takes another address", "78", "another program, or another instance, has the port"),
        (
            "is a secret, and a topology holds none",
            "78",
            "set the variable that is named in the environment or in `.env`",
        ),
        ("is an address, and a topology holds none", "78", "the same"),
        ("no broker answers", "–", "it waits; `tidewatch doctor` says what it can reach"),
        (
            "does not exist yet",
            "–",
            "it waits for the input topic; `tidewatch produce` makes it, or your administrator",
        ),
        ("stop every instance first", "1", "`reset` deletes nothing while the consumer group has members"),
        ("no model is asked", "78", "`--advice-to` writes a model's answers down: configure one"),
    ];
    let source = sources();
    text.push_str("\n## What is refused, or waited for, at the start\n\n`tidewatch doctor` finds most of these before `run` does. The message has:\n\n");
    text.push_str(ROWS);
    for (part, code, what_to_do) in all {
        assert!(source.contains(part), "nothing says {part:?}");
        row(text, &format!("… {part} …"), code, what_to_do);
    }
}

/// What `topology check` says of a topology in which much is wrong.
fn topologies(text: &mut String) {
    let wrong = "nam = \"x\"\n[window]\nsize = \"5 minutes\"\nkind = \"tumblin\"\n[kafka.client]\nsasl.password = \"x\"\n[[detect]]\n\
                 kind = \"zscore\"\nthreshold = -1\n";
    let folder = Folder::new();
    folder.write("t.toml", wrong);
    let said = folder.run("topology check t.toml");
    assert_eq!(said.code, 78);
    let _ = write!(
        text,
        "\n## Topologies\n\nEvery command that reads a topology names all that is wrong with it at once, where it stands and what was likely \
         meant, and ends with 78. Of\n\n```text\n{wrong}```\n\n`tidewatch topology check` says\n\n```text\n{}```\n",
        said.err
    );
}

fn reference() -> String {
    let mut text = HEADING.to_owned();
    exit_codes(&mut text);
    rejections(&mut text);
    stops(&mut text);
    refusals(&mut text);
    state_and_files(&mut text);
    topologies(&mut text);
    text
}

#[test]
fn the_reference_of_errors_is_what_the_program_says() {
    let (path, expected) = (root().join(PAGE), reference());
    if std::env::var_os("TIDEWATCH_UPDATE_GOLDEN").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(Path::new(&path)).unwrap_or_default();
    assert!(
        found == expected,
        "{PAGE} is not what the program says: TIDEWATCH_UPDATE_GOLDEN=1 cargo test --test suite docs::errors"
    );
}

#[test]
fn a_replay_exits_as_the_reference_says() {
    let folder = Folder::new();
    folder.write("fine.ndjson", reading("host-1", 0, &[]) + "\n");
    folder.write("bad.ndjson", "\"hello\"\n");
    let code = |words: &str| folder.run(words).code;
    assert_eq!(code("replay fine.ndjson"), 0);
    assert_eq!(code("replay nofile.ndjson"), 1);
    assert_eq!(code("replay --no-such-flag"), 2);
    assert_eq!(code("replay bad.ndjson"), 65);
    assert_eq!(code("replay fine.ndjson --set window.kind=tumblin"), 78);
    folder.run("replay fine.ndjson --state s").fine();
    assert_eq!(code("replay fine.ndjson --state s --set window.size=1h"), 78);
}
