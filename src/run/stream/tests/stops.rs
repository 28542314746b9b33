//! What cannot be gone on from ends in a stop that says so, and nothing else does.

use std::sync::Arc;

use super::super::blueprint::{BelowRetention, Blueprint};
use super::faults::Plan;
use super::fleet::Slot;
use super::log::Name;
use super::run::{Run, Setup};
use crate::edge::ports::{Committed, Topic};
use crate::flow::record::Offset;
use crate::flow::task::{FlowName, TaskId};

const TASK: TaskId = TaskId { flow: FlowName::Detect, partition: 0 };
const CHANGELOG: Name = Name::Of(Topic::Changelog(FlowName::Detect));
const READINGS: Name = Name::Of(Topic::Output(crate::flow::record::Role::Readings));

/// One process, one partition, half of the input read, and nobody there any more.
fn halfway() -> (Run, Committed) {
    let mut setup = Setup::detect(0, 7, 20);
    (setup.processes, setup.lines) = (1, setup.lines[..1].to_vec());
    let mut run = Run::new(setup, Plan::Nowhere);
    run.feed(0, 6);
    run.settle().unwrap();
    let early = committed(&run);
    run.feed(0, 6);
    run.settle().unwrap();
    run.crash_all();
    (run, early)
}

fn committed(run: &Run) -> Committed {
    run.world.log.borrow().group.offsets[&TASK].clone()
}

fn put(run: &Run, committed: Committed) {
    run.world.log.borrow_mut().group.offsets.insert(TASK, committed);
}

fn lose_the_disk(run: &Run) {
    run.world.disks.borrow_mut().lose(0);
}

fn change(run: &mut Run, change: impl FnOnce(&mut Blueprint)) {
    change(Arc::make_mut(&mut run.setup.blueprint));
    run.world.slots.borrow()[0].borrow_mut().blueprint = Arc::clone(&run.setup.blueprint);
}

fn stops_with(run: &mut Run, name: &str) {
    let stop = run.stop().unwrap_or_default();
    assert!(stop.starts_with(name), "stopped with {stop:?}, expected {name}");
}

/// For the test that breaks the rule, too.
pub(super) fn offsets_set_back_stop() -> Option<String> {
    let (mut run, early) = halfway();
    put(&run, early);
    run.stop()
}

#[test]
fn offsets_set_back_stop_a_worker_that_has_later_rows() {
    assert!(offsets_set_back_stop().unwrap_or_default().starts_with("LocalAhead"));
}

#[test]
fn offsets_set_back_stop_a_worker_whose_disk_is_lost() {
    let (mut run, early) = halfway();
    put(&run, early);
    // What is gone from the changelog, too, cannot be gone on from.
    run.world.log.borrow_mut().at(CHANGELOG, 0).compact();
    lose_the_disk(&run);
    stops_with(&mut run, "ChangelogTorn");
}

#[test]
fn offsets_set_by_hand_stop_a_worker_that_has_rows() {
    let (mut run, _) = halfway();
    put(&run, Committed { next: Offset(3), metadata: String::new() });
    stops_with(&mut run, "OffsetsSetByHand");
}

#[test]
fn offsets_set_by_hand_stop_where_only_the_changelog_has_rows() {
    let (mut run, _) = halfway();
    put(&run, Committed { next: Offset(3), metadata: String::new() });
    lose_the_disk(&run);
    stops_with(&mut run, "OffsetsSetByHand");
}

#[test]
fn offsets_set_by_hand_before_anything_was_learned_are_where_reading_begins() {
    let mut setup = Setup::detect(0, 7, 20);
    (setup.processes, setup.lines) = (1, setup.lines[..1].to_vec());
    let mut run = Run::new(setup, Plan::Nowhere);
    run.feed(0, 12);
    put(&run, Committed { next: Offset(9), metadata: "by hand".into() });
    run.settle().unwrap();
    assert_eq!(run.stops(), [""; 0]);
    let log = run.world.log.borrow();
    let rejected = log.partitions.iter().filter(|((name, _), _)| matches!(name, Name::Of(Topic::Output(_))));
    let sources: Vec<String> = rejected
        .flat_map(|(_, partition)| partition.ever().filter_map(|(_, record)| record.headers.get(3).cloned()))
        .map(|(_, source)| source)
        .collect();
    let early = |source: &String| source.rsplit('/').next().unwrap().parse::<u64>().unwrap() < 9;
    assert!(!sources.iter().any(early), "{sources:?}");
}

#[test]
fn offsets_that_are_gone_are_found_again_in_the_changelog() {
    for disk_is_lost in [false, true] {
        let (mut run, _) = halfway();
        run.world.log.borrow_mut().group.offsets.clear();
        if disk_is_lost {
            lose_the_disk(&run);
        }
        run.feed(0, 100);
        run.settle().unwrap();
        run.compare().unwrap();
    }
}

