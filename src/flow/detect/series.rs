//! What is known of one metric of one entity, by `novelty`, `forecast` or both, and what they make of a row together.
//!
//! Both give a strength in the same unit. It is told where it stands out of the rows before it; and for 60 rows after an
//! anomaly, whoever of them found it, only what is much stronger: an episode is told once.

use serde::{Deserialize, Serialize};

use super::Band;
use super::forecast::{self, Forecast, Moment, Outlook};
use super::novelty::{Known, Novelty, quarter_of};
use super::peaks::Peaks;
use super::settings::Size;
use crate::flow::time::EventTime;

/// Rows that are kept as they are: most of what comes once and never again comes less often, and takes some bytes then.
const YOUNG_ROWS: usize = 16;
/// Rows before anything is told.
pub const LEARNING_ROWS: u32 = 150;
/// Rows after an anomaly that belong to the same episode, and how much stronger than those before it a row must be to be
/// told within one.
const EPISODE_ROWS: u8 = 60;
const STRONGER: f32 = 3.0;
/// Values are held within this distance from the first, so that no square of them overflows.
const FARTHEST: f64 = 1e18;

/// What is asked of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// From where on; `None` where a detector is not asked.
    pub novelty: Option<f32>,
    /// From where on; `None` where a detector is not asked.
    pub forecast: Option<f32>,
    /// How much is remembered.
    pub size: Size,
    /// Whether more is taken off `novelty` for the length of a series, as the threshold of both together wants it.
    pub takes_more_off: bool,
    /// How long `novelty` tells nothing: before a day is over most of its rhythm was never seen before.
    pub learn_for_ms: i64,
}

/// Before a day is over nothing is known of the time of day.
const DAY_MS: i64 = 86_400_000;

impl Asked {
    /// Whether any of the two tells an anomaly.
    pub fn is_reached(&self, seen: &Seen) -> bool {
        let reached =
            |strength: f32, threshold: Option<f32>| threshold.is_some_and(|least| strength >= least);
        reached(seen.novelty, self.novelty) || reached(seen.forecast, self.forecast)
    }
}

/// What is known of a series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    young: Vec<(EventTime, f64)>,
    grown: Option<Box<Grown>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Grown {
    first: f64,
    since: EventTime,
    rows: u32,
    /// Rows left of the episode that something told has begun.
    episode: u8,
    novelty: Option<Box<(Novelty, Peaks)>>,
    forecast: Option<Box<(Forecast, Peaks)>>,
}

/// What was made of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// The strength that `novelty` tells; 0 where it tells none.
    pub novelty: f32,
    /// The strength that `forecast` tells; 0 where it tells none.
    pub forecast: f32,
    /// What `novelty` knew before the row, relative to `first`.
    pub known: Known,
    /// What `forecast` expected, relative to `first`.
    pub outlook: Option<Outlook>,
    /// The series' first value.
    pub first: f64,
}

impl Seen {
    /// The values that `novelty` had seen.
    pub fn known_band(&self) -> Band {
        let at = |offset: f32| self.first + f64::from(offset);
        Band { low: at(self.known.low), high: at(self.known.high) }
    }
}

impl Series {
    /// Rows seen, as far as it matters for learning.
    pub fn rows(&self) -> u32 {
        self.grown.as_ref().map_or(self.young.len() as u32, |grown| grown.rows)
    }

    /// Since when it is known; its first row's time.
    pub fn since(&self) -> Option<EventTime> {
        let young = || self.young.first().map(|(time, _)| *time);
        self.grown.as_ref().map(|grown| grown.since).or_else(young)
    }

    /// How much of what `novelty` and `forecast` must have seen before they tell anything has been seen by then; 1 for all.
    pub fn confidence(&self, asked: &Asked, now: EventTime) -> (f64, f64) {
        let share = |part: f64, whole: f64| if part >= whole { 1.0 } else { part / whole };
        let span_ms = self.since().map_or(0, |since| now.as_ms() - since.as_ms()).max(0);
        let rows = f64::from(self.rows());
        let novelty = share(rows, f64::from(LEARNING_ROWS));
        let novelty = novelty.min(share(span_ms as f64, asked.learn_for_ms as f64));
        (novelty, share(rows, f64::from(forecast::LEARNING_ROWS)))
    }

    /// Judges a row, then learns it.
    pub fn step(&mut self, asked: &Asked, time: EventTime, value: f64) -> Seen {
        if let Some(grown) = &mut self.grown {
            return grown.step(asked, time, value);
        }
        self.young.push((time, value));
        if self.young.len() == YOUNG_ROWS {
            let mut grown = Grown::of(asked, self.young[0]);
            for (time, value) in std::mem::take(&mut self.young) {
                grown.step(asked, time, value);
            }
            self.grown = Some(Box::new(grown));
        }
        Seen { first: value, ..Seen::default() }
    }

    /// What `forecast` knows, to say what it would have let pass.
    pub fn forecast(&self) -> Option<&Forecast> {
        self.grown.as_ref()?.forecast.as_ref().map(|judge| &judge.0)
    }

    /// Bytes in memory, itself included.
    pub fn bytes(&self) -> usize {
        let heap = |grown: &Grown| {
            let novelty = grown.novelty.as_ref().map(|judge| size_of_val(&**judge) + judge.0.heap_bytes());
            let forecast = grown.forecast.as_ref().map(|judge| size_of_val(&**judge) + judge.0.heap_bytes());
            size_of::<Grown>() + novelty.unwrap_or(0) + forecast.unwrap_or(0)
        };
        let young = self.young.capacity() * size_of::<(EventTime, f64)>();
        size_of::<Series>() + young + self.grown.as_deref().map_or(0, heap)
    }
}

impl Grown {
    fn of(asked: &Asked, (since, first): (EventTime, f64)) -> Grown {
        Grown {
            first,
            since,
            rows: 0,
            episode: 0,
            novelty: asked.novelty.map(|_| Box::new((Novelty::of_size(asked.size), Peaks::default()))),
            forecast: asked.forecast.map(|_| Box::new((Forecast::of_size(asked.size), Peaks::default()))),
        }
    }

    fn step(&mut self, asked: &Asked, time: EventTime, value: f64) -> Seen {
        let value = (value - self.first).clamp(-FARTHEST, FARTHEST);
        let mut seen = Seen { first: self.first, ..Seen::default() };
        let by = if self.episode > 0 { STRONGER } else { 0.0 };
        let (row, span_ms) = (self.rows, time.as_ms() - self.since.as_ms());
        let tell = |strength: f32, peaks: &mut Peaks, knows_enough: bool| {
            if peaks.is_news(strength, by, row) && knows_enough { strength } else { 0.0 }
        };
        if let Some(judge) = &mut self.novelty {
            let (novelty, peaks) = &mut **judge;
            let (strength, known) = novelty.step(value as f32, quarter_of(time), asked.takes_more_off);
            let knows_enough = row >= LEARNING_ROWS && span_ms >= asked.learn_for_ms;
            (seen.novelty, seen.known) = (tell(strength, peaks, knows_enough), known);
        }
        if let Some(judge) = &mut self.forecast {
            let (forecast, peaks) = &mut **judge;
            let outlook = forecast.step(value, Moment::of(time), span_ms >= DAY_MS);
            let told = tell(outlook.strength as f32, peaks, row >= LEARNING_ROWS);
            (seen.forecast, seen.outlook) = (told, Some(outlook));
        }
        self.episode = if asked.is_reached(&seen) { EPISODE_ROWS } else { self.episode.saturating_sub(1) };
        self.rows = self.rows.saturating_add(1);
        seen
    }
}

#[cfg(test)]
mod tests;
