//! `novelty` and `forecast`: each metric of each reading next to its own past. Where a topology has both, they judge a
//! series together, and an anomaly is the stronger one's.
//!
//! Anomalies are listed metric by metric, by time within a metric.

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use super::series::{Asked, LEARNING_ROWS, Seen, Series};
use super::settings::{Kind, Settings};
use super::statistics::score_of_strength;
use super::{Anomaly, Band, ClosedWindow, Score, Scores, Severity, Verdict, words};

/// The strength from which a row is an anomaly, unless set.
pub const NOVELTY_THRESHOLD: f32 = 1.8;
/// The same of `forecast`, and of both together.
pub const FORECAST_THRESHOLD: f32 = 1.82;

/// One of the detectors, or both.
#[derive(Clone, Debug)]
pub struct PerMetric {
    asked: Asked,
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
        let threshold = |kind: Kind| {
            let own = settings.iter().find(|settings| settings.kind == kind)?;
            let default = if kind == Kind::Novelty && !both { NOVELTY_THRESHOLD } else { FORECAST_THRESHOLD };
            Some(own.threshold.map_or(default, |threshold| threshold as f32))
        };
        PerMetric {
            asked: Asked {
                novelty: threshold(Kind::Novelty),
                forecast: threshold(Kind::Forecast),
                size: settings[0].size,
            },
        }
    }

    /// What is asked of a series.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Judges a window row by row, learning each before the next.
    pub fn judge(&self, window: &ClosedWindow<'_>, memory: &mut Memory, wanted: bool) -> Vec<Opinion> {
        let mut sheet = Sheet::new(&self.asked, wanted);
        let judged = window.schema.metrics.iter().enumerate().filter(|(_, metric)| metric.judged);
        let mut least = u32::MAX;
        for (place, (index, _)) in judged.enumerate() {
            if memory.series.len() <= place {
                memory.series.resize(place + 1, Series::default());
            }
            let series = &mut memory.series[place];
            least = least.min(series.rows());
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
    asked: &'a Asked,
    novelty: Pages,
    forecast: Pages,
}

struct Pages {
    found: Vec<Anomaly>,
    scores: Scores,
}

impl<'a> Sheet<'a> {
    fn new(asked: &'a Asked, wanted: bool) -> Sheet<'a> {
        let pages = || Pages {
            found: Vec::new(),
            scores: if wanted { Scores::wanted() } else { Scores::unwanted() },
        };
        Sheet { asked, novelty: pages(), forecast: pages() }
    }

    fn note(&mut self, at: Metric<'_>, row: usize, value: f64, seen: &Seen, series: &Series) {
        let excess = |strength: f32, threshold: Option<f32>| {
            threshold.map(|threshold| strength - threshold).filter(|excess| *excess >= 0.0)
        };
        let novelty = excess(seen.novelty, self.asked.novelty);
        let forecast = excess(seen.forecast, self.asked.forecast);
        let score = |strength: f32, band: Option<Band>| Score {
            score: score_of_strength(f64::from(strength)),
            expected: band,
            ..at.unscored(row, value)
        };
        self.novelty.scores.add(|| score(seen.novelty, Some(seen.known_band())));
        self.forecast.scores.add(|| score(seen.forecast, expected(self.asked, seen, series)));
        // Of both, the one that exceeds its threshold by more speaks; none of them, -infinity, is more than no other.
        let (novelty, forecast) =
            (novelty.unwrap_or(f32::NEG_INFINITY), forecast.unwrap_or(f32::NEG_INFINITY));
        if novelty >= 0.0 && novelty >= forecast {
            let band = seen.known_band();
            let description = words::novelty(at.name(), value, band, seen.known.novel);
            self.novelty.found.push(told(at, row, value, seen.novelty, Some(band), description));
        } else if forecast >= 0.0 {
            let band = expected(self.asked, seen, series);
            let description = words::forecast(at.name(), value, band, seen.outlook);
            self.forecast.found.push(told(at, row, value, seen.forecast, band, description));
        }
    }

    fn opinions(self, least: u32) -> Vec<Opinion> {
        let learns = least < LEARNING_ROWS;
        let opinion = |kind, asked: Option<f32>, pages: Pages| {
            let verdict = if learns && pages.found.is_empty() {
                Verdict::Learning { confidence: f64::from(least) / f64::from(LEARNING_ROWS) }
            } else {
                Verdict::of(pages.found)
            };
            asked.map(|_| Opinion { kind, verdict, scores: pages.scores })
        };
        let novelty = opinion(Kind::Novelty, self.asked.novelty, self.novelty);
        novelty.into_iter().chain(opinion(Kind::Forecast, self.asked.forecast, self.forecast)).collect()
    }
}

/// What `forecast` would have let pass.
fn expected(asked: &Asked, seen: &Seen, series: &Series) -> Option<Band> {
    let (outlook, forecast) = seen.outlook.as_ref().zip(series.forecast())?;
    let band = forecast.band(outlook, f64::from(asked.forecast?))?;
    Some(Band { low: seen.first + band.low, high: seen.first + band.high })
}

fn told(
    at: Metric<'_>,
    row: usize,
    value: f64,
    strength: f32,
    band: Option<Band>,
    description: String,
) -> Anomaly {
    let score = score_of_strength(f64::from(strength));
    Anomaly {
        threshold: band.map(|band| if value < band.low { band.low } else { band.high }),
        severity: Severity::of_score(score),
        score,
        expected: band,
        description,
        ..at.anomaly(row, value, band.unwrap_or(Band { low: value, high: value }))
    }
}
