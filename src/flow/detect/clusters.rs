//! The vector of a reading's metrics: how far it is from every group of usual readings.
//!
//! Metrics are standardised, groups found by k-means or as a mixture of normal distributions. The value is the distance to
//! the nearest centroid in standard deviations, or the negative logarithm of the density; above the threshold it is an
//! anomaly. Unless set, the threshold is the value that one in 10,000 of the fitted readings would exceed, going by the slope
//! of their upper tail (see [`Tail`]): an outlier among them cannot raise it, as it could raise a maximum or the 99 %
//! quantile of a short window. Of quiet readings of six kinds one in 20,000 lay above it in the median, one in 500 at the
//! worst (log-normal metrics). Anomalies are listed in the order of the rows. A metric that has never varied says nothing
//! here.

use serde::{Deserialize, Serialize};

use super::cluster_model::Groups;
use super::comoments::Comoments;
use super::history::{History, Lesson, Schedule};
use super::random::Random;
use super::reservoir::Reservoir;
use super::settings::{Baseline, ClusterModel, Settings};
use super::statistics::score_of_surprise;
use super::tail::Tail;
use super::vectors::Vectors;
use super::{Anomaly, ClosedWindow, Detector, Score, Scores, Severity, Side, Verdict};

const METRIC: &str = "cluster_pattern";
/// −log10 of the share of fitted readings that would be abnormal.
const ALARM_SURPRISE: f64 = 4.0;

/// The detector.
#[derive(Clone, Debug)]
pub struct Clusters {
    settings: Settings,
    schedule: Schedule,
}

/// What is learned of an entity: 26 KB for 12 metrics and the default settings, 28 KB with a mixture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    history: History,
    reservoir: Reservoir,
    fit: Option<Fit>,
}

/// Which vectors a fit is going to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// Those it was found from.
    Same,
    /// Later ones.
    Others,
}

/// Usual readings, as they were when last looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fit {
    means: Vec<f64>,
    /// One over the metrics' standard deviations.
    inverse_scales: Vec<f64>,
    groups: Groups,
    /// Of the values of the readings fitted.
    tail: Tail,
}

impl Fit {
    /// Finds the groups of vectors; `None` where that fails. With `Judged::Others` a mixture is found among every other
    /// vector, and the rest says what values are usual: its hundreds of numbers fit themselves to the vectors that they
    /// are found from, and new ones would seem ten times as unusual as they are.
    fn of(
        vectors: &[f64],
        width: usize,
        judged: Judged,
        settings: &Settings,
        random: &mut Random,
    ) -> Option<Fit> {
        let moments = Comoments::of(vectors, width);
        let inverse_scales = moments.inverse_scales();
        let means = moments.means;
        // A mixture has no densities where nothing varies; a mean still is one.
        let varies = inverse_scales.iter().any(|scale| *scale > 0.0);
        let model = if varies { settings.model } else { ClusterModel::KMeans };
        let apart = judged == Judged::Others && model == ClusterModel::GaussianMixture;
        let step = if apart { 2 } else { 1 };
        let every = |from| vectors.chunks_exact(width.max(1)).skip(from).step_by(step);
        let standardised = |vector| standardised(vector, &means, &inverse_scales);
        let found_from: Vec<f64> = every(0).flat_map(standardised).collect();
        let groups = Groups::of(&found_from, width, settings.clusters, model, random.draw())?;
        let value = |vector| groups.judge(&standardised(vector).collect::<Vec<f64>>()).0;
        let mut values: Vec<f64> = every(step - 1).map(value).collect();
        values.sort_by(f64::total_cmp);
        let tail = Tail::of(&values);
        Some(Fit { means, inverse_scales, groups, tail })
    }

    /// A value's place between the usual, 0, and the threshold, 1; it may lie beyond. A distance of zero is usual. A
    /// density has no such mark, so there it is the middle one of the fitted.
    fn ratio(&self, value: f64, threshold: f64) -> f64 {
        let usual = match self.groups {
            Groups::Means(_) => 0.0,
            Groups::Mixture(_) => self.tail.median().min(threshold),
        };
        if threshold > usual { (value - usual) / (threshold - usual) } else { f64::INFINITY }
    }
}

