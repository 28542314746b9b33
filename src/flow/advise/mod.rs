//! The flow `advise`: findings in, reports with recommendations out.
//!
//! A finding gets its advice from the runbook or from what was answered before, at once; or a question goes out, and the
//! finding waits. Reports leave in the order of their findings whatever order answers come in:
//!
//! ```text
//! findings   1   2   3   4   5        next record to read after an epoch
//! waiting        ?       ?            2 and 4 are asked
//! answered               x            4 is answered: nothing can leave, 2 is not
//! leaves     1                        2
//! answered       x
//! leaves         2   3   4   5        6
//! ```
//!
//! What leaves is what would leave if each question were answered before the next finding is looked at: a finding is asked
//! ahead of its turn only where nothing before it can change its question (none of its entity, none like it).

pub mod answer;
mod case;
pub mod extract;
pub mod fingerprint;
pub mod memory;
pub mod names;
pub mod notes;
pub mod picture;
pub mod prompt;
pub mod question;
pub mod runbook;
pub mod settings;

use std::collections::{BTreeSet, VecDeque};

use super::record::{Emitted, Offset, Origin, Output, RawRecord, Reason, Rejection, Role};
use super::sink::report::{Advice, AdviceSource, Report};
use super::{Counts, Epoch, Flow, Unreadable};
use case::{Case, Decision, Memory};
use question::{Answer, Outcome, Question};
use settings::AdviseSettings;

/// Findings that are looked at ahead of their turn, and after which no more should be handed over.
const LOOK_AHEAD: usize = 256;

/// The flow at work on one partition.
#[derive(Debug)]
pub struct Advise {
    settings: AdviseSettings,
    memory: Memory,
    waiting: VecDeque<Waiting>,
    questions: Vec<Question>,
    open: usize,
    /// Whether so many wait that no more should be handed over.
    is_full: bool,
    outputs: Vec<Output>,
    emitted: Emitted,
    counts: Counts,
}

/// A finding whose turn has not come.
#[derive(Debug)]
struct Waiting {
    offset: Offset,
    key: Option<Vec<u8>>,
    case: Case,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Not looked at yet.
    Fresh,
    /// It needs no question, as things stand.
    Settled,
    Asked(u64),
    Answered(Answer),
}

impl Advise {
    /// The flow with the built-in runbook; not `enabled`, it passes findings on as they are.
    pub fn new(enabled: bool) -> Advise {
        Advise::with(AdviseSettings::runbook(enabled))
    }

    /// The flow with those settings and nothing learned.
    pub fn with(settings: AdviseSettings) -> Advise {
        Advise {
            settings,
            memory: Memory::new(),
            waiting: VecDeque::new(),
            questions: Vec::new(),
            open: 0,
            is_full: false,
            outputs: Vec::new(),
            emitted: Emitted::default(),
            counts: Counts::default(),
        }
    }

    /// How many findings wait for an answer, their own or another's.
    pub fn waits(&self) -> usize {
        self.waiting.len()
    }

    /// Ends every question that is open, and those that follow from it: nobody is there to answer.
    pub fn give_up(&mut self, reason: &str) {
        while !self.waiting.is_empty() {
            self.questions.clear();
            let open = self.waiting.iter().filter_map(|waiting| match waiting.stage {
                Stage::Asked(id) => Some(id),
                Stage::Fresh | Stage::Settled | Stage::Answered(_) => None,
            });
            for question in open.collect::<Vec<u64>>() {
                let outcome = Outcome::Failed(reason.to_owned());
                self.answer(Answer { question, outcome, usage: question::Usage::default() });
            }
        }
    }

    fn take(&mut self, record: &RawRecord<'_>) {
        self.counts.records += 1;
        let key = record.key.map(<[u8]>::to_vec);
        if !self.settings.enabled {
            return self.emit(Role::Reports, key, record.value.to_vec(), None);
        }
        let case = match serde_json::from_slice::<Report>(record.value) {
            Ok(report) => Case::of(report, &self.settings),
            Err(error) => Case::Unreadable {
                value: record.value.to_vec(),
                error: error.to_string(),
                origin: record.origin,
            },
        };
        self.waiting.push_back(Waiting { offset: record.offset, key, case, stage: Stage::Fresh });
        self.advance();
    }

    /// Lets leave what can, then asks ahead.
    fn advance(&mut self) {
        while self.settle_first() {}
        if self.settings.model.is_some() {
            self.ask_ahead();
        }
        // Reading begins again when half has left, not with every single one.
        self.is_full = self.waiting.len() >= if self.is_full { LOOK_AHEAD / 2 } else { LOOK_AHEAD };
    }

