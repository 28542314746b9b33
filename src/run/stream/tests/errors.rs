//! Each row of the error table: what goes wrong, and what is done about it.

use super::super::rules::{Rule, break_rule};
use super::faults::{Call, Fault, Plan};
use super::run::{Run, Setup};
use crate::flow::record::Role;

/// One process with two partitions.
pub(super) fn setup() -> Setup {
    Setup { processes: 1, ..Setup::detect(0, 1, 14) }
}

/// The step of the n-th such call in a run without failures.
pub(super) fn step_of(setup: &Setup, call: Call, n: usize) -> u64 {
    let mut plain = Run::new(setup.clone(), Plan::Nowhere);
    plain.check().unwrap();
    let trace = plain.trace();
    let steps: Vec<usize> = (0..trace.len()).filter(|step| trace[*step] == call).collect();
    steps[n] as u64
}

/// Runs with a failure at the n-th such call; it must come right. What was called from there on.
fn recovers(call: Call, n: usize, fault: Fault) -> (Run, Vec<Call>) {
    let setup = setup();
    let step = step_of(&setup, call, n);
    let mut run = Run::new(setup, Plan::At(vec![(step, fault)]));
    run.check().unwrap_or_else(|problem| panic!("{problem}"));
    let rest = run.trace()[step as usize + 1..].to_vec();
    (run, rest)
}

/// Where a call comes first.
fn first(calls: &[Call], call: Call) -> usize {
    calls.iter().position(|of| *of == call).unwrap_or(usize::MAX)
}

#[test]
fn while_the_group_rebalances_the_same_epoch_is_sent_again_by_the_same_producer() {
    let (run, rest) = recovers(Call::SendPositions, 1, Fault::Shuffled);
    assert_eq!(run.aborted(), ["rebalance"]);
    assert!(first(&rest, Call::Abort) < first(&rest, Call::Poll));
    assert!(first(&rest, Call::Poll) < first(&rest, Call::Begin));
    assert!(first(&rest, Call::Begin) < first(&rest, Call::Renew));
    assert!(first(&rest, Call::Begin) < first(&rest, Call::Committed), "nothing is restored");
}

#[test]
fn who_is_no_member_any_more_aborts_drops_its_tasks_and_joins_again() {
    for fault in [Fault::Kicked, Fault::KickedAndTold] {
        let (run, rest) = recovers(Call::Membership, 1, fault);
        assert_eq!(run.aborted(), ["not-a-member"], "{fault:?}");
        assert!(first(&rest, Call::Abort) < first(&rest, Call::Open));
        assert!(first(&rest, Call::Open) < first(&rest, Call::Begin));
    }
}

#[test]
fn after_a_failed_delivery_another_producer_sends_the_epoch_again() {
    let (run, rest) = recovers(Call::Delivered, 1, Fault::Refused);
    assert_eq!(run.aborted(), ["spoilt"]);
    assert!(first(&rest, Call::Abort) < first(&rest, Call::Renew));
    assert!(first(&rest, Call::Renew) < first(&rest, Call::Begin));
}

#[test]
fn a_record_that_is_too_large_goes_to_the_rejected_topic_shortened() {
    let mut setup = setup();
    setup.lines[0][4].1 = vec![b'x'; 20_000];
    let mut run = Run::new(setup, Plan::Nowhere);
    run.world.log.borrow_mut().largest = 18_000;
    run.drive().unwrap();
    let log = run.world.log.borrow();
    let rejected = log.partitions.iter().filter(|((name, _), _)| {
        *name == super::log::Name::Of(crate::edge::ports::Topic::Output(Role::Rejected))
    });
    let headers: Vec<_> =
        rejected.flat_map(|(_, of)| of.ever().map(|(_, record)| record.headers.clone())).collect();
    let too_large = headers.iter().filter(|headers| headers[1].1 == "too-large").count();
    assert_eq!(too_large, 1, "{headers:?}");
    assert_eq!(run.stops(), [""; 0]);
}

