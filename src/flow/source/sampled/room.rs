//! The common room of all formats: samples come in, those that are wanted leave as readings by time and entity.

use std::ops::ControlFlow;

use super::stamp::Stamp;
use crate::flow::model::{MAX_ENTITY_BYTES, Reading, Schema, Statuses};
use crate::flow::record::{Reason, Rejection};
use crate::flow::samples::{Sampling, Selector};
use crate::flow::source::Decoded;
use crate::flow::source::value::{is_name, name_in, quote};
use crate::flow::time::EventTime;

/// Tags, labels or attributes.
pub(super) type Tags = [(String, String)];

/// The tag that is a metric's unit: a sample with another is no other series but a mistake.
const UNIT: &str = "unit";

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// None: the series had nothing to say.
    Absent,
    /// A number, finite or not.
    Number(f64),
    /// Something else, by its name.
    Wrong(&'static str),
}

impl Amount {
    /// The amount that a JSON value is.
    pub(super) fn of(value: &serde_json::Value) -> Amount {
        match value {
            serde_json::Value::Null => Amount::Absent,
            serde_json::Value::Number(number) => Amount::Number(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(_) => Amount::Wrong("a string"),
            serde_json::Value::Bool(_) => Amount::Wrong("a boolean"),
            serde_json::Value::Array(_) => Amount::Wrong("an array"),
            serde_json::Value::Object(_) => Amount::Wrong("an object"),
        }
    }
}

/// What the samples of one point have in common.
#[derive(Debug)]
pub(super) struct Point<'p> {
    /// What their names begin with.
    pub(super) group: &'p str,
    pub(super) tags: &'p Tags,
    pub(super) stamp: &'p Stamp,
    /// The unit, where the format says one.
    pub(super) unit: Option<&'p str>,
    /// Whether the value is what was added since the last one.
    pub(super) delta: bool,
}

#[derive(Debug)]
struct Sample {
    time: EventTime,
    /// None: whatever the record's key or the topology says.
    entity: Option<String>,
    metric: usize,
    value: f64,
}

/// Samples of one element, until they are handed over.
#[derive(Debug)]
pub(super) struct Room {
    schema: Schema,
    pub(super) sampling: Sampling,
    samples: Vec<Sample>,
    /// The first thing that was wrong, and how much else was.
    problem: Option<Rejection>,
    problems: usize,
    json: Vec<u8>,
}

impl Room {
    pub(super) fn new(schema: Schema, sampling: Sampling) -> Room {
        Room { schema, sampling, samples: Vec::new(), problem: None, problems: 0, json: Vec::new() }
    }

    /// Notes a sample that cannot be used.
    pub(super) fn refuse(&mut self, reason: Reason, detail: impl FnOnce() -> String) {
        self.problems += 1;
        self.problem.get_or_insert_with(|| Rejection::new(reason, detail()));
    }

    /// The metrics that a series is wanted for.
    fn wanted(&self, point: &Point<'_>, field: &str) -> Vec<usize> {
        let has = |(tag, value): &(String, String)| {
            tag == UNIT && point.unit.is_some() || value_of(point.tags, tag).unwrap_or_default() == value
        };
        let fits = |from: &Selector| from.is_named(point.group, field) && from.tags.iter().all(has);
        let metrics = self.sampling.metrics.iter().enumerate();
        metrics.filter(|(_, metric)| fits(&metric.from)).map(|(at, _)| at).collect()
    }

    /// Takes a sample, if anybody wants its series.
    pub(super) fn take(&mut self, point: &Point<'_>, field: &str, amount: Amount) {
        for metric in self.wanted(point, field) {
            let tags = &self.sampling.metrics[metric].from.tags;
            let wanted = tags.iter().find(|(tag, _)| tag == UNIT).map(|(_, unit)| unit.clone());
            if let (Some(wanted), Some(unit)) = (wanted, point.unit)
                && wanted != unit
            {
                let name = self.schema.metrics[metric].name.clone();
                self.refuse(Reason::WrongType, || {
                    format!(
                        "the unit of {name} is {}, not {}",
                        quote(unit.as_bytes()),
                        quote(wanted.as_bytes())
                    )
                });
                continue;
            }
            if point.delta && self.sampling.metrics[metric].rate {
                let name = self.schema.metrics[metric].name.clone();
                self.refuse(Reason::WrongType, || {
                    format!("{name} is a delta: a rate needs a cumulative sum")
                });
                continue;
            }
            let key = self.sampling.entity.as_deref();
            let entity = key.and_then(|key| value_of(point.tags, key)).map(str::to_owned);
            self.put(metric, entity, point.stamp, amount);
        }
    }

