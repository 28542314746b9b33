//! What of all that is abnormal is worth telling: rules of a topology between detectors and reports.
//!
//! ```text
//! abnormal readings     . x . x x . . x x x
//! at_least 2 of 3             x x x       x     told while so many of the last ones were
//! cool_down of 4              x                 and nothing more for a while
//! ```
//!
//! Rules take away and never add. What a detector learns does not depend on them.

pub mod calendar;
mod glob;
pub mod rule;

use serde::{Deserialize, Serialize};

pub use self::calendar::Weekly;
pub use self::glob::is_meant;
pub use self::rule::Rule;
use self::rule::Wanted;
use super::detect::Anomaly;
use super::readings::ClosedWindow;
use super::time::EventTime;

/// The most readings that m of n looks back on.
pub const MOST_READINGS: u32 = 64;

/// An anomaly with its detector's name.
pub type Found = (&'static str, Anomaly);

/// The rules of a topology.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    rules: Vec<Rule>,
}

/// What is remembered of an entity: nothing while nothing is abnormal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// By detector and metric, in that order.
    series: Vec<Remembered>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Remembered {
    detector: String,
    metric: String,
    /// The last readings, the newest in the lowest bit: which were abnormal.
    recent: u64,
    /// The time of the last anomaly that was told.
    told: Option<EventTime>,
}

impl Memory {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    fn of(&mut self, detector: &str, metric: &str) -> &mut Remembered {
        let place = self
            .series
            .binary_search_by(|one| (one.detector.as_str(), one.metric.as_str()).cmp(&(detector, metric)));
        let at = match place {
            Ok(at) => at,
            Err(at) => {
                let (detector, metric) = (detector.to_owned(), metric.to_owned());
                self.series.insert(at, Remembered { detector, metric, recent: 0, told: None });
                at
            }
        };
        &mut self.series[at]
    }
}

impl Alerts {
    /// Those rules, of which later ones count more.
    pub fn new(rules: Vec<Rule>) -> Alerts {
        Alerts { rules }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether some rule looks back.
    pub fn remember(&self) -> bool {
        self.rules.iter().any(|rule| rule.of_readings.is_some() || rule.cool_down_ms.is_some())
    }

    /// Whether something is muted that no reading shows.
    pub fn mutes(&self, entity: &str, metric: &str, detector: &str, time: EventTime) -> bool {
        self.rules.iter().any(|rule| rule.is_about(entity, metric, detector) && rule.mutes(time))
    }

    /// What of a window is worth telling, in the order it was found. `entity_of` names the entity of a row.
    pub fn passed<'a>(
        &self,
        window: &ClosedWindow<'_>,
        found: Vec<Found>,
        entity_of: impl Fn(usize) -> &'a str,
        memory: &mut Memory,
    ) -> Vec<Found> {
        if self.rules.is_empty() {
            return found;
        }
        let mut kept: Vec<(usize, Found, Wanted)> = Vec::new();
        for (place, (detector, anomaly)) in found.into_iter().enumerate() {
            let (entity, time) = (entity_of(anomaly.row), window.readings.times[anomaly.row]);
            let about = || self.rules.iter().filter(|rule| rule.is_about(entity, &anomaly.metric, detector));
            let wanted = Wanted::of(about());
            if wanted.is_met(&anomaly) && !about().any(|rule| rule.mutes(time)) {
                kept.push((place, (detector, anomaly), wanted));
            }
        }
        if self.remember() {
            self.look_back(window, kept, memory)
        } else {
            kept.into_iter().map(|(_, found, _)| found).collect()
        }
    }

    /// m of n and cool-down, series by series in the order of the rows.
    fn look_back(
        &self,
        window: &ClosedWindow<'_>,
        mut kept: Vec<(usize, Found, Wanted)>,
        memory: &mut Memory,
    ) -> Vec<Found> {
        kept.sort_by(|(_, a, _), (_, b, _)| (a.0, &a.1.metric, a.1.row).cmp(&(b.0, &b.1.metric, b.1.row)));
        let readings = window.readings.len();
        let mut told = Vec::new();
        let mut seen: Vec<(String, String)> = Vec::new();
        for group in kept.chunk_by(|(_, a, _), (_, b, _)| (a.0, &a.1.metric) == (b.0, &b.1.metric)) {
            let Some((_, (detector, first), _)) = group.first() else { continue };
            let remembered = memory.of(detector, &first.metric);
            let mut next = 0;
            for (place, found, wanted) in group {
                let row = found.1.row;
                remembered.shift(row.saturating_sub(next));
                remembered.recent = remembered.recent << 1 | 1;
                next = row + 1;
                if remembered.tells(wanted, window.readings.times[row]) {
                    told.push((*place, found.clone()));
                }
            }
            remembered.shift(readings.saturating_sub(next));
            seen.push((remembered.detector.clone(), remembered.metric.clone()));
        }
        let longest_ms = self.rules.iter().filter_map(|rule| rule.cool_down_ms).max().unwrap_or(0);
        let most = self.rules.iter().filter_map(|rule| rule.of_readings).map(|(_, of)| of).max().unwrap_or(0);
        memory.series.retain_mut(|one| {
            if !seen.iter().any(|(detector, metric)| (detector, metric) == (&one.detector, &one.metric)) {
                one.shift(readings);
            }
            one.recent &= last_bits(most);
            let cools = |told: EventTime| told.plus_ms(longest_ms) > window.window.end;
            one.recent != 0 || one.told.is_some_and(cools)
        });
        told.sort_by_key(|(place, _)| *place);
        told.into_iter().map(|(_, found)| found).collect()
    }
}

fn last_bits(count: u32) -> u64 {
    if count >= MOST_READINGS { u64::MAX } else { (1 << count) - 1 }
}

impl Remembered {
    /// So many readings were not abnormal.
    fn shift(&mut self, readings: usize) {
        self.recent = if readings >= MOST_READINGS as usize { 0 } else { self.recent << readings };
    }

    /// Whether the newest reading, an abnormal one, is told.
    fn tells(&mut self, wanted: &Wanted, time: EventTime) -> bool {
        let enough =
            wanted.of_readings.is_none_or(|(least, of)| (self.recent & last_bits(of)).count_ones() >= least);
        let cool = self.told.is_none_or(|told| time.as_ms() - told.as_ms() >= wanted.cool_down_ms);
        if enough && cool {
            self.told = Some(time);
        }
        enough && cool
    }
}

#[cfg(test)]
mod tests;
