//! From settings that are right one by one to a topology that is right as a whole.

mod advise;
mod alerts;
mod detectors;
mod receivers;
mod samples;
mod schema;
mod window;

use super::check::Said;
use super::takes::Setting;
use super::{Emit, KeyedBy, SinkSettings, SourceSettings, StreamSettings, Topology};
use crate::flow::detect::settings::{Kind, Settings};
use crate::flow::incident::IncidentSettings;

impl Said {
    fn text(&self, path: &str) -> String {
        match self.setting(path) {
            Setting::Text(text) => text,
            other => unreachable!("{path} takes text, not {other:?}"),
        }
    }

    fn boolean(&self, path: &str) -> bool {
        self.setting(path) == Setting::Boolean(true)
    }

    fn span(&self, path: &str) -> i64 {
        match self.setting(path) {
            Setting::Span(ms) => ms,
            other => unreachable!("{path} takes a duration, not {other:?}"),
        }
    }

    fn integer(&self, path: &str) -> i64 {
        match self.setting(path) {
            Setting::Integer(number) => number,
            other => unreachable!("{path} takes a whole number, not {other:?}"),
        }
    }

    /// Checks keys against each other. The topology is meant to be used only if that added no problem.
    pub(super) fn build(mut self) -> (Topology, Self) {
        if !self.has("name") {
            self.problem("name", "is missing: consumer group and internal topics begin with it");
        }
        let mut topology = Topology {
            name: self.given("name").map_or_else(String::new, |_| self.text("name")),
            source: self.source(),
            schema: self.schema(),
            window: self.window(),
            detectors: self.detectors(),
            alerts: self.alerts(),
            incident: self.incident(),
            advise: self.advise(),
            sink: self.sink(),
            stream: self.stream(),
            receivers: Vec::new(),
            kafka_client: std::mem::take(&mut self.kafka_client),
            warnings: Vec::new(),
        };
        self.samples(&mut topology);
        topology.receivers = self.receivers(&topology);
        self.check_topics(&topology);
        if topology.source.keyed_by == KeyedBy::Entity && self.given("sink.readings").is_some() {
            self.warn("sink.readings", "does not apply with source.keyed_by = \"entity\"");
        }
        let judges = |settings: &Settings| !matches!(settings.kind, Kind::Status | Kind::Silence);
        if !topology.schema.metrics.iter().any(|metric| metric.judged)
            && topology.detectors.iter().any(judges)
        {
            self.warn("metric", "has none that is judged: detectors of metrics find nothing");
        }
        (topology, self)
    }

    fn source(&self) -> SourceSettings {
        let Setting::Bytes(max_payload_bytes) = self.setting("source.max_payload") else {
            unreachable!("source.max_payload takes a size")
        };
        let keyed_by = match self.text("source.keyed_by").as_str() {
            "entity" => KeyedBy::Entity,
            _ => KeyedBy::Anything,
        };
        SourceSettings { topic: self.text("source.topic"), keyed_by, max_payload_bytes }
    }

    fn stream(&self) -> StreamSettings {
        let idle_ms = match self.setting("window.idle") {
            Setting::Span(ms) => Some(ms),
            _ => None,
        };
        let Setting::Number(changelog_share) = self.setting("sink.changelog_share") else {
            unreachable!("sink.changelog_share takes a number")
        };
        let skip_below_retention = self.text("source.below_retention") == "skip";
        StreamSettings { idle_ms, skip_below_retention, changelog_share }
    }

    fn incident(&self) -> Option<IncidentSettings> {
        self.has_table("incident").then(|| IncidentSettings {
            resolve_after_ms: self.span("incident.resolve_after"),
            reopen_within_ms: self.span("incident.reopen_within"),
        })
    }

    fn sink(&self) -> SinkSettings {
        SinkSettings {
            topic: self.text("sink.topic"),
            findings: self.text("sink.findings"),
            rejected: self.text("sink.rejected"),
            late: self.text("sink.late"),
            readings: self.text("sink.readings"),
            changelog: self.text("sink.changelog"),
            advise_changelog: self.text("sink.advise_changelog"),
            emit: if self.text("sink.emit") == "all" { Emit::All } else { Emit::Findings },
        }
    }

    /// A topic with two roles would feed the flow with what it wrote.
    fn check_topics(&mut self, topology: &Topology) {
        let sink = &topology.sink;
        let roles = [
            ("source.topic", &topology.source.topic),
            ("sink.topic", &sink.topic),
            ("sink.findings", &sink.findings),
            ("sink.rejected", &sink.rejected),
            ("sink.late", &sink.late),
            ("sink.readings", &sink.readings),
            ("sink.changelog", &sink.changelog),
            ("sink.advise_changelog", &sink.advise_changelog),
        ];
        for (at, (role, topic)) in roles.iter().enumerate() {
            if let Some((other, _)) = roles[..at].iter().find(|(_, other)| other == topic) {
                let (told, of) = if self.has(role) { (role, other) } else { (other, role) };
                self.problem(told, format!("{topic:?} is also {of}; every role needs a topic of its own"));
            }
        }
    }
}
