//! Asks a language model behind any OpenAI-compatible server.
//!
//! One thread holds all calls of the process; who asks gets an [`Advisor`] of its own and never waits for anybody else's
//! answer. What leaves here is checked: recommendations that keep to the rules, or a reason.

mod breaker;
mod budget;
mod call;
mod conversation;
mod counters;
mod engine;
mod mode;
mod wire;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::edge::ports::{Advisor, Clock, ModelNumbers};
use crate::edge::web::Key;
use crate::flow::advise::question::{Answer, Outcome, Question, Usage};
use crate::flow::task::TaskId;

pub use breaker::BreakerSettings;
pub use budget::Limits;
pub use counters::Counted;
use counters::Counters;

/// The server that is asked unless another is named.
pub const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";
/// The model that is asked unless another is named.
pub const DEFAULT_MODEL: &str = "gpt-4o-mini";

/// Which model, and how much patience and money there is for it.
#[derive(Clone, Debug)]
pub struct LlmSettings {
    /// Such as `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    /// The model's name at that server.
    pub model: String,
    /// Servers of one's own need none.
    pub key: Option<Key>,
    /// A question is answered after so long at the latest, waiting for others included.
    pub deadline: Duration,
    /// Questions under way at a time, in this process.
    pub concurrency: usize,
    /// How much may be asked.
    pub limits: Limits,
    /// The most tokens of an answer, unless it is cut off.
    pub max_tokens: u64,
    /// The first pause before a call that failed is made again; each further one is twice as long.
    pub first_pause: Duration,
    /// When a model that fails is left alone.
    pub breaker: BreakerSettings,
}

impl LlmSettings {
    /// That model at that server, with what suits most.
    pub fn new(base_url: &str, model: &str, key: Option<Key>) -> LlmSettings {
        LlmSettings {
            base_url: base_url.to_owned(),
            model: model.to_owned(),
            key,
            deadline: Duration::from_secs(30),
            concurrency: 4,
            limits: Limits::default(),
            max_tokens: 900,
            first_pause: Duration::from_millis(500),
            breaker: BreakerSettings::default(),
        }
    }
}

/// Why a model cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// What it was told makes no sense; somebody has to change it.
    #[error("ask a model: {0}")]
    Settings(String),
    /// The system refuses a thread.
    #[error("start the thread that asks the model")]
    Thread(#[source] std::io::Error),
}

/// Tells how long the process asks.
#[derive(Clone, Copy, Debug)]
struct Elapsed(Instant);

impl Elapsed {
    #[expect(
        clippy::disallowed_methods,
        reason = "deadlines and budgets are of this world, not of event time"
    )]
    fn new() -> Elapsed {
        Elapsed(Instant::now())
    }
}

impl Clock for Elapsed {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Asked {
    question: Question,
    begun: Duration,
    reply: Reply,
}

/// Where an answer goes; should the call break down, a reason goes there.
struct Reply {
    question: u64,
    task: TaskId,
    sender: Option<Sender<(TaskId, Answer)>>,
}

impl Reply {
    fn send(mut self, answer: Answer) {
        if let Some(sender) = self.sender.take() {
            // Who asked may have gone.
            let _ = sender.send((self.task, answer));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            let outcome = Outcome::Failed("the question to the model was dropped".to_owned());
            let answer = Answer { question: self.question, outcome, usage: Usage::default() };
            let _ = sender.send((self.task, answer));
        }
    }
}

/// A model that is asked; it ends with the last of its [`LlmAdvisor`]s.
#[derive(Debug)]
pub struct Llm {
    engine: Arc<engine::Engine>,
    asked: UnboundedSender<Asked>,
}

impl Llm {
    /// Starts the thread; nothing is asked yet.
    pub fn start(settings: LlmSettings) -> Result<Llm, LlmError> {
        let endpoint =
            call::Endpoint::new(&settings.base_url, settings.key.clone()).map_err(LlmError::Settings)?;
        let engine = Arc::new(engine::Engine {
            endpoint,
            ladder: mode::Ladder::default(),
            budget: budget::Budget::new(settings.limits),
            breaker: breaker::Breaker::new(settings.breaker),
            counters: Counters::default(),
            clock: Elapsed::new(),
            settings,
        });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LlmError::Thread)?;
        // Bounded by who asks: a flow has a few questions open, and waits.
        let (sender, mut receiver) = unbounded_channel::<Asked>();
        let shared = Arc::clone(&engine);
        let work = move || {
            runtime.block_on(async move {
                let places = Arc::new(Semaphore::new(shared.settings.concurrency.max(1)));
                while let Some(Asked { question, begun, reply }) = receiver.recv().await {
                    let (engine, places) = (Arc::clone(&shared), Arc::clone(&places));
                    tokio::spawn(async move {
                        let answer = engine.in_turn(&question, begun, &places).await;
                        reply.send(answer);
                    });
                }
            });
        };
        thread::Builder::new().name("llm".into()).spawn(work).map_err(LlmError::Thread)?;
        Ok(Llm { engine, asked: sender })
    }

    /// Somebody's own way to ask; answers come back to it alone.
    pub fn advisor(&self) -> LlmAdvisor {
        let (sender, receiver) = channel();
        LlmAdvisor { engine: Arc::clone(&self.engine), asked: self.asked.clone(), sender, receiver, open: 0 }
    }

    /// What happened to questions so far.
    pub fn counted(&self) -> Counted {
        self.engine.counters.now()
    }

    /// The same later, wherever the model has gone.
    pub fn counter(&self) -> impl Fn() -> Counted + Send + Sync + 'static {
        let engine = Arc::clone(&self.engine);
        move || engine.counters.now()
    }

    /// How it goes, at whatever moment that is asked.
    pub fn numbers(&self) -> impl Fn() -> ModelNumbers + Send + Sync + 'static {
        let engine = Arc::clone(&self.engine);
        move || engine.numbers()
    }

    /// The way of asking that the server is known to take, or that would be tried next.
    pub fn way_of_asking(&self) -> &'static str {
        self.engine.ladder.mode().name()
    }
}

/// One who asks.
#[derive(Debug)]
pub struct LlmAdvisor {
    engine: Arc<engine::Engine>,
    asked: UnboundedSender<Asked>,
    sender: Sender<(TaskId, Answer)>,
    receiver: Receiver<(TaskId, Answer)>,
    /// Questions whose answers have not been taken.
    open: usize,
}

impl Advisor for LlmAdvisor {
    fn ask(&mut self, task: TaskId, question: Question) {
        let reply = Reply { question: question.id, task, sender: Some(self.sender.clone()) };
        self.open += 1;
        // Should the thread have ended, the question is dropped, which answers it.
        let _ = self.asked.send(Asked { question, begun: self.engine.clock.now(), reply });
    }

    fn answers(&mut self, patience: Duration) -> Vec<(TaskId, Answer)> {
        if self.open == 0 {
            return Vec::new();
        }
        let mut answers: Vec<_> = self.receiver.recv_timeout(patience).into_iter().collect();
        answers.extend(self.receiver.try_iter());
        self.open -= answers.len();
        answers
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
