//! What leaves, in which order, and what is asked for it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::picture::sample::{finding, report};
use super::question::Usage;
use super::*;
use crate::flow::detect::Severity;
use crate::flow::incident::State;
use crate::flow::record::{Extent, Format};
use crate::flow::sink::report::{Incident, Recommendation};

fn settings() -> AdviseSettings {
    AdviseSettings { model: Some("m".into()), max_open: 4, ..AdviseSettings::runbook(true) }
}

fn record(offset: u64, value: &[u8]) -> RawRecord<'_> {
    let origin = Origin { input: 0, position: offset, line: 0 };
    RawRecord {
        offset: Offset(offset),
        origin,
        key: Some(b"k"),
        value,
        format: Format::Json,
        extent: Extent::Whole,
    }
}

/// A finding of an entity's incident.
fn found(entity: &str, incident: u32, metric: &str, severity: Severity) -> Vec<u8> {
    let mut report = report(entity, vec![finding(entity, metric, 99.0, 10, severity)]);
    let id = format!("{entity}/{incident}");
    report.incident = Some(Incident { id, state: State::Ongoing, since: "2026-01-01T00:00:00Z".into() });
    report.to_json()
}

fn answer_to(question: &Question) -> Answer {
    let target = question.names.targets().remove(0);
    let text = serde_json::json!({"recommendations": [{"id": "rec-001", "action": format!("Restart {target} now"),
        "target": target, "parameters": {"n": 1}, "benefit_estimate": "good"}]});
    let recommendations = answer::check(&text.to_string(), &question.names).unwrap();
    let usage = Usage { calls: 1, tokens_in: 10, tokens_out: 5 };
    Answer {
        question: question.id,
        outcome: Outcome::Advised { recommendations, model: "m".into(), tries: 1 },
        usage,
    }
}

fn failed(question: &Question) -> Answer {
    let usage = Usage { calls: 1, ..Usage::default() };
    Answer { question: question.id, outcome: Outcome::Failed("the model hangs".into()), usage }
}

/// Feeds findings one by one, answers each question at once; source and first recommendation of each report.
fn check(
    findings: &[Vec<u8>],
    reply: impl Fn(&Question) -> Answer,
) -> (Vec<(AdviceSource, Recommendation)>, usize) {
    let (mut flow, mut asked) = (Advise::with(settings()), 0);
    for (offset, value) in findings.iter().enumerate() {
        flow.process(&[record(offset as u64, value)]);
        loop {
            let questions = flow.questions();
            if questions.is_empty() {
                break;
            }
            asked += questions.len();
            for question in &questions {
                flow.answer(reply(question));
            }
        }
    }
    (advised(&flow.epoch(Offset(findings.len() as u64)).outputs), asked)
}

fn advised(outputs: &[Output]) -> Vec<(AdviceSource, Recommendation)> {
    let reports = outputs.iter().map(|output| serde_json::from_slice::<Report>(&output.value).unwrap());
    reports.map(|mut report| (report.advice.unwrap().source, report.recommendations.remove(0))).collect()
}

#[test]
fn a_thousand_like_incidents_are_one_question() {
    let findings: Vec<Vec<u8>> =
        (0..1000).map(|at| found(&format!("host-{at}"), 0, "cpu_usage", Severity::High)).collect();
    let (told, asked) = check(&findings, answer_to);
    assert_eq!((told.len(), asked), (1000, 1));
    assert_eq!(told[0].0, AdviceSource::Llm);
    assert!(told[1..].iter().all(|(source, _)| *source == AdviceSource::Cache));
    assert_eq!(
        (told[999].1.action.as_str(), told[999].1.target.as_str()),
        ("Restart host-999 now", "host-999")
    );
}

#[test]
fn an_incident_is_asked_about_again_only_when_it_worsens() {
    let low = || found("a-1", 0, "cpu_usage", Severity::Low);
    let other = || found("a-1", 0, "io_wait", Severity::Low);
    let worse = || found("a-1", 0, "cpu_usage", Severity::High);
    let (told, asked) = check(&[low(), low(), other(), other(), low(), worse(), worse(), low()], answer_to);
    assert_eq!(asked, 3, "when it opens, when another metric joins, when it is worse");
    let sources: Vec<bool> = told.iter().map(|(source, _)| *source == AdviceSource::Llm).collect();
    assert_eq!(sources, [true, false, true, false, false, true, false, false]);
}

#[test]
fn a_model_that_fails_is_asked_a_few_times_about_an_incident_and_then_no_more() {
    let findings: Vec<Vec<u8>> = (0..20).map(|_| found("a-1", 0, "cpu_usage", Severity::High)).collect();
    let (told, asked) = check(&findings, failed);
    assert_eq!((told.len(), asked), (20, 5));
    assert!(told.iter().all(|(source, advice)| *source == AdviceSource::Rules && !advice.action.is_empty()));
}

#[test]
fn an_answer_that_names_a_stranger_is_not_believed_by_the_flow_either() {
    let stranger = |question: &Question| {
        let mut answer = answer_to(question);
        if let Outcome::Advised { recommendations, .. } = &mut answer.outcome {
            recommendations[0].target = "host-99".into();
        }
        answer
    };
    let (told, _) = check(&[found("a-1", 0, "cpu_usage", Severity::High)], stranger);
    assert_eq!((told[0].0, told[0].1.target.as_str()), (AdviceSource::Rules, "a-1"));
}

