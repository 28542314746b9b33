//! When and where incidents happen: spans of the run, dealt out so that none overlaps on a host.
//!
//! ```text
//!          warm-up     slot 0        slot 1        slot 2
//! host 0  ─────────┼─────▓▓▓▓▓▓──┼─────────────┼──▓▓─────────┤
//! host 1  ─────────┼─────────────┼──▓▓▓▓▓▓▓────┼─────────────┤
//! ```
//!
//! An incident takes a slot of a host: up to 60 % of it, and never its last tenth, so that the host is well again
//! before the next.

use std::collections::BTreeSet;

use super::host::{name, whole_seconds};
use super::incidents::{Course, Incident, Kind};
use super::random::Random;
use super::settings::{FleetSettings, MAX_INCIDENTS};
use super::values::SERVICES;
use crate::flow::model::Schema;

/// Runs shorter than this many intervals have no warm-up.
const SHORT_RUN_INTERVALS: i64 = 40;
/// A slot is at least this many intervals long, if the run is.
const LEAST_SLOT_INTERVALS: i64 = 16;
/// Incidents of the longest kind have room to be as long as they like.
const USUAL_SLOT_MS: i64 = 100 * 60_000;
/// The stream that the schedule draws from; hosts have their numbers.
const STREAM: u64 = u64::MAX;

/// The part of a run where incidents may be, cut to pieces.
struct Slots {
    first_ms: i64,
    slot_ms: i64,
    a_host: u64,
}

impl Slots {
    fn of(settings: &FleetSettings) -> Slots {
        let FleetSettings { duration_ms, interval_ms, .. } = *settings;
        let long = duration_ms >= SHORT_RUN_INTERVALS * interval_ms;
        let first_ms = if long { duration_ms / 10 * 3 } else { 0 };
        let span_ms = duration_ms - first_ms;
        let most = (span_ms / (LEAST_SLOT_INTERVALS * interval_ms)).max(1) as u64;
        // Slots are as long as incidents like them, and shorter where many are asked for.
        let wanted = settings.incidents.div_ceil(settings.entities.max(1)) as u64;
        let usual = (span_ms / USUAL_SLOT_MS) as u64;
        let a_host = wanted.max(usual).clamp(1, most);
        Slots { first_ms, slot_ms: span_ms / a_host as i64, a_host }
    }
}

/// The most incidents that there is room for.
pub(super) fn room(settings: &FleetSettings) -> usize {
    let asked = FleetSettings { incidents: MAX_INCIDENTS, ..settings.clone() };
    let slots = Slots::of(&asked).a_host.saturating_mul(settings.entities as u64);
    MAX_INCIDENTS.min(usize::try_from(slots).unwrap_or(usize::MAX))
}

/// Draws the incidents of checked settings, sorted by start and host.
pub(super) fn draw(settings: &FleetSettings) -> Vec<Incident> {
    let slots = Slots::of(settings);
    let hosts = settings.entities as u64;
    let mut random = Random::new(settings.seed, STREAM);
    let turn = random.below(Kind::ALL.len() as u64) as usize;
    let mut taken = BTreeSet::new();
    let mut incidents = Vec::with_capacity(settings.incidents);
    for kind in Kind::ALL.iter().copied().cycle().skip(turn) {
        if incidents.len() >= settings.incidents {
            break;
        }
        let places = hosts * slots.a_host;
        let Some(place) = next_free(&taken, random.below(places), 0..places) else { break };
        taken.insert(place);
        let slot = place / hosts;
        let incident = happen(kind, place % hosts, slot, &slots, settings, &mut random);
        // A service that goes down is missed by a second host too.
        let row = slot * hosts..(slot + 1) * hosts;
        if kind == Kind::ServiceOutage
            && incidents.len() + 1 < settings.incidents
            && let Some(other) = next_free(&taken, row.start + random.below(hosts), row)
        {
            taken.insert(other);
            incidents.push(Incident { entity: name(other % hosts), host: other % hosts, ..incident.clone() });
        }
        incidents.push(incident);
    }
    incidents.sort_by_key(|incident| (incident.start, incident.host));
    incidents
}

/// The first free place from one on, going round at the end of the range.
fn next_free(taken: &BTreeSet<u64>, from: u64, range: std::ops::Range<u64>) -> Option<u64> {
    (from..range.end).chain(range.start..from).find(|place| !taken.contains(place))
}

