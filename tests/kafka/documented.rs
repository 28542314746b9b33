//! What the pages for people show next to Kafka, and what they say of moves, upgrades and growth, happens so.

use std::process::{Command, Stdio};

use super::broker::{Cluster, kafka, shared};
use super::fleet;
use super::instance::{App, until};
use crate::docs::{Block, blocks, pages, path_with_program};
use crate::support::{Folder, Ran};

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";

/// Does what a block says. `tidewatch run` goes on until all is judged; a remark `refused: N` is the code it ends with.
fn follow(app: &App, path: &str, block: &Block, place: &str) {
    let mut described = None;
    for line in block.text.replace("\\\n", " ").lines() {
        let (command, remark) = line.split_once(" #").unwrap_or((line, ""));
        let refused = remark.split_once("refused: ").and_then(|(_, rest)| rest.trim().parse::<i32>().ok());
        if let Some(flags) = command.trim().strip_prefix("tidewatch run") {
            let mut words: Vec<&str> = flags.split_whitespace().collect();
            let state = words.iter().position(|word| *word == "--state");
            let state = state.map_or("state/default", |at| words.drain(at..at + 2).nth(1).unwrap());
            std::fs::create_dir_all(app.folder.file("state")).unwrap();
            let mut instance = app.start(state, &words.join(" "));
            if let Some(code) = refused {
                let ended = instance.wait().code();
                assert_eq!(ended, Some(code), "{place}: {line}: {}", instance.log());
            } else {
                instance.wait_done();
                instance.stop();
            }
        } else if !command.trim().is_empty() && !command.starts_with("export ") && !command.starts_with('#') {
            let mut shell = Command::new("sh");
            shell.args(["-e", "-c", command]).current_dir(app.folder.file(".")).stdin(Stdio::null());
            shell.env_clear().env("PATH", path).env("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS", &app.servers);
            let ran = Ran::of(&shell.output().unwrap());
            assert_eq!(ran.code, refused.unwrap_or(0), "{place}: {line}: {}{}", ran.out, ran.err);
            described = Some(ran);
        }
    }
    assert!(described.is_some_and(|last| !last.out.is_empty()), "{place}: the last command says nothing");
}

#[test]
fn examples_next_to_kafka_run() {
    let Some(kafka) = kafka() else { return };
    let mut ran = 0;
    for page in pages() {
        let shown: Vec<Block> = blocks(&page).into_iter().filter(|block| block.info == "sh kafka").collect();
        if shown.is_empty() {
            continue;
        }
        // The names of topics are the built-in ones: each page has a broker to itself.
        let cluster = Cluster::start(&kafka, 1, "");
        let folder = Folder::new();
        let path = path_with_program(&folder);
        let (servers, environment) = (cluster.servers(), Vec::new());
        let app = App { folder, servers, flags: String::new(), environment };
        for block in &shown {
            follow(&app, &path, block, &format!("{}:{}", page.display(), block.line));
            ran += 1;
        }
    }
    assert!(ran >= 3, "only {ran} were run");
}

/// Judged by an instance that was stopped: an application with readings in it.
fn judged(name: &str, more: &str) -> Option<(&'static Cluster, App)> {
    let cluster = shared()?;
    let app = App::new(&cluster.servers(), name, more);
    app.fill(&fleet(4, 0..100), 2);
    let mut instance = app.start("s", "--no-advice");
    instance.wait_done();
    instance.stop();
    Some((cluster, app))
}

fn produce_more(app: &App, ticks: std::ops::Range<u64>) {
    app.folder.write("more.ndjson", fleet(4, ticks).join("\n") + "\n");
    app.run("produce more.ndjson").fine();
}

#[test]
fn a_state_directory_that_goes_along_to_another_machine_needs_no_changelog() {
    let Some((_, app)) = judged("mover", "--set source.keyed_by=entity") else { return };
    std::fs::rename(app.folder.file("s"), app.folder.file("elsewhere")).unwrap();
    produce_more(&app, 100..150);
    let mut moved = app.start("elsewhere", "--no-advice");
    moved.wait_done();
    assert_eq!(moved.metric("tidewatch_restore_changelog_records_total"), Some(0.0));
    moved.stop();
    let mut without = app.start("empty", "--no-advice");
    without.wait_done();
    assert!(without.metric("tidewatch_restore_changelog_records_total") > Some(0.0));
    without.stop();
    app.audit().fine();
}

