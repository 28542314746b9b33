//! How samples of other programs become readings: what can be set of it, checked.
//!
//! A sample is one number of one series at one time. Decoders turn samples of one entity and time into a reading that has
//! the metrics that came and no others; `intervals` makes whole readings of them when a window closes.

/// What the records of an input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleFormat {
    /// Readings of our own, as JSON or CSV.
    Native,
    /// Telegraf's JSON serializer, one metric or a batch.
    Telegraf,
    /// What collectd's `write_kafka` and `write_http` send as JSON.
    Collectd,
    /// OTLP metrics as JSON.
    OtlpJson,
    /// OTLP metrics as protobuf.
    Otlp,
    /// The JSON of prometheus-kafka-adapter.
    PrometheusJson,
    /// Influx line protocol.
    Influx,
    /// Any JSON or CSV, by paths and columns.
    Mapped,
}

impl SampleFormat {
    /// The formats by their names in topologies.
    pub const NAMES: [(&'static str, SampleFormat); 8] = [
        ("json", SampleFormat::Native),
        ("telegraf", SampleFormat::Telegraf),
        ("collectd", SampleFormat::Collectd),
        ("otlp-json", SampleFormat::OtlpJson),
        ("otlp", SampleFormat::Otlp),
        ("prometheus-json", SampleFormat::PrometheusJson),
        ("influx", SampleFormat::Influx),
        ("mapped", SampleFormat::Mapped),
    ];

    /// Its name in topologies.
    pub fn name(self) -> &'static str {
        let found = SampleFormat::NAMES.iter().find(|(_, format)| *format == self);
        found.map_or("json", |(name, _)| name)
    }

    /// The tag, label or attribute that names the entity, unless the topology says another.
    pub fn usual_entity(self) -> Option<&'static str> {
        match self {
            SampleFormat::Telegraf | SampleFormat::Collectd | SampleFormat::Influx => Some("host"),
            SampleFormat::OtlpJson | SampleFormat::Otlp => Some("host.name"),
            SampleFormat::PrometheusJson => Some("instance"),
            SampleFormat::Native | SampleFormat::Mapped => None,
        }
    }
}

/// How samples become readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// What records are.
    pub format: SampleFormat,
    /// The tag, label, attribute, path or column that names the entity.
    pub entity: Option<String>,
    /// Mapped records: the path or column of the time.
    pub time: Option<String>,
    /// Mapped records of one sample each: the paths of the series' name and of its value.
    pub series: Option<(String, String)>,
    /// Samples of one entity within so long are one reading; each by itself where there is none. Above 0.
    pub interval_ms: Option<i64>,
    /// One a metric of the schema, in its order.
    pub metrics: Vec<Sampled>,
}

/// Where a metric's values come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// The series.
    pub from: Selector,
    /// What values are multiplied by, above 0.
    pub scale: f64,
    /// Whether the values are those of a counter, and the metric is how fast it grows, a second.
    pub rate: bool,
}

/// Which series is meant: `cpu.usage_idle{cpu=cpu-total}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The series' name, in full; of mapped records the path or column.
    pub name: String,
    /// What its tags must be.
    pub tags: Vec<(String, String)>,
}

impl Selector {
    /// The selector of a text; `None` where its braces are not `{tag=value,…}`.
    pub fn parse(text: &str) -> Option<Selector> {
        let Some((name, rest)) = text.split_once('{') else {
            let name = text.trim().to_owned();
            return (!name.is_empty()).then_some(Selector { name, tags: Vec::new() });
        };
        let inner = rest.trim_end().strip_suffix('}')?;
        let tag = |pair: &str| {
            let (tag, value) = pair.split_once('=')?;
            let (tag, value) = (tag.trim(), value.trim().trim_matches('"'));
            (!tag.is_empty()).then(|| (tag.to_owned(), value.to_owned()))
        };
        let tags = inner.split(',').map(tag).collect::<Option<Vec<_>>>()?;
        let name = name.trim().to_owned();
        (!name.is_empty()).then_some(Selector { name, tags })
    }

    /// A path or column: braces mean nothing in it.
    pub fn plain(text: &str) -> Selector {
        Selector { name: text.to_owned(), tags: Vec::new() }
    }

    /// Whether `group.field` is the name; the group alone where there is no field.
    pub fn is_named(&self, group: &str, field: &str) -> bool {
        match self.name.strip_prefix(group) {
            Some("") => field.is_empty(),
            Some(rest) => !field.is_empty() && rest.strip_prefix('.') == Some(field),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: &str, tags: &[(&str, &str)]) {
        let selector = Selector::parse(text).unwrap();
        let found: Vec<(&str, &str)> =
            selector.tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str())).collect();
        assert_eq!((selector.name.as_str(), found.as_slice()), (name, tags), "{text}");
    }

    #[test]
    fn a_selector_is_a_name_and_tags() {
        check("cpu.usage_idle", "cpu.usage_idle", &[]);
        check("cpu.usage_idle{cpu=cpu-total}", "cpu.usage_idle", &[("cpu", "cpu-total")]);
        check("m{a=\"1\", b=}", "m", &[("a", "1"), ("b", "")]);
        for text in ["", "{a=b}", "m{", "m{}", "m{a}", "m{=b}", "m{a=b}x"] {
            assert_eq!(Selector::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_group_and_field() {
        let selector = Selector::plain("net.bytes.in");
        assert!(selector.is_named("net", "bytes.in") && selector.is_named("net.bytes", "in"));
        assert!(selector.is_named("net.bytes.in", ""));
        assert!(
            !selector.is_named("net", "bytes")
                && !selector.is_named("net", "")
                && !selector.is_named("ne", "t")
        );
    }
}
