//! The fleet as it is now, for people: entities by health, incidents with their reasons, the last of each series.
//!
//! Pure and bounded: fed with what epochs carry, asked by the page and the report. It holds no clock and no connection,
//! and nothing that decides anything: forgetting all of it changes no output.

mod entity;
mod incident;
mod json;
pub mod pipeline;
pub mod report;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::flow::Counts;
use crate::flow::glance::Glance;
use crate::flow::model::Schema;
use crate::flow::record::{Output, Reason, Role};
use crate::flow::sink::report::Report;
use entity::Entity;
pub use entity::Health;
use incident::Incident;

/// Entities beyond are counted only, unless something is found in them.
pub const MOST_ENTITIES: usize = 20_000;
/// Incidents beyond push out the oldest that is over, or else the oldest.
const MOST_INCIDENTS: usize = 300;
/// Examples of what was refused, of each role.
const MOST_REFUSED: usize = 40;
/// So much of a refused record is shown.
const SHOWN_BYTES: usize = 160;

/// What a metric is called and counted in.
#[derive(Clone, Debug, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
}

/// A record that was not used.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// Why, in a word.
    pub reason: &'static str,
    /// Why, for people.
    pub detail: String,
    /// How the record begins.
    pub begins: String,
}

/// The fleet.
#[derive(Debug)]
pub struct Fleet {
    metrics: Vec<Metric>,
    /// Goes up with every change.
    version: u64,
    entities: Vec<Entity>,
    by_name: BTreeMap<Box<str>, usize>,
    left_out: u64,
    incidents: BTreeMap<String, Incident>,
    /// By the time they were first heard of.
    order: VecDeque<String>,
    /// When incidents last changed, as a version.
    incidents_changed: u64,
    /// Incidents of which nothing is kept any more.
    incidents_left_out: u64,
    counts: Counts,
    /// The latest window end.
    time_ms: Option<i64>,
    /// The first window end.
    begin_ms: Option<i64>,
    rejected: Vec<Refused>,
    late: Vec<Refused>,
}

impl Fleet {
    /// A fleet of which nothing is known yet.
    pub fn new(schema: &Schema) -> Fleet {
        let metric = |metric: &crate::flow::model::Metric| Metric {
            name: metric.name.clone(),
            unit: metric.unit.clone(),
        };
        Fleet {
            metrics: schema.metrics.iter().map(metric).collect(),
            version: 0,
            entities: Vec::new(),
            by_name: BTreeMap::new(),
            left_out: 0,
            incidents: BTreeMap::new(),
            order: VecDeque::new(),
            incidents_changed: 0,
            incidents_left_out: 0,
            counts: Counts::default(),
            time_ms: None,
            begin_ms: None,
            rejected: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Goes up with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Takes what an epoch carries. Of several flows only one gives counts.
    pub fn take(&mut self, counts: Option<&Counts>, glances: &[Glance], outputs: &[Output]) {
        self.version += 1;
        if let Some(counts) = counts {
            self.counts.add(counts);
        }
        for glance in glances {
            self.glance(glance);
        }
        for output in outputs {
            match output.role {
                Role::Findings | Role::Reports if says_something(&output.value) => {
                    if let Ok(report) = serde_json::from_slice::<Report>(&output.value) {
                        self.report(report);
                    }
                }
                Role::Rejected => refuse(&mut self.rejected, output),
                Role::Late => refuse(&mut self.late, output),
                Role::Findings | Role::Reports | Role::Readings => {}
            }
        }
    }

    fn saw_time(&mut self, ms: i64) {
        self.time_ms = Some(self.time_ms.map_or(ms, |last| last.max(ms)));
        self.begin_ms = Some(self.begin_ms.map_or(ms, |first| first.min(ms)));
    }

    fn entity(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.by_name.get(name) {
            return Some(*at);
        }
        if self.entities.len() >= MOST_ENTITIES {
            self.left_out += 1;
            return None;
        }
        self.entities.push(Entity::new(name));
        self.by_name.insert(name.into(), self.entities.len() - 1);
        Some(self.entities.len() - 1)
    }

    fn glance(&mut self, glance: &Glance) {
        let ms = glance.end.as_ms();
        self.saw_time(ms);
        let version = self.version;
        let most_points = Entity::most_points(self.entities.len());
        let Some(at) = self.entity(&glance.entity) else { return };
        let entity = &mut self.entities[at];
        entity.glance(glance, most_points, version);
        if let Some(incident) = entity.incident.as_ref().and_then(|id| self.incidents.get_mut(id)) {
            incident.glance(&self.metrics, glance);
        }
    }

    fn report(&mut self, report: Report) {
        let end = crate::flow::time::EventTime::parse(report.window.end.as_bytes());
        let Some(end_ms) = end.map(crate::flow::time::EventTime::as_ms) else { return };
        self.saw_time(end_ms);
        let (id, version) = (incident::id_of(&report), self.version);
        let at = self.entity(&report.entity);
        if !self.incidents.contains_key(&id) {
            if report.anomalies.is_empty() {
                return;
            }
            self.make_room();
            let known = at.and_then(|at| self.entities.get(at));
            self.incidents.insert(id.clone(), Incident::new(&report, known, &self.metrics));
            self.order.push_back(id.clone());
        }
        let Some(incident) = self.incidents.get_mut(&id) else { return };
        incident.report(report, end_ms);
        incident.changed = version;
        self.incidents_changed = version;
        let (open, health) = (incident.open, Health::of(incident.severity));
        if let Some(entity) = at.and_then(|at| self.entities.get_mut(at)) {
            if open {
                entity.set_incident(id, health, version);
            } else if entity.incident.as_ref().is_none_or(|current| *current == id) {
                entity.clear_incident(version);
            }
        }
    }

    /// Forgets an incident when there are too many.
    fn make_room(&mut self) {
        if self.incidents.len() < MOST_INCIDENTS {
            return;
        }
        let over = |id: &String| self.incidents.get(id).is_none_or(|incident| !incident.open);
        let at = self.order.iter().position(over).unwrap_or(0);
        if let Some(id) = self.order.remove(at) {
            self.incidents.remove(&id);
            self.incidents_left_out += 1;
        }
    }
}

/// Whether a report has an anomaly or ends an incident; most of `emit = "all"` does not, and need not be parsed.
pub fn says_something(report: &[u8]) -> bool {
    memchr::memmem::find(report, b"\"anomalies\":[]").is_none()
        || memchr::memmem::find(report, b"\"state\":\"resolved\"").is_some()
}

fn refuse(kept: &mut Vec<Refused>, output: &Output) {
    if kept.len() >= MOST_REFUSED {
        return;
    }
    let Some((rejection, _)) = &output.refused else { return };
    let head = &output.value[..output.value.len().min(SHOWN_BYTES)];
    kept.push(Refused {
        reason: rejection.reason.label(),
        detail: rejection.detail.chars().take(300).collect(),
        begins: String::from_utf8_lossy(head).into_owned(),
    });
}

/// How many were rejected, by reason, without those that never happened.
fn by_reason(counts: &Counts) -> Vec<(&'static str, u64)> {
    let all = Reason::ALL.iter().zip(counts.rejected);
    all.filter(|(_, count)| *count > 0).map(|(reason, count)| (reason.label(), count)).collect()
}
