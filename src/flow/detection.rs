//! The flow `detect`: readings in; findings, rejected and late records out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::detect::list::Bench;
use super::detect::settings::Settings;
use super::incident::IncidentSettings;
use super::judge::Judge;
use super::model::Schema;
use super::record::{Emitted, Offset, RawRecord};
use super::source::{Decoded, Decoder};
use super::table::Table;
use super::window::settings::WindowSettings;
use super::window::{Downstream, MARKS, Resume, Source, Windows};
use super::{Change, Counts, Epoch, Flow, Unreadable};

/// The tables of learned rows, in [`Change::table`]: after the marks of windows incidents, then one a detector.
const INCIDENTS: u8 = 1;
const FIRST_DETECTOR: u8 = 2;
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
    /// Incidents, where findings are grouped.
    pub incident: Option<IncidentSettings>,
    /// Whether every window gets a report, or only those with something to say.
    pub emit_all: bool,
    /// Whether `scores.csv` is wanted.
    pub scores: bool,
    /// Whether somebody keeps learned rows, so that epochs must carry the changed ones.
    pub keep_changes: bool,
}

/// The flow at work on one partition.
#[derive(Debug)]
pub struct Detection {
    decoder: Decoder,
    windows: Windows,
    judge: Judge,
    records: u64,
    keep_changes: bool,
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
            benches: Bench::all(&settings.detectors, FIRST_DETECTOR),
            incident: settings.incident,
            incidents: Table::new(INCIDENTS),
            emit_all: settings.emit_all,
            scores: settings.scores.then(Vec::new),
            outputs: Vec::new(),
            emitted: Emitted::default(),
            counts: Counts::default(),
            last_late: BTreeMap::new(),
            silent: false,
            schema: Arc::new(settings.schema.clone()),
        };
        let windows = Windows::new(settings.window, &settings.schema);
        Detection {
            decoder,
            windows,
            judge,
            records: 0,
            keep_changes: settings.keep_changes,
            idle_marks: Vec::new(),
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
        let (replay_from, resume) = self.windows.replay_from();
        let mut changes = std::mem::take(&mut self.idle_marks);
        if self.keep_changes {
            self.windows.changes(&mut changes);
            let entities = self.windows.entities();
            self.judge.incidents.changes(|id| entities.name(id), &mut changes);
            for bench in &mut self.judge.benches {
                bench.changes(|id| entities.name(id), &mut changes);
            }
        }
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
        }
    }

    fn restore(&mut self, position: &[u8], rows: &[(u8, Vec<u8>, Vec<u8>)]) -> Result<(), Unreadable> {
        let position: Position = postcard::from_bytes(position).map_err(|_| Unreadable)?;
        self.judge.emitted = position.emitted;
        self.judge.services = position.services.clone().into();
        self.decoder.restore_services(position.services);
        self.windows.resume(position.resume);
        for (table, key, row) in rows.iter().filter(|(table, _, _)| *table != IDLE_MARKS) {
            let entity = std::str::from_utf8(key).map_err(|_| Unreadable)?;
            let id = self.windows.remember(entity).ok_or(Unreadable)?;
            let restored = match *table {
                MARKS => self.windows.restore_mark(id, row),
                INCIDENTS => self.judge.incidents.restore(id, row),
                other => {
                    let bench = self.judge.benches.iter_mut().find(|bench| bench.table() == other);
                    bench.is_some_and(|bench| bench.restore(id, row))
                }
            };
            if !restored {
                return Err(Unreadable);
            }
        }
        Ok(())
    }

    fn refill(&mut self, records: &[RawRecord<'_>]) {
        self.windows.set_silent(true);
        self.judge.silent = true;
        for record in records {
            self.take(record);
        }
        self.windows.set_silent(false);
        self.judge.silent = false;
    }
}
