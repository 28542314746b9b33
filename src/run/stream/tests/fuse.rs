//! A fuse at every step of a run: every call of every worker fails in every way it can, one a run.

use std::time::Duration;

use super::advice;
use super::faults::{Call, Fault, Plan, applicable};
use super::random::Random;
use super::run::{Run, Setup};
use crate::flow::task::FlowName;

/// Steps after which a delayed request arrives, at most. The first setup tries each, the others a few.
const LONGEST_DELAY: u64 = 40;
const SOME_DELAYS: [u64; 6] = [1, 4, 9, 15, 22, 30];
/// Runs with a second failure, for each setup.
const SECOND_FAILURES: u64 = 300;

/// The runs whose every step fails.
pub(super) fn setups() -> Vec<Setup> {
    let one_process = |mut setup: Setup| {
        setup.processes = 1;
        setup
    };
    let idle = |setup: Setup| setup.with(|blueprint| blueprint.pace.idle = Some(Duration::from_millis(300)));
    let mut chained = Setup::detect(0, 3, 8);
    chained.flows = vec![FlowName::Route, FlowName::Detect];
    vec![
        Setup { one_disk: true, ..Setup::detect(0, 1, 14) },
        idle(one_process(Setup::detect(1, 2, 14))),
        idle(Setup::detect(2, 4, 12)),
        one_process(Setup::detect(3, 5, 12)),
        one_process(Setup::detect(4, 7, 18)),
        idle(one_process(Setup::detect(5, 6, 18))),
        chained,
        one_process(advice::setup(8, 7)),
        Setup { one_disk: true, ..advice::setup(9, 6) },
    ]
}

/// Runs with failures at those steps; what was wrong afterwards.
fn fails_at(setup: &Setup, faults: &[(u64, Fault)]) -> Result<Run, String> {
    let mut run = Run::new(setup.clone(), Plan::At(faults.to_vec()));
    match run.check() {
        Ok(()) => Ok(run),
        Err(problem) => Err(format!("{:?}: {problem}", run.world.faults.borrow().happened)),
    }
}

pub(super) fn every_delay() -> Vec<u64> {
    (1..=LONGEST_DELAY).collect()
}

/// What can happen at a call, with those delays.
fn failures(call: Call, delays: &[u64]) -> Vec<Fault> {
    let all = applicable(call).iter().flat_map(|fault| match fault {
        Fault::Delayed(_) => delays.iter().copied().map(Fault::Delayed).collect(),
        Fault::Duplicated(_) => delays.iter().copied().map(Fault::Duplicated).collect(),
        fault => vec![*fault],
    });
    all.collect()
}

/// Every failure of every step; the first problem, or how many steps and runs there were.
pub(super) fn every_step(setup: &Setup, delays: &[u64]) -> Result<(usize, u64), String> {
    let mut plain = Run::new(setup.clone(), Plan::Nowhere);
    plain.check()?;
    let trace = plain.trace();
    let mut runs = 0;
    for (step, call) in trace.iter().enumerate() {
        for fault in failures(*call, delays) {
            fails_at(setup, &[(step as u64, fault)])?;
            runs += 1;
        }
    }
    Ok((trace.len(), runs))
}

/// A second failure somewhere after a first one, by chance.
fn two_failures(setup: &Setup, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut plain = Run::new(setup.clone(), Plan::Nowhere);
    plain.check()?;
    let trace = plain.trace();
    for _ in 0..SECOND_FAILURES {
        let first = random.below(trace.len() as u64);
        let fault = (first, *random.pick(&failures(trace[first as usize], &SOME_DELAYS)));
        let recovery = fails_at(setup, &[fault])?.trace();
        // Soon after the first one, where its consequences are dealt with.
        let rest = (recovery.len() as u64).saturating_sub(first + 1).clamp(1, 40);
        let second = first + 1 + random.below(rest);
        let Some(call) = recovery.get(second as usize) else { continue };
        fails_at(setup, &[fault, (second, *random.pick(&failures(*call, &SOME_DELAYS)))])?;
    }
    Ok(())
}

#[test]
fn without_faults_a_run_gives_what_batch_gives() {
    for variant in 0..12 {
        let mut run = Run::new(Setup::detect(variant, variant + 1, 40), Plan::Nowhere);
        run.check().unwrap_or_else(|problem| panic!("variant {variant}: {problem}"));
    }
}

#[test]
fn whatever_fails_at_whatever_step_nothing_is_lost_or_repeated() {
    for (number, setup) in setups().iter().enumerate() {
        let delays: Vec<u64> = if number == 0 { every_delay() } else { SOME_DELAYS.to_vec() };
        let every = every_step(setup, &delays);
        let (steps, runs) = every.unwrap_or_else(|problem| panic!("setup {number}: {problem}"));
        println!("setup {number}: {steps} steps, {runs} runs");
    }
}

#[test]
fn whatever_fails_while_a_failure_is_dealt_with_nothing_is_lost_or_repeated() {
    for (number, setup) in setups().iter().enumerate() {
        two_failures(setup, number as u64).unwrap_or_else(|problem| panic!("setup {number}: {problem}"));
    }
}
