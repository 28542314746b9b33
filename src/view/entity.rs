//! One entity: how it is, and the last of its series.

use std::collections::VecDeque;

use serde::Serialize;

use crate::flow::detect::Severity;
use crate::flow::glance::Glance;

/// Points kept of each series while there are few entities: twelve hours of windows of five minutes.
const MANY_POINTS: usize = 144;
/// Points kept of each series from [`FEW_ENTITIES`] on: some 2 KB an entity.
const FEW_POINTS: usize = 36;
const FEW_ENTITIES: usize = 1000;

/// How an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Detectors have seen too little of it.
    Learning,
    /// Nothing is open.
    Healthy,
    /// An incident is open, of that severity.
    Low,
    /// The same.
    Medium,
    /// The same.
    High,
}

impl Health {
    /// That of an entity with an open incident.
    pub fn of(severity: Severity) -> Health {
        match severity {
            Severity::Low => Health::Low,
            Severity::Medium => Health::Medium,
            Severity::High => Health::High,
        }
    }

    /// Its number, as the page has it.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// A window's means.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) ms: i64,
    pub(super) means: Box<[Option<f32>]>,
}

/// An entity.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) name: Box<str>,
    pub(super) health: Health,
    /// The version in which its health changed last.
    pub(super) changed: u64,
    pub(super) points: VecDeque<Point>,
    /// The open incident.
    pub(super) incident: Option<String>,
}

impl Entity {
    pub(super) fn new(name: &str) -> Entity {
        let (points, incident) = (VecDeque::new(), None);
        Entity { name: name.into(), health: Health::Learning, changed: 0, points, incident }
    }

    /// How many points each of so many entities keeps.
    pub(super) fn most_points(entities: usize) -> usize {
        if entities < FEW_ENTITIES { MANY_POINTS } else { FEW_POINTS }
    }

    pub(super) fn glance(&mut self, glance: &Glance, most_points: usize, version: u64) {
        while self.points.len() >= most_points {
            self.points.pop_front();
        }
        self.points.push_back(Point { ms: glance.end.as_ms(), means: glance.means.clone().into() });
        let quiet = if glance.learning { Health::Learning } else { Health::Healthy };
        if self.incident.is_none() {
            self.turn(quiet, version);
        }
    }

    pub(super) fn set_incident(&mut self, id: String, health: Health, version: u64) {
        self.incident = Some(id);
        self.turn(health, version);
    }

    pub(super) fn clear_incident(&mut self, version: u64) {
        self.incident = None;
        if self.health > Health::Healthy {
            self.turn(Health::Healthy, version);
        }
    }

    fn turn(&mut self, health: Health, version: u64) {
        if self.health != health || self.changed == 0 {
            (self.health, self.changed) = (health, version);
        }
    }
}
