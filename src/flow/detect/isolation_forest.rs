//! The vector of a reading's metrics: how few random cuts isolate it from the others.
//!
//! `baseline = "window"` is the predecessor's: the trees are grown from the window's readings, and of these the set
//! share (`contamination`) that is isolated soonest is abnormal, quiet window or not. Readings that tie at the edge are
//! all normal, so a window of identical readings is.
//!
//! `baseline = "history"` grows them from a sample of the past. A fixed share would be a flood of alarms there, so a
//! reading is abnormal only if it is isolated sooner than one past reading in a thousand would be, going by the slope of
//! the past's upper tail (see [`Tail`]). Scores are bounded, so real tails end sooner: of quiet readings of six kinds,
//! one in 10,000 was abnormal in the median, one in 800 at the worst. The value is the same in both: the score minus the score that the set share
//! lies below; less is worse. Anomalies are listed in the order of the rows.

use serde::{Deserialize, Serialize};

use super::forest::Forest;
use super::history::{History, Lesson, Schedule};
use super::random::Random;
use super::reservoir::Reservoir;
use super::settings::{Baseline, Settings};
use super::statistics::score_of_surprise;
use super::tail::{Tail, quantile};
use super::vectors::Vectors;
use super::{Anomaly, ClosedWindow, Detector, Score, Scores, Severity, Side, Verdict};

const METRIC: &str = "multivariate_pattern";
const DESCRIPTION: &str = "Abnormal system behavior detected across multiple metrics";
/// −log10 of the share of past readings that would be abnormal.
const ALARM_SURPRISE: f64 = 3.0;

/// The detector.
#[derive(Clone, Debug)]
pub struct IsolationForest {
    settings: Settings,
    schedule: Schedule,
}

/// What is learned of an entity: 37 KB for 12 metrics and the default settings, and 350 KB more while it is in memory
/// for the trees, which are grown again after a memory is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    history: History,
    reservoir: Reservoir,
    fit: Option<Fit>,
}

/// What the past looked like when it was last looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fit {
    /// The vectors the trees are grown from, as the reservoir writes them, and the seed they are grown with.
    sample: Vec<f32>,
    seed: u64,
    normal: Normal,
    #[serde(skip)]
    forest: Option<Forest>,
}

/// How unusual vectors have been.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Normal {
    /// What the set share of them exceeded.
    offset: f64,
    tail: Tail,
}

impl Normal {
    fn of(mut unusual: Vec<f64>, contamination: f64) -> Normal {
        // Negated before they are sorted: the quantile is then, to the last bit, that of the predecessor's scores.
        let negate = |values: &mut Vec<f64>| values.iter_mut().for_each(|value| *value = -*value);
        negate(&mut unusual);
        unusual.sort_by(f64::total_cmp);
        let offset = -quantile(&unusual, contamination);
        negate(&mut unusual);
        unusual.reverse();
        Normal { offset, tail: Tail::of(&unusual) }
    }
}

impl IsolationForest {
    /// The detector with those settings.
    pub fn new(settings: &Settings) -> IsolationForest {
        IsolationForest { settings: settings.clone(), schedule: Schedule::of(settings) }
    }

    fn grow(&self, vectors: &[f32], width: usize, seed: u64) -> Option<Forest> {
        let Settings { trees, samples, .. } = self.settings;
        Forest::grow(vectors, width, trees.max(1), samples, &mut Random::seeded(seed))
    }

    fn judge_window(&self, vectors: &Vectors<'_>, mut random: Random, scores: &mut Scores) -> Verdict {
        let origin = vectors.each().next().unwrap_or_default();
        let written = Reservoir::from_origin(origin).written(vectors.values());
        let Some(forest) = self.grow(&written, vectors.width(), random.draw()) else {
            vectors.leave_unscored(METRIC, scores);
            return Verdict::Normal;
        };
        let unusual = forest.judge(&written);
        let normal = Normal::of(unusual.clone(), self.settings.contamination);
        Verdict::of(
            Judged { vectors, written: &written, unusual: &unusual, forest: &forest }
                .find(&normal, None, scores),
        )
    }