#[test]
fn a_changelog_that_is_gone_stops_a_worker_whose_disk_is_lost() {
    let (mut run, _) = halfway();
    run.world.log.borrow_mut().partitions.remove(&(CHANGELOG, 0));
    lose_the_disk(&run);
    stops_with(&mut run, "ChangelogTorn");
}

#[test]
fn a_changelog_without_one_of_its_rows_stops_a_worker_whose_disk_is_lost() {
    let (mut run, _) = halfway();
    {
        let mut log = run.world.log.borrow_mut();
        let changelog = log.at(CHANGELOG, 0);
        let rows =
            changelog.ever().filter(|(_, record)| record.key.as_deref().is_some_and(|key| key[0] == 1));
        let last = rows.map(|(at, _)| at).last().unwrap();
        changelog.lose(last);
    }
    lose_the_disk(&run);
    stops_with(&mut run, "ChangelogTorn");
}

#[test]
fn a_changelog_that_lost_its_end_stops_a_worker_whose_disk_is_lost() {
    let (mut run, _) = halfway();
    {
        let mut log = run.world.log.borrow_mut();
        let changelog = log.at(CHANGELOG, 0);
        let end = changelog.end;
        changelog.regress(end - 4);
    }
    lose_the_disk(&run);
    stops_with(&mut run, "ChangelogTorn");
}

#[test]
fn a_disk_of_another_cluster_stops() {
    let (mut run, _) = halfway();
    run.world.log.borrow_mut().group.offsets.clear();
    run.world.log.borrow_mut().partitions.remove(&(CHANGELOG, 0));
    stops_with(&mut run, "OtherCluster");
}

#[test]
fn an_input_below_retention_stops_or_is_skipped_and_counted() {
    let (mut run, _) = halfway();
    run.feed(0, 100);
    let needed = committed(&run).next.0;
    run.world.log.borrow_mut().at(READINGS, 0).truncate(14);
    assert!(needed < 14);
    stops_with(&mut run, "BelowRetention");
    run.crash_all();
    run.world.slots.borrow()[0].borrow_mut().stops.clear();
    change(&mut run, |blueprint| blueprint.below_retention = BelowRetention::Skip);
    run.settle().unwrap();
    assert_eq!(run.stops(), [""; 0]);
    let skipped = run.world.slots.borrow()[0].borrow().notes.0.lock().unwrap().skipped;
    assert!(skipped >= 14 - needed, "{skipped}");
}

#[test]
fn an_input_that_is_truncated_while_windows_are_refilled_stops() {
    let (mut run, _) = halfway();
    run.world.slots.borrow()[0].borrow_mut().batch = 1;
    for _ in 0..100 {
        run.turn();
        let slot = Slot::live_tasks(&run.world.slots.borrow()[0].borrow());
        let refills = run.world.slots.borrow()[0].borrow().notes.0.lock().unwrap().refills;
        if slot.is_none() && refills > 0 {
            break;
        }
    }
    run.world.log.borrow_mut().at(READINGS, 0).truncate(11);
    stops_with(&mut run, "BelowRetention");
}

#[test]
fn an_input_that_was_made_anew_stops() {
    let (mut run, _) = halfway();
    run.world.log.borrow_mut().partitions.remove(&(READINGS, 0));
    stops_with(&mut run, "InputShrank");
}

#[test]
fn rows_of_another_topology_stop() {
    for disk_is_lost in [false, true] {
        let (mut run, _) = halfway();
        if disk_is_lost {
            lose_the_disk(&run);
        }
        change(&mut run, |blueprint| blueprint.topology = "another".into());
        stops_with(&mut run, "OtherTopology");
    }
}

#[test]
fn rows_of_another_application_stop() {
    let (mut run, _) = halfway();
    change(&mut run, |blueprint| blueprint.application = "another".into());
    stops_with(&mut run, "OtherTopology");
}

#[test]
fn of_two_processes_with_one_transactional_id_one_stops_and_nothing_is_repeated() {
    let (mut run, _) = halfway();
    let twin = Slot::new(&run.world, 1, "id-0".into(), &run.setup.blueprint);
    run.world.slots.borrow_mut().push(std::rc::Rc::new(twin.into()));
    for _ in 0..40 {
        run.feed(0, 1);
        run.world.log.borrow_mut().group.shuffle();
        run.turn();
        run.turn();
    }
    assert!(run.stops().iter().all(|stop| stop.starts_with("Fenced")), "{:?}", run.stops());
    run.settle().unwrap();
    super::oracle::compare(&run.world.log.borrow(), &run.setup.blueprint, &run.tasks).unwrap();
}
