//! What people say of findings: it comes with the readings, and holds from its place among them.
//!
//! ```text
//! {"tidewatch":"expected","entity":"web-1","finding":{"metric":"cpu_usage","value":93.5,"expected":{"low":5,"high":70}},"note":"backup"}
//! {"tidewatch":"confirmed","entity":"web-1","incident":"8413303907776451","note":"a disk was full"}
//! {"tidewatch":"mute","entity":"web-1","metric":"cpu_usage","until":"2026-11-23T06:00:00Z"}
//! {"tidewatch":"unmute","entity":"web-1"}
//! ```
//!
//! *Feedback takes findings away and adds none; no detector learns of it.* So a replay of the same records says the same.

mod heeded;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::record::{Reason, Rejection};
use super::time::EventTime;

pub use heeded::{Heeded, Mark, Marked};

/// The name in an object that makes it feedback, and no reading.
pub const NAME: &str = "tidewatch";
/// The most bytes of a note, and of the name of a metric or of an incident.
const MOST_NOTE_BYTES: usize = 300;
const MOST_NAME_BYTES: usize = 256;

/// What somebody says of an entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Feedback {
    /// What was found is as it should be: it is told no more, nor what is less unusual.
    Expected {
        /// What was found; without it only the mark is kept.
        finding: Option<Found>,
        /// What is kept of it for people and models.
        marked: Marked,
    },
    /// What was found was worth telling.
    Confirmed {
        /// What is kept of it for people and models.
        marked: Marked,
    },
    /// Nothing is told of readings before then.
    Mute {
        /// Of this metric only.
        metric: Option<String>,
        /// Where it has an end.
        until: Option<EventTime>,
    },
    /// A mute ends.
    Unmute {
        /// That of this metric; every one of the entity without it.
        metric: Option<String>,
    },
}

/// An anomaly as reports have it, of which this much matters.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Found {
    /// A metric, `service_status.NAME`, or a pattern.
    pub metric: String,
    /// The value judged.
    pub value: f64,
    /// What would have been normal.
    #[serde(default)]
    pub expected: Option<Expected>,
    /// The metric with most to do with it comes first.
    #[serde(default)]
    pub contributions: Vec<Contribution>,
}

/// A band of values.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Expected {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// One metric's part in an anomaly.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Contribution {
    /// The metric.
    pub metric: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Expected,
    Confirmed,
    Mute,
    Unmute,
}

/// The words as they are written. What is not known is refused: a misspelt `until` would mute for ever.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    tidewatch: Word,
    entity: Option<String>,
    metric: Option<String>,
    until: Option<Moment>,
    incident: Option<String>,
    note: Option<String>,
    finding: Option<Found>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Moment {
    Text(String),
    Number(f64),
}

impl Feedback {
    /// Reads feedback, and the entity that it names.
    ///
    /// # Errors
    /// What it lacks, or has too much of.
    pub fn read(object: &[u8]) -> Result<(Feedback, Option<String>), Rejection> {
        let written: Written = serde_json::from_slice(object).map_err(|error| {
            let reason = match error.classify() {
                serde_json::error::Category::Eof => Reason::Truncated,
                serde_json::error::Category::Data => Reason::WrongType,
                _ => Reason::Malformed,
            };
            Rejection::new(reason, format!("feedback: {error}"))
        })?;
        let names = [&written.metric, &written.incident];
        let found = written.finding.as_ref().map(Found::names).unwrap_or_default();
        if names
            .into_iter()
            .flatten()
            .map(String::as_str)
            .chain(found)
            .any(|name| name.len() > MOST_NAME_BYTES)
        {
            return Err(too_long("a name", MOST_NAME_BYTES));
        }
        if written.note.as_ref().is_some_and(|note| note.len() > MOST_NOTE_BYTES) {
            return Err(too_long("the note", MOST_NOTE_BYTES));
        }
        let Written { tidewatch, entity, metric, until, incident, note, finding } = written;
        let until = until.map(|until| until.time()).transpose()?;
        let mut left_over = Vec::new();
        let is_of_incident = matches!(tidewatch, Word::Expected | Word::Confirmed);
        for (name, is_there, belongs) in [
            ("metric", metric.is_some(), !is_of_incident),
            ("until", until.is_some(), matches!(tidewatch, Word::Mute)),
            ("incident", incident.is_some(), is_of_incident),
            ("note", note.is_some(), is_of_incident),
            ("finding", finding.is_some(), is_of_incident),
        ] {
            if is_there && !belongs {
                left_over.push(name);
            }
        }
        if let Some(name) = left_over.first() {
            let detail = format!(
                "feedback: {name} says nothing here (expected and confirmed are of a finding, mute and \
                                  unmute of a metric)"
            );
            return Err(Rejection::new(Reason::WrongType, detail));
        }
        let marked = |mark: Mark, finding: &Option<Found>| {
            let metric = finding.as_ref().map(|found| found.metric.clone());
            Marked { incident, mark, metric, note }
        };
        let feedback = match tidewatch {
            Word::Expected => {
                let marked = marked(Mark::Expected, &finding);
                if finding.is_none() && marked.incident.is_none() {
                    return Err(Rejection::new(
                        Reason::MissingField,
                        "feedback: finding or incident is missing",
                    ));
                }
                Feedback::Expected { finding, marked }
            }
            Word::Confirmed => {
                let marked = marked(Mark::Confirmed, &finding);
                if finding.is_none() && marked.incident.is_none() {
                    return Err(Rejection::new(
                        Reason::MissingField,
                        "feedback: finding or incident is missing",
                    ));
                }
                Feedback::Confirmed { marked }
            }
            Word::Mute => Feedback::Mute { metric, until },
            Word::Unmute => Feedback::Unmute { metric },
        };
        Ok((feedback, entity))
    }
}

impl Found {
    fn names(&self) -> Vec<&str> {
        let lead = self.contributions.first().map(|first| first.metric.as_str());
        lead.into_iter().chain([self.metric.as_str()]).collect()
    }
}

impl Moment {
    fn time(&self) -> Result<EventTime, Rejection> {
        let time = match self {
            Moment::Text(text) => EventTime::parse(text.as_bytes()),
            Moment::Number(number) => EventTime::from_epoch_number(*number),
        };
        time.ok_or_else(|| Rejection::new(Reason::BadTimestamp, "feedback: until is no time"))
    }
}

fn too_long(what: &str, most: usize) -> Rejection {
    Rejection::new(Reason::TooLarge, format!("feedback: {what} has more than {most} bytes"))
}
