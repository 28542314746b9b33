//! OTLP metrics: an export request, as OpenTelemetry's collector writes it to Kafka, here as JSON. A series is called as its
//! metric; histograms and summaries have `name.count` and `name.sum`. Tags are the attributes of the data point, then
//! those of the resource. See <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

use serde::Deserialize;
use serde_json::Value;

use super::refused;
use super::room::{Amount, Point, Room};
use super::stamp::Stamp;
use crate::flow::record::Rejection;

/// A data point of any kind, whatever it was written as.
#[derive(Debug)]
pub(super) struct Measured {
    /// Attributes of the point, then of the resource.
    pub(super) tags: Vec<(String, String)>,
    pub(super) stamp: Stamp,
    /// Of a histogram or summary.
    pub(super) count: Option<Amount>,
    /// The value; of a histogram or summary the sum.
    pub(super) value: Amount,
}

/// The metric that points are of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'m> {
    pub(super) name: &'m str,
    pub(super) unit: &'m str,
    /// Whether its sums are those since the last point, not since the start.
    pub(super) delta: bool,
}

/// Hands a point to the room.
pub(super) fn take(room: &mut Room, named: Named<'_>, measured: &Measured) {
    let Measured { tags, stamp, count, value } = measured;
    let Named { name, unit, delta } = named;
    let point = Point { group: name, tags, stamp, unit: Some(unit), delta };
    match count {
        None => room.take(&point, "", *value),
        Some(count) => {
            room.take(&point, "count", *count);
            room.take(&point, "sum", *value);
        }
    }
}

/// How OTLP numbers a sum since the last point.
pub(super) const DELTA: i32 = 1;
/// The flag of a point that says that there is no value.
pub(super) const NO_VALUE: u32 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct ResourceMetrics {
    resource: Resource,
    scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    attributes: Vec<Attribute>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeMetrics {
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    name: String,
    #[serde(default)]
    unit: String,
    gauge: Option<Data>,
    sum: Option<Data>,
    histogram: Option<Data>,
    exponential_histogram: Option<Data>,
    summary: Option<Data>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    data_points: Vec<DataPoint>,
    aggregation_temporality: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DataPoint {
    attributes: Vec<Attribute>,
    time_unix_nano: Value,
    as_double: Value,
    as_int: Value,
    count: Value,
    sum: Value,
    flags: u32,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: Value,
}

pub(super) fn read(bytes: &[u8], room: &mut Room) -> Result<(), Rejection> {
    let request: Request = serde_json::from_slice(bytes).map_err(|error| refused(&error))?;
    for of_resource in &request.resource_metrics {
        let resource = tags(&of_resource.resource.attributes);
        for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let plain = [&metric.gauge, &metric.sum].into_iter().flatten().map(|data| (data, false));
            let counted = [&metric.histogram, &metric.exponential_histogram, &metric.summary];
            let counted = counted.into_iter().flatten().map(|data| (data, true));
            for (data, counts) in plain.chain(counted) {
                let delta = data.aggregation_temporality == DELTA
                    || data.aggregation_temporality == "AGGREGATION_TEMPORALITY_DELTA";
                let named = Named { name: &metric.name, unit: &metric.unit, delta };
                for point in data.data_points.iter().filter(|point| point.flags & NO_VALUE == 0) {
                    take(room, named, &measured(point, counts, &resource));
                }
            }
        }
    }
    Ok(())
}

fn measured(point: &DataPoint, counts: bool, resource: &[(String, String)]) -> Measured {
    let mut tags = tags(&point.attributes);
    tags.extend_from_slice(resource);
    let stamp = match &point.time_unix_nano {
        Value::Null => Stamp::Missing,
        Value::String(text) if text.is_empty() => Stamp::Missing,
        Value::String(text) => text.parse().map_or(Stamp::Bad(format!("{text:?}")), Stamp::of_nanoseconds),
        other => other.as_u64().map_or_else(|| Stamp::Bad(other.to_string()), Stamp::of_nanoseconds),
    };
    let value = match (&point.as_double, &point.as_int) {
        _ if counts => amount(&point.sum),
        (Value::Null, whole) => amount(whole),
        (broken, _) => amount(broken),
    };
    Measured { tags, stamp, count: counts.then(|| amount(&point.count)), value }
}

/// Numbers of 64 bits are text, and so are those that are not finite.
fn amount(value: &Value) -> Amount {
    match value {
        Value::String(text) => text.parse().map_or(Amount::Wrong("a string"), Amount::Number),
        other => Amount::of(other),
    }
}

fn tags(attributes: &[Attribute]) -> Vec<(String, String)> {
    let text = |value: &Value| match value.as_object().and_then(|kinds| kinds.values().next()) {
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
        _ => String::new(),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), text(&attribute.value))).collect()
}
