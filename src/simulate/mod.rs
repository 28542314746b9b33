//! A simulated fleet: believable, seeded, with labelled incidents. Pure: the same settings make the same readings.
//!
//! A host's load follows the day and the week; its metrics follow its load, each with noise of its own; now and then a
//! sample is lost or late. An entity's readings do not depend on how many others there are.

mod host;
mod incidents;
mod random;
pub mod write;

use crate::flow::model::Statuses;
use crate::flow::time::EventTime;

use self::host::{Host, METRICS};
use self::random::Random;

pub use self::incidents::{Incident, Kind, labels_json};

/// What fleet to make.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetSettings {
    /// How many hosts.
    pub entities: usize,
    /// The first tick.
    pub start: EventTime,
    /// How long.
    pub duration_ms: i64,
    /// Between two readings of a host.
    pub interval_ms: i64,
    /// How many incidents.
    pub incidents: usize,
    /// Of everything random.
    pub seed: u64,
    /// The share of samples that are lost.
    pub missing_share: f64,
    /// The share of samples that come late.
    pub late_share: f64,
}

impl FleetSettings {
    /// Hosts for so long, from 2026-01-01T00:00:00Z, a reading each 10 s, one in a thousand lost and one late.
    pub fn of(entities: usize, duration_ms: i64, incidents: usize, seed: u64) -> FleetSettings {
        FleetSettings {
            entities,
            start: EventTime::from_ms(1_767_225_600_000).expect("2026 is representable"),
            duration_ms,
            interval_ms: 10_000,
            incidents,
            seed,
            missing_share: 0.001,
            late_share: 0.001,
        }
    }
}

/// What is wrong with the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// No host.
    #[error("a fleet needs 1 to 10,000,000 entities")]
    Entities,
    /// No time between readings.
    #[error("the interval must be at least 1 ms and at most a day")]
    Interval,
    /// No time at all, or too much.
    #[error("the time must be at least one interval and at most 10 years")]
    Duration,
    /// A share that is none.
    #[error("the shares of lost and late readings must lie in [0, 0.5]")]
    Share,
    /// More incidents than fit in.
    #[error(
        "there is no room for so many incidents: at most one an entity and hour, none in the first third"
    )]
    Incidents,
}

/// A reading of a host.
#[derive(Clone, Copy, Debug)]
pub struct FleetReading<'a> {
    /// The host's name.
    pub entity: &'a str,
    /// When it was taken.
    pub time: EventTime,
    /// As the native schema has them.
    pub values: &'a [f64; METRICS],
    /// Of `database`, `api_gateway` and `cache`.
    pub statuses: Statuses,
}

/// A sample that waits to come late.
#[derive(Clone, Debug)]
struct Delayed {
    due: EventTime,
    entity: usize,
    time: EventTime,
    values: [f64; METRICS],
    statuses: Statuses,
}

/// The fleet at work.
#[derive(Debug)]
pub struct Fleet {
    settings: FleetSettings,
    hosts: Vec<Host>,
    incidents: Vec<Incident>,
    chance: Random,
    tick: i64,
    place: usize,
    delayed: Vec<Delayed>,
    current: Option<Delayed>,
}

/// Late samples come up to this long after they were taken; a few of them after the usual grace of 30 s.
const LATEST_MS: f64 = 45_000.0;

impl Fleet {
    /// A fleet of that kind, at its first tick.
    pub fn new(settings: FleetSettings) -> Result<Fleet, FleetError> {
        let refuse = |wrong, error| if wrong { Err(error) } else { Ok(()) };
        let share = |share: f64| (0.0..=0.5).contains(&share);
        refuse(settings.entities == 0 || settings.entities > 10_000_000, FleetError::Entities)?;
        refuse(settings.interval_ms < 1 || settings.interval_ms > 86_400_000, FleetError::Interval)?;
        let ten_years = 10 * 366 * 86_400_000;
        refuse(
            settings.duration_ms < settings.interval_ms || settings.duration_ms > ten_years,
            FleetError::Duration,
        )?;
        refuse(!share(settings.missing_share) || !share(settings.late_share), FleetError::Share)?;
        let incidents = incidents::schedule(&settings).ok_or(FleetError::Incidents)?;
        let mut hosts: Vec<Host> = (0..settings.entities).map(|at| Host::new(settings.seed, at)).collect();
        for (number, incident) in incidents.iter().enumerate() {
            hosts[incident.entity_number].incidents.push(number);
        }
        Ok(Fleet {
            chance: Random::new(settings.seed, u64::MAX),
            hosts,
            incidents,
            tick: 0,
            place: 0,
            delayed: Vec::new(),
            current: None,
            settings,
        })
    }

    /// What goes wrong, when and where.
    pub fn labels(&self) -> &[Incident] {
        &self.incidents
    }

