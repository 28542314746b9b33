//! A reading in the making: what the fields of every format have to be, and what is said where they are not.

use std::borrow::Cow;

use super::value::{Value, excerpt, is_name, name_in, quote};
use crate::flow::model::{MAX_SERVICES, Reading, Schema, Services, Status, Statuses};
use crate::flow::record::{Reason, Rejection};
use crate::flow::time::EventTime;

/// A reading whose fields are still coming in. The first thing wrong is what it is rejected for: fields in the order
/// they come, then the missing ones (timestamp, metrics, services, each in the schema's order), then the entity.
#[derive(Debug)]
pub(super) struct Draft<'d, 'v> {
    pub(super) schema: &'v Schema,
    services: &'d mut Vec<String>,
    reading: &'d mut Reading,
    time: Option<EventTime>,
    entity: Option<Cow<'v, str>>,
    /// Names that become known with the reading, if it is accepted.
    new_services: Vec<String>,
    seen: Seen,
    problem: Option<Rejection>,
}

/// Which fields have come, null or not.
#[derive(Debug, Default)]
struct Seen {
    time: bool,
    entity: bool,
    service_status: bool,
    metrics: u64,
    services: u64,
}

impl<'d, 'v> Draft<'d, 'v> {
    /// An empty draft that will fill `reading` and add to `services`.
    pub(super) fn new(
        schema: &'v Schema,
        services: &'d mut Vec<String>,
        reading: &'d mut Reading,
    ) -> Draft<'d, 'v> {
        reading.values.fill(0.0);
        reading.present = 0;
        reading.statuses = Statuses::default();
        let (seen, new_services) = (Seen::default(), Vec::new());
        Draft { schema, services, reading, time: None, entity: None, new_services, seen, problem: None }
    }

    /// Notes what is wrong, unless something was wrong before.
    pub(super) fn refuse(&mut self, reason: Reason, detail: impl FnOnce() -> String) {
        self.problem.get_or_insert_with(|| Rejection::new(reason, detail()));
    }

    /// The field `timestamp`.
    pub(super) fn time(&mut self, value: &Value<'v>) {
        if std::mem::replace(&mut self.seen.time, true) {
            return self.refuse_twice("timestamp");
        }
        let (time, shown) = match value {
            Value::Absent => return,
            Value::Number(number, text) => (EventTime::from_epoch_number(*number), excerpt(text)),
            Value::Text(text) => (EventTime::parse(text.as_bytes()), quote(text.as_bytes())),
            Value::Other(kind) => (None, (*kind).to_owned()),
        };
        self.time = time;
        if time.is_none() {
            self.refuse(Reason::BadTimestamp, || format!("timestamp is {shown}"));
        }
    }

    /// The field `entity`.
    pub(super) fn entity(&mut self, value: Value<'v>) {
        if std::mem::replace(&mut self.seen.entity, true) {
            return self.refuse_twice("entity");
        }
        match value {
            Value::Absent => {}
            Value::Text(text) if is_name(&text) => self.entity = Some(text),
            Value::Text(text) => {
                self.refuse(Reason::BadEntity, || format!("entity is {}", quote(text.as_bytes())));
            }
            Value::Number(..) | Value::Other(_) => {
                self.refuse(Reason::BadEntity, || format!("entity is {}", value.kind()));
            }
        }
    }

    /// The metric with that place in the schema.
    pub(super) fn metric(&mut self, index: usize, value: &Value<'v>) {
        let Some(metric) = self.schema.metrics.get(index) else { return };
        if self.seen.metrics & (1 << index) != 0 {
            return self.refuse_twice(&metric.name);
        }
        self.seen.metrics |= 1 << index;
        match value {
            Value::Absent => {}
            Value::Number(number, _) if metric.range.contains(*number) => {
                // Adding 0 makes -0 a plain 0: equal readings have equal bits.
                self.reading.values[index] = number + 0.0;
                self.reading.present |= 1 << index;
            }
            Value::Number(_, text) => {
                let (open, low, high) = (metric.range.above_low, metric.range.low, metric.range.high);
                let least = if open { "above " } else { "" };
                let name = &metric.name;
                self.refuse(Reason::OutOfRange, || {
                    format!("{name} is {}, outside of {least}{low} to {high}", excerpt(text))
                });
            }
            Value::Text(_) | Value::Other(_) => {
                self.refuse(Reason::WrongType, || {
                    format!("{} is {}, not a number", metric.name, value.kind())
                });
            }
        }
    }