    /// Settles the finding whose turn it is; `false` where it waits or there is none.
    fn settle_first(&mut self) -> bool {
        let Some(first) = self.waiting.front_mut() else { return false };
        let answer = match std::mem::replace(&mut first.stage, Stage::Settled) {
            Stage::Asked(id) => {
                first.stage = Stage::Asked(id);
                return false;
            }
            Stage::Answered(answer) => Some(answer),
            Stage::Fresh | Stage::Settled => None,
        };
        if answer.is_none() && self.memory.decide(&first.case, &self.settings) == Decision::Ask {
            self.ask(0);
            return false;
        }
        let Some(Waiting { key, case, .. }) = self.waiting.pop_front() else { return false };
        self.leave(key, case, answer.as_ref());
        true
    }

    fn leave(&mut self, key: Option<Vec<u8>>, case: Case, answer: Option<&Answer>) {
        match case {
            Case::Unreadable { value, error, origin } => {
                let rejection = Rejection::new(Reason::Malformed, format!("no finding: {error}"));
                self.emit(Role::Rejected, key, value, Some((rejection, origin)));
            }
            Case::Readable { mut report, subject } => {
                let (recommendations, advice) =
                    self.memory.advise(&report, subject.as_ref(), answer, &self.settings);
                self.count(advice.as_ref(), answer);
                (report.recommendations, report.advice) = (recommendations, advice);
                self.emit(Role::Reports, key, report.to_json(), None);
            }
        }
    }

    fn emit(
        &mut self,
        role: Role,
        key: Option<Vec<u8>>,
        value: Vec<u8>,
        refused: Option<(Rejection, Origin)>,
    ) {
        let number = self.emitted.take(role);
        self.outputs.push(Output { role, number, key, value, refused });
    }

    fn count(&mut self, advice: Option<&Advice>, answer: Option<&Answer>) {
        let counts = &mut self.counts.advice;
        match advice.map(|advice| advice.source) {
            Some(AdviceSource::Llm) => counts.llm += 1,
            Some(AdviceSource::Cache) => counts.cache += 1,
            Some(AdviceSource::Rules) => counts.rules += 1,
            None => {}
        }
        if let Some(answer) = answer {
            counts.usage.add(answer.usage);
            counts.failed += u64::from(matches!(answer.outcome, Outcome::Failed(_)));
        }
    }

    fn ask(&mut self, at: usize) {
        let Some(waiting) = self.waiting.get_mut(at) else { return };
        let Some(question) = self.memory.question(&waiting.case, waiting.offset, &self.settings) else {
            return;
        };
        waiting.stage = Stage::Asked(question.id);
        self.open += 1;
        self.questions.push(question);
    }

    /// Asks about findings that nothing before them has a bearing on.
    fn ask_ahead(&mut self) {
        let (mut entities, mut alike) = (BTreeSet::new(), BTreeSet::new());
        let mut due = Vec::new();
        for (at, waiting) in self.waiting.iter_mut().enumerate().take(LOOK_AHEAD) {
            if self.open + due.len() >= self.settings.max_open {
                break;
            }
            let Case::Readable { report, subject: Some(subject) } = &waiting.case else { continue };
            let alone = entities.insert(report.entity.as_str()) & alike.insert(subject.fingerprint);
            if !alone || !matches!(waiting.stage, Stage::Fresh) {
                continue;
            }
            match self.memory.decide(&waiting.case, &self.settings) {
                Decision::Ask => due.push(at),
                Decision::Told | Decision::Rules => waiting.stage = Stage::Settled,
            }
        }
        for at in due {
            self.ask(at);
        }
    }
}

impl Flow for Advise {
    fn process(&mut self, records: &[RawRecord<'_>]) {
        for record in records {
            self.take(record);
        }
    }

    fn finish(&mut self) {}

    fn idle(&mut self, _: Offset) {}

    fn epoch(&mut self, next: Offset) -> Epoch {
        // What waits is not done: after a restart it is read, and asked, again.
        let next = self.waiting.front().map_or(next, |first| first.offset);
        let mut changes = Vec::new();
        self.memory.changes(&mut changes);
        if !self.settings.keep_changes {
            changes.clear();
        }
        Epoch {
            next,
            replay_from: next,
            outputs: std::mem::take(&mut self.outputs),
            changes,
            position: postcard::to_stdvec(&(self.emitted, self.memory.number))
                .expect("a position is plain data"),
            counts: std::mem::take(&mut self.counts),
            ..Epoch::default()
        }
    }

    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable> {
        (self.emitted, self.memory.number) = postcard::from_bytes(position).map_err(|_| Unreadable)?;
        let restored = rows.iter().all(|(table, key, row)| self.memory.restore(*table, key, row));
        if restored { Ok(()) } else { Err(Unreadable) }
    }

    fn refill(&mut self, _: &[RawRecord<'_>]) {}

    fn questions(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.questions)
    }

    fn answer(&mut self, answer: Answer) {
        let asked =
            |waiting: &&mut Waiting| matches!(waiting.stage, Stage::Asked(id) if id == answer.question);
        if let Some(waiting) = self.waiting.iter_mut().find(asked) {
            waiting.stage = Stage::Answered(answer);
            self.open -= 1;
            self.advance();
        }
    }

    fn is_full(&self) -> bool {
        self.is_full
    }
}

#[cfg(test)]
mod tests;
