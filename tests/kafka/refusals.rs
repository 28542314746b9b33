//! What cannot be gone on from is refused, in words that say what to do.

use super::broker::shared;
use super::fleet;
use super::instance::{App, until};
use crate::support::Ran;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const CONFIGS: &str = "kafka.admin.ConfigCommand";

/// An application that has judged something and was stopped.
fn judged(name: &str, more: &str, partitions: u32) -> Option<(&'static super::broker::Cluster, App)> {
    let cluster = shared()?;
    let app = App::new(&cluster.servers(), name, &format!("--set source.keyed_by=entity {more}"));
    app.fill(&fleet(3, 0..60), partitions);
    let mut instance = app.start("s", "--no-advice");
    instance.wait_done();
    instance.stop();
    Some((cluster, app))
}

fn assert_refused(ran: &Ran, code: i32, words: &str) {
    assert!(ran.code == code && ran.err.contains(words), "{} {}", ran.code, ran.err);
}

#[test]
fn partitions_that_were_added() {
    let Some((cluster, app)) = judged("grown", "", 2) else { return };
    cluster.tool(TOPICS, "--alter --topic grown-in --partitions 3");
    assert_refused(&app.refused("s", ""), 78, "were partitions added?");
}

#[test]
fn an_input_that_is_compacted() {
    let Some(cluster) = shared() else { return };
    cluster.tool(TOPICS, "--create --topic compacted-in --partitions 1 --config cleanup.policy=compact");
    let app = App::new(&cluster.servers(), "compacted", "--set source.keyed_by=entity");
    assert_refused(&app.refused("s", ""), 78, "Set cleanup.policy=delete");
}

#[test]
fn another_topology_under_the_same_name() {
    let Some((_, app)) = judged("renamed", "", 1) else { return };
    assert_refused(&app.refused("s", "--set window.size=2m"), 78, "another topology");
    assert_refused(&app.refused("elsewhere", "--set window.size=2m"), 78, "another topology");
}

#[test]
fn offsets_set_by_hand() {
    let Some((cluster, app)) = judged("by-hand", "", 1) else { return };
    let group = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    cluster.tool(group, "--group by-hand --reset-offsets --topic by-hand-in --to-earliest --execute");
    assert_refused(&app.refused("s", ""), 1, "was set by hand");
    assert_refused(&app.refused("elsewhere", ""), 1, "was set by hand");
}

#[test]
fn a_changelog_that_was_deleted() {
    let Some((cluster, app)) = judged("forgotten", "", 1) else { return };
    cluster.tool(TOPICS, "--delete --topic forgotten-changelog");
    until("it is gone", || {
        !cluster.tool(TOPICS, "--list").lines().any(|topic| topic == "forgotten-changelog")
    });
    // With its own rows it need not read the changelog, but a new instance must not take nothing for the whole.
    let mut app = app;
    app.flags.push_str(" --commit-every 100");
    let ran = app.refused("elsewhere", "");
    assert_refused(&ran, 1, "was the topic deleted or made anew?");
}

#[test]
fn an_input_below_its_retention() {
    let Some((cluster, app)) = judged("short", "", 1) else { return };
    let file = app.folder.write(
        "delete.json",
        "{\"version\":1,\"partitions\":[{\"topic\":\"short-in\",\"partition\":0,\"offset\":-1}]}",
    );
    app.folder.write("more.ndjson", fleet(3, 60..120).join("\n"));
    app.run("produce more.ndjson").fine();
    let delete = format!("--offset-json-file {}", file.display());
    cluster.tool("org.apache.kafka.tools.DeleteRecordsCommand", &delete);
    assert_refused(&app.refused("s", "--no-advice"), 1, "below_retention=skip");
    let mut skipping = app.start("s", "--no-advice --set source.below_retention=skip");
    skipping.wait_ready();
    assert!(skipping.metric("tidewatch_skipped_records_total") > Some(0.0));
    skipping.stop();
}

#[test]
fn an_input_that_was_made_anew() {
    let Some((cluster, app)) = judged("remade", "", 1) else { return };
    cluster.tool(TOPICS, "--delete --topic remade-in");
    until("it is gone", || !cluster.tool(TOPICS, "--list").lines().any(|topic| topic == "remade-in"));
    cluster.tool(TOPICS, "--create --topic remade-in --partitions 1");
    assert_refused(&app.refused("s", ""), 1, "made anew");
}

#[test]
fn an_input_that_is_deleted_while_it_runs() {
    let Some((cluster, app)) = judged("gone", "", 1) else { return };
    let mut instance = app.start("s", "--no-advice");
    instance.wait_done();
    cluster.tool(TOPICS, "--delete --topic gone-in");
    let code = instance.wait().code().unwrap_or(-1);
    assert!(code == 1 && instance.log().contains("was the topic deleted?"), "{code} {}", instance.log());
}

#[test]
fn a_retention_that_is_shorter_than_a_window() {
    let Some((cluster, app)) = judged("brief", "", 1) else { return };
    cluster
        .tool(CONFIGS, "--alter --entity-type topics --entity-name brief-in --add-config retention.ms=1000");
    assert_refused(&app.refused("s", ""), 78, "set retention.ms");
}

#[test]
fn a_state_directory_in_use() {
    let Some((_, app)) = judged("shared", "", 1) else { return };
    let mut instance = app.start("s", "");
    instance.wait_ready();
    assert_refused(&app.refused("s", ""), 78, "locked by another process");
    instance.stop();
}

#[test]
fn settings_that_exactly_once_rests_on() {
    let Some(cluster) = shared() else { return };
    let mut app = App::new(&cluster.servers(), "careless", "");
    app.environment.push(("TIDEWATCH_KAFKA_CLIENT_ISOLATION_LEVEL".into(), "read_uncommitted".into()));
    assert_refused(&app.refused("s", ""), 78, "exactly-once rests on how it is set");
    app.environment = vec![("TIDEWATCH_KAFKA_CLIENT_NO_SUCH_SETTING".into(), "1".into())];
    assert_refused(&app.refused("s", ""), 78, "no.such.setting");
    let entity = App::new(&cluster.servers(), "entity", "--set window.time=entity");
    assert_refused(&entity.refused("s", ""), 78, "window.time");
    let whole = App::new(&cluster.servers(), "whole", "--set window.kind=whole");
    assert_refused(&whole.refused("s", ""), 78, "never close");
}

#[test]
fn a_port_that_is_taken() {
    let Some(cluster) = shared() else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let app = App::new(&cluster.servers(), "taken", "");
    let ran = app.run(&format!("run --state s --listen {}", taken.local_addr().unwrap()));
    assert_refused(&ran, 78, "--listen takes another address");
}