    /// The field `service_status` itself. What it holds comes by [`Draft::service`].
    pub(super) fn service_status(&mut self) {
        if std::mem::replace(&mut self.seen.service_status, true) {
            self.refuse_twice("service_status");
        }
    }

    /// The status of the service of that name.
    pub(super) fn service(&mut self, name: &str, value: &Value<'v>) {
        let Some(index) = self.service_index(name) else { return };
        if self.seen.services & (1 << index) != 0 {
            return self.refuse_twice(name);
        }
        self.seen.services |= 1 << index;
        match value {
            Value::Absent => {}
            Value::Text(text) => match Status::parse(text.as_bytes()) {
                Some(status) => self.reading.statuses.set(index, status),
                None => self.refuse(Reason::UnknownStatus, || {
                    format!("{} is {}", quote(name.as_bytes()), quote(text.as_bytes()))
                }),
            },
            Value::Number(..) | Value::Other(_) => self.refuse(Reason::WrongType, || {
                format!("{} is {}, not a status", quote(name.as_bytes()), value.kind())
            }),
        }
    }

    fn service_index(&mut self, name: &str) -> Option<usize> {
        let mut all = self.services.iter().chain(&self.new_services);
        if let Some(index) = all.position(|known| known == name) {
            return Some(index);
        }
        let known = self.services.len() + self.new_services.len();
        match self.schema.services {
            Services::Any if is_name(name) && known < MAX_SERVICES => {
                self.new_services.push(name.to_owned());
                return Some(known);
            }
            Services::Any if is_name(name) => self.refuse(Reason::UnknownService, || {
                format!("{} is one more than {MAX_SERVICES} services", quote(name.as_bytes()))
            }),
            Services::Any | Services::Named { .. } => {
                self.refuse(Reason::UnknownService, || quote(name.as_bytes()));
            }
        }
        None
    }

    /// The entity, once the reading is complete and all of it is right.
    pub(super) fn finish(mut self, key: Option<&'v [u8]>) -> Result<Cow<'v, str>, Rejection> {
        self.refuse_missing();
        let entity = match (self.entity.take(), key) {
            (Some(entity), _) => entity,
            (None, Some(key)) => Cow::Borrowed(name_in(key).unwrap_or_else(|| {
                self.refuse(Reason::BadEntity, || format!("the record's key is {}", quote(key)));
                ""
            })),
            (None, None) => Cow::Borrowed(self.schema.default_entity.as_str()),
        };
        match (self.problem, self.time) {
            (None, Some(time)) => {
                self.reading.time = time;
                self.services.append(&mut self.new_services);
                Ok(entity)
            }
            (problem, _) => Err(problem.unwrap_or_else(|| missing("timestamp"))),
        }
    }

    fn refuse_missing(&mut self) {
        if self.problem.is_some() {
            return;
        }
        let lacking = self
            .schema
            .metrics
            .iter()
            .enumerate()
            .find(|(index, metric)| !metric.optional && self.reading.present & (1 << index) == 0);
        let unsaid = match &self.schema.services {
            Services::Named { names, required: true } => {
                names.iter().enumerate().find(|(index, _)| self.reading.statuses.get(*index).is_none())
            }
            Services::Named { required: false, .. } | Services::Any => None,
        };
        self.problem = match (self.time, lacking, unsaid) {
            (None, _, _) => Some(missing("timestamp")),
            (_, Some((_, metric)), _) => Some(missing(&metric.name)),
            (_, _, Some((_, name))) => Some(missing(&format!("service_status.{name}"))),
            (Some(_), None, None) => None,
        };
    }

    fn refuse_twice(&mut self, field: &str) {
        self.refuse(Reason::DuplicateField, || format!("{} stands twice", quote(field.as_bytes())));
    }
}

/// The rejection of what lacks that field.
pub(super) fn missing(field: &str) -> Rejection {
    Rejection::new(Reason::MissingField, format!("{field} is missing"))
}