    /// Takes a sample of a metric.
    pub(super) fn put(&mut self, metric: usize, entity: Option<String>, stamp: &Stamp, amount: Amount) {
        let Room { schema, sampling, .. } = self;
        let (described, scale) = (&schema.metrics[metric], sampling.metrics[metric].scale);
        let (name, range) = (described.name.clone(), described.range);
        let value = match amount {
            Amount::Absent => return,
            // Adding 0 makes -0 a plain 0: equal readings have equal bits.
            Amount::Number(number) => number * scale + 0.0,
            Amount::Wrong(kind) => {
                return self.refuse(Reason::WrongType, || format!("{name} is {kind}, not a number"));
            }
        };
        if !range.contains(value) {
            let (least, low, high) = (if range.above_low { "above " } else { "" }, range.low, range.high);
            return self.refuse(Reason::OutOfRange, || {
                format!("{name} is {value}, outside of {least}{low} to {high}")
            });
        }
        if let Some(entity) = entity.as_ref().filter(|entity| !is_name(entity)) {
            return self.refuse(Reason::BadEntity, || {
                format!(
                    "entity is {} ({} bytes of at most {MAX_ENTITY_BYTES})",
                    quote(entity.as_bytes()),
                    entity.len()
                )
            });
        }
        match stamp {
            Stamp::At(time) => self.samples.push(Sample { time: *time, entity, metric, value }),
            Stamp::Missing => self.refuse(Reason::MissingField, || "the time is missing".into()),
            Stamp::Bad(shown) => self.refuse(Reason::BadTimestamp, || format!("the time is {shown}")),
        }
    }

    /// Hands over what an element gave: readings in the order of time and entity, then what was wrong. Nothing is used of
    /// an element that could not be read.
    pub(super) fn hand_over<B, F>(
        &mut self,
        element: &[u8],
        read: Result<(), Rejection>,
        key: Option<&[u8]>,
        scratch: &mut Reading,
        each: &mut F,
    ) -> ControlFlow<B>
    where
        F: FnMut(Decoded<'_>) -> ControlFlow<B>,
    {
        let mut samples = std::mem::take(&mut self.samples);
        let (problem, problems) = (self.problem.take(), std::mem::take(&mut self.problems));
        if let Err(rejection) = read {
            return each(Decoded::Rejected { value: element, rejection });
        }
        let mut twice = None;
        samples.sort_by(|a, b| (a.time, &a.entity).cmp(&(b.time, &b.entity)));
        let same = |a: &Sample, b: &Sample| a.time == b.time && a.entity == b.entity;
        let mut unnamed = None;
        for group in samples.chunk_by(same) {
            let named = group[0].entity.as_deref();
            let Some(entity) = named.or_else(|| key.map_or(Some(&*self.schema.default_entity), name_in))
            else {
                unnamed = key;
                continue;
            };
            fill(scratch, group, &mut twice);
            write_json(&mut self.json, &self.schema, entity, scratch);
            each(Decoded::Reading { entity, reading: scratch, value: &self.json })?;
        }
        let twice = twice.map(|metric: usize| {
            let name = &self.schema.metrics[metric].name;
            Rejection::new(Reason::DuplicateField, format!("{name} stands twice for one entity and time"))
        });
        let unnamed = unnamed
            .map(|key| Rejection::new(Reason::BadEntity, format!("the record's key is {}", quote(key))));
        match problem.or(unnamed).or(twice) {
            Some(mut rejection) => {
                if problems > 1 {
                    rejection.detail = format!("{} (and {} more)", rejection.detail, problems - 1);
                }
                each(Decoded::Rejected { value: element, rejection })
            }
            None => ControlFlow::Continue(()),
        }
    }
}

/// The first value of a metric counts; that there is a second one is noted.
fn fill(reading: &mut Reading, group: &[Sample], twice: &mut Option<usize>) {
    reading.values.fill(0.0);
    (reading.time, reading.present, reading.statuses) = (group[0].time, 0, Statuses::default());
    for sample in group {
        if reading.present >> sample.metric & 1 == 1 {
            twice.get_or_insert(sample.metric);
            continue;
        }
        reading.values[sample.metric] = sample.value;
        reading.present |= 1 << sample.metric;
    }
}

/// The reading as our own JSON: what `route` forwards, and what is kept of a reading that comes late.
fn write_json(out: &mut Vec<u8>, schema: &Schema, entity: &str, reading: &Reading) {
    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    out.clear();
    out.extend_from_slice(
        format!("{{\"timestamp\":\"{}\",\"entity\":{}", reading.time, text(entity)).as_bytes(),
    );
    for (at, metric) in schema.metrics.iter().enumerate() {
        if reading.present >> at & 1 == 1 {
            // `{:?}` is the shortest text that is read to the same bits, and JSON.
            out.extend_from_slice(format!(",{}:{:?}", text(&metric.name), reading.values[at]).as_bytes());
        }
    }
    out.push(b'}');
}

/// The value of a tag.
pub(super) fn value_of<'t>(tags: &'t Tags, tag: &str) -> Option<&'t str> {
    tags.iter().find(|(name, _)| name == tag).map(|(_, value)| value.as_str())
}
