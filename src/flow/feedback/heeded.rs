//! What is remembered of what people said of an entity; some 100 bytes a word.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Feedback, Found};
use crate::flow::detect::{Anomaly, Side};
use crate::flow::time::EventTime;

/// Of an entity so many are remembered of each; the oldest go.
const MOST_ACCEPTED: usize = 16;
const MOST_MUTES: usize = 16;
const MOST_MARKED: usize = 3;
/// How much further from normal than what was said to be expected is still expected, as a share of the way.
const SLACK: f64 = 0.05;

/// Everything said of one entity that still holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heeded {
    accepted: Vec<Accepted>,
    mutes: Vec<Mute>,
    marked: Vec<Marked>,
    /// How far event time had come when something was said last.
    pub at: Option<EventTime>,
}

/// What people think of an incident, or of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Marked {
    /// The incident, where it was named.
    #[serde(default)]
    pub incident: Option<String>,
    /// What they think.
    pub mark: Mark,
    /// The metric of the finding, where one was named.
    #[serde(default)]
    pub metric: Option<String>,
    /// In their words.
    #[serde(default)]
    pub note: Option<String>,
}

/// What people think of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// It was as it should be.
    Expected,
    /// It was worth telling.
    Confirmed,
}

/// Values of a metric up to this one are as they should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Accepted {
    metric: String,
    /// Of a pattern: the metric that had most to do with it.
    lead: Option<String>,
    /// On that side of normal; `None` where nobody knows which it was.
    above: Option<bool>,
    /// The end, slack included.
    to: f64,
    slack: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mute {
    metric: Option<String>,
    until: Option<EventTime>,
}

impl Heeded {
    /// Whether nothing holds any more.
    pub fn is_empty(&self) -> bool {
        self.accepted.is_empty() && self.mutes.is_empty() && self.marked.is_empty()
    }

    /// What people have marked, the last last.
    pub fn for_reports(&self) -> Vec<Marked> {
        self.marked.clone()
    }

    /// Takes note of what is said when event time has come that far.
    pub fn heed(&mut self, feedback: &Feedback, at: Option<EventTime>) {
        self.at = self.at.max(at);
        match feedback {
            Feedback::Expected { finding, marked } => {
                if let Some(found) = finding {
                    self.accept(Accepted::of(found));
                }
                self.mark(marked);
            }
            Feedback::Confirmed { marked } => self.mark(marked),
            Feedback::Mute { metric, until } => {
                self.mutes.retain(|mute| mute.metric != *metric);
                push_bounded(&mut self.mutes, Mute { metric: metric.clone(), until: *until }, MOST_MUTES);
            }
            Feedback::Unmute { metric } => {
                self.mutes.retain(|mute| metric.is_some() && mute.metric != *metric);
            }
        }
    }

    fn accept(&mut self, new: Accepted) {
        let is_same =
            |one: &Accepted| (&one.metric, &one.lead, one.above) == (&new.metric, &new.lead, new.above);
        match self.accepted.iter().position(is_same) {
            // The wider of the two goes to the end, as what was said last.
            Some(at) => {
                let known = self.accepted.remove(at);
                self.accepted.push(if known.reaches_further_than(&new) { known } else { new });
            }
            None => push_bounded(&mut self.accepted, new, MOST_ACCEPTED),
        }
    }

    fn mark(&mut self, marked: &Marked) {
        self.marked.retain(|known| (&known.incident, &known.metric) != (&marked.incident, &marked.metric));
        push_bounded(&mut self.marked, marked.clone(), MOST_MARKED);
    }

    /// Forgets mutes that ended before then.
    pub fn forget_before(&mut self, time: EventTime) {
        self.mutes.retain(|mute| mute.until.is_none_or(|until| until > time));
    }

    /// Whether some mute ended before then.
    pub fn has_ended_before(&self, time: EventTime) -> bool {
        self.mutes.iter().any(|mute| mute.until.is_some_and(|until| until <= time))
    }

    /// Whether nothing is to be told of a metric at that time.
    pub fn mutes(&self, metric: &str, time: EventTime) -> bool {
        self.mutes.iter().any(|mute| {
            mute.metric.as_ref().is_none_or(|muted| muted == metric)
                && mute.until.is_none_or(|until| time < until)
        })
    }

    /// Whether an anomaly is as it should be, as people said.
    pub fn expects(&self, anomaly: &Anomaly) -> bool {
        let lead = anomaly.contributions.first().map(|(metric, _)| metric.as_str());
        self.accepted
            .iter()
            .any(|accepted| accepted.covers(&anomaly.metric, lead, anomaly.side, anomaly.value))
    }

    /// Whether what has no readings (the entity's silence) is as it should be.
    pub fn expects_pattern(&self, metric: &str) -> bool {
        self.accepted.iter().any(|accepted| accepted.covers(metric, None, Side::Neither, 0.0))
    }
}

fn push_bounded<T>(kept: &mut Vec<T>, new: T, most: usize) {
    if kept.len() >= most {
        kept.remove(0);
    }
    kept.push(new);
}

impl Accepted {
    fn of(found: &Found) -> Accepted {
        let Found { metric, value, expected, contributions } = found;
        let (above, way) = match expected {
            Some(band) if *value > band.high => (Some(true), value - band.high),
            Some(band) if *value < band.low => (Some(false), band.low - value),
            _ => (None, value.abs()),
        };
        // Numbers of people may be as large as numbers get.
        let slack = (SLACK * way).min(f64::MAX);
        let lead = contributions.first().map(|first| first.metric.clone()).filter(|lead| lead != metric);
        Accepted { metric: metric.clone(), lead, above, to: *value, slack }
    }

    fn reaches_further_than(&self, other: &Accepted) -> bool {
        if self.above == Some(false) {
            self.to - self.slack <= other.to - other.slack
        } else {
            self.to + self.slack >= other.to + other.slack
        }
    }

    fn covers(&self, metric: &str, lead: Option<&str>, side: Side, value: f64) -> bool {
        let is_below = match (side, self.above) {
            (Side::Above, Some(false)) | (Side::Below, Some(true)) => return false,
            (Side::Below, _) | (Side::Neither, Some(false)) => true,
            (Side::Above | Side::Neither, _) => false,
        };
        let near = if is_below { value >= self.to - self.slack } else { value <= self.to + self.slack };
        near && self.metric == metric && self.lead.as_deref().is_none_or(|known| lead == Some(known))
    }
}
