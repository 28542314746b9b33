//! A replay: reads files, has their records processed, makes each epoch true.
//!
//! Order makes a replay with a state directory exact whatever kills it: output files first, then one atomic change of
//! the store that names their lengths. What was written after the last such change is cut off by the next run.

mod output;
pub mod state;

use std::io;
use std::path::{Path, PathBuf};

use super::advise;
use crate::edge::files::{Bounds, Broken, InputError, Inputs};
use crate::edge::kafka::KafkaError;
use crate::edge::outbox::OutboxError;
use crate::edge::ports::{Advisor, Store, StoreError};
use crate::edge::sled::Sled;
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::chain::Chain;
use crate::flow::detection::DetectionSettings;
use crate::flow::record::{Offset, RawRecord};
use crate::flow::source::Decoder;
use crate::flow::window::settings::WindowKind;
use crate::flow::{Counts, Epoch, Flow};
pub(super) use output::OutputFiles;
use state::{Footer, open_state, restore};

/// Records taken from the input at a time.
const BATCH_RECORDS: usize = 4096;

/// What a replay is told.
#[derive(Clone, Debug)]
pub struct ReplaySettings {
    /// The application's name.
    pub name: String,
    /// The fingerprint of what learned rows depend on.
    pub topology: String,
    /// The flow `detect`.
    pub detection: DetectionSettings,
    /// The flow `advise`.
    pub advise: AdviseSettings,
    /// The input files; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Where learned rows are kept, if anywhere.
    pub state: Option<PathBuf>,
    /// Where output files go, if anywhere.
    pub out: Option<PathBuf>,
    /// Whether windows stay open at the end of the input.
    pub leave_open: bool,
    /// How many records an epoch has at most.
    pub commit_every_records: u64,
}

/// Why a replay stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The input cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output files cannot be written.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What was learned belongs to something else.
    #[error(
        "the state in {} is of another topology ({found}, not {wanted}): name another directory with --state, or \
         remove this one to learn afresh", path.display()
    )]
    OtherTopology {
        /// The state directory.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// Rows or footer are not what this program writes.
    #[error("the state in {} cannot be read: move it away to learn afresh", path.display())]
    Unreadable {
        /// The state directory.
        path: PathBuf,
    },
    /// Kafka refuses.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// Whoever looks at the epochs has had enough.
    #[error("write to standard output")]
    Observer(#[source] io::Error),
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    settings: ReplaySettings,
    flow: Chain,
    /// Who answers the questions of `advise`, if anybody does.
    advisor: Option<Box<dyn Advisor>>,
    times: Decoder,
    inputs: Inputs,
    store: Option<Sled>,
    outbox: Option<OutputFiles>,
    sequence: u64,
    /// Records from `refill_from` to here only refill windows.
    live_from: Offset,
    refill_from: Offset,
    uncommitted: u64,
    counts: Counts,
}

/// How a replay ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What happened to the input.
    pub counts: Counts,
    /// Files that broke off.
    pub broken: Vec<Broken>,
    /// Whether an earlier run had read something already.
    pub resumed: bool,
}

impl Replay {
    /// Opens everything, and comes back to where the last run with that state ended.
    pub fn open(settings: ReplaySettings, advisor: Option<Box<dyn Advisor>>) -> Result<Replay, RunError> {
        let mut flow = Chain::new(&settings.detection, settings.advise.clone());
        let (store, footer) = match &settings.state {
            Some(dir) => {
                let (store, footer) = open_state(dir)?;
                if let Some(footer) = &footer {
                    restore(&settings, dir, &store, footer, &mut flow)?;
                }
                (Some(store), footer)
            }
            None => (None, None),
        };
        let progress = footer.as_ref().map(|footer| footer.progress.clone()).unwrap_or_default();
        let (refill_from, live_from) = (progress.replay_from(), progress.next());
        let bounds = Bounds { record_bytes: settings.detection.max_payload_bytes, ..Bounds::default() };
        let inputs = Inputs::open(&settings.files, progress, bounds)?;
        let outbox = settings
            .out
            .as_ref()
            .map(|dir| OutputFiles::open(dir, &settings, footer.as_ref()))
            .transpose()?;
        Ok(Replay {
            times: Decoder::new(settings.detection.schema.clone(), settings.detection.max_payload_bytes),
            sequence: footer.map_or(0, |footer| footer.sequence),
            flow,
            advisor,
            inputs,
            store,
            outbox,
            live_from,
            refill_from,
            uncommitted: 0,
            counts: Counts::default(),
            settings,
        })
    }

