//! One `[[alert]]`: which anomalies it is about, and what it says of them.

use super::calendar::Weekly;
use super::glob::is_meant;
use crate::flow::detect::{Anomaly, Side};
use crate::flow::time::EventTime;

/// What a rule is about and what it says; what it leaves open, others say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Entities, with `*` and `?`; all where it is empty.
    pub entity: String,
    /// Metrics, with `*` and `?`; all where it is empty.
    pub metric: String,
    /// The detector's name; all where it is empty.
    pub detector: String,
    /// The side of what was expected that matters; `Neither` for both.
    pub side: Option<Side>,
    /// How far from what was expected a value must be.
    pub min_deviation: Option<f64>,
    /// The same as a share of the end of what was expected.
    pub min_relative: Option<f64>,
    /// Told once so many of the last so many readings were abnormal.
    pub of_readings: Option<(u32, u32)>,
    /// How long nothing more is told after an anomaly was.
    pub cool_down_ms: Option<i64>,
    /// Whether nothing is told.
    pub mute: bool,
    /// When a mute holds, where not always.
    pub from: Option<EventTime>,
    /// Until when it does.
    pub until: Option<EventTime>,
    /// At which times of a week it does.
    pub every: Option<Weekly>,
}

/// What all rules together say of an anomaly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    pub(super) side: Option<Side>,
    pub(super) min_deviation: f64,
    pub(super) min_relative: f64,
    pub(super) of_readings: Option<(u32, u32)>,
    pub(super) cool_down_ms: i64,
}

impl Rule {
    pub(super) fn is_about(&self, entity: &str, metric: &str, detector: &str) -> bool {
        let meant = |pattern: &str, name: &str| pattern.is_empty() || is_meant(pattern, name);
        meant(&self.entity, entity)
            && meant(&self.metric, metric)
            && (self.detector.is_empty() || self.detector == detector)
    }

    /// Whether it mutes what happens then.
    pub(super) fn mutes(&self, time: EventTime) -> bool {
        self.mute
            && self.from.is_none_or(|from| time >= from)
            && self.until.is_none_or(|until| time < until)
            && self.every.is_none_or(|every| every.contains(time))
    }
}

impl Wanted {
    /// What a later rule says counts.
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a Rule>) -> Wanted {
        let mut wanted = Wanted::default();
        for rule in rules {
            wanted.side = rule.side.or(wanted.side);
            wanted.min_deviation = rule.min_deviation.unwrap_or(wanted.min_deviation);
            wanted.min_relative = rule.min_relative.unwrap_or(wanted.min_relative);
            wanted.of_readings = rule.of_readings.or(wanted.of_readings);
            wanted.cool_down_ms = rule.cool_down_ms.unwrap_or(wanted.cool_down_ms);
        }
        wanted
    }

    /// Whether an anomaly is on the side that matters and far enough out. What is no matter of size always is.
    pub(super) fn is_met(&self, anomaly: &Anomaly) -> bool {
        if anomaly.side == Side::Neither {
            return true;
        }
        let right_side = self.side.is_none_or(|side| side == Side::Neither || side == anomaly.side);
        let Some(band) = anomaly.expected else { return right_side };
        let end = if anomaly.side == Side::Above { band.high } else { band.low };
        let deviation = (anomaly.value - end).abs();
        right_side && deviation >= self.min_deviation && deviation >= self.min_relative * end.abs()
    }
}