#[test]
fn a_learned_row_that_is_too_large_stops_the_worker() {
    let mut run = Run::new(setup(), Plan::Nowhere);
    run.world.log.borrow_mut().largest = 20;
    assert!(run.drive().is_err());
    assert!(run.stops().iter().all(|stop| stop.starts_with("Log")), "{:?}", run.stops());
    assert!(!run.stops().is_empty());
}

#[test]
fn fenced_once_a_new_producer_is_taken() {
    for call in [Call::Delivered, Call::SendPositions] {
        let (run, rest) = recovers(call, 1, Fault::TimedOut);
        assert_eq!(run.aborted(), ["fenced"], "{call:?}");
        assert!(first(&rest, Call::Renew) < first(&rest, Call::Begin));
    }
    let (run, rest) = recovers(Call::Commit, 1, Fault::TimedOut);
    assert_eq!(run.aborted(), ["unknown"]);
    assert!(first(&rest, Call::Renew) < first(&rest, Call::Begin));
}

#[test]
fn fenced_again_at_once_the_worker_stops() {
    let setup = setup();
    let step = step_of(&setup, Call::SendPositions, 1);
    let once = Run::new(setup.clone(), Plan::At(vec![(step, Fault::TimedOut)]));
    let mut run = once;
    run.check().unwrap();
    let again = step + 1 + first(&run.trace()[step as usize + 1..], Call::SendPositions) as u64;
    let mut run = Run::new(setup, Plan::At(vec![(step, Fault::TimedOut), (again, Fault::TimedOut)]));
    run.check().unwrap();
    assert!(run.stops()[0].starts_with("Fenced"));
}

#[test]
fn after_an_unknown_outcome_the_group_is_asked_and_nothing_aborted() {
    for fault in [Fault::RequestLost, Fault::AnswerLost, Fault::Delayed(3)] {
        let (run, rest) = recovers(Call::Commit, 1, fault);
        assert_eq!(run.aborted(), ["unknown"], "{fault:?}");
        assert_eq!(first(&rest, Call::Abort), usize::MAX, "{fault:?}");
        assert!(first(&rest, Call::Renew) < first(&rest, Call::Committed), "{fault:?}");
        assert!(first(&rest, Call::Committed) < first(&rest, Call::Begin), "{fault:?}");
    }
}

#[test]
fn a_retriable_failure_repeats_the_same_call() {
    for call in [Call::SendPositions, Call::Commit] {
        for fault in [Fault::RetriableBefore, Fault::RetriableAfter] {
            let (run, rest) = recovers(call, 1, fault);
            assert_eq!(run.aborted(), [""; 0], "{call:?} {fault:?}");
            assert_eq!(rest[0], call);
        }
    }
}

#[test]
fn whose_end_may_arrive_twice_is_replaced_before_the_next_transaction() {
    let (run, rest) = recovers(Call::Commit, 1, Fault::Duplicated(9));
    assert_eq!(run.aborted(), [""; 0]);
    assert!(first(&rest, Call::Renew) < first(&rest, Call::Begin));
}

#[test]
fn a_commit_that_arrives_twice_would_end_a_later_transaction() {
    let setup = setup();
    let step = step_of(&setup, Call::Commit, 1);
    break_rule(Some(Rule::SuspectProducerReplaced));
    // Half of it is true then, and the process is killed before the other half.
    let ends_a_later_one = |steps: &u64| {
        let faults = vec![(step, Fault::Duplicated(*steps))];
        let mut run = Run::new(setup.clone(), Plan::At(faults.clone()));
        let _ = run.check();
        let later = first(&run.trace()[step as usize + 1..], Call::Commit) as u64 + step + 1;
        let mut run = Run::new(setup.clone(), Plan::At([faults, vec![(later, Fault::CrashBefore)]].concat()));
        run.check().is_err()
    };
    let noticed = (1..=40).filter(ends_a_later_one).count();
    break_rule(None);
    assert!(noticed > 0);
    assert_eq!((1..=40).filter(ends_a_later_one).count(), 0, "with the rule kept");
}
