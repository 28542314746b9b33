//! A simulated fleet: believable, seeded, with labelled incidents. Pure: the same settings make the same bytes.
//!
//! Load follows the rhythm of day and week, metrics follow the load of their host, each with noise of its own; now and
//! then a reading is lost or late. What a host draws depends on the seed and its number alone: neither other hosts nor
//! incidents nor losses move it, so that a run with incidents differs from one without in the incidents only.
//!
//! ```text
//! rhythm ─▶ host (role: levels) ─▶ effects of incidents ─▶ delivery ─▶ write
//!                                        ▲
//!                                     schedule
//! ```
//!
//! ```
//! use tidewatch::simulate::write::{Encoder, Format};
//! use tidewatch::simulate::{Fleet, FleetSettings};
//!
//! let mut fleet = Fleet::new(FleetSettings::of(2, 3_600_000, 1, 7))?;
//! assert_eq!(fleet.labels().len(), 1);
//! let (mut encoder, mut bytes) = (Encoder::new(Format::Ndjson), Vec::new());
//! while let Some(reading) = fleet.next_reading() {
//!     encoder.reading(&reading, &mut bytes);
//! }
//! assert!(bytes.starts_with(b"{\"timestamp\":\"2026-01-01T00:00:0"));
//! # Ok::<(), tidewatch::simulate::FleetError>(())
//! ```

mod delivery;
mod effects;
mod host;
mod incidents;
mod random;
mod rhythm;
mod role;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;
mod values;
pub mod write;

use self::delivery::{Fate, Sample, UnderWay, fate};
use self::host::{Host, Pace};
use self::rhythm::Rhythm;
use self::values::METRICS;
use crate::flow::model::Statuses;
use crate::flow::time::EventTime;

pub use self::incidents::{Incident, Kind, labels_json};
pub use self::settings::{FleetError, FleetSettings, MAX_ENTITIES, MAX_INCIDENTS};

/// A reading of a host.
#[derive(Clone, Copy, Debug)]
pub struct FleetReading<'a> {
    /// The host's name.
    pub entity: &'a str,
    /// When it was taken.
    pub time: EventTime,
    /// In the order of the native schema, all valid.
    pub values: &'a [f64; METRICS],
    /// Of the services of the native schema, all of them.
    pub statuses: Statuses,
}

/// A fleet at work.
#[derive(Debug)]
pub struct Fleet {
    settings: FleetSettings,
    rhythm: Rhythm,
    pace: Pace,
    incidents: Vec<Incident>,
    /// In the order in which they report within a tick.
    hosts: Vec<Host>,
    tick_ms: i64,
    /// The place of the host that reports next.
    next: usize,
    under_way: UnderWay,
    /// What arrived last.
    current: Sample,
}

impl Fleet {
    /// A fleet of that kind, before its first reading.
    ///
    /// # Errors
    ///
    /// There is no fleet of that kind: the error says which number is wrong.
    pub fn new(settings: FleetSettings) -> Result<Fleet, FleetError> {
        settings.check()?;
        let incidents = schedule::draw(&settings);
        let mut hosts: Vec<Host> = (0..settings.entities as u64)
            .map(|number| Host::new(settings.seed, number, settings.interval_ms))
            .collect();
        for (number, incident) in incidents.iter().enumerate().rev() {
            hosts[incident.host as usize].incidents.push(number);
        }
        // A stable sort: hosts that report at the same time do so by number.
        hosts.sort_by_key(|host| host.stagger_ms);
        Ok(Fleet {
            rhythm: Rhythm::new(),
            pace: Pace::new(settings.interval_ms),
            incidents,
            hosts,
            tick_ms: 0,
            next: 0,
            under_way: UnderWay::default(),
            current: Sample::empty(settings.start),
            settings,
        })
    }

    /// What goes wrong, where and when, sorted by start.
    pub fn labels(&self) -> &[Incident] {
        &self.incidents
    }

    /// The reading that arrives next; none when the run is over.
    pub fn next_reading(&mut self) -> Option<FleetReading<'_>> {
        loop {
            let time = self.next_time();
            if let Some(late) = self.under_way.arrived(time) {
                self.current = late;
                break;
            }
            match self.take_sample(time?) {
                Fate::Arrives => break,
                Fate::Lost => {}
                Fate::Late { by_ms } => {
                    self.under_way.send(self.current.clone(), self.current.time.plus_ms(by_ms));
                }
            }
        }
        let Sample { host, time, values, statuses } = &self.current;
        Some(FleetReading { entity: &self.hosts[*host].name, time: *time, values, statuses: *statuses })
    }

    /// When the next host reports, if the run is not over by then.
    fn next_time(&self) -> Option<EventTime> {
        let into_run_ms = self.tick_ms + self.hosts[self.next].stagger_ms;
        (into_run_ms < self.settings.duration_ms).then(|| self.settings.start.plus_ms(into_run_ms))
    }

    fn take_sample(&mut self, time: EventTime) -> Fate {
        let host = &mut self.hosts[self.next];
        let Sample { values, .. } = &mut self.current;
        let statuses = host.sample(time, &self.rhythm, &self.pace, &self.incidents, values);
        (self.current.host, self.current.time, self.current.statuses) = (self.next, time, statuses);
        let fate = fate(&mut host.delivery, self.settings.missing_share, self.settings.late_share);
        self.next += 1;
        if self.next == self.hosts.len() {
            (self.next, self.tick_ms) = (0, self.tick_ms + self.settings.interval_ms);
        }
        fate
    }
}