#[test]
fn a_directory_of_a_later_version_is_refused_and_one_of_an_earlier_restored() {
    let Some((_, app)) = judged("versions", "--set source.keyed_by=entity") else { return };
    let format = app.folder.file("s/format");
    let present = std::fs::read_to_string(&format).unwrap();
    std::fs::write(&format, "99\n").unwrap();
    let refused = app.refused("s", "--no-advice");
    assert!(refused.code == 78 && refused.err.contains("newer than"), "{} {}", refused.code, refused.err);
    std::fs::write(&format, &present).unwrap();
    let mut back = app.start("s", "--no-advice");
    back.wait_done();
    assert_eq!(back.metric("tidewatch_restore_changelog_records_total"), Some(0.0), "nothing was touched");
    back.stop();
    std::fs::write(&format, "1\n").unwrap();
    produce_more(&app, 100..150);
    let mut restored = app.start("s", "--no-advice");
    restored.wait_done();
    assert!(restored.metric("tidewatch_restore_changelog_records_total") > Some(0.0));
    assert!(restored.log().contains("set aside"), "{}", restored.log());
    assert!(app.folder.file("s.damaged-1").exists());
    restored.stop();
    app.audit().fine();
}

#[test]
fn an_input_that_gets_more_partitions_goes_on_where_readings_are_routed() {
    let Some((cluster, app)) = judged("growing", "") else { return };
    let mut running = app.start("s", "--no-advice");
    running.wait_done();
    let before = running.metric("tidewatch_task_live").unwrap();
    cluster.tool(TOPICS, "--alter --topic growing-in --partitions 4");
    until("the new partitions are read", || running.metric("tidewatch_task_live") == Some(before + 2.0));
    produce_more(&app, 100..200);
    running.wait_done();
    for partition in [2, 3] {
        let position = format!("tidewatch_position_records{{flow=\"route\",partition=\"{partition}\"}}");
        assert!(running.metric(&position) > Some(0.0), "nothing was read from partition {partition}");
    }
    running.stop();
    let described = cluster.tool(TOPICS, "--describe --topic growing-readings");
    assert!(described.contains("PartitionCount: 2"), "{described}");
    app.audit().fine();
}

#[test]
fn another_topology_runs_beside_the_first_under_another_name_and_the_first_can_come_back() {
    let Some((_, app)) = judged("first-plan", "--set source.keyed_by=entity") else { return };
    let other = "--no-advice --set name=second-plan --set window.size=2m --set sink.topic=second-plan-out";
    let mut second = app.start("second", other);
    second.wait_done();
    second.stop();
    let findings = app.run("consume findings --set name=second-plan").fine().out;
    assert!(!findings.is_empty(), "it has judged the input from its beginning");
    produce_more(&app, 100..150);
    let mut back = app.start("s", "--no-advice");
    back.wait_done();
    assert_eq!(back.metric("tidewatch_restore_changelog_records_total"), Some(0.0));
    back.stop();
    app.audit().fine();
}

#[test]
fn a_group_that_was_deleted_is_found_again_in_the_changelog() {
    let Some((cluster, app)) = judged("groupless", "--set source.keyed_by=entity") else { return };
    let before = app.run("consume findings").fine().out.lines().count();
    cluster.tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--delete --group groupless");
    let mut again = app.start("s", "--no-advice");
    again.wait_done();
    again.stop();
    assert_eq!(app.run("consume findings").fine().out.lines().count(), before, "nothing was found twice");
    app.audit().fine();
}

#[test]
fn a_changelog_that_was_deleted_is_not_missed_while_the_state_directory_is_there() {
    let Some((cluster, app)) = judged("unlogged", "--set source.keyed_by=entity") else { return };
    cluster.tool(TOPICS, "--delete --topic unlogged-changelog");
    until("it is gone", || {
        !cluster.tool(TOPICS, "--list").lines().any(|topic| topic == "unlogged-changelog")
    });
    produce_more(&app, 100..150);
    let mut again = app.start("s", "--no-advice");
    again.wait_done();
    again.stop();
    app.audit().fine();
    let refused = app.refused("elsewhere", "--no-advice");
    assert!(
        refused.code == 1 && refused.err.contains("was the topic deleted"),
        "{} {}",
        refused.code,
        refused.err
    );
}

#[test]
fn findings_that_were_deleted_stop_who_advises_on_them() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "unfound", "--set source.keyed_by=entity");
    app.fill(&fleet(4, 0..100), 1);
    let mut instance = app.start("s", "");
    instance.wait_done();
    instance.stop();
    cluster.tool(TOPICS, "--delete --topic unfound-findings");
    until("it is gone", || !cluster.tool(TOPICS, "--list").lines().any(|topic| topic == "unfound-findings"));
    let refused = app.refused("s", "");
    assert!(refused.code == 1 && refused.err.contains("made anew"), "{} {}", refused.code, refused.err);
}
