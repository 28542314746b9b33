//! Who is told: `[[notify]]`.

use crate::flow::detect::Severity;
use crate::flow::notify::{Kind, Receiver, Template};
use crate::topology::Topology;
use crate::topology::check::Said;
use crate::topology::takes::Setting;

/// An Alertmanager waits so much longer than the end of an incident takes to be known.
const SLACK_MS: i64 = 5 * 60_000;

impl Said {
    pub(super) fn receivers(&mut self, topology: &Topology) -> Vec<Receiver> {
        let mut all: Vec<Receiver> = Vec::new();
        for number in 0..self.count("notify") {
            let receiver = self.receiver(number, topology);
            // Names of the environment know neither case nor hyphen.
            let variable = |name: &str| name.to_ascii_uppercase().replace(['-', '.'], "_");
            if all.iter().any(|other| variable(&other.name) == variable(&receiver.name)) {
                let path = format!("notify.{number}.name");
                self.problem(&path, format!("{:?} is the name of another receiver", receiver.name));
            }
            all.push(receiver);
        }
        all
    }

    fn receiver(&mut self, number: usize, topology: &Topology) -> Receiver {
        let path = |key: &str| format!("notify.{number}.{key}");
        let text = |said: &Said, key: &str| match said.given(&path(key)) {
            Some(Setting::Text(text)) => Some(text.clone()),
            _ => None,
        };
        for key in ["name", "kind"] {
            if !self.has(&path(key)) {
                self.problem(&path(key), "is missing");
            }
        }
        let template = text(self, "template").and_then(|text| match Template::new(&text) {
            Ok(template) => Some(template),
            Err(wrong) => {
                self.problem(&path("template"), wrong);
                None
            }
        });
        let kind = match text(self, "kind").as_deref() {
            Some("alertmanager") => Kind::Alertmanager,
            Some("slack") => Kind::Slack,
            _ => Kind::Webhook(template.clone()),
        };
        if template.is_some() && !matches!(kind, Kind::Webhook(_)) {
            self.warn(&path("template"), "applies to webhooks only");
        }
        if topology.incident.is_none() {
            self.warn(
                &path("name"),
                "is told of every report with a finding, as there is no [incident] to group them",
            );
        }
        let resolve_ms = topology.incident.map_or(0, |incident| incident.resolve_after_ms);
        let window_ms = topology.window.longest_ms();
        Receiver {
            name: text(self, "name").unwrap_or_default(),
            kind,
            least: match text(self, "severity").as_deref() {
                Some("high") => Severity::High,
                Some("medium") => Severity::Medium,
                _ => Severity::Low,
            },
            entity: text(self, "entity").unwrap_or_default(),
            keep_ms: match self.given(&path("keep")) {
                Some(Setting::Span(ms)) => *ms,
                _ => 3_600_000,
            },
            linger_ms: resolve_ms
                + 2 * window_ms
                + topology.window.grace_ms
                + topology.advise.deadline_ms
                + SLACK_MS,
            application: topology.name.clone(),
        }
    }
}
