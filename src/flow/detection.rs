//! The flow `detect`: readings in; findings, rejected and late records out.

mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::alert::Alerts;
use super::detect::list::Bench;
use super::detect::settings::{Kind, Settings};
use super::incident::IncidentSettings;
use super::intervals::Intervals;
use super::judge::Judge;
use super::model::Schema;
use super::record::{Emitted, Offset, RawRecord};
use super::silence::{HEARD, Silence};
use super::source::{Decoded, Decoder};
use super::table::Table;
use super::time::EventTime;
use super::window::settings::WindowSettings;
use super::window::{Downstream, Resume, Source, Windows};
use super::{Change, Counts, Epoch, Flow, Unreadable};

/// The tables of learned rows, in [`Change::table`]: after the marks of windows incidents, then one a detector.
const INCIDENTS: u8 = 1;
const FIRST_DETECTOR: u8 = 2;
/// The table of the last values of counters.
pub const COUNTERS: u8 = 239;
/// The table of what alert rules look back on.
pub const ALERTS: u8 = 254;
/// The table of what people said of findings.
pub const HEEDED: u8 = 252;
/// The table of idle marks: the key is the record, as eight bytes, before which every window was closed because nothing
/// had come. They stay, so that whoever replays the input closes windows at the same places.
pub const IDLE_MARKS: u8 = 255;

/// What the flow is made of.
#[derive(Clone, Debug)]
pub struct DetectionSettings {
    /// The readings.
    pub schema: Schema,
    /// Payloads above are refused, in bytes.
    pub max_payload_bytes: usize,
    /// The windows.
    pub window: WindowSettings,
    /// The detectors, in order.
    pub detectors: Vec<Settings>,
    /// What of all that is found is worth telling.
    pub alerts: Alerts,
    /// Incidents, where findings are grouped.
    pub incident: Option<IncidentSettings>,
    /// Whether every window gets a report, or only those with something to say.
    pub emit_all: bool,
    /// Whether `scores.csv` is wanted.
    pub scores: bool,
    /// What is kept of learned rows, so that epochs must carry them.
    pub keeping: Keeping,
    /// Whether epochs tell, for those who look on, what windows looked like.
    pub glances: bool,
}

/// What is kept of learned rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keeping {
    /// Nothing.
    Nothing,
    /// Every row, in the epoch that changes it.
    Everything,
    /// Every row, but later where there is much of it: rows take at most this share of the input's bytes. What is not
    /// written yet is learned again after a restart.
    Checkpoints {
        /// Bytes of rows per byte of input.
        share: f64,
    },
}

/// Bytes that quiet times may save up for busy ones.
const MOST_SAVED_BYTES: f64 = 16e6;

/// The flow at work on one partition.
#[derive(Debug)]
pub struct Detection {
    decoder: Decoder,
    windows: Windows,
    judge: Judge,
    records: u64,
    keeping: Keeping,
    /// Bytes of rows that may be written.
    allowance: f64,
    /// Where idle windows were closed among the records that are read again.
    closed_at: BTreeSet<u64>,
    /// Since the last epoch.
    idle_marks: Vec<Change>,
}

/// What [`Flow::restore`] needs beside the rows.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    emitted: Emitted,
    services: Vec<String>,
    resume: Resume,
}

impl Detection {
    /// The flow with nothing learned.
    pub fn new(settings: &DetectionSettings) -> Detection {
        let decoder = Decoder::new(settings.schema.clone(), settings.max_payload_bytes);
        let judge = Judge {
            services: decoder.services().into(),
            intervals: Intervals::of(&settings.schema, COUNTERS),
            benches: Bench::all(&settings.detectors, FIRST_DETECTOR),
            alerts: settings.alerts.clone(),
            alerted: Table::new(ALERTS),
            heeded: Table::new(HEEDED),
            silence: (settings.detectors.iter().find(|detector| detector.kind == Kind::Silence))
                .map(|detector| Silence::after(detector.after_ms)),
            incident: settings.incident,
            incidents: Table::new(INCIDENTS),
            emit_all: settings.emit_all,
            scores: settings.scores.then(Vec::new),
            outputs: Vec::new(),
            emitted: Emitted::default(),
            counts: Counts::default(),
            glances: settings.glances.then(Vec::new),
            last_late: BTreeMap::new(),
            silent: false,
            forgotten: Vec::new(),
            schema: Arc::new(settings.schema.clone()),
        };
        let mut windows = Windows::new(settings.window, &settings.schema);
        if settings.keeping != Keeping::Nothing {
            windows.keep_rows();
        }
        Detection {
            decoder,
            windows,
            judge,
            records: 0,
            keeping: settings.keeping,
            allowance: 0.0,
            closed_at: BTreeSet::new(),
            idle_marks: Vec::new(),
        }
    }

    /// Writes rows of entities that have learned something, those first that wait longest.
    fn write_rows(&mut self, changes: &mut Vec<Change>) {
        let limited = matches!(self.keeping, Keeping::Checkpoints { .. }) && self.windows.can_learn_again();
        while let Some(id) = self.windows.unwritten().filter(|_| !limited || self.allowance > 0.0) {
            let until = self.windows.learned_until(id).map_or(i64::MIN, EventTime::as_ms).to_be_bytes();
            let name = self.windows.entities().name(id);
            let rows = self.judge.benches.iter().filter_map(|bench| bench.written(id, name, &until));
            let counters = self.judge.intervals.iter().filter_map(|stage| stage.written(id, name, &until));
            for change in rows.chain(counters) {
                self.allowance -= (change.key.len() + change.row.as_ref().map_or(0, Vec::len)) as f64;
                changes.push(change);
            }
            self.windows.written(id);
        }
    }

