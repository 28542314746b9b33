//! `detect` and `advise` chained in memory, as a replay runs them: what one emits the other takes at once.
//!
//! `route` has no part in it: on a single partition it changes neither readings nor their order.

use serde::{Deserialize, Serialize};

use super::advise::Advise;
use super::detection::{Detection, DetectionSettings};
use super::record::{Extent, Format, Offset, Origin, Output, RawRecord, Role};
use super::{Epoch, Flow, Unreadable};

/// Both flows as one.
#[derive(Debug)]
pub struct Chain {
    detection: Detection,
    advise: Advise,
    findings: u64,
}

#[derive(Serialize, Deserialize)]
struct Position {
    detection: Vec<u8>,
    advise: Vec<u8>,
    findings: u64,
}

impl Chain {
    /// Both flows with nothing learned.
    pub fn new(detection: &DetectionSettings, advise: bool) -> Chain {
        Chain { detection: Detection::new(detection), advise: Advise::new(advise), findings: 0 }
    }

    /// Hands findings to `advise`; everything else leaves as it is.
    fn pass_on(&mut self, outputs: Vec<Output>) -> Vec<Output> {
        let (findings, mut leaving): (Vec<Output>, Vec<Output>) =
            outputs.into_iter().partition(|output| output.role == Role::Findings);
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
        let advised = self.advise.epoch(Offset(self.findings));
        leaving.extend(advised.outputs);
        leaving
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
        let mut epoch = self.detection.epoch(next);
        epoch.outputs = self.pass_on(epoch.outputs);
        let position = Position {
            detection: epoch.position,
            advise: self.advise.epoch(Offset(self.findings)).position,
            findings: self.findings,
        };
        epoch.position = postcard::to_stdvec(&position).expect("a position is plain data");
        epoch
    }

    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable> {
        let position: Position = postcard::from_bytes(position).map_err(|_| Unreadable)?;
        self.findings = position.findings;
        self.advise.restore(&position.advise, &[])?;
        self.detection.restore(&position.detection, rows)
    }

    fn refill(&mut self, records: &[RawRecord<'_>]) {
        self.detection.refill(records);
    }
}
