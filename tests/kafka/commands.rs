//! The commands next to a broker, as a user would call them one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use super::broker::shared;
use super::fleet;
use super::instance::{App, assert_same, until};

#[test]
fn what_is_produced_is_judged_audited_and_consumed() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "first", "");
    let input = fleet(5, 0..200);
    app.fill(&input, 3);
    let mut instance = app.start("s", "");
    instance.wait_done();
    let ready = instance.get("/readyz").unwrap();
    assert_eq!(ready, (200, "ready\n".to_owned()));
    assert_eq!(instance.get("/livez").unwrap().0, 200);
    assert!(instance.stop() < Duration::from_secs(5));

    let audit = app.audit().fine();
    assert_eq!(audit.out.matches(": exact: ").count(), 3, "{}", audit.out);
    let first = app.run("consume findings").fine().out;
    let findings = app.run("consume findings").fine().reports();
    let reports = app.run("consume output").fine().reports();
    assert!(!findings.is_empty());
    assert_eq!(findings.len(), reports.len());
    assert!(reports.iter().all(|report| !report["recommendations"].as_array().unwrap().is_empty()));
    let rejected = app.run("consume rejected --headers").fine().out;
    let garbage = input.iter().filter(|line| *line == "{\"entity\":\"host-0\",").count();
    assert_eq!(rejected.lines().count(), garbage);
    assert!(rejected.lines().all(|line| line.contains("tidewatch-reason=\"truncated\"")
        && line.contains("tidewatch-source=\"first-in/")
        && line.ends_with("{\"entity\":\"host-0\",")));
    assert!(app.run("consume late").fine().out.lines().count() > 0);

    let described = cluster.tool("org.apache.kafka.tools.TopicCommand", "--describe --topic first-.*");
    let topic =
        |name: &str| described.lines().find(|line| line.starts_with(&format!("Topic: {name}\t"))).unwrap();
    assert!(topic("first-changelog").contains("PartitionCount: 3"), "{described}");
    assert!(topic("first-changelog").contains("cleanup.policy=compact"));
    assert!(topic("first-readings").contains("retention.ms=604800000"));

    // A restart in place does nothing again.
    let mut again = app.start("s", "");
    again.wait_done();
    assert_eq!(again.stop().as_secs() / 5, 0);
    // Partitions are read at once, in any order.
    let lines = |out: String| -> BTreeSet<String> { out.lines().map(str::to_owned).collect() };
    let after = app.run("consume findings").fine().out;
    assert_eq!(after.len(), first.len(), "nothing was added");
    assert!(lines(after) == lines(first), "nothing was changed");
}

#[test]
fn an_array_of_a_hundred_readings_without_key_gives_one_report() {
    let Some(cluster) = shared() else { return };
    let mut app = App::new(&cluster.servers(), "arrays", "");
    app.flags =
        "--topology message --set name=arrays --set source.topic=arrays-in --set sink.topic=arrays-out"
            .to_owned();
    let lines: Vec<String> = (0..500).map(|at| crate::support::reading("x", at, &[])).collect();
    app.folder.write("input.ndjson", lines.join("\n"));
    app.run("produce input.ndjson --array 100 --partitions 2").fine();
    let mut instance = app.start("s", "");
    instance.wait_done();
    until("all is advised", || app.run("consume output").fine().reports().len() == 5);
    instance.stop();
    let reports = app.run("consume output").fine().reports();
    assert!(reports.iter().all(|report| report["window"]["readings"] == 100));
    app.audit().fine();
}

#[test]
fn a_topic_can_be_replayed_as_the_stream_judged_it() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "again", "--set source.keyed_by=entity");
    app.fill(&fleet(4, 0..150), 2);
    let mut instance = app.start("s", "--no-advice");
    instance.wait_done();
    instance.stop();
    let committed: Vec<_> =
        (0..2).flat_map(|partition| cluster.committed("again-findings", partition, 1)).collect();
    let replayed = app.run("replay --from-topic again-in --no-advice --leave-open --format ndjson").fine();
    let values: Vec<&str> = committed.iter().map(|(_, value)| value.as_str()).collect();
    assert!(!values.is_empty());
    assert_same(&replayed.out.lines().collect::<Vec<_>>(), &values, "replayed and committed");
    let none = app.run("replay --from-topic again-in --since now --no-advice");
    assert_eq!(none.code, 65, "{}", none.err);
}

#[test]
fn a_quiet_partition_has_its_windows_closed_and_a_replay_knows_where() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "quiet", "--set source.keyed_by=entity --set window.idle=1s");
    app.fill(&fleet(2, 0..100), 1);
    let mut instance = app.start("s", "--no-advice");
    until("it was idle", || instance.metric("tidewatch_idle_closings_total") == Some(1.0));
    app.folder.write("more.ndjson", fleet(2, 120..160).join("\n"));
    app.run("produce more.ndjson").fine();
    until("it was idle again", || instance.metric("tidewatch_idle_closings_total") == Some(2.0));
    until("every window is closed", || {
        let closed = instance.metric("tidewatch_windows_closed_total");
        closed.is_some() && closed == instance.metric("tidewatch_windows_opened_total")
    });
    instance.kill();
    let mut again = app.start("s", "--no-advice");
    again.wait_done();
    again.stop();
    app.audit().fine();
}

#[test]
fn a_reset_says_what_it_deletes_and_begins_anew() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "anew", "");
    app.fill(&fleet(3, 0..120), 2);
    let mut instance = app.start("s", "");
    instance.wait_done();
    let running = app.run("reset --state other --yes");
    assert!(running.code == 1 && running.err.contains("stop every instance first"), "{}", running.err);
    instance.stop();
    let before = app.run("consume findings").fine().out;
    let said = app.run("reset --state s").fine();
    assert!(said.out.contains("would delete") && said.out.contains("anew-changelog"), "{}", said.out);
    app.run("reset --state s --yes").fine();
    let mut again = app.start("s", "");
    again.wait_done();
    again.stop();
    assert_eq!(app.run("consume findings").fine().out.lines().count(), 2 * before.lines().count());
    app.audit().fine();
}

#[test]
fn the_doctor_says_what_is_missing() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "ill", "");
    let missing = app.run("doctor --state s");
    assert!(missing.code == 1 && missing.out.contains("topic ill-in does not exist"), "{}", missing.out);
    app.fill(&fleet(1, 0..5), 1);
    let fine = app.run("doctor --state s").fine();
    assert!(fine.out.contains("ill-changelog is missing: `run` makes it"), "{}", fine.out);
    let mut away = App::new("127.0.0.1:1", "ill", "");
    away.environment.push(("TIDEWATCH_LOG_LEVEL".to_owned(), "error".to_owned()));
    let away = away.run("doctor --state s");
    assert!(away.code == 1 && away.out.contains("WRONG brokers"), "{}", away.out);
}

#[test]
fn a_csv_file_is_not_sent_to_who_would_reject_it() {
    let Some(cluster) = shared() else { return };
    let mut app = App::new(&cluster.servers(), "columns", "");
    app.flags = "--topology mapped --set name=columns --set source.topic=columns-in".to_owned();
    app.folder.write("in.csv", "time,host,load\n2026-01-01T00:00:00Z,a,1\n");
    let ran = app.run("produce in.csv");
    assert!(ran.code == 78 && ran.err.contains("send what it takes as JSON"), "{} {}", ran.code, ran.err);
}
