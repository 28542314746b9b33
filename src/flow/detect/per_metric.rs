//! `novelty` and `forecast`: each metric of each reading next to its own past. Where a topology has both, they judge a
//! series together, and an anomaly is the one's that finds it rarer.
//!
//! Anomalies are listed metric by metric, by time within a metric. What does not reach the threshold is told where enough
//! metrics come near it in one window: false alarms of several metrics seldom meet, an incident seldom comes alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::calibration;
use super::metric::Metric;
use super::series::{Asked, Seen, Series};
use super::settings::{Kind, Settings};
use super::{Anomaly, Band, ClosedWindow, Score, Scores, Severity, Side, Verdict, words};
use crate::flow::time::EventTime;

/// The strength from which a row is an anomaly, unless set.
pub const NOVELTY_THRESHOLD: f32 = 1.8;
/// The same of `forecast`, and of both together.
pub const FORECAST_THRESHOLD: f32 = 1.82;
/// What is that much less rare than the threshold wants is near it.
const NEAR: f64 = 1.6;

/// One of the detectors, or both.
#[derive(Clone, Debug)]
pub struct PerMetric {
    asked: Asked,
    /// The strengths that are near the thresholds.
    near: [f32; 2],
    /// Metrics that must come near in a window to be told; 0 for never.
    agree: usize,
}

/// What is learned of an entity: up to 6 KB a judged metric, a fifth where `size` is `small`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// One a judged metric.
    series: Vec<Series>,
}

/// What one of the two says of a window.
#[derive(Debug)]
pub struct Opinion {
    /// Which.
    pub kind: Kind,
    /// What it found.
    pub verdict: Verdict,
    /// A score a value, where wanted.
    pub scores: Scores,
}

impl PerMetric {
    /// The detector of those settings: of `novelty`, `forecast`, or one of each.
    pub fn new(settings: &[Settings]) -> PerMetric {
        let both = settings.len() > 1;
        // Two that judge a metric share the rate that is accepted of it.
        let rareness_of = |rate: f64| calibration::rareness_of(if both { rate / 2.0 } else { rate });
        let by_rate = |settings: &Settings| settings.threshold.is_none() && settings.false_alarms.is_some();
        let wanted = |kind: Kind| {
            let own = settings.iter().find(|settings| settings.kind == kind)?;
            let default = if kind == Kind::Novelty && !both { NOVELTY_THRESHOLD } else { FORECAST_THRESHOLD };
            let of_rate =
                own.false_alarms.map(|rate| calibration::strength_of(kind, rareness_of(rate)) as f32);
            Some(own.threshold.map(|threshold| threshold as f32).or(of_rate).unwrap_or(default))
        };
        // Only a rate says how often metrics come near it.
        let near = |kind: Kind| {
            let own = settings.iter().find(|settings| settings.kind == kind && by_rate(settings))?;
            let rareness = rareness_of(own.false_alarms?) - NEAR;
            Some(calibration::strength_of(kind, rareness) as f32)
        };
        let [novelty, forecast] = [Kind::Novelty, Kind::Forecast].map(wanted);
        PerMetric {
            asked: Asked {
                novelty,
                forecast,
                size: settings[0].size,
                takes_more_off: both && !settings.iter().any(by_rate),
                learn_for_ms: settings.iter().map(|settings| settings.learn_for_ms).max().unwrap_or(0),
            },
            near: [Kind::Novelty, Kind::Forecast].map(|kind| near(kind).unwrap_or(f32::INFINITY)),
            agree: settings.iter().map(|settings| settings.agree).max().unwrap_or(0) as usize,
        }
    }

