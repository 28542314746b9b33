//! The flow `advise`: findings in, reports with recommendations out.

pub mod answer;
pub mod extract;
pub mod names;
pub mod runbook;

use super::record::{Emitted, Offset, Output, RawRecord, Reason, Rejection, Role};
use super::sink::report::{Advice, AdviceSource, Report};
use super::{Counts, Epoch, Flow, Unreadable};

/// The flow at work on one partition.
#[derive(Debug)]
pub struct Advise {
    enabled: bool,
    outputs: Vec<Output>,
    emitted: Emitted,
    counts: Counts,
}

impl Advise {
    /// The flow with the built-in runbook; not `enabled`, it passes findings on as they are.
    pub fn new(enabled: bool) -> Advise {
        Advise { enabled, outputs: Vec::new(), emitted: Emitted::default(), counts: Counts::default() }
    }

    fn take(&mut self, record: &RawRecord<'_>) {
        self.counts.records += 1;
        let key = record.key.map(<[u8]>::to_vec);
        let (role, value, refused) = match self.advised(record.value) {
            Ok(value) => (Role::Reports, value, None),
            Err(rejection) => (Role::Rejected, record.value.to_vec(), Some((rejection, record.origin))),
        };
        let number = self.emitted.take(role);
        self.outputs.push(Output { role, number, key, value, refused });
    }

    fn advised(&self, finding: &[u8]) -> Result<Vec<u8>, Rejection> {
        if !self.enabled {
            return Ok(finding.to_vec());
        }
        let mut report: Report = serde_json::from_slice(finding)
            .map_err(|error| Rejection::new(Reason::Malformed, format!("no finding: {error}")))?;
        report.recommendations = runbook::recommend(&report);
        if !report.recommendations.is_empty() {
            let reason = "no model is configured".to_owned();
            report.advice = Some(Advice { source: AdviceSource::Rules, model: None, reason });
        }
        Ok(report.to_json())
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
        Epoch {
            next,
            replay_from: next,
            outputs: std::mem::take(&mut self.outputs),
            position: postcard::to_stdvec(&self.emitted).expect("a position is plain data"),
            counts: std::mem::take(&mut self.counts),
            ..Epoch::default()
        }
    }

    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable> {
        if !rows.is_empty() {
            return Err(Unreadable);
        }
        self.emitted = postcard::from_bytes(position).map_err(|_| Unreadable)?;
        Ok(())
    }

    fn refill(&mut self, _: &[RawRecord<'_>]) {}
}
