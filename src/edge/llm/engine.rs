//! A model with its limits: a question goes in, an answer comes out within the deadline.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::breaker::Breaker;
use super::budget::Budget;
use super::call::Endpoint;
use super::counters::{Counted, Counters};
use super::mode::Ladder;
use super::{Elapsed, LlmSettings};
use crate::edge::ports::{Clock, ModelNumbers};
use crate::flow::advise::question::{Answer, Outcome, Question, Usage};

/// A model and everything that stands between it and a question.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) settings: LlmSettings,
    pub(super) endpoint: Endpoint,
    pub(super) ladder: Ladder,
    pub(super) budget: Budget,
    pub(super) breaker: Breaker,
    pub(super) counters: Counters,
    pub(super) clock: Elapsed,
}

/// Why a question ends without advice.
pub(super) enum End {
    Failed(String),
    OverBudget(&'static str),
    LeftAlone,
}

impl Engine {
    /// How it goes.
    pub(super) fn numbers(&self) -> ModelNumbers {
        let (counted, now) = (self.counters.now(), self.clock.now());
        let Counted { advised, right_at_once, failed, timed_out, over_budget, left_alone, .. } = counted;
        let questions = vec![
            ("right at once", right_at_once),
            ("corrected", advised.saturating_sub(right_at_once)),
            ("timed out", timed_out),
            ("over budget", over_budget),
            ("left alone", left_alone),
            ("failed", failed.saturating_sub(timed_out + over_budget + left_alone)),
        ];
        ModelNumbers {
            questions,
            calls: counted.calls,
            retries: counted.retries,
            corrections: counted.corrections,
            tokens_in: counted.tokens_in,
            tokens_out: counted.tokens_out,
            breaker_opened: counted.breaker_opened,
            breaker: self.breaker.state(now),
            budget: self.budget.used(now),
        }
    }

    /// Answers a question within the deadline, whatever the model does.
    async fn answer(&self, question: &Question, begun: Duration) -> Answer {
        Counters::count(&self.counters.questions);
        let usage = Mutex::new(Usage::default());
        let left = (begun + self.settings.deadline).saturating_sub(self.clock.now());
        // Without time left nothing is begun: a call costs even if nobody waits for it.
        let begin = async {
            if left.is_zero() {
                std::future::pending().await
            } else {
                self.converse(question, begun, &usage).await
            }
        };
        let ended = tokio::time::timeout(left, begin).await;
        let usage = *usage.lock().unwrap_or_else(PoisonError::into_inner);
        Counters::add(&self.counters.tokens_in, usage.tokens_in);
        Counters::add(&self.counters.tokens_out, usage.tokens_out);
        let outcome = match ended {
            Ok(Ok(advised)) => {
                Counters::count(&self.counters.advised);
                advised
            }
            Ok(Err(end)) => self.failed(end),
            Err(_) => {
                Counters::count(&self.counters.timed_out);
                let limit = self.settings.deadline.as_secs_f64();
                self.failed(End::Failed(format!("the model has not answered within {limit} s")))
            }
        };
        Answer { question: question.id, outcome, usage }
    }

    fn failed(&self, end: End) -> Outcome {
        Counters::count(&self.counters.failed);
        Outcome::Failed(match end {
            End::Failed(reason) => reason,
            End::OverBudget(reason) => {
                Counters::count(&self.counters.over_budget);
                reason.to_owned()
            }
            End::LeftAlone => {
                Counters::count(&self.counters.left_alone);
                "the model has failed and is left alone for a while".to_owned()
            }
        })
    }

    /// Waits for a place among the questions under way, as long as the deadline allows.
    pub(super) async fn in_turn(&self, question: &Question, begun: Duration, places: &Semaphore) -> Answer {
        let left = (begun + self.settings.deadline).saturating_sub(self.clock.now());
        // Without a place in time, the deadline is over and the answer says so.
        let _place = tokio::time::timeout(left, places.acquire()).await;
        self.answer(question, begun).await
    }
}