    /// What is asked of a series.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Judges a window row by row, learning each before the next.
    pub fn judge(&self, window: &ClosedWindow<'_>, memory: &mut Memory, wanted: bool) -> Vec<Opinion> {
        let mut sheet = Sheet::new(self, wanted);
        let judged = window.schema.metrics.iter().enumerate().filter(|(_, metric)| metric.judged);
        let until = window.readings.times.iter().copied().max();
        let mut least = (1.0_f64, 1.0_f64);
        for (place, (index, _)) in judged.enumerate() {
            if memory.series.len() <= place {
                memory.series.resize(place + 1, Series::default());
            }
            let series = &mut memory.series[place];
            if let Some(until) = until {
                let (novelty, forecast) = series.confidence(&self.asked, until);
                least = (least.0.min(novelty), least.1.min(forecast));
            }
            let at = Metric { window, index };
            for (row, value) in at.values() {
                let seen = series.step(&self.asked, window.readings.times[row], value);
                sheet.note(at, row, value, &seen, series);
            }
        }
        sheet.opinions(least)
    }
}

/// What the two say, as it is gathered.
struct Sheet<'a> {
    detector: &'a PerMetric,
    novelty: Scores,
    forecast: Scores,
    found: Vec<Candidate>,
}

/// What reaches a threshold or comes near it.
struct Candidate {
    kind: Kind,
    metric: usize,
    /// Whether it is told whatever the others say.
    reaches: bool,
    time: EventTime,
    anomaly: Anomaly,
}

