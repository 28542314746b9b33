//! Answers in a file: written while a model is asked, and given instead of asking one, so that a replay can be repeated.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::edge::ports::Advisor;
use crate::flow::advise::question::{Answer, Outcome, Question, Usage};
use crate::flow::sink::report::Recommendation;
use crate::flow::task::TaskId;

/// A longer line is none of ours.
const MAX_LINE_BYTES: usize = 1 << 20;

/// An answer as a line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    /// [`Question::key`], 16 hexadecimal digits.
    question: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    #[serde(default)]
    model: String,
    #[serde(default)]
    tries: u32,
    #[serde(default)]
    recommendations: Vec<Recommendation>,
    #[serde(default)]
    calls: u64,
    #[serde(default)]
    tokens_in: u64,
    #[serde(default)]
    tokens_out: u64,
}

/// Why a file of answers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// The system refuses.
    #[error("{doing} answers in {}", path.display())]
    File {
        /// What was attempted.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no answer.
    #[error("read answers in {}: line {line} is no answer", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// Gives the answers of a file. Of several to one question, each is given once, the last one again and again.
#[derive(Debug, Default)]
pub struct Recorded {
    by_question: BTreeMap<String, VecDeque<Line>>,
    ready: Vec<(TaskId, Answer)>,
}

impl Recorded {
    /// Reads a file whole.
    pub fn open(path: &Path) -> Result<Recorded, RecordedError> {
        let failed = |source| RecordedError::File { doing: "read", path: path.to_owned(), source };
        let mut recorded = Recorded::default();
        for (number, line) in BufReader::new(File::open(path).map_err(failed)?).lines().enumerate() {
            let line = line.map_err(failed)?;
            if line.trim().is_empty() {
                continue;
            }
            let fits = line.len() <= MAX_LINE_BYTES;
            let read: Option<Line> = fits.then(|| serde_json::from_str(&line).ok()).flatten();
            let read = read.ok_or_else(|| RecordedError::Line { path: path.to_owned(), line: number + 1 })?;
            recorded.by_question.entry(read.question.clone()).or_default().push_back(read);
        }
        Ok(recorded)
    }

    /// The model that answered first.
    pub fn model(&self) -> Option<&str> {
        let mut lines = self.by_question.values().flatten();
        lines.find(|line| !line.model.is_empty()).map(|line| line.model.as_str())
    }
}

impl Advisor for Recorded {
    fn ask(&mut self, task: TaskId, question: Question) {
        let lines = self.by_question.get_mut(&name(question.key));
        let line =
            lines.and_then(|lines| if lines.len() > 1 { lines.pop_front() } else { lines.front().cloned() });
        let none = || {
            let outcome = Outcome::Failed("no answer to this question is recorded".to_owned());
            Answer { question: question.id, outcome, usage: Usage::default() }
        };
        let answer = line.map_or_else(none, |line| line.answer(question.id));
        self.ready.push((task, answer));
    }

    fn answers(&mut self, _: Duration) -> Vec<(TaskId, Answer)> {
        std::mem::take(&mut self.ready)
    }
}

/// Writes down what another answers.
#[derive(Debug)]
pub struct Recording<A> {
    inner: A,
    path: PathBuf,
    file: File,
    keys: BTreeMap<u64, u64>,
}

impl<A: Advisor> Recording<A> {
    /// Begins a file.
    pub fn new(inner: A, path: &Path) -> Result<Recording<A>, RecordedError> {
        let failed = |source| RecordedError::File { doing: "write", path: path.to_owned(), source };
        let file = File::create(path).map_err(failed)?;
        Ok(Recording { inner, path: path.to_owned(), file, keys: BTreeMap::new() })
    }
}

impl<A: Advisor> Advisor for Recording<A> {
    fn ask(&mut self, task: TaskId, question: Question) {
        self.keys.insert(question.id, question.key);
        self.inner.ask(task, question);
    }

    fn answers(&mut self, patience: Duration) -> Vec<(TaskId, Answer)> {
        let answers = self.inner.answers(patience);
        for (_, answer) in &answers {
            let Some(key) = self.keys.remove(&answer.question) else { continue };
            let mut line = serde_json::to_vec(&Line::of(key, answer)).expect("answers are plain data");
            line.push(b'\n');
            if let Err(error) = self.file.write_all(&line) {
                tracing::warn!(path = %self.path.display(), %error, "an answer could not be written down");
            }
        }
        answers
    }
}

fn name(key: u64) -> String {
    format!("{key:016x}")
}

impl Line {
    fn of(key: u64, answer: &Answer) -> Line {
        let Usage { calls, tokens_in, tokens_out } = answer.usage;
        let (failed, model, tries, recommendations) = match &answer.outcome {
            Outcome::Advised { recommendations, model, tries } => {
                (None, model.clone(), *tries, recommendations.clone())
            }
            Outcome::Failed(reason) => (Some(reason.clone()), String::new(), 0, Vec::new()),
        };
        Line { question: name(key), failed, model, tries, recommendations, calls, tokens_in, tokens_out }
    }

    fn answer(self, question: u64) -> Answer {
        let usage = Usage { calls: self.calls, tokens_in: self.tokens_in, tokens_out: self.tokens_out };
        let Line { failed, model, tries, recommendations, .. } = self;
        let outcome = match failed {
            Some(reason) => Outcome::Failed(reason),
            None => Outcome::Advised { recommendations, model, tries },
        };
        Answer { question, outcome, usage }
    }
}