    /// How far the input has been read, in bytes, and how long it is where that is known.
    pub fn bytes(&self) -> (u64, Option<u64>) {
        (self.inputs.bytes_read(), self.inputs.bytes_total())
    }

    /// Reads to the end of the input. `observe` sees every epoch before it is committed, and how far the input is read.
    pub fn run(
        mut self,
        observe: &mut dyn FnMut(&Epoch, &Replay) -> io::Result<()>,
    ) -> Result<Ended, RunError> {
        let resumed = self.live_from > Offset(0);
        while self.step()? {
            // Without a store an epoch costs nothing, and its outputs need not be kept.
            if self.store.is_none() || self.uncommitted >= self.settings.commit_every_records {
                self.commit(observe)?;
            }
        }
        if !self.settings.leave_open {
            self.flow.finish();
        }
        self.commit(observe)?;
        Ok(Ended { counts: self.counts, broken: self.inputs.broken().to_vec(), resumed })
    }

    /// Takes the next records; `false` at the end of the input.
    fn step(&mut self) -> Result<bool, RunError> {
        let times = &mut self.times;
        let most =
            BATCH_RECORDS.min(usize::try_from(self.settings.commit_every_records).unwrap_or(BATCH_RECORDS));
        // Windows that take a message or a file whole have the files one after the other: merging would mix them.
        let kind = self.settings.detection.window.kind;
        let merges = matches!(kind, WindowKind::Tumbling { .. } | WindowKind::Count { .. });
        let mut time = |record: &RawRecord<'_>| merges.then(|| times.first_time(record)).flatten();
        let batch = self.inputs.next_batch(most, &mut time)?;
        if batch.is_empty() {
            return Ok(false);
        }
        let records: Vec<RawRecord<'_>> =
            batch.iter().filter(|record| record.offset >= self.refill_from).collect();
        if batch.first() < self.live_from {
            self.flow.refill(&records);
        } else {
            self.flow.process(&records);
            self.uncommitted += records.len() as u64;
        }
        Ok(true)
    }

    /// Makes what happened since the last commit true: outputs first, then rows and footer at once.
    fn commit(&mut self, observe: &mut dyn FnMut(&Epoch, &Replay) -> io::Result<()>) -> Result<(), RunError> {
        let next = self.inputs.next().max(self.live_from);
        if let Some(advisor) = &mut self.advisor {
            self.flow.pull(next);
            advise::settle(&mut self.flow, &mut **advisor);
        }
        let epoch = self.flow.epoch(next);
        self.counts.add(&epoch.counts);
        observe(&epoch, self).map_err(RunError::Observer)?;
        let lengths = match &mut self.outbox {
            Some(outbox) => {
                let inputs = &self.inputs;
                Some(outbox.write(&epoch, &|input| inputs.path(input).display().to_string())?)
            }
            None => None,
        };
        self.uncommitted = 0;
        self.inputs.forget_before(epoch.replay_from);
        let Some(store) = &mut self.store else { return Ok(()) };
        self.sequence += 1;
        let footer = Footer {
            name: self.settings.name.clone(),
            topology: self.settings.topology.clone(),
            sequence: self.sequence,
            position: epoch.position,
            progress: self.inputs.progress(epoch.replay_from, epoch.next),
            out: self.settings.out.as_deref().map(identity).zip(lengths),
        };
        store.apply(&epoch.changes, &footer.to_bytes())?;
        Ok(())
    }
}

/// A directory's name, however it is written.
fn identity(dir: &Path) -> String {
    dir.canonicalize().unwrap_or_else(|_| dir.to_owned()).to_string_lossy().into_owned()
}