impl<'a> Sheet<'a> {
    fn new(detector: &'a PerMetric, wanted: bool) -> Sheet<'a> {
        let scores = || if wanted { Scores::wanted() } else { Scores::unwanted() };
        Sheet { detector, novelty: scores(), forecast: scores(), found: Vec::new() }
    }

    /// Whether novelty and forecast sit side by side.
    fn in_company(&self) -> bool {
        self.detector.asked.novelty.is_some() && self.detector.asked.forecast.is_some()
    }

    fn note(&mut self, at: Metric<'_>, row: usize, value: f64, seen: &Seen, series: &Series) {
        let (asked, both) = (&self.detector.asked, self.in_company());
        let (novelty, forecast) = (f64::from(seen.novelty), f64::from(seen.forecast));
        let score = |kind: Kind, strength: f64, band: Option<Band>| Score {
            score: calibration::score(kind, strength),
            together: both.then(|| calibration::score_together(novelty, forecast)),
            expected: band,
            ..at.unscored(row, value)
        };
        self.novelty.add(|| score(Kind::Novelty, novelty, Some(seen.known_band())));
        self.forecast.add(|| score(Kind::Forecast, forecast, expected(at, asked, seen, series)));
        let [near_novelty, near_forecast] = self.detector.near;
        let told = |strength: f32, threshold: Option<f32>, near: f32| {
            let reaches = threshold.is_some_and(|threshold| strength >= threshold);
            let is_near = self.detector.agree > 0 && threshold.is_some() && strength >= near;
            (reaches || is_near).then_some(reaches)
        };
        let by_novelty = told(seen.novelty, asked.novelty, near_novelty);
        let by_forecast = told(seen.forecast, asked.forecast, near_forecast);
        let rareness = |kind: Kind, strength: f64| calibration::rareness(kind, strength);
        // Who finds it rarer speaks; of two that do alike, novelty.
        let novelty_speaks = by_novelty.is_some()
            && (by_forecast.is_none()
                || rareness(Kind::Novelty, novelty) >= rareness(Kind::Forecast, forecast));
        let kind = if novelty_speaks { Kind::Novelty } else { Kind::Forecast };
        if by_novelty.or(by_forecast).is_none() {
            return;
        }
        let reaches = by_novelty == Some(true) || by_forecast == Some(true);
        let time = at.window.readings.times[row];
        let rare = rareness(kind, if novelty_speaks { novelty } else { forecast });
        let anomaly = if novelty_speaks {
            let band = seen.known_band();
            let since = series.since().map_or(0, |since| time.as_ms() - since.as_ms());
            let (side, description) = words::novelty(at.name(), value, band, seen.known.novel, since);
            described(at, row, value, rare, Some(band), side, description)
        } else {
            let band = expected(at, asked, seen, series);
            // Bit for bit: readings that nobody takes any more are repeated as they are.
            let stuck = at.values().take_while(|(at, _)| *at <= row).all(|(_, other)| other == value);
            let (side, description) =
                words::forecast(at.name(), value, band, seen.outlook, seen.first, stuck);
            described(at, row, value, rare, band, side, description)
        };
        self.found.push(Candidate { kind, metric: at.index, reaches, time, anomaly });
    }

    /// What is told: what reaches a threshold, and everything where enough metrics come near one.
    fn opinions(mut self, (novelty, forecast): (f64, f64)) -> Vec<Opinion> {
        let metrics: BTreeSet<usize> = self.found.iter().map(|candidate| candidate.metric).collect();
        let agree = self.detector.agree;
        if agree == 0 || metrics.len() < agree {
            self.found.retain(|candidate| candidate.reaches);
        }
        say_together(&mut self.found);
        let Sheet { detector, novelty: novelties, forecast: forecasts, found, .. } = self;
        let (mut of_novelty, mut of_forecast) = (Vec::new(), Vec::new());
        for Candidate { kind, anomaly, .. } in found {
            if kind == Kind::Novelty { of_novelty.push(anomaly) } else { of_forecast.push(anomaly) }
        }
        let opinion = |kind, asked: Option<f32>, confidence: f64, found: Vec<Anomaly>, scores: Scores| {
            let verdict = if confidence < 1.0 && found.is_empty() {
                Verdict::Learning { confidence }
            } else {
                Verdict::of(found)
            };
            asked.map(|_| Opinion { kind, verdict, scores })
        };
        let first = opinion(Kind::Novelty, detector.asked.novelty, novelty, of_novelty, novelties);
        let second = opinion(Kind::Forecast, detector.asked.forecast, forecast, of_forecast, forecasts);
        first.into_iter().chain(second).collect()
    }
}

/// Says of metrics that moved together in a window how many did, and which of them first.
fn say_together(found: &mut [Candidate]) {
    let metrics: BTreeSet<usize> = found.iter().map(|candidate| candidate.metric).collect();
    let Some(first) = found.iter().min_by_key(|candidate| candidate.time) else { return };
    if metrics.len() < 2 {
        return;
    }
    let (first, others) = (first.anomaly.metric.clone(), metrics.len() - 1);
    for candidate in found {
        candidate.anomaly.description += &words::together(&candidate.anomaly.metric, &first, others);
    }
}

/// What `forecast` would have let pass, as far as the metric can go there: a share is not expected below 0 %.
fn expected(at: Metric<'_>, asked: &Asked, seen: &Seen, series: &Series) -> Option<Band> {
    let (outlook, forecast) = seen.outlook.as_ref().zip(series.forecast())?;
    let threshold = Some(f64::from(asked.forecast?)).filter(|threshold| threshold.is_finite());
    let band = forecast.band(outlook, threshold.unwrap_or(f64::from(FORECAST_THRESHOLD)))?;
    let range = at.window.schema.metrics[at.index].range;
    let possible = |end: f64| (seen.first + end).max(range.low).min(range.high);
    Some(Band { low: possible(band.low), high: possible(band.high) })
}

fn described(
    at: Metric<'_>,
    row: usize,
    value: f64,
    rareness: f64,
    band: Option<Band>,
    side: Side,
    description: String,
) -> Anomaly {
    Anomaly {
        threshold: band.map(|band| if value < band.low { band.low } else { band.high }),
        severity: Severity::of_rareness(rareness),
        score: super::statistics::score_of_surprise(rareness),
        expected: band,
        side,
        description,
        ..at.anomaly(row, value, band.unwrap_or(Band { low: value, high: value }))
    }
}

#[cfg(test)]
mod tests;
