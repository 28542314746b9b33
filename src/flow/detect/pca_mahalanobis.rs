//! The vector of a reading's metrics: its squared Mahalanobis distance among the principal components.
//!
//! `baseline = "window"` is the predecessor's: the window's readings are standardised, the fewest components that hold
//! more than the set share of the variance are kept, and a squared distance above the chi-square quantile of as many
//! degrees of freedom is an anomaly. `baseline = "history"` does the same with means and covariances learned from
//! earlier windows. Anomalies are listed in the order of the rows. A metric that has never varied says nothing here.

use serde::{Deserialize, Serialize};

use super::chi_square;
use super::comoments::Comoments;
use super::components::{Components, Smallest};
use super::history::{History, Lesson, MEMORY_READINGS, Schedule};
use super::settings::{Baseline, Settings};
use super::statistics::score_of_surprise;
use super::vectors::Vectors;
use super::{Anomaly, ClosedWindow, Detector, Score, Scores, Severity, Side, Verdict};
use crate::flow::model::MAX_METRICS;

const METRIC: &str = "correlation_pattern";
const DESCRIPTION: &str = "Abnormal correlation among metrics (PCA + Mahalanobis)";

/// The detector.
#[derive(Clone, Debug)]
pub struct PcaMahalanobis {
    baseline: Baseline,
    variance: f64,
    /// By the number of components kept, from 1: a quantile costs more than to judge a window.
    thresholds: Vec<f64>,
    schedule: Schedule,
}

/// What is learned of an entity: some 1.8 KB for 12 metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    history: History,
    moments: Comoments,
    fit: Option<Components>,
}

impl PcaMahalanobis {
    /// The detector with those settings.
    pub fn new(settings: &Settings) -> PcaMahalanobis {
        let threshold = |kept| {
            let quantile = || chi_square::quantile(settings.quantile, kept as f64);
            settings.threshold.unwrap_or_else(quantile)
        };
        PcaMahalanobis {
            baseline: settings.baseline,
            variance: settings.variance,
            thresholds: (1..=MAX_METRICS).map(threshold).collect(),
            schedule: Schedule::of(settings),
        }
    }

    /// The squared distance from which a reading is abnormal.
    fn threshold(&self, fit: &Components) -> f64 {
        self.thresholds[fit.kept() - 1]
    }

    /// Finds nothing without a fit, or where nothing has varied.
    fn find(&self, fit: Option<&Components>, vectors: &Vectors<'_>, scores: &mut Scores) -> Vec<Anomaly> {
        let Some(fit) = fit.filter(|fit| fit.kept() > 0) else {
            vectors.leave_unscored(METRIC, scores);
            return Vec::new();
        };
        let threshold = self.threshold(fit);
        let score = |distance| score_of_surprise(-chi_square::log10_upper_tail(distance, fit.kept() as f64));
        let mut found = Vec::new();
        let mut deviations = Vec::new();
        for (&row, vector) in vectors.rows().iter().zip(vectors.each()) {
            let value = fit.squared_distance(vector, &mut deviations);
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
                    severity: Severity::of_ratio(value / threshold),
                    score: score(value),
                    expected: None,
                    side: Side::Neither,
                    contributions: vectors.contributions(&fit.parts(&deviations)),
                    description: DESCRIPTION.into(),
                });
            }
        }
        found
    }

    /// Learns a window, abnormal readings pulled in to the edge of the normal. (Left out, they would make the spread
    /// look smaller each time, and more readings abnormal.)
    fn learn(&self, vectors: &Vectors<'_>, found: &[Anomaly], memory: &mut Memory) {
        let Some(fit) = memory.fit.as_ref().filter(|_| !found.is_empty()) else {
            return memory.merge(vectors.values(), vectors.width());
        };
        let mut pulled_in = vectors.values().to_vec();
        let mut abnormal = found.iter().peekable();
        for (row, vector) in vectors.rows().iter().zip(pulled_in.chunks_exact_mut(vectors.width())) {
            if let Some(anomaly) = abnormal.next_if(|anomaly| anomaly.row == *row) {
                let share = self.threshold(fit) / anomaly.value;
                vector.copy_from_slice(&fit.pulled_in(vector, share));
            }
        }
        memory.merge(&pulled_in, vectors.width());
    }
}

impl Memory {
    fn merge(&mut self, values: &[f64], width: usize) {
        let fresh = Comoments::of(values, width);
        self.moments = std::mem::take(&mut self.moments).merged(&fresh).faded_to(f64::from(MEMORY_READINGS));
    }
}

impl Detector for PcaMahalanobis {
    type Memory = Memory;

    fn judge(&self, window: &ClosedWindow<'_>, memory: &mut Memory, scores: &mut Scores) -> Verdict {
        let vectors = Vectors::of(window);
        if self.baseline == Baseline::Window {
            let moments = Comoments::of(vectors.values(), vectors.width());
            let fit = Components::of(&moments, self.variance, Smallest::LeftOut);
            return Verdict::of(self.find(fit.as_ref(), &vectors, scores));
        }
        if memory.fit.as_ref().is_some_and(|fit| fit.width() != vectors.width()) {
            *memory = Memory::default();
        }
        let has_judged = memory.fit.is_some();
        let found = self.find(memory.fit.as_ref(), &vectors, scores);
        match memory.history.lesson(&self.schedule, vectors.len(), found.len()) {
            Lesson::Learn => self.learn(&vectors, &found, memory),
            Lesson::Ignore => {}
            Lesson::StartOver => {
                *memory = Memory { history: memory.history, ..Memory::default() };
                memory.merge(vectors.values(), vectors.width());
            }
        }
        if memory.history.fit_is_due(&self.schedule, memory.fit.is_some()) {
            let fit = Components::of(&memory.moments, self.variance, Smallest::Floored);
            memory.fit = fit.or(memory.fit.take());
        }
        if has_judged { Verdict::of(found) } else { memory.history.learning(&self.schedule) }
    }
}

#[cfg(test)]
mod tests;
