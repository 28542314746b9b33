//! What the page asks for, as JSON.

use serde_json::{Value, json};

use super::Fleet;
use super::incident::Incident;

/// So many incidents are listed at a time: all that are open, and the last that are over.
const LISTED: usize = 120;

impl Fleet {
    /// What changed after that version, in all when it is 0.
    pub fn changes(&self, since: u64) -> Value {
        let entities: Vec<Value> = self
            .entities
            .iter()
            .enumerate()
            .filter(|(_, entity)| entity.changed > since)
            .map(|(at, entity)| json!([at, entity.name, entity.health.number()]))
            .collect();
        let mut changes = json!({
            "version": self.version,
            "entities": entities,
            "known": self.entities.len(),
            "left_out": self.left_out,
            "time_ms": self.time_ms,
        });
        if since == 0 || self.incidents_changed > since {
            changes["incidents"] = self.incidents_json();
        }
        if since == 0 {
            changes["metrics"] = json!(self.metrics);
        }
        changes
    }

    fn incidents_json(&self) -> Value {
        let all = self.order.iter().rev().filter_map(|id| self.incidents.get(id));
        let (mut open, over): (Vec<&Incident>, Vec<&Incident>) = all.partition(|incident| incident.open);
        open.sort_by_key(|incident| std::cmp::Reverse((incident.severity, incident.since_ms)));
        open.into_iter().chain(over).take(LISTED).map(summary).collect()
    }

    /// Everything about an incident; none when it is not known, or no longer.
    pub fn incident(&self, id: &str) -> Option<Value> {
        let incident = self.incidents.get(id)?;
        serde_json::to_value(incident).ok()
    }

    /// Everything about an entity.
    pub fn entity_named(&self, name: &str) -> Option<Value> {
        let entity = self.entities.get(*self.by_name.get(name)?)?;
        let incidents = self.order.iter().rev().filter_map(|id| self.incidents.get(id));
        let own: Vec<Value> =
            incidents.filter(|incident| *incident.entity == *entity.name).take(20).map(summary).collect();
        let times: Vec<i64> = entity.points.iter().map(|point| point.ms).collect();
        let series: Vec<Value> = self
            .metrics
            .iter()
            .enumerate()
            .map(|(at, metric)| {
                let means = entity.points.iter().map(|point| point.means.get(at).copied().flatten());
                json!({"metric": metric.name, "unit": metric.unit, "means": means.collect::<Vec<_>>()})
            })
            .collect();
        Some(json!({
            "name": entity.name, "health": entity.health.number(), "times": times, "series": series, "incidents": own,
        }))
    }
}

/// An incident in a line.
fn summary(incident: &Incident) -> Value {
    let why = incident.reasons.first();
    json!({
        "id": incident.id,
        "entity": incident.entity,
        "open": incident.open,
        "severity": incident.severity,
        "since_ms": incident.since_ms,
        "until_ms": incident.until_ms,
        "anomalies": incident.anomalies,
        "windows": incident.windows,
        "why": why.map(|reason| &reason.description),
        "metric": why.map(|reason| &reason.metric),
        "detector": why.map(|reason| &reason.detector),
        "action": incident.recommendations.first().map(|one| &one.action),
    })
}
