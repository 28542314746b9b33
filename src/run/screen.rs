//! What the page shows, kept beside the flow: workers leave notes and go on, a thread of its own reads them.
//!
//! Nobody who looks can make a worker wait: notes go into a bounded queue, and what finds it full is counted and dropped.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use serde_json::json;

use crate::edge::metrics::Metrics;
use crate::edge::ports::{Notice, Pages, Unheard, Visit, Watch};
use crate::flow::Epoch;
use crate::flow::glance::Glance;
use crate::flow::model::Schema;
use crate::flow::record::{Output, Role};
use crate::flow::task::{FlowName, TaskId};
use crate::view::pipeline::Pipeline;
use crate::view::{Fleet, says_something};

/// Epochs that wait for being looked at.
const MOST_WAITING: usize = 16;
/// Reports noted of an epoch.
const MOST_REPORTS: usize = 256;
/// Larger ones are not noted.
const MOST_REPORT_BYTES: usize = 256 << 10;

/// What is said at the top of the page.
#[derive(Clone, Debug)]
pub struct About {
    /// The topology's name.
    pub name: String,
    /// `run`, `demo` or `replay`.
    pub mode: &'static str,
    /// Whether readings are keyed by a flow of its own.
    pub routes: bool,
    /// Whether recommendations are given.
    pub advises: bool,
}

/// What is noted of an epoch.
struct Note {
    glances: Vec<Glance>,
    outputs: Vec<Output>,
}

/// Takes one object of feedback to where readings come from.
pub type Ear = Box<dyn Fn(&[u8]) -> Result<(), Unheard> + Send + Sync>;

