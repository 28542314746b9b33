//! What goes wrong in a fleet, when and where, and how it shows.

use serde_json::json;

use super::FleetSettings;
use super::host::{
    CONNECTIONS, CPU, DISK, ERRORS, IO_WAIT, LATENCY, MEMORY, METRICS, NETWORK_IN, NETWORK_OUT, POWER,
    TEMPERATURE, THREADS,
};
use super::random::Random;
use crate::flow::model::{Schema, Status, Statuses};
use crate::flow::time::EventTime;

/// The kinds of incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CPU and latency jump for a minute or two.
    Spike,
    /// Latency and connections go to another level.
    LevelShift,
    /// Temperature and power creep up.
    Drift,
    /// Memory and threads grow until the end.
    MemoryLeak,
    /// Every sample says the same.
    FlatLine,
    /// Traffic and load part company, each within its range.
    CorrelationBreak,
    /// A service goes down; errors follow.
    ServiceOutage,
}

const KINDS: [Kind; 7] = [
    Kind::Spike,
    Kind::LevelShift,
    Kind::Drift,
    Kind::MemoryLeak,
    Kind::FlatLine,
    Kind::CorrelationBreak,
    Kind::ServiceOutage,
];

impl Kind {
    /// Its name in labels.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Spike => "spike",
            Kind::LevelShift => "level-shift",
            Kind::Drift => "drift",
            Kind::MemoryLeak => "memory-leak",
            Kind::FlatLine => "flat-line",
            Kind::CorrelationBreak => "correlation-break",
            Kind::ServiceOutage => "service-outage",
        }
    }

    fn minutes(self) -> i64 {
        match self {
            Kind::Spike => 2,
            Kind::LevelShift | Kind::CorrelationBreak => 20,
            Kind::Drift | Kind::MemoryLeak => 40,
            Kind::FlatLine => 30,
            Kind::ServiceOutage => 10,
        }
    }

    fn metrics(self) -> &'static [usize] {
        match self {
            Kind::Spike => &[CPU, LATENCY, IO_WAIT],
            Kind::LevelShift => &[LATENCY, CONNECTIONS],
            Kind::Drift => &[TEMPERATURE, POWER],
            Kind::MemoryLeak => &[MEMORY, THREADS],
            Kind::FlatLine => &[CPU, MEMORY, LATENCY, NETWORK_IN, NETWORK_OUT, POWER],
            Kind::CorrelationBreak => &[NETWORK_OUT, POWER],
            Kind::ServiceOutage => &[ERRORS, LATENCY],
        }
    }
}

/// One incident, and the label that tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The host.
    pub entity: String,
    /// The host's number.
    pub(super) entity_number: usize,
    /// What goes wrong.
    pub kind: Kind,
    /// Which metrics and services show it.
    pub metrics: Vec<String>,
    /// From when.
    pub start: EventTime,
    /// Until when.
    pub end: EventTime,
    service: usize,
}

impl Incident {
    /// What a sample becomes while this goes on.
    pub(super) fn spoil(
        &self,
        time: EventTime,
        frozen: &[f64; METRICS],
        values: &mut [f64; METRICS],
        statuses: &mut Statuses,
    ) {
        let length = (self.end.as_ms() - self.start.as_ms()) as f64;
        let done = (time.as_ms() - self.start.as_ms()) as f64 / length;
        match self.kind {
            Kind::Spike => {
                values[CPU] += 45.0;
                values[LATENCY] *= 4.0;
                values[IO_WAIT] += 25.0;
            }
            Kind::LevelShift => {
                values[LATENCY] *= 2.2;
                values[CONNECTIONS] = (values[CONNECTIONS] * 1.8 + 60.0).round();
            }
            Kind::Drift => {
                values[TEMPERATURE] += 30.0 * done;
                values[POWER] += 60.0 * done;
            }
            Kind::MemoryLeak => {
                values[MEMORY] += (98.0 - values[MEMORY]) * done;
                values[THREADS] = (values[THREADS] * (1.0 + done)).round();
            }
            Kind::FlatLine => {
                for &metric in self.kind.metrics() {
                    values[metric] = frozen[metric];
                }
                values[DISK] = frozen[DISK];
            }
            Kind::CorrelationBreak => {
                values[NETWORK_OUT] = 0.35 * values[NETWORK_IN];
                values[POWER] = 110.0 + 2.1 * (100.0 - values[CPU]);
            }
            Kind::ServiceOutage => {
                values[ERRORS] += 12.0;
                values[LATENCY] *= 2.5;
                let status = if done < 0.2 { Status::Degraded } else { Status::Offline };
                statuses.set(self.service, status);
            }
        }
    }
}

/// Draws the incidents: none in the first 30 % of the time, none on a host within an hour of another.
/// `None` where they do not fit in.
pub(super) fn schedule(settings: &FleetSettings) -> Option<Vec<Incident>> {
    let mut random = Random::new(settings.seed, u64::MAX - 1);
    let mut incidents: Vec<Incident> = Vec::new();
    let schema = Schema::native();
    let first_ms = settings.duration_ms * 3 / 10;
    let turn = random.below(KINDS.len());
    let mut tries = 0;
    while incidents.len() < settings.incidents {
        tries += 1;
        if tries > 200 * settings.incidents + 1000 {
            return None;
        }
        let kind = KINDS[(turn + incidents.len()) % KINDS.len()];
        // In a short run incidents are short too.
        let length_ms = (kind.minutes() * 60_000).min(settings.duration_ms / 8).max(settings.interval_ms);
        let room_ms = settings.duration_ms - first_ms - length_ms;
        if room_ms < 0 {
            return None;
        }
        let entity_number = random.below(settings.entities);
        let offset_ms = first_ms + (random.unit() * room_ms as f64) as i64 / 1000 * 1000;
        let service = random.below(3);
        let (start, end) = (settings.start.plus_ms(offset_ms), settings.start.plus_ms(offset_ms + length_ms));
        let margin_ms = 3_600_000.min(settings.duration_ms / 8);
        let apart = |other: &Incident| {
            other.entity_number != entity_number
                || other.end.plus_ms(margin_ms) < start
                || end.plus_ms(margin_ms) < other.start
        };
        if !incidents.iter().all(apart) {
            continue;
        }
        let mut metrics: Vec<String> =
            kind.metrics().iter().map(|&metric| schema.metrics[metric].name.clone()).collect();
        if kind == Kind::ServiceOutage {
            metrics.push(format!("service_status.{}", ["database", "api_gateway", "cache"][service]));
        }
        let entity = format!("host-{entity_number:05}");
        incidents.push(Incident { entity, entity_number, kind, metrics, start, end, service });
    }
    incidents.sort_by(|a, b| (a.start, &a.entity).cmp(&(b.start, &b.entity)));
    Some(incidents)
}

/// The labels as JSON: `{"incidents": [{"entity", "kind", "metrics", "start", "end"}]}`.
pub fn labels_json(incidents: &[Incident]) -> String {
    let all: Vec<serde_json::Value> = incidents
        .iter()
        .map(|incident| {
            json!({
                "entity": incident.entity,
                "kind": incident.kind.name(),
                "metrics": incident.metrics,
                "start": incident.start.to_string(),
                "end": incident.end.to_string(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "incidents": all }))
}
