//! From a question to its answer: ways of asking, corrections, patience.
//!
//! ```text
//! a mode is refused        ─▶ the next mode, at once
//! a call fails             ─▶ again after a while, as the server says or with jitter, while there is time
//! an answer breaks rules   ─▶ it is sent back with what is wrong; three tries in all
//! ```

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::call::Failure;
use super::counters::Counters;
use super::engine::{End, Engine};
use super::mode::Mode;
use super::wire::{self, Freedom, Message, Reply};
use crate::edge::ports::Clock;
use crate::flow::advise::answer::{self, Refused};
use crate::flow::advise::prompt;
use crate::flow::advise::question::{Outcome, Question, Usage};

/// An answer that breaks rules is asked for so often in all.
const MAX_TRIES: u32 = 3;
/// A call that fails is made so often in all, for one try.
const MAX_CALLS: u32 = 4;
/// The longest pause between two calls that the server did not ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// At 0 a model that has erred errs again in the same way.
const WARMER: f64 = 0.4;
/// Of an answer that is sent back so much is told.
const MAX_SENT_BACK_CHARS: usize = 2000;
/// A template adds a few tokens to what is told.
const TEMPLATE_TOKENS: u64 = 64;
/// An answer that was cut off gets more room, up to this much.
const MOST_TOKENS_FACTOR: u64 = 4;

impl Engine {
    pub(super) async fn converse(
        &self,
        question: &Question,
        begun: Duration,
        usage: &Mutex<Usage>,
    ) -> Result<Outcome, End> {
        let message = |role, content: &str| Message { role, content: content.to_owned() };
        let mut messages = vec![message("system", &question.system), message("user", &question.user)];
        let mut freedom = Freedom { max_tokens: self.settings.max_tokens, temperature: 0.0 };
        let mut violations = Vec::new();
        for attempt in 1..=MAX_TRIES {
            if attempt > 1 {
                Counters::count(&self.counters.corrections);
            }
            let (mode, reply) = self.reply(question, &messages, freedom, begun, usage).await?;
            if reply.refused || reply.finish == "content_filter" {
                return Err(End::Failed("the model refuses to answer".to_owned()));
            }
            let checked = answer::check(&reply.text, &question.names);
            let cut_off = reply.finish == "length" && checked.is_err();
            match checked {
                Ok(recommendations) => {
                    self.ladder.heeded(mode);
                    Counters::add(&self.counters.right_at_once, u64::from(attempt == 1));
                    let model = self.settings.model.clone();
                    return Ok(Outcome::Advised { recommendations, model, tries: attempt });
                }
                Err(_) if cut_off => {
                    let most = self.settings.max_tokens * MOST_TOKENS_FACTOR;
                    freedom.max_tokens = (freedom.max_tokens * 2).min(most);
                    violations = vec!["it was cut off: write fewer and shorter recommendations".to_owned()];
                }
                Err(refused) => {
                    self.note_shape(mode, &refused);
                    violations = refused.violations;
                }
            }
            freedom.temperature += WARMER;
            // Only the last answer is sent back: what was wrong before is not to be learned from.
            messages.truncate(2);
            let said: String = reply.text.chars().take(MAX_SENT_BACK_CHARS).collect();
            messages.push(message("assistant", if said.trim().is_empty() { "{}" } else { &said }));
            messages.push(message("user", &prompt::correction(&violations)));
        }
        tracing::info!(?violations, "the model's answers broke the rules of an answer");
        Err(End::Failed(format!("{MAX_TRIES} answers of the model broke the rules of an answer")))
    }

    fn note_shape(&self, mode: Mode, refused: &Refused) {
        if !refused.shapeless {
            self.ladder.heeded(mode);
        } else if self.ladder.unheeded(mode) {
            Counters::count(&self.counters.modes_given_up);
            tracing::info!(
                mode = mode.name(),
                "the model's server takes a way of asking but does not heed it"
            );
        }
    }