/// The screen.
pub struct Screen {
    about: About,
    metrics: Arc<Metrics>,
    fleet: Arc<Mutex<Fleet>>,
    pipeline: Mutex<Pipeline>,
    notes: SyncSender<Note>,
    ear: OnceLock<Ear>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Screen {
    /// A screen that shows nothing yet.
    pub fn new(about: About, schema: &Schema, metrics: Arc<Metrics>) -> Arc<Screen> {
        let fleet = Arc::new(Mutex::new(Fleet::new(schema)));
        let (notes, noted) = sync_channel(MOST_WAITING);
        let shown = Arc::clone(&fleet);
        thread::spawn(move || look(&noted, &shown));
        let (pipeline, ear) = (Mutex::default(), OnceLock::new());
        Arc::new(Screen { about, metrics, fleet, pipeline, notes, ear })
    }

    /// From now on feedback is taken.
    pub fn listen(&self, ear: Ear) {
        // Whoever listens first goes on to.
        let _ = self.ear.set(ear);
    }

    /// An epoch of a chain in memory: detected and advised in one.
    pub fn saw(&self, epoch: &Epoch) {
        let task = TaskId { flow: FlowName::Detect, partition: 0 };
        let mut outputs = [0; Role::ALL.len()];
        for output in &epoch.outputs {
            outputs[output.role as usize] += 1;
        }
        let (next, rows) = (epoch.next, 0);
        self.notice(Notice::Committed { task, next, epoch, outputs, changelog_bytes: 0, rows });
        if let Some(standing) = lock(&self.pipeline).tasks.get_mut(&task) {
            standing.live = true;
        }
    }

    fn note(&self, epoch: &Epoch) {
        let shown = |output: &&Output| match output.role {
            Role::Findings | Role::Reports => {
                output.value.len() <= MOST_REPORT_BYTES && says_something(&output.value)
            }
            Role::Readings | Role::Rejected | Role::Late => false,
        };
        let outputs: Vec<Output> = epoch.outputs.iter().filter(shown).take(MOST_REPORTS).cloned().collect();
        if outputs.is_empty() && epoch.glances.is_empty() {
            return;
        }
        if self.notes.try_send(Note { glances: epoch.glances.clone(), outputs }).is_err() {
            self.metrics.note_dropped();
        }
    }

    fn pipeline(&self, notice: Notice<'_>) {
        let mut pipeline = lock(&self.pipeline);
        match notice {
            Notice::Joined { .. } | Notice::Idle(_) | Notice::Skipped { .. } => {}
            Notice::End { task, end } => {
                if let Some(standing) = pipeline.tasks.get_mut(&task) {
                    standing.end = Some(end.0);
                }
            }
            Notice::Away { away, .. } => {
                pipeline.away = if away { pipeline.away + 1 } else { pipeline.away.saturating_sub(1) };
            }
            Notice::Restoring(task) => {
                pipeline.tasks.entry(task).or_default().live = false;
            }
            Notice::Refilling { task, from, until, rows, .. } => {
                let standing = pipeline.tasks.entry(task).or_default();
                (standing.restoring, standing.rows) = (until.0 - from.0, rows as u64);
            }
            Notice::Remaining { task, records } => {
                pipeline.tasks.entry(task).or_default().restoring = records;
            }
            Notice::Live { task, next, .. } => {
                let standing = pipeline.tasks.entry(task).or_default();
                (standing.live, standing.restoring, standing.next) = (true, 0, next.0);
            }
            Notice::Left(task) => {
                pipeline.tasks.remove(&task);
            }
            Notice::Committed { task, next, epoch, outputs, rows, .. } => {
                let passed_on = outputs[Role::Readings as usize]
                    + outputs[Role::Findings as usize]
                    + outputs[Role::Reports as usize];
                pipeline.committed(task.flow, &epoch.counts, passed_on);
                let standing = pipeline.tasks.entry(task).or_default();
                (standing.next, standing.rows) = (next.0, rows as u64);
                standing.watermark_ms = epoch.watermark.map(crate::flow::time::EventTime::as_ms);
            }
            Notice::Transaction { took } => pipeline.transaction(took.as_secs_f64() * 1000.0),
            Notice::Aborted { reason } => pipeline.aborted(reason),
        }
    }
}

/// Reads notes until nobody writes them any more.
fn look(noted: &Receiver<Note>, fleet: &Mutex<Fleet>) {
    while let Ok(Note { glances, outputs }) = noted.recv() {
        lock(fleet).take(None, &glances, &outputs);
    }
}

impl Watch for Screen {
    fn notice(&self, notice: Notice<'_>) {
        self.metrics.notice(notice);
        if let Notice::Committed { epoch, .. } = notice {
            self.note(epoch);
        }
        self.pipeline(notice);
    }
}

impl Pages for Screen {
    fn ready(&self) -> Result<(), String> {
        if self.about.mode == "run" { self.metrics.ready() } else { Ok(()) }
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }

    fn changes(&self, since: u64) -> (u64, String) {
        let pipeline = lock(&self.pipeline).clone();
        let fleet = lock(&self.fleet);
        let (version, mut changes) = (fleet.version(), fleet.changes(since));
        drop(fleet);
        changes["pipeline"] = pipeline.to_json();
        if since == 0 {
            let About { name, mode, routes, advises } = &self.about;
            let built = env!("CARGO_PKG_VERSION");
            changes["about"] = json!({"name": name, "mode": mode, "routes": routes, "advises": advises, "version": built,
                "hears": self.ear.get().is_some()});
        }
        (version, changes.to_string())
    }

    fn incident(&self, id: &str) -> Option<String> {
        lock(&self.fleet).incident(id).map(|incident| incident.to_string())
    }

    fn entity(&self, name: &str) -> Option<String> {
        lock(&self.fleet).entity_named(name).map(|entity| entity.to_string())
    }

    fn hear(&self, object: &[u8]) -> Result<(), Unheard> {
        self.ear.get().map_or(Err(Unheard::Nobody), |ear| ear(object))
    }

    fn visit(&self, visit: Visit) {
        self.metrics.visit(visit);
    }
}
