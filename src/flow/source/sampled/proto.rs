//! OTLP metrics as protobuf: the messages of an export request, as far as they are read. Fields that are not named here are
//! skipped. Numbers of fields as in opentelemetry-proto 1.x, `metrics/v1/metrics.proto`.

use prost::Message;

use super::otlp::{DELTA, Measured, NO_VALUE, Named, take};
use super::room::{Amount, Room};
use super::stamp::Stamp;
use crate::flow::record::{Reason, Rejection};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    pub(super) resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(super) scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    pub(super) metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metric {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) unit: String,
    #[prost(message, optional, tag = "5")]
    pub(super) gauge: Option<Numbers>,
    #[prost(message, optional, tag = "7")]
    pub(super) sum: Option<Numbers>,
    #[prost(message, optional, tag = "9")]
    pub(super) histogram: Option<Histograms>,
    #[prost(message, optional, tag = "10")]
    pub(super) exponential_histogram: Option<ExponentialHistograms>,
    #[prost(message, optional, tag = "11")]
    pub(super) summary: Option<Summaries>,
}

/// A gauge or sum.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Numbers {
    #[prost(message, repeated, tag = "1")]
    pub(super) data_points: Vec<Number>,
    #[prost(int32, tag = "2")]
    pub(super) aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Number {
    #[prost(fixed64, tag = "3")]
    pub(super) time_unix_nano: u64,
    #[prost(double, optional, tag = "4")]
    pub(super) as_double: Option<f64>,
    #[prost(sfixed64, optional, tag = "6")]
    pub(super) as_int: Option<i64>,
    #[prost(message, repeated, tag = "7")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(uint32, tag = "8")]
    pub(super) flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histograms {
    #[prost(message, repeated, tag = "1")]
    pub(super) data_points: Vec<Histogram>,
    #[prost(int32, tag = "2")]
    pub(super) aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(fixed64, tag = "3")]
    pub(super) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub(super) count: u64,
    #[prost(double, optional, tag = "5")]
    pub(super) sum: Option<f64>,
    #[prost(message, repeated, tag = "9")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(uint32, tag = "10")]
    pub(super) flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExponentialHistograms {
    #[prost(message, repeated, tag = "1")]
    pub(super) data_points: Vec<ExponentialHistogram>,
    #[prost(int32, tag = "2")]
    pub(super) aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExponentialHistogram {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(fixed64, tag = "3")]
    pub(super) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub(super) count: u64,
    #[prost(double, optional, tag = "5")]
    pub(super) sum: Option<f64>,
    #[prost(uint32, tag = "10")]
    pub(super) flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summaries {
    #[prost(message, repeated, tag = "1")]
    pub(super) data_points: Vec<Summary>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(fixed64, tag = "3")]
    pub(super) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub(super) count: u64,
    #[prost(double, tag = "5")]
    pub(super) sum: f64,
    #[prost(message, repeated, tag = "7")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(uint32, tag = "8")]
    pub(super) flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AttributeValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeValue {
    #[prost(string, optional, tag = "1")]
    pub(super) text: Option<String>,
    #[prost(bool, optional, tag = "2")]
    pub(super) flag: Option<bool>,
    #[prost(int64, optional, tag = "3")]
    pub(super) whole: Option<i64>,
    #[prost(double, optional, tag = "4")]
    pub(super) broken: Option<f64>,
}

/// What every kind of data point has.
struct Common<'p> {
    attributes: &'p [Attribute],
    nanoseconds: u64,
    flags: u32,
}

pub(super) fn read(bytes: &[u8], room: &mut Room) -> Result<(), Rejection> {
    let request =
        Request::decode(bytes).map_err(|error| Rejection::new(Reason::Malformed, error.to_string()))?;
    for of_resource in &request.resource_metrics {
        let resource = tags(of_resource.resource.as_ref().map_or(&[], |resource| &resource.attributes));
        for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            read_metric(metric, &resource, room);
        }
    }
    Ok(())
}

fn read_metric(metric: &Metric, resource: &[(String, String)], room: &mut Room) {
    let mut put = |temporality: i32, common: &Common<'_>, count: Option<u64>, value: Amount| {
        if common.flags & NO_VALUE != 0 {
            return;
        }
        let mut tags = tags(common.attributes);
        tags.extend_from_slice(resource);
        let stamp = Stamp::of_nanoseconds(common.nanoseconds);
        let count = count.map(|count| Amount::Number(count as f64));
        let named = Named { name: &metric.name, unit: &metric.unit, delta: temporality == DELTA };
        take(room, named, &Measured { tags, stamp, count, value });
    };
    let number = |value: Option<f64>| value.map_or(Amount::Absent, Amount::Number);
    for numbers in [&metric.gauge, &metric.sum].into_iter().flatten() {
        for point in &numbers.data_points {
            let value = point.as_double.or(point.as_int.map(|whole| whole as f64));
            let Number { attributes, time_unix_nano: nanoseconds, flags, .. } = point;
            let common = Common { attributes, nanoseconds: *nanoseconds, flags: *flags };
            put(numbers.aggregation_temporality, &common, None, number(value));
        }
    }
    if let Some(histograms) = &metric.histogram {
        for point in &histograms.data_points {
            let Histogram { attributes, time_unix_nano: nanoseconds, flags, count, sum } = point;
            let common = Common { attributes, nanoseconds: *nanoseconds, flags: *flags };
            put(histograms.aggregation_temporality, &common, Some(*count), number(*sum));
        }
    }
    if let Some(histograms) = &metric.exponential_histogram {
        for point in &histograms.data_points {
            let ExponentialHistogram { attributes, time_unix_nano: nanoseconds, flags, count, sum } = point;
            let common = Common { attributes, nanoseconds: *nanoseconds, flags: *flags };
            put(histograms.aggregation_temporality, &common, Some(*count), number(*sum));
        }
    }
    if let Some(summaries) = &metric.summary {
        for point in &summaries.data_points {
            let Summary { attributes, time_unix_nano: nanoseconds, flags, count, sum } = point;
            let common = Common { attributes, nanoseconds: *nanoseconds, flags: *flags };
            put(0, &common, Some(*count), Amount::Number(*sum));
        }
    }
}

fn tags(attributes: &[Attribute]) -> Vec<(String, String)> {
    let text = |value: &AttributeValue| {
        let flag = value.flag.map(|flag| flag.to_string());
        let number = value.whole.map(|whole| whole.to_string());
        let number = number.or_else(|| value.broken.map(|broken| broken.to_string()));
        value.text.clone().or(flag).or(number).unwrap_or_default()
    };
    let tag = |attribute: &Attribute| {
        (attribute.key.clone(), attribute.value.as_ref().map(text).unwrap_or_default())
    };
    attributes.iter().map(tag).collect()
}
