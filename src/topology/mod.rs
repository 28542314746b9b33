//! A topology: what a flow does, checked. The text comes from a TOML file; every mistake in it is told at once.
//!
//! A topology holds no address and no secret: it says *what*, the environment says *where*.

mod build;
mod builtin;
mod check;
pub mod describe;
mod elsewhere;
mod file;
mod fingerprint;
mod json_schema;
mod keys;
mod overrides;
mod problem;
mod runbook;
mod takes;
pub mod units;

use std::collections::BTreeMap;

use crate::flow::alert::Alerts;
use crate::flow::detect::settings::{Kind, Settings};
use crate::flow::detection::{DetectionSettings, Keeping};
use crate::flow::incident::IncidentSettings;
use crate::flow::model::Schema;
use crate::flow::notify::Receiver;
use crate::flow::window::settings::WindowSettings;
use check::Said;
use file::Entry;
use takes::Bounds;

pub use builtin::{BUILTIN_NAMES, builtin};
pub use json_schema::json_schema;
pub use problem::{Place, Problem};

/// A checked topology.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    /// The application: its consumer group and internal topics begin with it.
    pub name: String,
    /// Where readings come from.
    pub source: SourceSettings,
    /// What readings are made of.
    pub schema: Schema,
    /// How readings are gathered.
    pub window: WindowSettings,
    /// What judges a window, in the order of the file; at least one.
    pub detectors: Vec<Settings>,
    /// What of all that is found is worth telling.
    pub alerts: Alerts,
    /// How findings are grouped; `None` does not group them.
    pub incident: Option<IncidentSettings>,
    /// How recommendations are made.
    pub advise: AdviseSettings,
    /// Where everything goes.
    pub sink: SinkSettings,
    /// Who is told of incidents.
    pub receivers: Vec<Receiver>,
    /// What only a stream does.
    pub stream: StreamSettings,
    /// Settings passed on to librdkafka, without addresses and secrets.
    pub kafka_client: BTreeMap<String, String>,
    /// What does not do what its author may think, in the order of the file.
    pub warnings: Vec<Problem>,
}

/// The `[source]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    /// The input topic.
    pub topic: String,
    /// What the records' keys are.
    pub keyed_by: KeyedBy,
    /// Larger records are rejected, in bytes.
    pub max_payload_bytes: usize,
}

/// What the keys of input records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyedBy {
    /// Anything: readings are routed to the readings topic, keyed by entity.
    Anything,
    /// The entity: routing is left out.
    Entity,
}

/// What only a stream does: no output of a replay depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamSettings {
    /// A partition without records for so long has its windows closed, in milliseconds.
    pub idle_ms: Option<i64>,
    /// Whether records that Kafka holds no longer are skipped, or stop the stream.
    pub skip_below_retention: bool,
    /// Bytes of learned rows that are written for a byte of input, at most.
    pub changelog_share: f64,
}

/// The `[advise]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdviseSettings {
    /// Whether findings get recommendations.
    pub enabled: bool,
    /// A file of rules beside the built-in ones.
    pub runbook: Option<String>,
    /// A folder of Markdown files for a model.
    pub notes: Option<String>,
    /// Whether names are hidden from a model.
    pub pseudonyms: bool,
    /// How long a report waits for a model.
    pub deadline_ms: i64,
    /// Questions under way at a time in a process.
    pub concurrency: usize,
    /// Questions of a partition at a time.
    pub open: usize,
    /// The most that a process asks of a model.
    pub budget: BudgetSettings,
}

/// The `budget` of `[advise]`; `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Calls in any hour.
    pub calls_an_hour: Option<u64>,
    /// Calls in any day.
    pub calls_a_day: Option<u64>,
    /// Tokens in any hour.
    pub tokens_an_hour: Option<u64>,
    /// Tokens in any day.
    pub tokens_a_day: Option<u64>,
}

/// The `[sink]`: topics by role, all different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkSettings {
    /// Reports with recommendations.
    pub topic: String,
    /// Reports without, committed at once.
    pub findings: String,
    /// What cannot be used, with the reason.
    pub rejected: String,
    /// Readings after their window closed.
    pub late: String,
    /// Readings keyed by entity; not used with [`KeyedBy::Entity`].
    pub readings: String,
    /// What was learned.
    pub changelog: String,
    /// What was advised, for the incidents that are open and those that are like them.
    pub advise_changelog: String,
    /// Which windows are reported.
    pub emit: Emit,
}

