//! What readings are made of: schema, values, service statuses.

use super::samples::{SampleFormat, Sampling};

/// The most metrics a topology may name: the presence mask is 64 bits.
pub const MAX_METRICS: usize = 64;
/// The most services a topology may know: two bits each in 64.
pub const MAX_SERVICES: usize = 32;
/// The longest entity name, in bytes.
pub const MAX_ENTITY_BYTES: usize = 256;

/// One metric of a topology's schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The field's name in readings and reports.
    pub name: String,
    /// What the values count, for people: `%`, `ms`.
    pub unit: String,
    /// Values outside are rejected.
    pub range: Range,
    /// Whether detectors judge it.
    pub judged: bool,
    /// Whether a reading may come without it.
    pub optional: bool,
}

/// What values a metric can have. Bounds are inclusive unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// Whether `low` itself is outside.
    pub above_low: bool,
}

impl Range {
    /// Every finite number.
    pub const ANY: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY, above_low: false };
    /// A percentage.
    pub const PERCENT: Range = Range { low: 0.0, high: 100.0, above_low: false };
    /// Zero and above.
    pub const NOT_NEGATIVE: Range = Range { low: 0.0, high: f64::INFINITY, above_low: false };
    /// Above zero.
    pub const POSITIVE: Range = Range { low: 0.0, high: f64::INFINITY, above_low: true };

    /// Whether a finite value lies inside.
    pub fn contains(&self, value: f64) -> bool {
        value.is_finite() && value >= self.low && value <= self.high && !(self.above_low && value == self.low)
    }
}

/// Which services a reading may speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Services {
    /// These, by name; a reading has all of them when `required`.
    Named {
        /// In the order of their bits in [`Statuses`].
        names: Vec<String>,
        /// Whether a reading without one of them is rejected.
        required: bool,
    },
    /// Any, up to [`MAX_SERVICES`] names a task, learned as they come.
    Any,
}

/// Which metrics and services the readings of a topology have.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// At most [`MAX_METRICS`], in the order that detectors judge and reports list them.
    pub metrics: Vec<Metric>,
    /// The services.
    pub services: Services,
    /// The entity of a reading that names none and comes without a key.
    pub default_entity: String,
    /// How samples become readings; `None` where every record holds whole readings of our own.
    pub sampling: Option<Box<Sampling>>,
}

impl Schema {
    /// The predecessor's reading: 13 numbers, of which `uptime_seconds` is not judged, and three services.
    pub fn native() -> Schema {
        let metric = |name: &str, unit: &str, range, judged| Metric {
            name: name.into(),
            unit: unit.into(),
            range,
            judged,
            optional: false,
        };
        let metrics = vec![
            metric("cpu_usage", "%", Range::PERCENT, true),
            metric("memory_usage", "%", Range::PERCENT, true),
            metric("latency_ms", "ms", Range::NOT_NEGATIVE, true),
            metric("disk_usage", "%", Range::PERCENT, true),
            metric("network_in_kbps", "kbps", Range::NOT_NEGATIVE, true),
            metric("network_out_kbps", "kbps", Range::NOT_NEGATIVE, true),
            metric("io_wait", "%", Range::PERCENT, true),
            metric("thread_count", "threads", Range::POSITIVE, true),
            metric("active_connections", "connections", Range::NOT_NEGATIVE, true),
            metric("error_rate", "%", Range::PERCENT, true),
            metric("temperature_celsius", "°C", Range::ANY, true),
            metric("power_consumption_watts", "W", Range::NOT_NEGATIVE, true),
            metric("uptime_seconds", "s", Range::NOT_NEGATIVE, false),
        ];
        let names = ["database", "api_gateway", "cache"].map(String::from).to_vec();
        Schema {
            metrics,
            services: Services::Named { names, required: true },
            default_entity: "infrastructure".into(),
            sampling: None,
        }
    }

    /// The schema of samples as they come: a counter is any number from 0, its range is that of its rate.
    #[must_use]
    pub fn as_sampled(mut self) -> Schema {
        let sampling = self.sampling.iter().flat_map(|sampling| &sampling.metrics);
        for (metric, _) in self.metrics.iter_mut().zip(sampling).filter(|(_, sampled)| sampled.rate) {
            metric.range = Range::NOT_NEGATIVE;
        }
        self
    }

    /// The schema of what `route` has made of records: readings of our own, whatever the records were.
    #[must_use]
    pub fn as_routed(mut self) -> Schema {
        if let Some(sampling) = &mut self.sampling {
            sampling.format = SampleFormat::Native;
        }
        self
    }

    /// The place of a metric in [`Schema::metrics`], by name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.metrics.iter().position(|metric| metric.name == name)
    }

    /// A mask with a bit for every metric.
    pub fn full_mask(&self) -> u64 {
        if self.metrics.len() >= 64 { u64::MAX } else { (1 << self.metrics.len()) - 1 }
    }
}

/// How a service was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Online,
    /// Working badly.
    Degraded,
    /// Not working.
    Offline,
}

impl Status {
    /// The status of that name.
    pub fn parse(text: &[u8]) -> Option<Status> {
        match text {
            b"online" => Some(Status::Online),
            b"degraded" => Some(Status::Degraded),
            b"offline" => Some(Status::Offline),
            _ => None,
        }
    }

    /// Its name in readings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Online => "online",
            Status::Degraded => "degraded",
            Status::Offline => "offline",
        }
    }
}

/// The statuses of up to [`MAX_SERVICES`] services, two bits each: 0 is "not said".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statuses(u64);

impl Statuses {
    /// What [`Statuses::to_bits`] gave.
    pub fn from_bits(bits: u64) -> Statuses {
        Statuses(bits)
    }

    /// All of them in 64 bits.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The status of the service with that number, where the reading has it.
    pub fn get(self, service: usize) -> Option<Status> {
        match (self.0 >> (2 * service)) & 3 {
            1 => Some(Status::Online),
            2 => Some(Status::Degraded),
            3 => Some(Status::Offline),
            _ => None,
        }
    }

    /// Sets the status of the service with that number, below [`MAX_SERVICES`].
    pub fn set(&mut self, service: usize, status: Status) {
        let code = match status {
            Status::Online => 1,
            Status::Degraded => 2,
            Status::Offline => 3,
        };
        self.0 = (self.0 & !(3 << (2 * service))) | (code << (2 * service));
    }

    /// These, where the later ones say nothing.
    #[must_use]
    pub fn updated(self, later: Statuses) -> Statuses {
        let said = (later.0 | later.0 >> 1) & 0x5555_5555_5555_5555;
        Statuses((self.0 & !(said | said << 1)) | later.0)
    }

    /// Whether any service is said not to be online: the high bit of its pair is set.
    pub fn any_not_online(self) -> bool {
        self.0 & 0xAAAA_AAAA_AAAA_AAAA != 0
    }
}

/// One sample of an entity's metrics at one event time, as wide as the schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// When it was taken.
    pub time: super::time::EventTime,
    /// A finite number per metric of the schema, in its order; 0 where `present` lacks the metric's bit.
    pub values: Vec<f64>,
    /// Which metrics the reading has.
    pub present: u64,
    /// What it says of the services.
    pub statuses: Statuses,
}
