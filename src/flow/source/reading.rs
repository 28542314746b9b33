//! Putting a reading together, field by field, under the rules of its schema.

use crate::flow::model::{MAX_ENTITY_BYTES, MAX_SERVICES, Metric, Reading, Schema, Services, Status};
use crate::flow::record::{Reason, Rejection};
use crate::flow::time::EventTime;

/// A reading in the making; its memory is used again.
#[derive(Debug)]
pub(super) struct Builder {
    schema: Schema,
    /// The names behind the bits of the statuses.
    pub(super) services: Vec<String>,
    pub(super) reading: Reading,
    /// The entity that the reading names; empty without one.
    pub(super) entity: String,
    has_time: bool,
    has_services: bool,
    /// Metrics that were named, present or null.
    seen: u64,
    /// Services named for the first time; known once the reading is accepted.
    new_services: Vec<String>,
}

impl Builder {
    pub(super) fn new(schema: Schema) -> Builder {
        let services = match &schema.services {
            Services::Named { names, .. } => names.clone(),
            Services::Any => Vec::new(),
        };
        let time = EventTime::from_ms(0).expect("1970 is representable");
        let values = vec![0.0; schema.metrics.len()];
        let reading = Reading { time, values, present: 0, statuses: crate::flow::model::Statuses::default() };
        Builder {
            schema,
            services,
            reading,
            entity: String::new(),
            has_time: false,
            has_services: false,
            seen: 0,
            new_services: Vec::new(),
        }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn begin(&mut self) {
        self.reading.present = 0;
        self.reading.values.fill(0.0);
        self.reading.statuses = crate::flow::model::Statuses::default();
        self.entity.clear();
        (self.has_time, self.has_services, self.seen) = (false, false, 0);
        self.new_services.clear();
    }

    pub(super) fn time(&mut self, time: EventTime) -> Result<(), Rejection> {
        if std::mem::replace(&mut self.has_time, true) {
            return Err(twice("timestamp"));
        }
        self.reading.time = time;
        Ok(())
    }

    pub(super) fn entity(&mut self, entity: &str) -> Result<(), Rejection> {
        if !self.entity.is_empty() {
            return Err(twice("entity"));
        }
        check_entity(entity)?;
        self.entity.push_str(entity);
        Ok(())
    }

    /// A metric's value; `None` where it is null.
    pub(super) fn metric(&mut self, metric: usize, value: Option<f64>) -> Result<(), Rejection> {
        let Metric { name, range, .. } = &self.schema.metrics[metric];
        if self.seen >> metric & 1 == 1 {
            return Err(twice(name));
        }
        self.seen |= 1 << metric;
        let Some(value) = value else { return Ok(()) };
        if !range.contains(value) {
            let above = if range.above_low { "above" } else { "from" };
            let detail = format!("{name} is {value}, not {above} {} to {}", range.low, range.high);
            return Err(Rejection::new(Reason::OutOfRange, detail));
        }
        self.reading.values[metric] = value;
        self.reading.present |= 1 << metric;
        Ok(())
    }

    pub(super) fn begin_services(&mut self) -> Result<(), Rejection> {
        if std::mem::replace(&mut self.has_services, true) { Err(twice("service_status")) } else { Ok(()) }
    }

    pub(super) fn service(&mut self, name: &str, status: Status) -> Result<(), Rejection> {
        self.has_services = true;
        let known = self.services.iter().chain(&self.new_services).position(|service| service == name);
        let number = match (known, &self.schema.services) {
            (Some(number), _) => number,
            (None, Services::Named { .. }) => {
                let detail =
                    format!("service {name} is not among the topology's ({})", self.services.join(", "));
                return Err(Rejection::new(Reason::UnknownService, detail));
            }
            (None, Services::Any) => {
                let number = self.services.len() + self.new_services.len();
                if number >= MAX_SERVICES {
                    let detail = format!("service {name} is one more than the {MAX_SERVICES} there can be");
                    return Err(Rejection::new(Reason::UnknownService, detail));
                }
                check_entity(name).map_err(|wrong| {
                    Rejection::new(Reason::UnknownService, wrong.detail.replace("entity", "service"))
                })?;
                self.new_services.push(name.to_owned());
                number
            }
        };
        if self.reading.statuses.get(number).is_some() {
            return Err(twice(name));
        }
        self.reading.statuses.set(number, status);
        Ok(())
    }

    /// Checks that nothing is missing.
    pub(super) fn complete(&mut self) -> Result<(), Rejection> {
        if !self.has_time {
            return Err(missing("timestamp"));
        }
        let absent =
            |(at, metric): &(usize, &Metric)| !metric.optional && self.reading.present >> at & 1 == 0;
        if let Some((_, metric)) = self.schema.metrics.iter().enumerate().find(absent) {
            return Err(missing(&metric.name));
        }
        if let Services::Named { names, required: true } = &self.schema.services {
            if !self.has_services && !names.is_empty() {
                return Err(missing("service_status"));
            }
            let unsaid = names.iter().enumerate().find(|(at, _)| self.reading.statuses.get(*at).is_none());
            if let Some((_, name)) = unsaid {
                return Err(missing(&format!("service_status.{name}")));
            }
        }
        self.services.append(&mut self.new_services);
        Ok(())
    }
}

/// Whether a text can name an entity.
pub(super) fn check_entity(entity: &str) -> Result<(), Rejection> {
    let wrong = if entity.is_empty() {
        "is empty"
    } else if entity.len() > MAX_ENTITY_BYTES {
        "is longer than 256 bytes"
    } else if entity.chars().any(char::is_control) {
        "has a control character"
    } else {
        return Ok(());
    };
    Err(Rejection::new(Reason::BadEntity, format!("entity {wrong}")))
}

pub(super) fn missing(field: &str) -> Rejection {
    Rejection::new(Reason::MissingField, format!("{field} is missing"))
}

fn twice(field: &str) -> Rejection {
    Rejection::new(Reason::DuplicateField, format!("{field} stands twice"))
}
