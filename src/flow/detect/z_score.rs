//! Each metric of each reading, in standard deviations from its mean.
//!
//! `baseline = "window"` is the predecessor's statistic: mean and sample standard deviation of the window itself,
//! |z| above the threshold is an anomaly, listed metric by metric and by time within a metric.

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use super::settings::{Baseline, Settings};
use super::statistics::{Moments, log10_two_sided_normal_tail, score_of_surprise};
use super::{Anomaly, Band, ClosedWindow, Detector, Scores, Severity, Verdict};

/// Standard deviations beyond which a value is an anomaly, unless set.
const DEFAULT_THRESHOLD: f64 = 4.0;
/// History weighs as much as this many readings: older ones fade.
const MEMORY_READINGS: f64 = 10_000.0;

/// The detector.
#[derive(Clone, Debug)]
pub struct ZScore {
    threshold: f64,
    baseline: Baseline,
    warm_up: f64,
    relearn_after: u32,
}

/// What is learned of an entity: some 300 bytes for 12 metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// One a judged metric.
    metrics: Vec<Learned>,
}

/// What is learned of one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Learned {
    moments: Moments,
    /// Windows in a row that were mostly abnormal and therefore not learned.
    unlearned: u32,
}

impl ZScore {
    /// The detector with those settings.
    pub fn new(settings: &Settings) -> ZScore {
        ZScore {
            threshold: settings.threshold.unwrap_or(DEFAULT_THRESHOLD),
            baseline: settings.baseline,
            warm_up: settings.warm_up as f64,
            relearn_after: settings.relearn_after,
        }
    }

    /// Judges one metric of the window against a mean and a deviation; counts the anomalies.
    fn judge_metric(
        &self,
        at: Metric<'_>,
        moments: Moments,
        found: &mut Vec<Anomaly>,
        scores: &mut Scores,
    ) -> usize {
        let Some(deviation) = moments.deviation() else {
            return self.judge_constant(at, moments, found, scores);
        };
        let reach = self.threshold * deviation;
        let band = Band { low: moments.mean - reach, high: moments.mean + reach };
        let before = found.len();
        for (row, value) in at.values() {
            let z = (value - moments.mean) / deviation;
            let score = |z| score_of_surprise(-log10_two_sided_normal_tail(z));
            scores.add(|| at.score(row, value, score(z), band));
            if z.abs() > self.threshold {
                found.push(Anomaly {
                    score: score(z),
                    severity: severity(z),
                    description: format!("{} deviates significantly (z-score={z:.2})", at.name()),
                    ..at.anomaly(row, value, band)
                });
            }
        }
        found.len() - before
    }

    /// A metric that has never varied: within a window nothing deviates; against history any other value does.
    fn judge_constant(
        &self,
        at: Metric<'_>,
        moments: Moments,
        found: &mut Vec<Anomaly>,
        scores: &mut Scores,
    ) -> usize {
        let band = Band { low: moments.mean, high: moments.mean };
        let before = found.len();
        let tolerance = moments.mean.abs() * 1e-9;
        for (row, value) in at.values() {
            let differs = self.baseline == Baseline::History && (value - moments.mean).abs() > tolerance;
            let score =
                if differs { score_of_surprise(libm::log10(moments.count.max(1.0) + 1.0)) } else { 0.0 };
            scores.add(|| at.score(row, value, score, band));
            if differs {
                found.push(Anomaly {
                    score,
                    severity: Severity::Low,
                    description: format!("{} has always been {}, now it is {value}", at.name(), moments.mean),
                    ..at.anomaly(row, value, band)
                });
            }
        }
        found.len() - before
    }

    /// Learns a metric's window: abnormal values pulled in to the edge of the band, mostly abnormal windows not at
    /// all, until so many in a row say the same that it is the new normal.
    fn learn(&self, at: Metric<'_>, learned: &mut Learned, anomalies: usize) {
        let fresh = Moments::of(at.values().map(|(_, value)| value));
        if anomalies * 2 > fresh.count as usize {
            learned.unlearned += 1;
            if learned.unlearned >= self.relearn_after {
                *learned = Learned { moments: fresh, unlearned: 0 };
            }
            return;
        }
        learned.unlearned = 0;
        let past = learned.moments;
        let winsorised = match past.deviation().filter(|_| past.count >= self.warm_up && anomalies > 0) {
            Some(deviation) => {
                let (low, high) =
                    (past.mean - self.threshold * deviation, past.mean + self.threshold * deviation);
                Moments::of(at.values().map(move |(_, value)| value.clamp(low, high)))
            }
            None => fresh,
        };
        learned.moments = past.merged(winsorised).faded_to(MEMORY_READINGS);
    }
}

impl Detector for ZScore {
    type Memory = Memory;

    fn judge(&self, window: &ClosedWindow<'_>, memory: &mut Memory, scores: &mut Scores) -> Verdict {
        let judged = window.schema.metrics.iter().enumerate().filter(|(_, metric)| metric.judged);
        let mut found = Vec::new();
        let mut least = f64::INFINITY;
        for (place, (index, _)) in judged.enumerate() {
            let at = Metric { window, index };
            if self.baseline == Baseline::Window {
                self.judge_metric(at, Moments::of(at.values().map(|(_, value)| value)), &mut found, scores);
                continue;
            }
            if memory.metrics.len() <= place {
                memory.metrics.resize(place + 1, Learned::default());
            }
            let learned = &mut memory.metrics[place];
            least = least.min(learned.moments.count);
            let anomalies = if learned.moments.count >= self.warm_up {
                self.judge_metric(at, learned.moments, &mut found, scores)
            } else {
                at.values().for_each(|(row, value)| scores.add(|| at.unscored(row, value)));
                0
            };
            self.learn(at, learned, anomalies);
        }
        if found.is_empty() && self.baseline == Baseline::History && least < self.warm_up {
            return Verdict::Learning { confidence: least / self.warm_up };
        }
        Verdict::of(found)
    }
}

/// The predecessor's severities.
fn severity(z: f64) -> Severity {
    match z.abs() {
        z if z > 5.0 => Severity::High,
        z if z > 4.0 => Severity::Medium,
        _ => Severity::Low,
    }
}
