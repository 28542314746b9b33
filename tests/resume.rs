//! `replay --state` goes on where the last run ended, whatever ended it.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::support::{Folder, reading};

const FILES: [&str; 4] = ["reports.ndjson", "rejected.ndjson", "late.ndjson", "scores.csv"];

/// A day of two entities: odd, late and bad lines among them.
fn day(from: u64, hours: u64) -> String {
    let mut lines = Vec::new();
    for at in from * 360..(from + hours) * 360 {
        for entity in ["a", "b"] {
            let odd = at % 211 == 100;
            let changes = if odd { vec![("latency_ms", json!(900))] } else { Vec::new() };
            lines.push(reading(entity, at * 10, &changes));
        }
        if at % 180 == 90 && at > from * 360 + 100 {
            lines.push("nonsense".to_owned());
            lines.push(reading("a", at * 10 - 600, &[]));
        }
    }
    lines.join("\n") + "\n"
}

const FLAGS: &str = "--scores --set detect.5.kind=z-score --set detect.5.warm_up=200 --format ndjson";

fn outputs(folder: &Folder, out: &str) -> Vec<String> {
    FILES.iter().map(|name| folder.read(&format!("{out}/{name}"))).collect()
}

fn assert_same(folder: &Folder, out: &str, what: &str) {
    for (name, (ours, expected)) in
        FILES.iter().zip(outputs(folder, out).iter().zip(outputs(folder, "whole")))
    {
        assert!(!expected.is_empty(), "{name} has something to compare");
        assert!(*ours == expected, "{name} differs {what}: {} and {} bytes", ours.len(), expected.len());
    }
}

#[test]
fn january_then_february_is_as_both_at_once() {
    let folder = Folder::new();
    folder.write("january.ndjson", day(0, 4));
    folder.write("february.ndjson", day(4, 4));
    folder.run(&format!("replay january.ndjson february.ndjson --out whole {FLAGS}")).fine();
    folder.run(&format!("replay january.ndjson --state s --out parts {FLAGS}")).fine();
    folder.run(&format!("replay february.ndjson --state s --out parts {FLAGS}")).fine();
    assert_same(&folder, "parts", "in two runs");
    let again = folder.run(&format!("replay february.ndjson --state s --out parts {FLAGS}")).fine();
    assert_eq!(again.out, "", "the same file again adds nothing");
    assert_same(&folder, "parts", "after the same file again");
}

#[test]
fn a_grown_file_goes_on_at_its_tail() {
    let folder = Folder::new();
    let (first, second) = (day(0, 3), day(3, 2));
    folder.write("log.ndjson", format!("{first}{second}"));
    folder.run(&format!("replay log.ndjson --out whole {FLAGS}")).fine();
    folder.write("log.ndjson", &first);
    folder.run(&format!("replay log.ndjson --state s --out parts {FLAGS}")).fine();
    folder.write("log.ndjson", format!("{first}{second}"));
    folder.run(&format!("replay log.ndjson --state s --out parts {FLAGS}")).fine();
    assert_same(&folder, "parts", "after growing");
}

#[test]
fn windows_left_open_are_filled_again_from_the_file() {
    let folder = Folder::new();
    let (first, second) = (day(0, 3), day(3, 2));
    let all = format!("{first}{second}");
    folder.write("log.ndjson", &all);
    folder.run(&format!("replay log.ndjson --out whole {FLAGS}")).fine();
    let cut = all[..all.len() / 2].rfind('\n').unwrap() + 1;
    folder.write("log.ndjson", &all[..cut]);
    folder.run(&format!("replay log.ndjson --leave-open --state s --out parts {FLAGS}")).fine();
    folder.write("log.ndjson", &all);
    folder.run(&format!("replay log.ndjson --state s --out parts {FLAGS}")).fine();
    assert_same(&folder, "parts", "after a stop in the middle of windows");
}

#[test]
fn a_run_killed_anywhere_and_started_again_is_as_if_it_had_not_been() {
    let folder = Folder::new();
    folder.write("in.ndjson", day(0, 20));
    folder.run(&format!("replay in.ndjson --out whole {FLAGS}")).fine();
    let whole_ms = 400;
    for kill in 0..12_u64 {
        let _ = fs::remove_dir_all(folder.file("s"));
        let _ = fs::remove_dir_all(folder.file("parts"));
        // Small epochs make many places to be killed at.
        let words = format!("replay in.ndjson --state s --out parts --commit-every 500 {FLAGS}");
        for strike in 0..3 {
            let mut child =
                folder.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            wait_for(&folder.file("parts/reports.ndjson"), &mut child);
            std::thread::park_timeout(Duration::from_millis((kill * 37 + strike * 53) % whole_ms));
            let _ = child.kill();
            let _ = child.wait();
        }
        folder.run(&words).fine();
        assert_same(&folder, "parts", &format!("in round {kill}"));
    }
}

/// Until the run has begun to write, or is over.
fn wait_for(file: &Path, child: &mut std::process::Child) {
    while !file.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn a_state_of_another_topology_or_format_is_refused_with_what_to_do() {
    let folder = Folder::new();
    folder.write("in.ndjson", day(0, 2));
    folder.run("replay in.ndjson --state s").fine();
    let other = folder.run("replay in.ndjson --state s --set window.size=1m");
    assert_eq!(other.code, 78, "{}", other.err);
    assert!(other.err.contains("another topology"), "{}", other.err);
    folder.write("s/format", "999");
    let newer = folder.run("replay in.ndjson --state s");
    assert_eq!(newer.code, 78, "{}", newer.err);
    assert!(newer.err.contains("999"), "{}", newer.err);
}

#[test]
fn a_damaged_state_directory_is_set_aside() {
    let folder = Folder::new();
    folder.write("in.ndjson", day(0, 2));
    folder.run("replay in.ndjson --state s").fine();
    let mut damaged = 0;
    for entry in fs::read_dir(folder.file("s/rows")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::write(path, b"garbage").unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    let ran = folder.run("replay in.ndjson --state s").fine();
    assert!(ran.err.contains("set aside"), "{}", ran.err);
}