#[test]
fn a_report_leaves_only_after_those_before_it() {
    let mut flow = Advise::with(settings());
    let findings = [found("a-1", 0, "cpu_usage", Severity::High), found("b-1", 0, "io_wait", Severity::High)];
    for (offset, value) in findings.iter().enumerate() {
        flow.process(&[record(offset as u64, value)]);
    }
    let questions = flow.questions();
    assert_eq!(questions.len(), 2, "both are asked at once");
    flow.answer(answer_to(&questions[1]));
    let epoch = flow.epoch(Offset(2));
    assert_eq!((epoch.outputs.len(), epoch.next, flow.waits()), (0, Offset(0), 2));
    flow.answer(answer_to(&questions[0]));
    flow.answer(answer_to(&questions[0]));
    let epoch = flow.epoch(Offset(2));
    assert_eq!((epoch.outputs.len(), epoch.next, epoch.counts.advice.usage.calls), (2, Offset(2), 2));
}

#[test]
fn what_is_no_finding_is_rejected_in_its_turn() {
    let mut flow = Advise::with(settings());
    flow.process(&[record(0, &found("a-1", 0, "cpu_usage", Severity::High)), record(1, b"{\"a\":")]);
    flow.give_up("nobody is there");
    let roles: Vec<Role> = flow.epoch(Offset(2)).outputs.iter().map(|output| output.role).collect();
    assert_eq!(roles, [Role::Reports, Role::Rejected]);
}

/// What happens to the flow beside findings.
#[derive(Clone, Copy, Debug)]
enum Step {
    Feed(usize),
    Answer(usize),
    Commit,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..6_usize).prop_map(Step::Feed),
        4 => (0..8_usize).prop_map(Step::Answer),
        2 => Just(Step::Commit),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..80)
}

fn findings() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let one =
        (0..4_u32, 0..2_u32, 0..3_usize, 0..3_usize).prop_map(|(entity, incident, metric, severity)| {
            let metric = ["cpu_usage", "io_wait", "latency_ms"][metric];
            let severity = [Severity::Low, Severity::Medium, Severity::High][severity];
            if entity == 3 && incident == 1 {
                b"{".to_vec()
            } else {
                found(&format!("host-{entity}"), incident, metric, severity)
            }
        });
    proptest::collection::vec(one, 1..40)
}

/// Some questions are answered and some are not, the same ones always.
fn by_chance(question: &Question) -> Answer {
    if question.id.is_multiple_of(3) { failed(question) } else { answer_to(question) }
}

/// A driver that takes steps, then finishes; the outputs that were committed.
fn drive(findings: &[Vec<u8>], steps: &[Step]) -> Vec<Output> {
    let mut flow = Advise::with(settings());
    let mut rows: BTreeMap<(u8, Vec<u8>), Vec<u8>> = BTreeMap::new();
    let mut position: Option<Vec<u8>> = None;
    let (mut open, mut committed) = (Vec::new(), Vec::new());
    let (mut read, mut next) = (0_usize, 0_usize);
    let finish = [Step::Feed(usize::MAX), Step::Answer(usize::MAX), Step::Commit];
    for step in steps.iter().chain(&finish) {
        match *step {
            Step::Feed(count) => {
                for finding in findings.iter().skip(read).take(count) {
                    flow.process(&[record(read as u64, finding)]);
                    read += 1;
                }
            }
            Step::Answer(usize::MAX) => {
                while !open.is_empty() {
                    let question: Question = open.remove(0);
                    flow.answer(by_chance(&question));
                    open.extend(flow.questions());
                }
            }
            Step::Answer(which) if which < open.len() => {
                let question: Question = open.remove(which);
                flow.answer(by_chance(&question));
            }
            Step::Answer(_) => {}
            Step::Commit => {
                let epoch = flow.epoch(Offset(read as u64));
                committed.extend(epoch.outputs);
                next = epoch.next.0 as usize;
                position = Some(epoch.position);
                for change in epoch.changes {
                    match change.row {
                        Some(row) => rows.insert((change.table, change.key), row),
                        None => rows.remove(&(change.table, change.key)),
                    };
                }
            }
            Step::Restart => {
                flow = Advise::with(settings());
                let kept: Vec<_> =
                    rows.iter().map(|((table, key), row)| (*table, key.clone(), row.clone())).collect();
                if let Some(position) = &position {
                    flow.restore(position, &kept).unwrap();
                }
                // Answers to what was asked before still arrive.
                read = next;
            }
        }
        open.extend(flow.questions());
    }
    assert_eq!((next, flow.waits()), (findings.len(), 0));
    committed
}

proptest! {
    #[test]
    fn any_interleaving_of_answers_epochs_and_restarts_gives_the_same_outputs(
        findings in findings(), steps in steps(), other in steps()
    ) {
        let one_by_one: Vec<Step> =
            findings.iter().flat_map(|_| [Step::Feed(1), Step::Answer(usize::MAX), Step::Commit]).collect();
        let expected = drive(&findings, &one_by_one);
        prop_assert_eq!(expected.len(), findings.len());
        prop_assert_eq!(&expected, &drive(&findings, &steps));
        prop_assert_eq!(&expected, &drive(&findings, &other));
    }
}