    /// Judges by the last fit; finds nothing without one.
    fn find(&self, memory: &mut Memory, vectors: &Vectors<'_>, scores: &mut Scores) -> Vec<Anomaly> {
        let Memory { reservoir, fit, .. } = memory;
        let Some(Fit { sample, seed, normal, forest }) = fit else {
            vectors.leave_unscored(METRIC, scores);
            return Vec::new();
        };
        if forest.is_none() {
            *forest = self.grow(sample, vectors.width(), *seed);
        }
        let Some(forest) = forest else { return Vec::new() };
        let written = reservoir.written(vectors.values());
        let unusual = forest.judge(&written);
        let threshold = normal.offset - normal.tail.value_at(ALARM_SURPRISE);
        let judged = Judged { vectors, written: &written, unusual: &unusual, forest };
        judged.find(normal, Some(threshold), scores)
    }

    /// Looks at the past anew.
    fn fit(&self, reservoir: &Reservoir, random: &mut Random) -> Option<Fit> {
        let width = reservoir.width();
        let mut vectors: Vec<&[f32]> = reservoir.values().chunks_exact(width.max(1)).collect();
        let samples = self.settings.samples.min(vectors.len());
        for at in 0..samples {
            let pick = at + random.below(vectors.len() - at);
            vectors.swap(at, pick);
        }
        let sample = vectors[..samples].concat();
        let seed = random.draw();
        let forest = self.grow(&sample, width, seed)?;
        // Half of the reservoir was not sampled: the tail is not only that of vectors the trees know.
        let normal = Normal::of(forest.judge(reservoir.values()), self.settings.contamination);
        Some(Fit { sample, seed, normal, forest: Some(forest) })
    }
}

impl Detector for IsolationForest {
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
        let found = self.find(memory, &vectors, scores);
        match memory.history.lesson(&self.schedule, vectors.len(), found.len()) {
            Lesson::Learn => memory.reservoir.learn(&vectors, &found, self.settings.reservoir, &mut random),
            Lesson::Ignore => {}
            Lesson::StartOver => {
                *memory = Memory { history: memory.history, ..Memory::default() };
                memory.reservoir.learn(&vectors, &[], self.settings.reservoir, &mut random);
            }
        }
        if memory.history.fit_is_due(&self.schedule, memory.fit.is_some()) {
            let fit = self.fit(&memory.reservoir, &mut random);
            memory.fit = fit.or(memory.fit.take());
        }
        if has_judged { Verdict::of(found) } else { memory.history.learning(&self.schedule) }
    }
}

/// Vectors and what a forest says of them.
struct Judged<'a> {
    vectors: &'a Vectors<'a>,
    written: &'a [f32],
    unusual: &'a [f64],
    forest: &'a Forest,
}

impl Judged<'_> {
    /// Those whose value is below the threshold, or below zero where there is none.
    fn find(&self, normal: &Normal, threshold: Option<f64>, scores: &mut Scores) -> Vec<Anomaly> {
        let score = |unusual| score_of_surprise(normal.tail.surprise(unusual));
        let mut found = Vec::new();
        let rows = self.vectors.rows().iter().zip(self.unusual);
        for ((&row, &unusual), written) in rows.zip(self.written.chunks_exact(self.vectors.width())) {
            let value = normal.offset - unusual;
            scores.add(|| Score {
                row,
                metric: METRIC.into(),
                value,
                score: score(unusual),
                together: None,
                expected: None,
            });
            if value < threshold.unwrap_or(0.0) {
                found.push(Anomaly {
                    row,
                    metric: METRIC.into(),
                    value,
                    threshold,
                    severity: Severity::High,
                    score: score(unusual),
                    expected: None,
                    side: Side::Neither,
                    contributions: self.vectors.contributions(&self.forest.parts(written)),
                    description: DESCRIPTION.into(),
                });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
