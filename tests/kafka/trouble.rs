//! Trouble that passes: nothing is lost or repeated, and nobody is asked for help.

use std::time::Duration;

use super::broker::{Cluster, kafka, shared};
use super::fleet;
use super::instance::{App, until};

#[test]
fn a_broker_that_is_away_is_waited_for() {
    let Some(kafka) = kafka() else { return };
    let mut cluster = Cluster::start(&kafka, 1, "");
    let app = App::new(&cluster.servers(), "away", "--set source.keyed_by=entity");
    app.fill(&fleet(3, 0..100), 2);
    cluster.kill(0);
    let mut instance = app.start("s", "--no-advice");
    until("it says that it waits", || instance.log().contains("no broker answers"));
    assert_eq!(instance.get("/livez").unwrap().0, 200);
    assert_eq!(instance.get("/readyz").unwrap().0, 503);
    cluster.revive(0);
    instance.wait_done();
    cluster.kill(0);
    until("it says that it waits again", || instance.log().contains("waiting for them, nothing is lost"));
    std::thread::sleep(Duration::from_secs(3));
    cluster.revive(0);
    app.folder.write("more.ndjson", fleet(3, 100..200).join("\n"));
    app.run("produce more.ndjson").fine();
    let all = fleet(3, 0..200).len() as f64;
    until("all is judged", || instance.metric("tidewatch_position_records").is_some_and(|at| at >= all));
    assert_eq!(instance.log().matches("no broker answers").count(), 1, "it says so once");
    instance.stop();
    app.audit().fine();
}

#[test]
fn a_state_directory_that_is_lost_or_damaged_is_restored_from_the_changelog() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "disk", "--set source.keyed_by=entity");
    app.fill(&fleet(4, 0..100), 2);
    let mut instance = app.start("s", "--no-advice");
    instance.wait_done();
    instance.kill();
    std::fs::remove_dir_all(app.folder.file("s")).unwrap();
    let mut lost = app.start("s", "--no-advice");
    lost.wait_ready();
    assert!(lost.metric("tidewatch_restore_changelog_records_total") > Some(0.0));
    lost.stop();
    let rows = app.folder.file("s/rows/db");
    let mut bytes = std::fs::read(&rows).unwrap();
    bytes.iter_mut().step_by(7).for_each(|byte| *byte ^= 0x5a);
    std::fs::write(&rows, bytes).unwrap();
    app.folder.write("more.ndjson", fleet(4, 100..200).join("\n"));
    app.run("produce more.ndjson").fine();
    let mut damaged = app.start("s", "--no-advice");
    damaged.wait_done();
    assert!(damaged.log().contains("set aside"), "{}", damaged.log());
    damaged.stop();
    app.audit().fine();
    // A row that nobody can have written is found only when rows are read, with the group joined.
    let sled = sled::open(app.folder.file("s/rows")).unwrap();
    sled.open_tree("detect-0").unwrap().insert([1], b"row").unwrap();
    drop(sled);
    app.folder.write("yet-more.ndjson", fleet(4, 200..300).join("\n"));
    app.run("produce yet-more.ndjson").fine();
    let mut found_late = app.start("s", "--no-advice");
    found_late.wait_done();
    assert!(found_late.log().contains("beginning again without it"), "{}", found_late.log());
    found_late.stop();
    app.audit().fine();
}

#[test]
fn a_process_that_slept_through_its_session_does_no_harm() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "sleeper", "--set source.keyed_by=entity");
    app.fill(&fleet(4, 0..100), 2);
    let mut sleeper = app.start("a", "--no-advice");
    sleeper.wait_done();
    app.folder.write("more.ndjson", fleet(4, 100..300).join("\n"));
    let mut producing = app.folder.command(&format!("produce more.ndjson --rate 300 {}", app.flags));
    let mut producing = producing.env("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS", &app.servers).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    sleeper.signal("-STOP");
    let mut other = app.start("b", "--no-advice");
    until("the other has it all", || other.is_ready() && other.metric("tidewatch_task_live") == Some(2.0));
    sleeper.signal("-CONT");
    assert!(producing.wait().unwrap().success());
    until("all is judged", || {
        other.metric("tidewatch_lag_records") == Some(0.0)
            && (sleeper.has_ended() || sleeper.metric("tidewatch_lag_records") == Some(0.0))
    });
    std::thread::sleep(Duration::from_secs(3));
    other.stop();
    if !sleeper.has_ended() {
        sleeper.stop();
    }
    app.audit().fine();
}

#[test]
fn a_record_too_large_for_the_broker_goes_to_the_rejected_topic() {
    let Some(cluster) = shared() else { return };
    cluster.tool(
        "org.apache.kafka.tools.TopicCommand",
        "--create --topic large-findings --partitions 1 --config max.message.bytes=700",
    );
    let app = App::new(&cluster.servers(), "large", "--set source.keyed_by=entity");
    app.fill(&fleet(2, 0..200), 1);
    let mut instance = app.start("s", "--no-advice");
    instance.wait_done();
    instance.stop();
    let rejected = app.run("consume rejected --headers").fine().out;
    assert!(rejected.contains("tidewatch-reason=\"too-large\""), "{rejected}");
    assert!(rejected.contains("more than the broker takes"));
}

#[test]
fn more_instances_share_the_work_and_leave_it_to_each_other() {
    let Some(cluster) = shared() else { return };
    let app = App::new(&cluster.servers(), "crew", "");
    app.fill(&fleet(8, 0..60), 4);
    let mut first = app.start("a", "--workers 2");
    first.wait_ready();
    let mut second = app.start("b", "");
    until("both have partitions", || {
        second.is_ready() && second.metric("tidewatch_task_live") > Some(0.0) && first.is_ready()
    });
    app.folder.write("more.ndjson", fleet(8, 60..160).join("\n"));
    app.run("produce more.ndjson").fine();
    first.stop();
    until("the other takes over", || second.metric("tidewatch_task_live") >= Some(12.0));
    second.wait_done();
    second.stop();
    app.audit().fine();
}
