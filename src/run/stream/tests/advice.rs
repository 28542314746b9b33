//! Advice in the simulated world: somebody who answers late, out of order, or with nothing but a reason; and that every
//! finding is reported once all the same, in order, whatever fails at whatever step.

use std::time::Duration;

use super::faults::{Fault, Plan, applicable};
use super::input;
use super::random::Random;
use super::run::{Run, Setup};
use crate::edge::ports::Advisor;
use crate::flow::Flow;
use crate::flow::advise::question::{Answer, Outcome, Question, Usage};
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::detection::Detection;
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord, Role};
use crate::flow::sink::report::Recommendation;
use crate::flow::task::{FlowName, TaskId};

/// So many looks for answers a question may take.
const LATEST: u64 = 14;

/// Answers in its own time. What it says depends on the question alone, so that it can be compared with the batch run.
#[derive(Debug)]
pub(super) struct Oracle {
    random: Random,
    looks: u64,
    /// By the look at which they are ready.
    answers: Vec<(u64, TaskId, Answer)>,
}

impl Oracle {
    pub(super) fn new(seed: u64) -> Oracle {
        Oracle { random: Random::new(seed), looks: 0, answers: Vec::new() }
    }
}

impl Advisor for Oracle {
    fn ask(&mut self, task: TaskId, question: Question) {
        let answer = answer(&question);
        let slow = matches!(&answer.outcome, Outcome::Failed(reason) if reason == NEVER);
        let takes = match self.random.below(4) {
            _ if slow => LATEST,
            0 => 0,
            1 | 2 => self.random.below(4),
            _ => self.random.below(LATEST),
        };
        self.answers.push((self.looks + takes, task, answer));
    }

    fn answers(&mut self, _: Duration) -> Vec<(TaskId, Answer)> {
        self.looks += 1;
        let looks = self.looks;
        let mut ready: Vec<_> = self.answers.extract_if(.., |(at, _, _)| *at < looks).collect();
        // The last asked first, now and then.
        if self.random.one_in(2) {
            ready.reverse();
        }
        ready.into_iter().map(|(_, task, answer)| (task, answer)).collect()
    }
}

/// The reason of an answer that never came.
const NEVER: &str = "no answer in time";

fn answer(question: &Question) -> Answer {
    let outcome = match question.key % 5 {
        0 => Outcome::Failed(NEVER.to_owned()),
        1 => Outcome::Failed("left alone".to_owned()),
        _ => Outcome::Advised {
            recommendations: vec![Recommendation {
                id: "rec-001".to_owned(),
                action: format!("Do as {:x} says", question.key),
                target: question.names.real_target(&question.names.targets()[0]).unwrap().to_owned(),
                parameters: [].into(),
                benefit_estimate: "peace".to_owned(),
            }],
            model: "oracle".to_owned(),
            tries: 1 + (question.key % 3) as u32,
        },
    };
    let calls = u64::from(question.key % 5 != 1);
    Answer { question: question.id, outcome, usage: Usage { calls, ..Usage::default() } }
}

/// Answers every question at once, as the batch run has it.
pub(super) fn answer_all(flow: &mut dyn Flow) {
    loop {
        let questions = flow.questions();
        if questions.is_empty() {
            return;
        }
        for question in &questions {
            flow.answer(answer(question));
        }
    }
}

/// What detection finds in some input, with something that is no finding among it.
fn findings(seed: u64, count: usize) -> Vec<input::Line> {
    let mut flow = Detection::new(&input::detection(0));
    let mut found = vec![(None, b"no finding".to_vec())];
    for (at, (key, value)) in input::lines(seed, count * 40).iter().enumerate() {
        flow.process(&[RawRecord {
            offset: Offset(at as u64),
            origin: Origin::default(),
            key: key.as_deref(),
            value,
            format: Format::Json,
            extent: Extent::Whole,
        }]);
        let outputs = flow.epoch(Offset(at as u64 + 1)).outputs;
        let of_findings = outputs.into_iter().filter(|output| output.role == Role::Findings);
        found.extend(of_findings.map(|output| (output.key, output.value)));
    }
    found.rotate_left(1);
    found.truncate(count);
    found
}

