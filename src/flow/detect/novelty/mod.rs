//! Never seen before: how far a value, the shape of the last hours, the value at this time of day and the least value of
//! a while are from everything this series has shown.
//!
//! Each distance is scored among the distances so far, the greatest score counts, and only the value itself goes without
//! handicap: distance to the nearest past value says more than magnitude, and averaging over the shares of the tail and
//! the spans of the minima beats the best of them. What a longer series finds by chance is taken off again.

pub mod daytime;
pub mod minima;
pub mod seen;
pub mod shape;
pub mod tail;
pub mod trend;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::daytime::Daytime;
pub use self::daytime::quarter_of;
use self::minima::Minima;
use self::seen::Seen;
use self::shape::Shape;
use self::tail::{SHARES, Scores, Tail};
use self::trend::Trend;
use super::settings::Size;

/// How much a score of anything but the value itself must exceed to count.
const HANDICAP: f32 = 6.0;

/// What is known of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Novelty {
    rows: u32,
    seen: Seen,
    tail: Tail,
    trend: Trend,
    /// Left out where room is short: without it the value alone is judged.
    more: Option<Box<More>>,
}

/// What of a row is the most novel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Novel {
    /// The value.
    #[default]
    Value,
    /// The shape of the last hours.
    Shape,
    /// The value at this time of day.
    Daytime,
    /// The least value of a while.
    Minimum,
}

/// What was known before a row, next to it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// The least value so far.
    pub low: f32,
    /// The greatest value so far.
    pub high: f32,
    /// What of the row is the most novel.
    pub novel: Novel,
}

/// What is judged beside the value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct More {
    shape: Shape,
    shapes: Tail,
    daytime: Daytime,
    daytimes: Tail,
    minima: Minima,
}

impl Novelty {
    /// Nothing known yet.
    pub fn of_size(size: Size) -> Novelty {
        let (limit, more) = match size {
            Size::Normal => (128, Some(Box::default())),
            Size::Small => (48, None),
        };
        Novelty {
            rows: 0,
            seen: Seen::with_limit(limit),
            tail: Tail::default(),
            trend: Trend::default(),
            more,
        }
    }

    /// Judges a row, then learns it; `value` is counted from the series' first one. The strength is about the negative
    /// log10 of how often a quiet series shows the like, less what its length makes likely. More is taken off in company,
    /// where `forecast` judges too and finds most of what matters.
    pub fn step(&mut self, value: f32, quarter: usize, in_company: bool) -> (f32, Known) {
        let (low, high) = self.trend.ends();
        let distance = self.seen.distance(value);
        let own = self.tail.score(distance, 0.0);
        self.tail.learn(distance);
        self.seen.learn(value, distance);
        let mut fused = Fused { scores: [own; 3], novel: Novel::Value, most: mean(own) };
        if let Some(more) = &mut self.more {
            more.step(value, quarter, &mut fused);
        }
        let mean = fused.scores.iter().flatten().sum::<f32>() / (3 * SHARES.len()) as f32;
        let strength = mean - self.made_likely_by_length(in_company) - self.trend.penalty(value);
        self.trend.learn(value, self.rows);
        self.rows = self.rows.saturating_add(1);
        (strength.max(0.0), Known { low, high, novel: fused.novel })
    }

    /// The longer a series, the more of it is unusual by chance; one with a heavy tail never ends to show values never
    /// seen before.
    fn made_likely_by_length(&self, in_company: bool) -> f32 {
        const LOG10_2: f32 = std::f32::consts::LOG10_2;
        let thousands = libm::log10(f64::from(self.rows.clamp(300, 50_000)) / 1000.0) as f32;
        0.4 * thousands + if in_company { 1.5 * (thousands - LOG10_2).max(0.0) } else { 0.0 }
    }

    /// Bytes beside itself.
    pub fn heap_bytes(&self) -> usize {
        let more = self.more.as_ref().map_or(0, |more| size_of::<More>() + more.minima.heap_bytes());
        self.seen.heap_bytes() + more
    }
}

impl More {
    fn step(&mut self, value: f32, quarter: usize, fused: &mut Fused) {
        for (span, by) in self.minima.step(value, HANDICAP).into_iter().enumerate() {
            fused.raise(span..span + 1, by, Novel::Minimum);
        }
        if let Some(distance) = self.shape.step(value) {
            fused.raise(0..3, self.shapes.score(distance, HANDICAP), Novel::Shape);
            self.shapes.learn(distance);
        }
        if let Some(distance) = self.daytime.distance(quarter, value) {
            fused.raise(0..3, self.daytimes.score(distance, HANDICAP), Novel::Daytime);
            self.daytimes.learn(distance);
        }
        self.daytime.learn(quarter, value);
    }
}

/// Scores by span of the minima and share of the tail, and which of the distances is the most unusual.
struct Fused {
    scores: [Scores; 3],
    novel: Novel,
    most: f32,
}

impl Fused {
    /// Raises the scores of some spans to those of another distance.
    fn raise(&mut self, spans: Range<usize>, by: Scores, novel: Novel) {
        for score in &mut self.scores[spans] {
            for (score, by) in score.iter_mut().zip(by) {
                *score = score.max(by - HANDICAP);
            }
        }
        let mean = mean(by) - HANDICAP;
        if mean > self.most {
            (self.most, self.novel) = (mean, novel);
        }
    }
}

fn mean(scores: Scores) -> f32 {
    scores.iter().sum::<f32>() / SHARES.len() as f32
}
