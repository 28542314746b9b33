//! What a model is asked, and what comes back, as values: whoever asks lives outside of the flow.

use super::names::Names;
use crate::flow::sink::report::Recommendation;

/// A question about one incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The same for the same question about the same finding, also after a restart.
    pub id: u64,
    /// The same for the same text: what recorded answers are found by.
    pub key: u64,
    /// What the model is told to be.
    pub system: String,
    /// The incident, and what is wanted.
    pub user: String,
    /// Who may be named in the answer.
    pub names: Names,
}

/// The end of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// [`Question::id`].
    pub question: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// What it took.
    pub usage: Usage,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Recommendations, checked, with real names.
    Advised {
        /// The most urgent first.
        recommendations: Vec<Recommendation>,
        /// Which model.
        model: String,
        /// How often it was asked until the answer was right.
        tries: u32,
    },
    /// None, and why, for people; never a key, an address or a text of the server.
    Failed(String),
}

/// What questions took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests sent.
    pub calls: u64,
    /// Tokens of what was told.
    pub tokens_in: u64,
    /// Tokens of what was answered.
    pub tokens_out: u64,
}

impl Usage {
    /// Adds what another took.
    pub fn add(&mut self, other: Usage) {
        self.calls += other.calls;
        self.tokens_in += other.tokens_in;
        self.tokens_out += other.tokens_out;
    }

    /// Tokens in both directions.
    pub fn tokens(self) -> u64 {
        self.tokens_in + self.tokens_out
    }
}

/// Where advice came from in an epoch, and what it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdviceCounts {
    /// Reports with a fresh answer of the model.
    pub llm: u64,
    /// Reports with an earlier answer.
    pub cache: u64,
    /// Reports with the runbook's advice.
    pub rules: u64,
    /// Of those, reports for which the model was asked in vain.
    pub failed: u64,
    /// What the model's answers took.
    pub usage: Usage,
}

impl AdviceCounts {
    /// Adds those of another epoch.
    pub fn add(&mut self, other: &AdviceCounts) {
        let AdviceCounts { llm, cache, rules, failed, usage } = *other;
        self.llm += llm;
        self.cache += cache;
        self.rules += rules;
        self.failed += failed;
        self.usage.add(usage);
    }
}
