//! A JSON reading by the general way: every key in any order, every mistake by its reason.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::number;
use super::reading::Builder;
use crate::flow::model::Status;
use crate::flow::record::{Reason, Rejection};
use crate::flow::time::EventTime;

/// The members of an object, values as they are written.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                #[derive(Deserialize)]
                struct Key<'k>(#[serde(borrow)] Cow<'k, str>);
                let mut members = Vec::new();
                while let Some((Key(name), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

impl<'a> Members<'a> {
    /// What is behind the bracket of the array `data`, where there is one and the object is no reading itself.
    pub(super) fn data(&self) -> Option<&'a [u8]> {
        if self.0.iter().any(|(name, _)| name == "timestamp") {
            return None;
        }
        let data = self.0.iter().find(|(name, _)| name == "data")?;
        data.1.get().as_bytes().strip_prefix(b"[")
    }
}

/// The members of an object, or why the bytes are none.
pub(super) fn members(bytes: &[u8]) -> Result<Members<'_>, Rejection> {
    serde_json::from_slice(bytes).map_err(|error| {
        let reason = match error.classify() {
            serde_json::error::Category::Eof => Reason::Truncated,
            serde_json::error::Category::Data => Reason::NotAReading,
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => Reason::Malformed,
        };
        Rejection::new(reason, error.to_string())
    })
}

/// Reads a reading from an object's members; its entity, where it names one, is left in the builder.
pub(super) fn read(members: &Members<'_>, builder: &mut Builder) -> Result<(), Rejection> {
    builder.begin();
    for (name, value) in &members.0 {
        let text = value.get();
        match &**name {
            "timestamp" => builder.time(time(text)?)?,
            "entity" => builder.entity(&string(text).ok_or_else(|| {
                Rejection::new(Reason::BadEntity, format!("entity is {}, not text", short(text)))
            })?)?,
            "service_status" => statuses(text, builder)?,
            name => {
                if let Some(metric) = builder.schema().index_of(name) {
                    builder.metric(metric, metric_value(name, text)?)?;
                }
            }
        }
    }
    builder.complete()
}

fn time(text: &str) -> Result<EventTime, Rejection> {
    let time = match string(text) {
        Some(string) => EventTime::parse(string.as_bytes()),
        None => scanned(text).and_then(EventTime::from_epoch_number),
    };
    time.ok_or_else(|| Rejection::new(Reason::BadTimestamp, format!("timestamp {} is no time", short(text))))
}

fn metric_value(name: &str, text: &str) -> Result<Option<f64>, Rejection> {
    match scanned(text) {
        Some(value) => Ok(Some(value)),
        None if text == "null" => Ok(None),
        None => Err(Rejection::new(Reason::WrongType, format!("{name} is {}, not a number", short(text)))),
    }
}

fn scanned(text: &str) -> Option<f64> {
    number::scan(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(value, _)| value)
}

fn statuses(text: &str, builder: &mut Builder) -> Result<(), Rejection> {
    let wrong =
        || Rejection::new(Reason::WrongType, format!("service_status is {}, not an object", short(text)));
    let members: Members<'_> = serde_json::from_str(text).map_err(|_| wrong())?;
    builder.begin_services()?;
    for (service, value) in &members.0 {
        let written = value.get();
        let status = string(written).ok_or_else(|| {
            Rejection::new(Reason::WrongType, format!("service {service} is {}, not text", short(written)))
        })?;
        let status = Status::parse(status.as_bytes()).ok_or_else(|| {
            let detail = format!("service {service} is {}, not online, degraded or offline", short(written));
            Rejection::new(Reason::UnknownStatus, detail)
        })?;
        builder.service(service, status)?;
    }
    Ok(())
}

/// The string that a JSON text is, if it is one.
fn string(text: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'t>(#[serde(borrow)] Cow<'t, str>);
    text.starts_with('"').then(|| serde_json::from_str::<Text<'_>>(text).ok()).flatten().map(|text| text.0)
}

/// At most forty characters of a text, for a message.
fn short(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}
