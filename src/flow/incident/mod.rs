//! Grouping findings of one entity into incidents.
//!
//! ```text
//! window     1    2    3    4    5    6    7
//! finding    x    .    x    .    .    .    x
//! state   opened  –  ongoing –  –  resolved  opened again if within reopen_within, else a new incident
//!                          |<-resolve_after->|
//! ```

use serde::{Deserialize, Serialize};

use super::hash;
use super::time::{EventTime, Window};

/// The `[incident]` of a topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentSettings {
    /// An incident is resolved by the first quiet window that ends this long after its last finding.
    pub resolve_after_ms: i64,
    /// A finding this soon after an incident was resolved reopens it instead of opening another.
    pub reopen_within_ms: i64,
}

/// What is remembered of an entity's last incident; some 30 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    incident: Option<Incident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Incident {
    id: u64,
    since: EventTime,
    last_finding: EventTime,
    resolved: Option<EventTime>,
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// With this finding.
    Opened,
    /// It was open before.
    Ongoing,
    /// By this window, in which nothing was found.
    Resolved,
}

/// The incident that a window belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belonging {
    /// The incident's name: a hash of entity and time of opening.
    pub id: u64,
    /// Where it stands after this window.
    pub state: State,
    /// The start of the window that opened it.
    pub since: EventTime,
}

impl Memory {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.incident.is_none()
    }

    /// Takes note of a window of the entity, with a finding or without.
    pub fn step(
        &mut self,
        settings: &IncidentSettings,
        entity: &str,
        window: Window,
        found: bool,
    ) -> Option<Belonging> {
        let since_ms = |earlier: EventTime, later: EventTime| later.as_ms() - earlier.as_ms();
        if !found {
            let incident = self.incident.as_mut()?;
            return match incident.resolved {
                Some(resolved) => {
                    if since_ms(resolved, window.start) > settings.reopen_within_ms {
                        self.incident = None;
                    }
                    None
                }
                None if since_ms(incident.last_finding, window.end) >= settings.resolve_after_ms => {
                    incident.resolved = Some(window.end);
                    Some(incident.belonging(State::Resolved))
                }
                None => Some(incident.belonging(State::Ongoing)),
            };
        }
        if let Some(incident) = &mut self.incident {
            let state = match incident.resolved {
                None => Some(State::Ongoing),
                Some(resolved) if since_ms(resolved, window.start) <= settings.reopen_within_ms => {
                    Some(State::Opened)
                }
                Some(_) => None,
            };
            if let Some(state) = state {
                incident.resolved = None;
                incident.last_finding = incident.last_finding.max(window.end);
                return Some(incident.belonging(state));
            }
        }
        let id = hash::of_parts(&[entity.as_bytes(), &window.start.as_ms().to_le_bytes()]);
        let incident = Incident { id, since: window.start, last_finding: window.end, resolved: None };
        self.incident = Some(incident);
        Some(incident.belonging(State::Opened))
    }
}

impl Incident {
    fn belonging(&self, state: State) -> Belonging {
        Belonging { id: self.id, state, since: self.since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of 5 minutes, `x` with a finding: the states, `-` for none; resolve after 10 minutes, reopen within 20.
    fn check(windows: &str, expected: &str) {
        let settings = IncidentSettings { resolve_after_ms: 600_000, reopen_within_ms: 1_200_000 };
        let (mut memory, mut ids) = (Memory::default(), Vec::new());
        let mut said = String::new();
        for (at, what) in windows.chars().enumerate() {
            let time = |minutes: usize| EventTime::from_ms(minutes as i64 * 60_000).unwrap();
            let window = Window { start: time(at * 5), end: time(at * 5 + 5) };
            let belonging = memory.step(&settings, "a", window, what == 'x');
            said.push(match belonging.map(|belonging| belonging.state) {
                None => '-',
                Some(State::Opened) => 'O',
                Some(State::Ongoing) => 'o',
                Some(State::Resolved) => 'R',
            });
            ids.extend(belonging.map(|belonging| belonging.id));
        }
        ids.dedup();
        assert_eq!(format!("{said} {}", ids.len()), expected, "{windows}");
    }

    #[test]
    fn an_incident_opens_goes_on_and_is_resolved_once() {
        check(".x.x...", "-OoooR- 1");
        check("x......", "OoR---- 1");
    }

    #[test]
    fn a_finding_soon_after_reopens_the_same_incident() {
        check("x..x", "OoRO 1");
    }

    #[test]
    fn a_finding_long_after_opens_another() {
        check("x.......x", "OoR-----O 2");
    }
}
