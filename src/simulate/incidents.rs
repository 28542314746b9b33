//! What goes wrong in a fleet: kinds of incident, and the labels that tell of them.

use serde::Serialize;

use super::values::{
    CONNECTIONS, CPU, DISK, ERRORS, IO_WAIT, LATENCY, MEMORY, NETWORK_IN, NETWORK_OUT, POWER, TEMPERATURE,
    THREADS,
};
use crate::flow::time::EventTime;

/// The kinds of incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Minutes of a job gone wild, or of a flood of requests.
    Spike,
    /// Latency or CPU go to another level at once, as after a bad release.
    LevelShift,
    /// Heat builds up, or the disk fills.
    Drift,
    /// Memory and threads grow until the process is killed.
    MemoryLeak,
    /// Sensors hang: they say the same again and again.
    FlatLine,
    /// CPU and traffic part company, each within the range of its week.
    CorrelationBreak,
    /// A service degrades, goes down, and comes back; errors and latency follow.
    ServiceOutage,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::Spike,
        Kind::LevelShift,
        Kind::Drift,
        Kind::MemoryLeak,
        Kind::FlatLine,
        Kind::CorrelationBreak,
        Kind::ServiceOutage,
    ];

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

    /// How long it lasts where the run leaves room, give or take a quarter.
    pub(super) fn usual_minutes(self) -> i64 {
        match self {
            Kind::Spike => 4,
            Kind::LevelShift | Kind::CorrelationBreak => 25,
            Kind::Drift | Kind::MemoryLeak => 45,
            Kind::FlatLine => 30,
            Kind::ServiceOutage => 12,
        }
    }

    /// Which metrics show it.
    pub(super) fn metrics(self, course: Course) -> &'static [usize] {
        match (self, course) {
            (Kind::Spike, Course::Machine) => &[CPU, LATENCY, POWER],
            (Kind::Spike, Course::Traffic) => &[LATENCY, NETWORK_IN, NETWORK_OUT, CONNECTIONS],
            (Kind::LevelShift, Course::Machine) | (Kind::CorrelationBreak, _) => &[CPU, POWER],
            (Kind::LevelShift, Course::Traffic) => &[LATENCY, THREADS, ERRORS],
            (Kind::Drift, Course::Machine) => &[TEMPERATURE],
            (Kind::Drift, Course::Traffic) => &[DISK, IO_WAIT],
            (Kind::MemoryLeak, _) => &[MEMORY, THREADS],
            (Kind::FlatLine, _) => {
                &[CPU, MEMORY, LATENCY, NETWORK_IN, NETWORK_OUT, IO_WAIT, CONNECTIONS, TEMPERATURE, POWER]
            }
            (Kind::ServiceOutage, _) => &[LATENCY, CONNECTIONS, ERRORS],
        }
    }
}

/// The two ways that some kinds take: from within the machine, or from what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// CPU, heat, power.
    Machine,
    /// Requests, data.
    Traffic,
}

/// One incident on one host, and so one label. A trouble that strikes two hosts is two of them with the same span.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The host.
    pub entity: String,
    /// What goes wrong.
    pub kind: Kind,
    /// Which metrics and services show it, services as `service_status.database`.
    pub metrics: Vec<String>,
    /// From when.
    pub start: EventTime,
    /// Until when, exclusively.
    pub end: EventTime,
    /// The host's number.
    pub(super) host: u64,
    pub(super) course: Course,
    /// The place of the service that goes down.
    pub(super) service: usize,
    /// How bad it is, 0.85 to 1.15.
    pub(super) strength: f64,
}

impl Incident {
    /// How much of it is over, 0 to 1.
    pub(super) fn done(&self, time: EventTime) -> f64 {
        let length_ms = (self.end.as_ms() - self.start.as_ms()).max(1);
        (time.as_ms() - self.start.as_ms()) as f64 / length_ms as f64
    }
}

#[derive(Serialize)]
struct LabelFile<'a> {
    incidents: Vec<Label<'a>>,
}

#[derive(Serialize)]
struct Label<'a> {
    entity: &'a str,
    kind: &'static str,
    metrics: &'a [String],
    start: String,
    end: String,
}

impl Label<'_> {
    fn of(incident: &Incident) -> Label<'_> {
        Label {
            entity: &incident.entity,
            kind: incident.kind.name(),
            metrics: &incident.metrics,
            start: incident.start.to_string(),
            end: incident.end.to_string(),
        }
    }
}

/// The labels as JSON: `{"incidents": [{"entity", "kind", "metrics", "start", "end"}]}`.
pub fn labels_json(incidents: &[Incident]) -> String {
    let file = LabelFile { incidents: incidents.iter().map(Label::of).collect() };
    let mut text = serde_json::to_string_pretty(&file).expect("strings are always JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_where_what_and_when() {
        let incident = Incident {
            entity: "host-00003".into(),
            kind: Kind::MemoryLeak,
            metrics: vec!["memory_usage".into()],
            start: EventTime::parse(b"2026-01-01T01:00:00Z").unwrap(),
            end: EventTime::parse(b"2026-01-01T01:45:00Z").unwrap(),
            host: 3,
            course: Course::Machine,
            service: 0,
            strength: 1.0,
        };
        let read: serde_json::Value = serde_json::from_str(&labels_json(&[incident])).unwrap();
        let expected = serde_json::json!({"incidents": [{"entity": "host-00003", "kind": "memory-leak",
            "metrics": ["memory_usage"], "start": "2026-01-01T01:00:00Z", "end": "2026-01-01T01:45:00Z"}]});
        assert_eq!(read, expected);
    }

    #[test]
    fn a_fleet_without_incidents_has_an_empty_list_of_labels() {
        assert_eq!(labels_json(&[]), "{\n  \"incidents\": []\n}\n");
    }
}