/// Advice by the oracle over two partitions of findings, with two processes.
pub(super) fn setup(seed: u64, count: usize) -> Setup {
    let lines = (0..2).map(|partition| findings(seed * 2 + partition, count)).collect();
    let setup = Setup { flows: vec![FlowName::Advise], lines, ..Setup::detect(0, 0, 0) };
    setup.with(|blueprint| {
        let model = Some("oracle".to_owned());
        blueprint.advise = AdviseSettings { model, max_open: 3, ..AdviseSettings::runbook(true) };
    })
}

/// How many records with that text were committed.
fn reports_with(run: &Run, text: &str) -> usize {
    let log = run.world.log.borrow();
    let values = log.partitions.values().flat_map(super::partition::Partition::ever);
    let values = values.filter_map(|(_, record)| record.value.clone());
    values.filter(|value| String::from_utf8_lossy(value).contains(text)).count()
}

#[test]
fn with_late_answers_out_of_order_a_run_gives_what_batch_gives() {
    let (mut llm, mut rules, mut cache) = (0, 0, 0);
    for seed in 0..40 {
        let mut run = Run::new(setup(seed, 12), Plan::Nowhere);
        run.check().unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
        llm += reports_with(&run, r#""source":"llm""#);
        rules += reports_with(&run, r#""source":"rules""#);
        cache += reports_with(&run, r#""source":"cache""#);
    }
    assert!(llm > 100 && rules > 50 && cache > 50, "{llm} {rules} {cache}");
}

#[test]
fn what_waits_is_not_passed_and_after_a_crash_it_is_asked_again() {
    let mut run = Run::new(setup(3, 10), Plan::Nowhere);
    run.feed(0, 10);
    run.feed(1, 10);
    let (mut behind, mut crashes) = (0, 0);
    for round in 0..400 {
        run.turn();
        let mut log = run.world.log.borrow_mut();
        for task in &run.tasks {
            let committed = log.group.offsets.get(task).map_or(0, |committed| committed.next.0);
            behind += usize::from(committed > 0 && committed < log.input(*task).after_last());
        }
        drop(log);
        if round % 9 == 8 && crashes < 20 {
            run.crash_all();
            crashes += 1;
        }
    }
    assert!(behind > 50, "a commit leaves out what waits: {behind}");
    run.settle().unwrap();
    run.compare().unwrap();
}

#[test]
fn who_has_enough_to_wait_for_reads_no_more_until_half_has_left() {
    let mut long = setup(5, 1);
    let one = findings(11, 30).into_iter().find(|(key, _)| key.is_some()).unwrap();
    // One entity: each finding waits for the one before.
    long.lines = vec![vec![one; 700]];
    long.processes = 1;
    let mut run = Run::new(long, Plan::Nowhere);
    run.slot(0).borrow_mut().batch = 50;
    run.feed(0, 700);
    while !run.is_done() {
        run.turn();
    }
    run.compare().unwrap();
    let starts = run.trace().iter().filter(|call| **call == super::faults::Call::Start).count();
    assert!(starts > 1 && starts < 12, "{starts}");
}

#[test]
fn beside_detection_advice_is_exact_in_any_trouble() {
    let mut both = Setup::detect(0, 3, 30);
    both.flows = vec![FlowName::Route, FlowName::Detect, FlowName::Advise];
    both.processes = 3;
    let model = Some("oracle".to_owned());
    let both = both.with(|blueprint| {
        blueprint.advise = AdviseSettings { model, ..AdviseSettings::runbook(true) };
    });
    for seed in 0..20 {
        let plan = Plan::OneIn(60, Random::new(seed));
        let mut run = Run::new(both.clone(), plan);
        run.check().unwrap_or_else(|problem| panic!("{problem}"));
    }
}

#[test]
fn killed_at_any_step_a_worker_reports_each_finding_once() {
    for (seed, count) in [(1, 6), (2, 9)] {
        let setup = Setup { processes: 1, ..setup(seed, count) };
        let mut plain = Run::new(setup.clone(), Plan::Nowhere);
        plain.check().unwrap();
        let trace = plain.trace();
        for (step, call) in trace.iter().enumerate() {
            let crashes = applicable(*call).iter().copied();
            for fault in crashes.filter(|fault| matches!(fault, Fault::CrashBefore | Fault::CrashAfter)) {
                let mut run = Run::new(setup.clone(), Plan::At(vec![(step as u64, fault)]));
                run.check().unwrap_or_else(|problem| panic!("{fault:?} at {step}: {problem}"));
            }
        }
        println!("{} steps", trace.len());
    }
}