    /// Closes what was closed before that record because nothing came.
    fn close_again_before(&mut self, offset: u64) {
        while self.closed_at.first().is_some_and(|at| *at <= offset) {
            self.closed_at.pop_first();
            self.windows.finish(&mut self.judge);
        }
    }

    fn take(&mut self, record: &RawRecord<'_>) {
        let Detection { decoder, windows, judge, .. } = self;
        windows.begin_record(record.extent, judge);
        let mut index = 0;
        decoder.decode(record, |decoded| {
            let source = |value| Source {
                offset: record.offset,
                index,
                origin: record.origin,
                key: record.key,
                value,
            };
            match decoded {
                Decoded::Reading { entity, reading, value } => {
                    windows.take(entity, reading, &source(value), judge);
                }
                Decoded::Feedback { entity, feedback, value } => {
                    judge.heed(windows, entity, feedback, &source(value));
                }
                Decoded::Rejected { value, rejection } => judge.rejected(&source(value), rejection),
            }
            index += 1;
        });
        if judge.services.len() < decoder.services().len() {
            judge.services = decoder.services().into();
        }
        windows.end_record(record.extent, judge);
    }
}

impl Flow for Detection {
    fn process(&mut self, records: &[RawRecord<'_>]) {
        self.records += records.len() as u64;
        if let Keeping::Checkpoints { share } = self.keeping {
            let bytes: usize =
                records.iter().map(|record| record.value.len() + record.key.map_or(0, <[u8]>::len)).sum();
            self.allowance = (self.allowance + share * bytes as f64).min(MOST_SAVED_BYTES);
        }
        for record in records {
            self.take(record);
        }
    }

    fn finish(&mut self) {
        self.windows.finish(&mut self.judge);
    }

    fn idle(&mut self, next: Offset) {
        if self.windows.are_open() {
            self.windows.finish(&mut self.judge);
            let key = next.0.to_be_bytes().to_vec();
            self.idle_marks.push(Change { table: IDLE_MARKS, key, row: Some(Vec::new()) });
        }
    }

    fn epoch(&mut self, next: Offset) -> Epoch {
        let mut changes = std::mem::take(&mut self.idle_marks);
        // Before what those learn who come back under the same name.
        let forgotten = std::mem::take(&mut self.judge.forgotten);
        if self.keeping != Keeping::Nothing {
            changes.extend(forgotten);
            self.windows.changes(&mut changes);
            let entities = self.windows.entities();
            self.judge.incidents.changes(|id| entities.name(id), &mut changes);
            self.judge.alerted.changes(|id| entities.name(id), &mut changes);
            self.judge.heeded.changes(|id| entities.name(id), &mut changes);
            if let Some(silence) = &mut self.judge.silence {
                silence.changes(|id| entities.name(id), &mut changes);
            }
            self.write_rows(&mut changes);
        }
        let (replay_from, resume) = self.windows.replay_from();
        let position =
            Position { emitted: self.judge.emitted, services: self.judge.services.to_vec(), resume };
        let windows = self.windows.take_counts();
        let mut counts = std::mem::take(&mut self.judge.counts);
        (counts.windowed, counts.opened, counts.closed) = (windows.windowed, windows.opened, windows.closed);
        counts.late = windows.late;
        counts.records = std::mem::take(&mut self.records);
        Epoch {
            next,
            replay_from: replay_from.unwrap_or(next),
            outputs: std::mem::take(&mut self.judge.outputs),
            scores: self.judge.scores.as_mut().map(std::mem::take).unwrap_or_default(),
            changes,
            position: postcard::to_stdvec(&position).expect("a position is plain data"),
            counts,
            glances: self.judge.glances.as_mut().map(std::mem::take).unwrap_or_default(),
            watermark: self.windows.watermark(),
        }
    }

    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable> {
        let position: Position = postcard::from_bytes(position).map_err(|_| Unreadable)?;
        self.judge.emitted = position.emitted;
        self.judge.services = position.services.clone().into();
        self.decoder.restore_services(position.services);
        let first = position.resume.first;
        self.windows.resume(position.resume);
        for (table, key, row) in rows {
            if *table == IDLE_MARKS {
                let at = u64::from_be_bytes(key.as_slice().try_into().map_err(|_| Unreadable)?);
                // What was closed before is closed in what is read again.
                if first.is_some_and(|(first, _)| at > first.0) {
                    self.closed_at.insert(at);
                }
                continue;
            }
            self.restore_row(*table, key, row).ok_or(Unreadable)?;
        }
        Ok(())
    }

    fn refill(&mut self, records: &[RawRecord<'_>]) {
        self.windows.set_silent(true);
        self.judge.silent = true;
        for record in records {
            self.close_again_before(record.offset.0);
            self.take(record);
        }
        if let Some(last) = records.last() {
            self.close_again_before(last.offset.0 + 1);
        }
        self.windows.set_silent(false);
        self.judge.silent = false;
    }
}