/// A vector as differences from the means in standard deviations.
fn standardised<'a>(
    vector: &'a [f64],
    means: &'a [f64],
    scales: &'a [f64],
) -> impl Iterator<Item = f64> + 'a {
    vector.iter().zip(means).zip(scales).map(|((value, mean), scale)| (value - mean) * scale)
}

impl Clusters {
    /// The detector with those settings.
    pub fn new(settings: &Settings) -> Clusters {
        Clusters { settings: settings.clone(), schedule: Schedule::of(settings) }
    }

    /// Finds nothing without a fit.
    fn find(&self, fit: Option<&Fit>, vectors: &Vectors<'_>, scores: &mut Scores) -> Vec<Anomaly> {
        let Some(fit) = fit else {
            vectors.leave_unscored(METRIC, scores);
            return Vec::new();
        };
        let threshold = self.settings.threshold.unwrap_or_else(|| fit.tail.value_at(ALARM_SURPRISE));
        let score = |value| score_of_surprise(fit.tail.surprise(value));
        let mut found = Vec::new();
        for (&row, vector) in vectors.rows().iter().zip(vectors.each()) {
            let vector: Vec<f64> = standardised(vector, &fit.means, &fit.inverse_scales).collect();
            let (value, parts) = fit.groups.judge(&vector);
            scores.add(|| Score {
                row,
                metric: METRIC.into(),
                value,
                score: score(value),
                together: None,
                expected: None,
            });
            if value > threshold {
                found.push(Anomaly {
                    row,
                    metric: METRIC.into(),
                    value,
                    threshold: Some(threshold),
                    severity: Severity::of_ratio(fit.ratio(value, threshold)),
                    score: score(value),
                    expected: None,
                    side: Side::Neither,
                    contributions: vectors.contributions(&parts),
                    description: describe(&fit.groups, value, threshold),
                });
            }
        }
        found
    }

    fn judge_window(&self, vectors: &Vectors<'_>, mut random: Random, scores: &mut Scores) -> Verdict {
        let fit = Fit::of(vectors.values(), vectors.width(), Judged::Same, &self.settings, &mut random);
        let found = self.find(fit.as_ref(), vectors, scores);
        if fit.is_none() && !vectors.is_empty() {
            return Verdict::Learning { confidence: 0.0 };
        }
        Verdict::of(found)
    }
}

impl Detector for Clusters {
    type Memory = Memory;

    fn judge(&self, window: &ClosedWindow<'_>, memory: &mut Memory, scores: &mut Scores) -> Verdict {
        let vectors = Vectors::of(window);
        let mut random = Random::of_window(self.settings.seed, window.entity, window.window.start);
        if self.settings.baseline == Baseline::Window {
            return self.judge_window(&vectors, random, scores);
        }
        if !memory.reservoir.is_empty() && memory.reservoir.width() != vectors.width() {
            *memory = Memory::default();
        }
        let has_judged = memory.fit.is_some();
        let found = self.find(memory.fit.as_ref(), &vectors, scores);
        match memory.history.lesson(&self.schedule, vectors.len(), found.len()) {
            Lesson::Learn => memory.reservoir.learn(&vectors, &found, self.settings.reservoir, &mut random),
            Lesson::Ignore => {}
            Lesson::StartOver => {
                *memory = Memory { history: memory.history, ..Memory::default() };
                memory.reservoir.learn(&vectors, &[], self.settings.reservoir, &mut random);
            }
        }
        if memory.history.fit_is_due(&self.schedule, memory.fit.is_some()) {
            let past = memory.reservoir.read();
            let fit = Fit::of(&past, vectors.width(), Judged::Others, &self.settings, &mut random);
            memory.fit = fit.or(memory.fit.take());
        }
        if has_judged { Verdict::of(found) } else { memory.history.learning(&self.schedule) }
    }
}

fn describe(groups: &Groups, value: f64, threshold: f64) -> String {
    let what = match groups {
        Groups::Means(_) => "distance",
        Groups::Mixture(_) => "improbability",
    };
    format!(
        "The reading is unlike every group of usual readings ({what} {value:.2}, usual up to {threshold:.2})"
    )
}

#[cfg(test)]
mod tests;
