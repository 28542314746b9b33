//! Each row of the crash table: where a process is killed, and that nothing is lost or repeated by it.

use super::errors::{setup, step_of};
use super::faults::{Call, Fault, Plan};
use super::log::Name;
use super::partition::Record;
use super::run::{Run, Setup};
use crate::edge::ports::Topic;

/// Kills at the n-th such call; what is told of restoring afterwards: changelog records read.
fn killed(setup: Setup, call: Call, n: usize, fault: Fault) -> u64 {
    let step = step_of(&setup, call, n);
    let mut run = Run::new(setup, Plan::At(vec![(step, fault)]));
    run.check().unwrap_or_else(|problem| panic!("{problem}"));
    changelog_records(&run)
}

fn changelog_records(run: &Run) -> u64 {
    let slots = run.world.slots.borrow();
    slots.iter().map(|slot| slot.borrow().notes.0.lock().unwrap().changelog_records).sum()
}

#[test]
fn while_processing() {
    let records = killed(setup(), Call::Poll, 9, Fault::CrashAfter);
    assert_eq!(records, 0, "the rows of the disk are enough");
}

#[test]
fn while_producing() {
    for n in [3, 9] {
        assert_eq!(killed(setup(), Call::Send, n, Fault::CrashAfter), 0);
    }
    killed(setup(), Call::Delivered, 1, Fault::CrashAfter);
}

#[test]
fn between_positions_and_commit() {
    killed(setup(), Call::SendPositions, 1, Fault::CrashAfter);
    killed(setup(), Call::Commit, 1, Fault::CrashBefore);
}

#[test]
fn after_the_commit_was_sent_and_before_the_answer() {
    let records = killed(setup(), Call::Commit, 1, Fault::CrashAfter);
    assert!(records > 0, "the changelog has the rows that the disk lacks");
}

#[test]
fn after_the_commit_and_before_the_disk_was_written() {
    assert!(killed(setup(), Call::Apply, 1, Fault::CrashBefore) > 0);
}

#[test]
fn after_the_disk_was_written_when_the_power_is_lost() {
    for (lost, whole) in [(1, false), (2, false), (100, true)] {
        let mut run = Run::new(setup(), Plan::Nowhere);
        run.feed(0, 9);
        run.feed(1, 9);
        run.settle().unwrap();
        run.crash_all();
        run.world.disks.borrow_mut().roll_back(0, lost);
        let end = {
            let mut log = run.world.log.borrow_mut();
            run.tasks.iter().map(|task| log.changelog(*task).after_last()).sum::<u64>()
        };
        run.drive().unwrap();
        run.compare().unwrap();
        let records = changelog_records(&run);
        assert!(records > 0 && (whole || records < end), "{records} of {end}");
    }
}

#[test]
fn during_a_revoke() {
    let two = Setup { processes: 2, ..setup() };
    for call in [Call::Send, Call::SendPositions, Call::Commit, Call::Apply] {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            // The group gives one partition away just before: what is committed then is committed in its callback.
            let step = step_of(&two, call, 1);
            let poll = {
                let mut plain = Run::new(two.clone(), Plan::Nowhere);
                plain.check().unwrap();
                plain.trace()[..step as usize].iter().rposition(|of| *of == Call::Poll).unwrap() as u64
            };
            let shuffled = vec![(poll, Fault::Shuffled)];
            let mut run = Run::new(two.clone(), Plan::At(shuffled.clone()));
            run.check().unwrap();
            let trace = run.trace();
            let step = (poll as usize..trace.len()).find(|at| trace[*at] == call).unwrap() as u64;
            let mut run = Run::new(two.clone(), Plan::At([shuffled, vec![(step, fault)]].concat()));
            run.check().unwrap_or_else(|problem| panic!("{call:?} {fault:?}: {problem}"));
        }
    }
}

#[test]
fn during_a_restore() {
    let mut run = Run::new(setup(), Plan::Nowhere);
    run.feed(0, 9);
    run.feed(1, 9);
    run.settle().unwrap();
    run.crash_all();
    run.world.disks.borrow_mut().lose(0);
    let begun = run.world.faults.borrow().step();
    // Killed at every one of its calls, one after the other, each a little further.
    let crashes = (0..12).map(|n| (begun + 6 + n * (n + 3) / 2, Fault::CrashBefore)).collect();
    run.world.faults.borrow_mut().plan = Plan::At(crashes);
    run.drive().unwrap();
    run.compare().unwrap();
    assert!(run.world.faults.borrow().happened.len() > 5);
}

#[test]
fn leaving_a_transaction_open_in_front_of_what_is_committed_next() {
    let mut run = Run::new(setup(), Plan::Nowhere);
    run.feed(0, 6);
    run.settle().unwrap();
    {
        let (mut log, task) = (run.world.log.borrow_mut(), run.tasks[0]);
        let epoch = log.init("dead");
        let record = Record {
            key: Some(vec![1, 2, b'z']),
            value: Some(vec![1]),
            headers: Vec::new(),
            transaction: None,
        };
        log.produce("dead", epoch, (Name::Of(Topic::Changelog(task.flow)), task.partition), record).unwrap();
    }
    let before = run.world.log.borrow().group.offsets[&run.tasks[0]].next;
    run.feed(0, 6);
    for _ in 0..6 {
        run.turn();
    }
    assert!(run.world.log.borrow().group.offsets[&run.tasks[0]].next > before);
    run.slot(0).borrow_mut().crash();
    run.world.disks.borrow_mut().lose(0);
    assert!(run.world.log.borrow().is_pending(), "the changelog cannot be read to its end yet");
    run.drive().unwrap();
    run.compare().unwrap();
}

#[test]
fn stopped_and_woken_up_as_a_zombie() {
    let two = Setup { one_disk: true, ..Setup::detect(0, 1, 14) };
    for call in
        [Call::Poll, Call::Begin, Call::Send, Call::Delivered, Call::SendPositions, Call::Commit, Call::Apply]
    {
        for n in 0..4 {
            killed(two.clone(), call, n, Fault::Sleep);
        }
    }
}

#[test]
fn with_its_disk_spoilt_replaced_or_left_behind() {
    for spoil in 0..3 {
        let mut run = Run::new(setup(), Plan::Nowhere);
        run.feed(0, 9);
        run.feed(1, 9);
        run.settle().unwrap();
        run.crash_all();
        match spoil {
            0 => run.world.disks.borrow_mut().damage(0),
            1 => run.world.disks.borrow_mut().lose(0),
            _ => run.slot(0).borrow_mut().machine = 9,
        }
        run.drive().unwrap();
        run.compare().unwrap();
        assert!(changelog_records(&run) > 0);
    }
}
