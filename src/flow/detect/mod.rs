//! Judging closed windows: the detectors, one file each, and what they share.

pub mod calibration;
pub mod chi_square;
pub mod cluster_model;
pub mod clusters;
pub mod comoments;
pub mod components;
pub mod eigen;
pub mod fixed;
pub mod forecast;
pub mod forest;
pub mod history;
pub mod isolation_forest;
pub mod list;
pub mod metric;
pub mod novelty;
pub mod pca_mahalanobis;
pub mod peaks;
pub mod per_metric;
pub mod random;
pub mod reservoir;
#[cfg(test)]
pub(crate) mod sample;
pub mod series;
pub mod settings;
pub mod statistics;
pub mod status;
pub mod tail;
mod tree;
pub mod vectors;
pub mod words;
pub mod z_score;

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use super::readings::{ClosedWindow, Readings};

/// How bad an anomaly is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
}

impl Severity {
    /// The severity of a rareness (see [`calibration`]): high from one false alarm in a million readings of a metric, score
    /// 0.78, medium from one in a hundred thousand, score 0.71.
    pub fn of_rareness(rareness: f64) -> Severity {
        match rareness {
            rareness if rareness >= 6.0 => Severity::High,
            rareness if rareness >= 5.0 => Severity::Medium,
            _ => Severity::Low,
        }
    }

    /// The word, as reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }

    /// The predecessor's severity of a distance, by its ratio to the threshold.
    pub fn of_ratio(ratio: f64) -> Severity {
        match ratio {
            ratio if ratio > 2.0 => Severity::High,
            ratio if ratio > 1.5 => Severity::Medium,
            _ => Severity::Low,
        }
    }
}

/// The band of values a detector expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// On which side of what was expected a value lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Above.
    Above,
    /// Below.
    Below,
    /// It is not the value's size that is abnormal.
    #[default]
    Neither,
}

/// One metric (or metric pattern) of one reading that a detector holds abnormal.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// The row in the window.
    pub row: usize,
    /// A metric's name, `service_status.NAME`, or the name of a pattern over all metrics.
    pub metric: Cow<'static, str>,
    /// The value judged, in the detector's unit: the metric's value, or a distance.
    pub value: f64,
    /// The value from which it is an anomaly, where there is one such.
    pub threshold: Option<f64>,
    /// How bad it is.
    pub severity: Severity,
    /// How unusual it is, in [0, 1]; see [`statistics::score_of_surprise`] and [`calibration`].
    pub score: f64,
    /// The band of values that would have been normal.
    pub expected: Option<Band>,
    /// On which side of it the value lies.
    pub side: Side,
    /// How much each metric has to do with it: (name, share), shares add up to 1, the largest first.
    pub contributions: Vec<(String, f64)>,
    /// For people.
    pub description: String,
}

/// What a detector says of a window.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Too little was seen to judge; `confidence` in [0, 1) says how much of it there is.
    Learning {
        /// The share of the warm-up that is done.
        confidence: f64,
    },
    /// Nothing abnormal.
    Normal,
    /// These, ordered as the detector documents.
    Anomalous(Vec<Anomaly>),
}

impl Verdict {
    /// `Normal` where there are none.
    pub fn of(anomalies: Vec<Anomaly>) -> Verdict {
        if anomalies.is_empty() { Verdict::Normal } else { Verdict::Anomalous(anomalies) }
    }
}

/// One judged value, for `scores.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The row in the window.
    pub row: usize,
    /// As in [`Anomaly::metric`].
    pub metric: Cow<'static, str>,
    /// The value judged.
    pub value: f64,
    /// In [0, 1].
    pub score: f64,
    /// The score of those together who judged together, where it is another.
    pub together: Option<f64>,
    /// The band of values that would have been normal.
    pub expected: Option<Band>,
}

/// Collects scores where somebody wants them.
#[derive(Debug, Default)]
pub struct Scores {
    rows: Option<Vec<Score>>,
}

impl Scores {
    /// Keeps what detectors tell it.
    pub fn wanted() -> Scores {
        Scores { rows: Some(Vec::new()) }
    }

    /// Forgets what detectors tell it.
    pub fn unwanted() -> Scores {
        Scores { rows: None }
    }

    /// Whether it is worth the work to compute a score that nothing else needs.
    pub fn are_wanted(&self) -> bool {
        self.rows.is_some()
    }

    /// Takes one score, computed only where wanted.
    pub fn add(&mut self, score: impl FnOnce() -> Score) {
        if let Some(rows) = &mut self.rows {
            rows.push(score());
        }
    }

    /// Hands over what was collected since the last call.
    pub fn take(&mut self) -> Vec<Score> {
        self.rows.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// Judges readings of a closed window against what it has learned about the entity, then learns from them.
///
/// The answer depends on the window, the memory and the detector's own settings alone.
pub trait Detector {
    /// What it has learned about one entity; bounded.
    type Memory: Default + Serialize + DeserializeOwned;

    /// Judges one window. With `Baseline::Window` the memory is neither read nor changed.
    fn judge(&self, window: &ClosedWindow<'_>, memory: &mut Self::Memory, scores: &mut Scores) -> Verdict;
}
