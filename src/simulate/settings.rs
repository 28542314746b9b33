//! What fleet to make, and what is wrong with such wishes.

use super::schedule;
use crate::flow::time::EventTime;

/// The most hosts: each takes up to a kilobyte of memory.
pub const MAX_ENTITIES: usize = 1_000_000;
/// The most incidents.
pub const MAX_INCIDENTS: usize = 100_000;
const DAY_MS: i64 = 86_400_000;
/// The longest run.
const MAX_DURATION_MS: i64 = 3653 * DAY_MS;
/// 2026-01-01T00:00:00Z.
const DEFAULT_START_MS: i64 = 1_767_225_600_000;

/// What fleet to make; [`super::Fleet::new`] says whether there can be one.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetSettings {
    /// How many hosts, up to [`MAX_ENTITIES`].
    pub entities: usize,
    /// The first tick.
    pub start: EventTime,
    /// How long it runs.
    pub duration_ms: i64,
    /// Between two readings of a host.
    pub interval_ms: i64,
    /// How many labels there are, up to [`MAX_INCIDENTS`]: a trouble that strikes two hosts is two.
    pub incidents: usize,
    /// Decides everything left to chance.
    pub seed: u64,
    /// The share of readings that are lost.
    pub missing_share: f64,
    /// The share of readings that come late.
    pub late_share: f64,
}

impl FleetSettings {
    /// Hosts for so long from 2026-01-01T00:00:00Z, a reading each 10 s, two in a thousand lost and two late.
    pub fn of(entities: usize, duration_ms: i64, incidents: usize, seed: u64) -> FleetSettings {
        FleetSettings {
            entities,
            start: EventTime::from_ms(DEFAULT_START_MS).expect("2026 can be written"),
            duration_ms,
            interval_ms: 10_000,
            incidents,
            seed,
            missing_share: 0.002,
            late_share: 0.002,
        }
    }

    pub(super) fn check(&self) -> Result<(), FleetError> {
        let Self { entities, interval_ms, duration_ms, incidents, .. } = *self;
        let end_ms = self.start.as_ms().checked_add(duration_ms);
        if entities == 0 || entities > MAX_ENTITIES {
            return Err(FleetError::Entities(entities));
        }
        if !(1..=DAY_MS).contains(&interval_ms) {
            return Err(FleetError::Interval { interval_ms });
        }
        if !(interval_ms..=MAX_DURATION_MS).contains(&duration_ms) {
            return Err(FleetError::Duration { duration_ms });
        }
        if end_ms.and_then(EventTime::from_ms).is_none() {
            return Err(FleetError::Start(self.start));
        }
        for share in [self.missing_share, self.late_share] {
            if !(0.0..=0.5).contains(&share) {
                return Err(FleetError::Share(share));
            }
        }
        let room = schedule::room(self);
        if incidents > room { Err(FleetError::Incidents { asked: incidents, room }) } else { Ok(()) }
    }
}

/// Why there cannot be such a fleet.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FleetError {
    /// None, or too many.
    #[error("a fleet has 1 to {MAX_ENTITIES} entities, not {0}")]
    Entities(usize),
    /// No time between readings, or too much.
    #[error("the interval between readings is 1 ms to a day, not {interval_ms} ms")]
    Interval {
        /// As asked for.
        interval_ms: i64,
    },
    /// Shorter than an interval, or too long.
    #[error("a fleet runs for at least one interval and at most ten years, not for {duration_ms} ms")]
    Duration {
        /// As asked for.
        duration_ms: i64,
    },
    /// The end would lie after the year 9999.
    #[error("a fleet that starts at {0} would run past the year 9999")]
    Start(EventTime),
    /// A share that is none, or too much.
    #[error("the shares of lost and of late readings lie between 0 and 0.5, not at {0}")]
    Share(f64),
    /// More than the run has room for.
    #[error("{asked} incidents do not fit in: there is room for {room}; take more entities or more time")]
    Incidents {
        /// As asked for.
        asked: usize,
        /// The most that fit in.
        room: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut FleetSettings), expected: &str) {
        let mut settings = FleetSettings::of(2, 3_600_000, 0, 1);
        change(&mut settings);
        let said = settings.check().map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(
            said.contains(expected) && expected.is_empty() == said.is_empty(),
            "{said:?}, not {expected:?}"
        );
    }

    #[test]
    fn impossible_fleets_are_refused_with_the_number_that_is_wrong() {
        check(|_| (), "");
        check(|s| s.entities = 0, "1 to 1000000 entities, not 0");
        check(|s| s.entities = 2_000_000, "not 2000000");
        check(|s| s.interval_ms = 0, "1 ms to a day, not 0 ms");
        check(|s| s.duration_ms = 9_999, "not for 9999 ms");
        check(|s| s.duration_ms = i64::MAX, "at most ten years");
        check(|s| s.start = EventTime::parse(b"9999-12-31T23:30:00Z").unwrap(), "past the year 9999");
        check(|s| s.missing_share = f64::NAN, "not at NaN");
        check(|s| s.late_share = 0.6, "not at 0.6");
        check(|s| s.incidents = 1000, "1000 incidents do not fit in: there is room for");
    }

    #[test]
    fn the_smallest_fleet_is_one_reading() {
        check(|s| (s.entities, s.duration_ms, s.interval_ms) = (1, 1, 1), "");
    }
}
