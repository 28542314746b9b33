//! Advice as metrics: where that of reports came from, and how it goes with the model.

use std::sync::Mutex;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{Metrics, TASK, counters};
use crate::edge::ports::{BreakerState, ModelNumbers};
use crate::flow::advise::question::AdviceCounts;

/// Where the advice of committed reports came from.
pub(super) struct Advice {
    reports: IntCounterVec,
    in_vain: IntCounterVec,
}

impl Advice {
    pub(super) fn new(registry: &Registry) -> Advice {
        Advice {
            reports: counters(
                registry,
                "tidewatch_advised_reports_total",
                "Reports committed with recommendations, by where these came from: llm, cache, rules.",
                &[TASK, &["source"]].concat(),
            ),
            in_vain: counters(
                registry,
                "tidewatch_advice_in_vain_total",
                "Reports committed with the runbook's advice because the model failed.",
                TASK,
            ),
        }
    }

    pub(super) fn committed(&self, task: &[&str; 2], counts: &AdviceCounts) {
        let AdviceCounts { llm, cache, rules, failed, usage: _ } = *counts;
        for (source, by) in [("llm", llm), ("cache", cache), ("rules", rules)] {
            if by > 0 {
                self.reports.with_label_values(&[task[0], task[1], source]).inc_by(by);
            }
        }
        if failed > 0 {
            self.in_vain.with_label_values(task).inc_by(failed);
        }
    }
}

impl Metrics {
    /// From now on the model's numbers are among the metrics; asked for whenever these are.
    pub fn watch_model(&self, numbers: impl Fn() -> ModelNumbers + Send + Sync + 'static) {
        let registered = self.registry.register(Box::new(Model::new(Box::new(numbers))));
        registered.expect("a process has one model");
    }
}

/// Numbers of a model, as they are at the moment of asking.
struct Model {
    numbers: Box<dyn Fn() -> ModelNumbers + Send + Sync>,
    /// What counters have been brought to: two who ask at once must not add the same twice.
    shown: Mutex<()>,
    calls: IntCounter,
    retries: IntCounter,
    corrections: IntCounter,
    opened: IntCounter,
    tokens: IntCounterVec,
    questions: IntCounterVec,
    breaker: IntGaugeVec,
    used: IntGaugeVec,
    limit: IntGaugeVec,
}

fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect("names are constants")
}

fn labelled(name: &str, help: &str, label: &str) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), &[label]).expect("names and labels are constants")
}

fn gauge(name: &str, help: &str, label: &str) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), &[label]).expect("names and labels are constants")
}

impl Model {
    fn new(numbers: Box<dyn Fn() -> ModelNumbers + Send + Sync>) -> Model {
        Model {
            numbers,
            shown: Mutex::new(()),
            calls: counter("tidewatch_model_calls_total", "Requests sent to the model."),
            retries: counter("tidewatch_model_retries_total", "Requests sent again after one failed."),
            corrections: counter(
                "tidewatch_model_corrections_total",
                "Requests sent because an answer broke the rules of an answer.",
            ),
            opened: counter(
                "tidewatch_model_breaker_openings_total",
                "How often the model was left alone after failing.",
            ),
            tokens: labelled("tidewatch_model_tokens_total", "Tokens, in and out.", "direction"),
            questions: labelled(
                "tidewatch_model_questions_total",
                "Questions to the model that have ended, by how.",
                "end",
            ),
            breaker: gauge(
                "tidewatch_model_breaker_state",
                "1 for the state that the breaker is in: closed (the model is asked), half-open, open (it is left alone).",
                "state",
            ),
            used: gauge("tidewatch_model_budget_used", "What is used of a limit of the budget.", "limit"),
            limit: gauge("tidewatch_model_budget_limit", "The limits of the budget.", "limit"),
        }
    }

    fn all(&self) -> [&dyn Collector; 9] {
        [
            &self.calls,
            &self.retries,
            &self.corrections,
            &self.opened,
            &self.tokens,
            &self.questions,
            &self.breaker,
            &self.used,
            &self.limit,
        ]
    }

    fn show(&self, numbers: &ModelNumbers) {
        let _alone = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let raise = |counter: &IntCounter, to: u64| counter.inc_by(to.saturating_sub(counter.get()));
        raise(&self.calls, numbers.calls);
        raise(&self.retries, numbers.retries);
        raise(&self.corrections, numbers.corrections);
        raise(&self.opened, numbers.breaker_opened);
        raise(&self.tokens.with_label_values(&["in"]), numbers.tokens_in);
        raise(&self.tokens.with_label_values(&["out"]), numbers.tokens_out);
        for (end, count) in &numbers.questions {
            raise(&self.questions.with_label_values(&[end]), *count);
        }
        let states = [
            ("closed", BreakerState::Closed),
            ("half-open", BreakerState::HalfOpen),
            ("open", BreakerState::Open),
        ];
        for (name, state) in states {
            self.breaker.with_label_values(&[name]).set(i64::from(state == numbers.breaker));
        }
        for used in &numbers.budget {
            self.used.with_label_values(&[used.of]).set(used.used as i64);
            self.limit.with_label_values(&[used.of]).set(used.limit as i64);
        }
    }
}

impl Collector for Model {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.show(&(self.numbers)());
        // A limit that is not set has no series.
        self.all()
            .into_iter()
            .flat_map(Collector::collect)
            .filter(|family| !family.get_metric().is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::edge::ports::Used;

    #[test]
    fn a_models_numbers_are_those_of_the_moment_they_are_asked_for() {
        let (metrics, calls) = (Metrics::new(), Arc::new(AtomicU64::new(3)));
        let now = Arc::clone(&calls);
        metrics.watch_model(move || ModelNumbers {
            calls: now.load(Ordering::Relaxed),
            questions: vec![("timed out", 2)],
            breaker: BreakerState::HalfOpen,
            budget: vec![Used { of: "calls/hour", used: 3, limit: 60 }],
            ..ModelNumbers::default()
        });
        let shows = |line: &str| assert!(metrics.text().lines().any(|one| one == line), "{line}");
        shows("tidewatch_model_calls_total 3");
        calls.store(5, Ordering::Relaxed);
        shows("tidewatch_model_calls_total 5");
        shows("tidewatch_model_calls_total 5");
        shows("tidewatch_model_questions_total{end=\"timed out\"} 2");
        shows("tidewatch_model_breaker_state{state=\"half-open\"} 1");
        shows("tidewatch_model_breaker_state{state=\"closed\"} 0");
        shows("tidewatch_model_budget_used{limit=\"calls/hour\"} 3");
        shows("tidewatch_model_budget_limit{limit=\"calls/hour\"} 60");
    }
}