/// Which windows are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// Those with findings.
    Findings,
    /// Every one.
    All,
}

/// The topology of a TOML text, or every problem in it, in the order of the file.
pub fn parse(text: &str) -> Result<Topology, Vec<Problem>> {
    with_overrides(text, &[])
}

/// The topology of a TOML text with some keys set from outside, as `--set PATH=VALUE` does: `detect.0.threshold` is the
/// first detector's, and a number one past the last appends. A value is TOML if it is that, else text as it stands.
pub fn with_overrides(text: &str, overrides: &[(String, String)]) -> Result<Topology, Vec<Problem>> {
    let mut entries = file::read(text)?;
    let refused = overrides::apply(&mut entries, overrides);
    check_entries(&entries, refused)
}

fn check_entries(entries: &[Entry], refused: Vec<Problem>) -> Result<Topology, Vec<Problem>> {
    let (mut topology, said) = Said::read(entries).build();
    let Said { mut problems, mut warnings, .. } = said;
    problems.extend(refused);
    problems.sort();
    warnings.sort();
    topology.warnings = warnings;
    if problems.is_empty() { Ok(topology) } else { Err(problems) }
}

impl Topology {
    /// What the flow `detect` is made of: with `scores.csv` or without, and what is kept of learned rows.
    pub fn detection(&self, scores: bool, keeping: Keeping) -> DetectionSettings {
        DetectionSettings {
            schema: self.schema.clone(),
            max_payload_bytes: self.source.max_payload_bytes,
            window: self.window,
            detectors: self.detectors.clone(),
            alerts: self.alerts.clone(),
            incident: self.incident,
            emit_all: self.sink.emit == Emit::All,
            scores,
            keeping,
            glances: false,
        }
    }

    /// The same for the topic that `route` writes, whatever it reads.
    pub fn detection_of_routed(&self, scores: bool, keeping: Keeping) -> DetectionSettings {
        DetectionSettings { schema: self.schema.clone().as_routed(), ..self.detection(scores, keeping) }
    }

    /// Keeps the detectors of a kind only; if there is none, one with defaults and the baseline of the first detector.
    pub fn keep_only(&mut self, kind: Kind) {
        let baseline = self.detectors.first().map(|first| first.baseline);
        self.detectors.retain(|settings| settings.kind == kind);
        if self.detectors.is_empty() {
            let default = Settings::of(kind);
            self.detectors.push(Settings { baseline: baseline.unwrap_or(default.baseline), ..default });
        }
    }

    /// Sets the threshold of every detector that has one, each in its own unit.
    pub fn set_threshold(&mut self, threshold: f64) -> Result<(), Problem> {
        self.set_threshold_where(threshold, |kind| match kind {
            Kind::ZScore | Kind::PcaMahalanobis | Kind::Clusters | Kind::Novelty | Kind::Forecast => true,
            Kind::IsolationForest | Kind::Status | Kind::Silence => false,
        })
    }

    /// Sets the threshold of every z-score: what the predecessor's `ANOMALY_THRESHOLD` meant.
    pub fn set_z_score_threshold(&mut self, threshold: f64) -> Result<(), Problem> {
        self.set_threshold_where(threshold, |kind| kind == Kind::ZScore)
    }

    /// Sets the share of readings that every detector expects to be anomalous, in (0, 0.5].
    pub fn set_contamination(&mut self, contamination: f64) -> Result<(), Problem> {
        let contamination = admit("contamination", Bounds::ABOVE_0_TO_HALF, contamination)?;
        self.detectors.iter_mut().for_each(|settings| settings.contamination = contamination);
        Ok(())
    }

    fn set_threshold_where(&mut self, threshold: f64, has_one: impl Fn(Kind) -> bool) -> Result<(), Problem> {
        let threshold = admit("threshold", Bounds::ABOVE_0, threshold)?;
        let chosen = self.detectors.iter_mut().filter(|settings| has_one(settings.kind));
        chosen.for_each(|settings| settings.threshold = Some(threshold));
        Ok(())
    }
}

fn admit(path: &str, bounds: Bounds, number: f64) -> Result<f64, Problem> {
    bounds.admit(number).map_err(|message| Problem::new(&Place::Unsaid, path, message))
}

#[cfg(test)]
mod tests;