    /// A reply in the strictest mode that the server takes.
    async fn reply(
        &self,
        question: &Question,
        messages: &[Message],
        freedom: Freedom,
        begun: Duration,
        usage: &Mutex<Usage>,
    ) -> Result<(Mode, Reply), End> {
        let (mut mode, mut refused) = (self.ladder.mode(), Vec::new());
        let mut calls = 0;
        loop {
            match self.call(question, messages, mode, freedom, begun, usage).await? {
                Ok(reply) => {
                    for mode in refused {
                        self.ladder.refused(mode);
                        Counters::count(&self.counters.modes_given_up);
                        tracing::info!(
                            mode = mode.name(),
                            "the model's server does not take a way of asking"
                        );
                    }
                    return Ok((mode, reply));
                }
                Err(Failure::NotTaken { reason, detail }) => {
                    if self.ladder.learn(&detail) {
                        continue;
                    }
                    let Some(next) = mode.next() else {
                        tracing::warn!(detail, "the model's server refuses every way of asking");
                        return Err(End::Failed(reason));
                    };
                    refused.push(std::mem::replace(&mut mode, next));
                }
                Err(Failure::Configuration { reason, detail }) => {
                    tracing::warn!(detail, "{reason}");
                    return Err(End::Failed(reason));
                }
                Err(Failure::Transient { reason, detail, after }) => {
                    calls += 1;
                    tracing::debug!(detail, "{reason}");
                    let pause = after.unwrap_or_else(|| self.pause(calls));
                    let left = (begun + self.settings.deadline).saturating_sub(self.clock.now());
                    if calls >= MAX_CALLS || pause >= left {
                        return Err(End::Failed(reason));
                    }
                    Counters::count(&self.counters.retries);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// One call, if model and budget allow it.
    async fn call(
        &self,
        question: &Question,
        messages: &[Message],
        mode: Mode,
        freedom: Freedom,
        begun: Duration,
        usage: &Mutex<Usage>,
    ) -> Result<Result<Reply, Failure>, End> {
        let deadline = begun + self.settings.deadline;
        let permit = loop {
            match self.breaker.admit(self.clock.now()) {
                Ok(permit) => break permit,
                // A server's rest that ends in time is waited for.
                Err(wait) if self.clock.now() + wait < deadline && wait < LONGEST_PAUSE => {
                    tokio::time::sleep(wait).await;
                }
                Err(_) => return Err(End::LeftAlone),
            }
        };
        let messages = with_shape(messages, question, mode);
        let targets = question.names.targets();
        let model = &self.settings.model;
        let body = wire::request(model, &messages, &targets, mode, self.ladder.habits(), freedom);
        // No token is shorter than a byte; what a schema adds to a prompt is in the body as well.
        let most = body.len() as u64 + TEMPLATE_TOKENS + freedom.max_tokens;
        let reserved = match self.budget.reserve(self.clock.now(), most) {
            Ok(reserved) => reserved,
            Err(reason) => {
                permit.unused();
                return Err(End::OverBudget(reason));
            }
        };
        Counters::count(&self.counters.calls);
        let add = |more: Usage| usage.lock().unwrap_or_else(PoisonError::into_inner).add(more);
        add(Usage { calls: 1, ..Usage::default() });
        let called = self.endpoint.call(body).await;
        let now = self.clock.now();
        let opened = match &called {
            Ok(reply) => {
                // Where a server does not count, as much as it can have been is counted.
                let took = reply.usage.unwrap_or(Usage { tokens_in: reserved.tokens(), ..Usage::default() });
                add(Usage { calls: 0, ..took });
                reserved.took(took.tokens());
                permit.succeeded();
                false
            }
            Err(Failure::NotTaken { .. }) => {
                reserved.took(0);
                permit.succeeded();
                false
            }
            Err(Failure::Configuration { .. }) => {
                reserved.took(0);
                permit.failed_for_good(now)
            }
            Err(Failure::Transient { after: Some(after), .. }) => {
                reserved.took(0);
                // To be asked for patience is no failure of the server.
                permit.unused();
                self.breaker.rest(now, *after);
                false
            }
            Err(Failure::Transient { after: None, .. }) => permit.failed(now),
        };
        Counters::add(&self.counters.breaker_opened, u64::from(opened));
        Ok(called)
    }

    /// Between none and all of a time that doubles: many who failed together do not come back together.
    fn pause(&self, calls: u32) -> Duration {
        let chance = RandomState::new().build_hasher().finish();
        let share = 0.25 + 0.75 * (chance as f64 / u64::MAX as f64);
        let doubled = self.settings.first_pause * 2_u32.saturating_pow(calls.saturating_sub(1).min(10));
        doubled.min(LONGEST_PAUSE).mul_f64(share)
    }
}

/// Where no schema is sent beside the question, it stands in the question.
fn with_shape(messages: &[Message], question: &Question, mode: Mode) -> Vec<Message> {
    let mut messages = messages.to_vec();
    match mode {
        Mode::SchemaWithLengths | Mode::Schema | Mode::Tool => {}
        Mode::Object | Mode::Plain => {
            if let Some(user) = messages.get_mut(1) {
                user.content = format!("{}\n{}", user.content, prompt::shape(&question.names));
            }
        }
    }
    messages
}