    /// The next reading to arrive; none when the time is over.
    pub fn next_reading(&mut self) -> Option<FleetReading<'_>> {
        loop {
            let Some(time) = self.time() else { return self.last_delayed() };
            if let Some(at) = self.delayed.iter().position(|delayed| delayed.due <= time) {
                self.current = Some(self.delayed.swap_remove(at));
                return self.late();
            }
            let entity = self.place;
            self.place += 1;
            if self.place == self.hosts.len() {
                (self.place, self.tick) = (0, self.tick + 1);
            }
            let elapsed_ms = time.as_ms() - self.settings.start.as_ms();
            let statuses = self.hosts[entity].advance(time, elapsed_ms, &self.incidents);
            let luck = self.hosts[entity].chance();
            if luck < self.settings.missing_share {
                continue;
            }
            if luck < self.settings.missing_share + self.settings.late_share {
                let delay_ms = 5_000 + (self.chance.unit() * LATEST_MS) as i64;
                let values = self.hosts[entity].values;
                self.delayed.push(Delayed { due: time.plus_ms(delay_ms), entity, time, values, statuses });
                continue;
            }
            let host = &self.hosts[entity];
            return Some(FleetReading { entity: &host.name, time, values: &host.values, statuses });
        }
    }

    /// The time of the next sample: hosts are spread over the tick.
    fn time(&self) -> Option<EventTime> {
        let spread = self.place as i64 * self.settings.interval_ms / self.hosts.len() as i64;
        let whole_seconds = if self.settings.interval_ms >= 1000 { spread / 1000 * 1000 } else { spread };
        let elapsed = self.tick * self.settings.interval_ms;
        (elapsed < self.settings.duration_ms).then(|| self.settings.start.plus_ms(elapsed + whole_seconds))
    }

    fn late(&self) -> Option<FleetReading<'_>> {
        let Delayed { entity, time, values, statuses, .. } = self.current.as_ref()?;
        Some(FleetReading { entity: &self.hosts[*entity].name, time: *time, values, statuses: *statuses })
    }

    fn last_delayed(&mut self) -> Option<FleetReading<'_>> {
        self.current = self.delayed.pop();
        self.late()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::model::Schema;

    fn readings(settings: FleetSettings) -> Vec<(String, i64, [f64; METRICS], u64)> {
        let mut fleet = Fleet::new(settings).unwrap();
        let mut all = Vec::new();
        while let Some(reading) = fleet.next_reading() {
            let (time, bits) = (reading.time.as_ms(), reading.statuses.to_bits());
            all.push((reading.entity.to_owned(), time, *reading.values, bits));
        }
        all
    }

    #[test]
    fn the_same_seed_makes_the_same_readings_and_another_others() {
        let settings = FleetSettings::of(3, 3_600_000, 2, 7);
        assert_eq!(readings(settings.clone()), readings(settings.clone()));
        assert_ne!(readings(settings.clone()), readings(FleetSettings { seed: 8, ..settings }));
    }

    #[test]
    fn every_reading_is_valid() {
        let schema = Schema::native();
        for seed in 0..5 {
            for (_, _, values, _) in readings(FleetSettings::of(7, 6 * 3_600_000, 10, seed)) {
                for (value, metric) in values.iter().zip(&schema.metrics) {
                    assert!(metric.range.contains(*value), "{} is {value}", metric.name);
                }
            }
        }
    }

    #[test]
    fn a_hosts_readings_do_not_depend_on_how_many_others_there_are() {
        let of = |entities| {
            let settings = FleetSettings { late_share: 0.0, ..FleetSettings::of(entities, 3_600_000, 0, 7) };
            let all = readings(settings).into_iter().filter(|(name, ..)| name == "host-00000");
            all.map(|(_, _, values, _)| values).collect::<Vec<_>>()
        };
        assert_eq!(of(1), of(20));
    }

    #[test]
    fn an_incident_shows_in_the_metrics_it_names_while_it_lasts() {
        let settings = FleetSettings {
            late_share: 0.0,
            missing_share: 0.0,
            ..FleetSettings::of(7, 12 * 3_600_000, 14, 3)
        };
        let quiet = readings(FleetSettings { incidents: 0, ..settings.clone() });
        let loud = readings(settings.clone());
        let fleet = Fleet::new(settings).unwrap();
        let schema = Schema::native();
        for label in fleet.labels() {
            let inside = |time: i64| (label.start.as_ms()..label.end.as_ms()).contains(&time);
            let differs = quiet.iter().zip(&loud).filter(|(quiet, loud)| {
                let metrics =
                    |name: &String| schema.index_of(name).is_none_or(|at| quiet.2[at] != loud.2[at]);
                quiet.0 == label.entity
                    && inside(quiet.1)
                    && *quiet != *loud
                    && label.metrics.iter().any(metrics)
            });
            assert!(differs.count() > 0, "{label:?}");
        }
    }

    #[test]
    fn lost_and_late_readings_are_as_many_as_asked_for() {
        let settings =
            FleetSettings { missing_share: 0.1, late_share: 0.1, ..FleetSettings::of(10, 3_600_000, 0, 1) };
        let all = readings(settings);
        assert!((3100..3400).contains(&all.len()), "{}", all.len());
        let (mut latest, mut late) = (0, 0);
        for (_, time, ..) in &all {
            late += u32::from(*time < latest - 4_000);
            latest = latest.max(*time);
        }
        assert!((250..450).contains(&late), "{late}");
    }

    #[test]
    fn impossible_fleets_are_refused() {
        let error = |settings| Fleet::new(settings).err();
        let fine = FleetSettings::of(2, 3_600_000, 0, 1);
        assert_eq!(error(FleetSettings { entities: 0, ..fine.clone() }), Some(FleetError::Entities));
        assert_eq!(error(FleetSettings { interval_ms: 0, ..fine.clone() }), Some(FleetError::Interval));
        assert_eq!(error(FleetSettings { duration_ms: 1, ..fine.clone() }), Some(FleetError::Duration));
        assert_eq!(error(FleetSettings { late_share: 0.9, ..fine.clone() }), Some(FleetError::Share));
        assert_eq!(error(FleetSettings { incidents: 1000, ..fine }), Some(FleetError::Incidents));
    }
}