fn happen(
    kind: Kind,
    host: u64,
    slot: u64,
    slots: &Slots,
    settings: &FleetSettings,
    random: &mut Random,
) -> Incident {
    let step_ms = whole_seconds(settings.interval_ms);
    let whole = |span_ms: f64| span_ms as i64 / step_ms * step_ms;
    let readings = if kind == Kind::Spike { 3 } else { 8 };
    let usual_ms = (kind.usual_minutes() * 60_000).max(readings * settings.interval_ms) as f64;
    let longest_ms = (slots.slot_ms as f64 * 0.6).max(settings.interval_ms as f64);
    let length_ms = whole((usual_ms * random.between(0.75, 1.25)).min(longest_ms));
    let rest_ms = (slots.slot_ms as f64 * 0.9 - length_ms as f64).max(0.0);
    let start_ms = slots.first_ms as f64 + slot as f64 * slots.slot_ms as f64 + rest_ms * random.unit();
    // On whole seconds, but neither back into the warm-up nor out of the run.
    let start_ms = whole(start_ms + (step_ms - 1) as f64).min(settings.duration_ms - length_ms);
    let start = settings.start.plus_ms(start_ms);
    let service = random.below(SERVICES.len() as u64) as usize;
    let course = if random.below(2) == 0 { Course::Machine } else { Course::Traffic };
    Incident {
        entity: name(host),
        kind,
        metrics: metrics(kind, course, service),
        start,
        end: start.plus_ms(length_ms),
        host,
        course,
        service,
        strength: random.between(0.85, 1.15),
    }
}

fn metrics(kind: Kind, course: Course, service: usize) -> Vec<String> {
    let schema = Schema::native();
    let mut names: Vec<String> =
        kind.metrics(course).iter().map(|&metric| schema.metrics[metric].name.clone()).collect();
    if kind == Kind::ServiceOutage {
        names.push(format!("service_status.{}", SERVICES[service]));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn drawn(entities: usize, hours: i64, incidents: usize) -> Vec<Incident> {
        (0..20)
            .flat_map(|seed| draw(&FleetSettings::of(entities, hours * HOUR_MS, incidents, seed)))
            .collect()
    }

    #[test]
    fn every_kind_happens_when_there_are_eight_or_more() {
        for seed in 0..20 {
            let incidents = draw(&FleetSettings::of(5, 12 * HOUR_MS, 8, seed));
            let kinds: BTreeSet<Kind> = incidents.iter().map(|incident| incident.kind).collect();
            assert_eq!((incidents.len(), kinds.len()), (8, Kind::ALL.len()), "seed {seed}");
        }
    }

    #[test]
    fn the_first_three_tenths_are_free() {
        let settings = FleetSettings::of(5, 10 * HOUR_MS, 1, 0);
        assert!(
            drawn(5, 10, 20).iter().all(|incident| incident.start >= settings.start.plus_ms(3 * HOUR_MS))
        );
    }

    #[test]
    fn an_outage_strikes_two_hosts_at_once() {
        let outages: Vec<Incident> =
            drawn(5, 24, 8).into_iter().filter(|incident| incident.kind == Kind::ServiceOutage).collect();
        let twins =
            outages.windows(2).filter(|two| two[0].start == two[1].start && two[0].host != two[1].host);
        assert!(twins.count() >= 15);
    }

    #[test]
    fn a_host_has_one_incident_at_a_time_even_where_there_is_no_room_left() {
        let mut settings = FleetSettings::of(3, 2 * HOUR_MS, 0, 9);
        settings.incidents = room(&settings);
        let incidents = draw(&settings);
        assert_eq!(incidents.len(), settings.incidents);
        for host in 0..3 {
            let of_host: Vec<&Incident> = incidents.iter().filter(|incident| incident.host == host).collect();
            assert!(of_host.windows(2).all(|two| two[0].end <= two[1].start), "host {host}");
        }
    }

    #[test]
    fn incidents_last_about_as_long_as_their_kind_does() {
        for incident in drawn(20, 24, 20) {
            let share = (incident.end.as_ms() - incident.start.as_ms()) as f64
                / (incident.kind.usual_minutes() * 60_000) as f64;
            assert!((0.7..1.3).contains(&share), "{incident:?}");
        }
    }
}
