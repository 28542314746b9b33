//! `detect` and `advise` chained in memory, as a replay runs them: what one emits the other takes at once.
//!
//! Questions of `advise` are answered before an epoch ends, because both flows share it: [`Chain::pull`] lets them arise,
//! whoever drives the chain asks, and [`Flow::epoch`] gives up on those that nobody has answered.
//!
//! `route` has no part in it: on a single partition it changes neither readings nor their order.

use serde::{Deserialize, Serialize};

use super::advise::Advise;
use super::advise::memory::{ANSWERS, ENTITIES};
use super::advise::question::{Answer, Question};
use super::advise::settings::AdviseSettings;
use super::detection::{Detection, DetectionSettings, Keeping};
use super::record::{Extent, Format, Offset, Origin, Output, RawRecord, Role};
use super::{Epoch, Flow, Unreadable};

/// Both flows as one.
#[derive(Debug)]
pub struct Chain {
    detection: Detection,
    advise: Advise,
    findings: u64,
    /// Of `detect`, whose findings `advise` has.
    pulled: Option<Epoch>,
}

#[derive(Serialize, Deserialize)]
struct Position {
    detection: Vec<u8>,
    advise: Vec<u8>,
    findings: u64,
}

impl Chain {
    /// Both flows with nothing learned.
    pub fn new(detection: &DetectionSettings, advise: AdviseSettings) -> Chain {
        let advise = AdviseSettings { keep_changes: detection.keeping != Keeping::Nothing, ..advise };
        Chain {
            detection: Detection::new(detection),
            advise: Advise::with(advise),
            findings: 0,
            pulled: None,
        }
    }

    /// Hands what was found to `advise`; `next` is the record to be read next.
    pub fn pull(&mut self, next: Offset) {
        let mut epoch = self.detection.epoch(next);
        let (findings, leaving): (Vec<Output>, Vec<Output>) =
            epoch.outputs.into_iter().partition(|output| output.role == Role::Findings);
        epoch.outputs = leaving;
        for finding in findings {
            let record = RawRecord {
                offset: Offset(self.findings),
                origin: Origin { input: 0, position: self.findings, line: 0 },
                key: finding.key.as_deref(),
                value: &finding.value,
                format: Format::Json,
                extent: Extent::Whole,
            };
            self.advise.process(&[record]);
            self.findings += 1;
        }
        match &mut self.pulled {
            Some(pulled) => pulled.append(epoch),
            None => self.pulled = Some(epoch),
        }
    }
}

impl Flow for Chain {
    fn process(&mut self, records: &[RawRecord<'_>]) {
        self.detection.process(records);
    }

    fn finish(&mut self) {
        self.detection.finish();
    }

    fn idle(&mut self, next: Offset) {
        self.detection.idle(next);
    }

    fn epoch(&mut self, next: Offset) -> Epoch {
        self.pull(next);
        self.advise.give_up("nobody asked the model");
        let mut epoch = self.pulled.take().unwrap_or_default();
        let advised = self.advise.epoch(Offset(self.findings));
        epoch.outputs.extend(advised.outputs);
        epoch.changes.extend(advised.changes);
        epoch.counts.advice = advised.counts.advice;
        let position =
            Position { detection: epoch.position, advise: advised.position, findings: self.findings };
        epoch.position = postcard::to_stdvec(&position).expect("a position is plain data");
        epoch
    }

    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable> {
        let position: Position = postcard::from_bytes(position).map_err(|_| Unreadable)?;
        self.findings = position.findings;
        let (advised, detected): (Vec<_>, Vec<_>) =
            rows.iter().cloned().partition(|(table, _, _)| matches!(*table, ANSWERS | ENTITIES));
        self.advise.restore(&position.advise, &advised)?;
        self.detection.restore(&position.detection, &detected)
    }

    fn refill(&mut self, records: &[RawRecord<'_>]) {
        self.detection.refill(records);
    }

    fn questions(&mut self) -> Vec<Question> {
        self.advise.questions()
    }

    fn answer(&mut self, answer: Answer) {
        self.advise.answer(answer);
    }

    fn is_full(&self) -> bool {
        self.advise.is_full()
    }
}
