//! Records in, epochs out: pure, deterministic, and unable to fail.
//!
//! A [`Flow`] is one sub-topology. What one step of it changes at once (outputs, learned rows, input position) is
//! one value, the [`Epoch`], so that whoever drives the flow can make the step true atomically or not at all.

pub mod advise;
pub mod alert;
pub mod chain;
pub mod detect;
pub mod detection;
pub mod feedback;
pub mod glance;
pub mod hash;
pub mod incident;
mod intervals;
mod judge;
pub mod model;
pub mod notify;
pub mod readings;
pub mod record;
pub mod route;
pub mod samples;
pub mod silence;
pub mod sink;
pub mod source;
pub mod table;
pub mod task;
pub mod time;
pub mod window;

use advise::question::{AdviceCounts, Answer, Question};
use detect::settings::Kind;
use glance::Glance;
use record::{Offset, Output, RawRecord, Reason};
use time::EventTime;

/// A row that an epoch changes: `None` deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which table the row is in.
    pub table: u8,
    /// The row's key within the table.
    pub key: Vec<u8>,
    /// The row's new bytes.
    pub row: Option<Vec<u8>>,
}

/// Everything that one step of a task changes at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epoch {
    /// The next record to read.
    pub next: Offset,
    /// The oldest record that a restart must read again for its open windows, or `next`.
    pub replay_from: Offset,
    /// Records that leave, in order.
    pub outputs: Vec<Output>,
    /// Lines of `scores.csv`, where they are wanted.
    pub scores: Vec<u8>,
    /// Learned rows that changed.
    pub changes: Vec<Change>,
    /// The flow's own position: what [`Flow::restore`] takes back.
    pub position: Vec<u8>,
    /// What metrics and summaries are fed from.
    pub counts: Counts,
    /// Closed windows in a few numbers, for those who look on, where they are wanted.
    pub glances: Vec<Glance>,
    /// How far event time has come, where the flow knows.
    pub watermark: Option<EventTime>,
}

impl Epoch {
    /// Takes in the epoch that follows, so that both become true at once.
    pub fn append(&mut self, later: Epoch) {
        let Epoch { next, replay_from, outputs, scores, changes, position, counts, glances, watermark } =
            later;
        (self.next, self.replay_from, self.position) = (next, replay_from, position);
        self.outputs.extend(outputs);
        self.scores.extend(scores);
        self.changes.extend(changes);
        self.counts.add(&counts);
        self.glances.extend(glances);
        self.glances.truncate(glance::MOST_GLANCES);
        self.watermark = watermark.or(self.watermark);
    }
}

/// What happened in an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records taken.
    pub records: u64,
    /// Readings put into a window.
    pub windowed: u64,
    /// Readings after their window had closed.
    pub late: u64,
    /// Late readings that came in order as far as their own entity goes.
    pub late_in_own_order: u64,
    /// Readings and records that could not be used, by [`Reason`].
    pub rejected: [u64; Reason::ALL.len()],
    /// Windows opened.
    pub opened: u64,
    /// Windows closed.
    pub closed: u64,
    /// Closed windows in which a detector was still learning.
    pub learning: u64,
    /// Reports with an anomaly.
    pub findings: u64,
    /// Anomalies by detector, in the order of [`Kind::ALL`], and by severity: low, medium, high.
    pub anomalies: [[u64; 3]; Kind::ALL.len()],
    /// Incidents opened.
    pub incidents: u64,
    /// Entities forgotten because nothing came of them for long.
    pub forgotten: u64,
    /// What people said that was taken note of.
    pub heeded: u64,
    /// Anomalies that are not told because people said so.
    pub expected: u64,
    /// Where advice came from.
    pub advice: AdviceCounts,
}

impl Counts {
    /// Adds what happened in another epoch.
    pub fn add(&mut self, other: &Counts) {
        let Counts {
            records,
            windowed,
            late,
            late_in_own_order,
            rejected,
            opened,
            closed,
            learning,
            findings,
            anomalies,
            incidents,
            forgotten,
            heeded,
            expected,
            advice,
        } = other;
        self.advice.add(advice);
        self.records += records;
        self.late_in_own_order += late_in_own_order;
        self.windowed += windowed;
        self.late += late;
        self.opened += opened;
        self.closed += closed;
        self.learning += learning;
        self.findings += findings;
        self.incidents += incidents;
        self.forgotten += forgotten;
        self.heeded += heeded;
        self.expected += expected;
        self.rejected.iter_mut().zip(rejected).for_each(|(sum, more)| *sum += more);
        let sums = self.anomalies.as_flattened_mut().iter_mut();
        sums.zip(anomalies.as_flattened()).for_each(|(sum, more)| *sum += more);
    }

    /// Anomalies by severity: low, medium, high.
    pub fn anomalies_by_severity(&self) -> [u64; 3] {
        let of = |severity: usize| self.anomalies.iter().map(|of_detector| of_detector[severity]).sum();
        [of(0), of(1), of(2)]
    }

    /// Everything that could not be used.
    pub fn rejected_in_all(&self) -> u64 {
        self.rejected.iter().sum()
    }
}

/// The bytes of a position or row are not what this program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// One sub-topology at work on one partition. Feeding the same records in other portions changes nothing but where
/// epochs end.
pub trait Flow {
    /// Takes records in the order of their offsets.
    fn process(&mut self, records: &[RawRecord<'_>]);
    /// The input ends: every open window closes.
    fn finish(&mut self);
    /// Nothing has come for so long that open windows must not wait any more; `next` is the record to be read next. They
    /// close as at the end of the input, and a row says that they did so before this record.
    fn idle(&mut self, next: Offset);
    /// Hands over what happened since the last call; `next` is the record to be read next.
    fn epoch(&mut self, next: Offset) -> Epoch;
    /// Takes back rows and position as of an epoch. Then [`Flow::refill`] must see `replay_from..next`.
    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable>;
    /// Takes records again, only to fill windows that were open: nothing is emitted, learned or counted.
    fn refill(&mut self, records: &[RawRecord<'_>]);

    /// What has to be asked outside before the flow can go on, each question once. Asking may take long and may fail; an
    /// epoch in between holds what is done, and a restart asks again what is not.
    fn questions(&mut self) -> Vec<Question> {
        Vec::new()
    }
    /// Takes the end of a question. One that it does not wait for, or not any more, changes nothing.
    fn answer(&mut self, _: Answer) {}
    /// Whether no more records should be handed over before answers have come.
    fn is_full(&self) -> bool {
        false
    }
}
