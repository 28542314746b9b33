//! The rhythm of day and week: how much a host of some role has to do at some time.
//!
//! ```text
//! load    Mon          Tue                   Sat      Sun
//! high     ╭╮           ╭╮                            
//!         ╭╯╰╮         ╭╯╰╮     …            ╭─╮      ╭─╮
//! low  ───╯  ╰─────────╯  ╰──────          ──╯ ╰──────╯ ╰──
//! ```

use std::f64::consts::TAU;

use super::role::Role;

const QUARTER_MS: i64 = 900_000;
const QUARTERS_A_DAY: usize = 96;
const QUARTERS: usize = 7 * QUARTERS_A_DAY;
const WEEK_MS: i64 = QUARTERS as i64 * QUARTER_MS;
/// 1970-01-05, the first Monday of Unix time.
const MONDAY_MS: i64 = 4 * 86_400_000;
/// How long Friday takes to become Saturday, in quarters of an hour.
const TURN_OF_DAY: usize = 16;

/// What a role's load looks like over a week.
struct Shape {
    low: f64,
    high: f64,
    /// The hour with the least load.
    quiet_hour: f64,
    /// The share of a weekday's swing that a day of the weekend has.
    weekend: f64,
    /// What the nightly backup at two o'clock adds.
    backup: f64,
}

fn shape(role: Role) -> Shape {
    match role {
        Role::Web => Shape { low: 0.15, high: 0.75, quiet_hour: 4.0, weekend: 0.7, backup: 0.0 },
        Role::Database => Shape { low: 0.18, high: 0.68, quiet_hour: 5.0, weekend: 0.75, backup: 0.12 },
        Role::Cache => Shape { low: 0.15, high: 0.70, quiet_hour: 4.0, weekend: 0.7, backup: 0.0 },
        // Batch work runs at night.
        Role::Worker => Shape { low: 0.25, high: 0.70, quiet_hour: 14.0, weekend: 0.9, backup: 0.0 },
    }
}

/// The load at the other end of a role's rhythm.
pub(super) fn opposite(role: Role, load: f64) -> f64 {
    let Shape { low, high, .. } = shape(role);
    if load < f64::midpoint(low, high) { high } else { low }
}

/// Loads of all roles, by quarters of the hour from Monday.
#[derive(Debug)]
pub(super) struct Rhythm {
    /// One more than a week has, so that every quarter has an end.
    weeks: [[f64; QUARTERS + 1]; Role::ALL.len()],
}

impl Rhythm {
    /// The rhythm that all fleets have.
    pub(super) fn new() -> Rhythm {
        Rhythm { weeks: Role::ALL.map(|role| std::array::from_fn(|at| load_at(&shape(role), at % QUARTERS))) }
    }

    /// The load of a role at a Unix time, about 0.1 to 0.8; straight between quarters of an hour.
    pub(super) fn load(&self, role: Role, time_ms: i64) -> f64 {
        let into_week = (time_ms - MONDAY_MS).rem_euclid(WEEK_MS);
        let (quarter, rest) = ((into_week / QUARTER_MS) as usize, into_week % QUARTER_MS);
        let week = &self.weeks[role as usize];
        week[quarter] + (week[quarter + 1] - week[quarter]) * (rest as f64 / QUARTER_MS as f64)
    }
}

fn load_at(shape: &Shape, quarter: usize) -> f64 {
    let hour = (quarter % QUARTERS_A_DAY) as f64 / 4.0;
    let turn = (hour - shape.quiet_hour) / 24.0 * TAU;
    // The second wave makes mornings steeper than evenings.
    let day = (0.5 - 0.5 * libm::cos(turn) + 0.1 * libm::sin(2.0 * turn)).clamp(0.0, 1.0);
    let backup =
        if (1.5..3.0).contains(&hour) { shape.backup * (1.0 - (hour - 2.25).abs() / 0.75) } else { 0.0 };
    shape.low + (shape.high - shape.low) * day * swing(shape, quarter) + backup
}

/// The share of the full swing: less at the weekend, with a soft turn of the day.
fn swing(shape: &Shape, quarter: usize) -> f64 {
    let around = (0..TURN_OF_DAY).map(|step| (quarter + QUARTERS + step - TURN_OF_DAY / 2) % QUARTERS);
    let weekend = around.filter(|at| at / QUARTERS_A_DAY >= 5).count() as f64 / TURN_OF_DAY as f64;
    1.0 - (1.0 - shape.weekend) * weekend
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::time::EventTime;

    fn load(role: Role, time: &str) -> f64 {
        Rhythm::new().load(role, EventTime::parse(time.as_bytes()).unwrap().as_ms())
    }

    #[test]
    fn the_web_is_busy_in_the_afternoon_and_workers_at_night() {
        let (night, afternoon) = ("2026-01-07T03:30:00Z", "2026-01-07T15:00:00Z");
        assert!(load(Role::Web, afternoon) > 3.0 * load(Role::Web, night));
        assert!(load(Role::Worker, night) > 1.5 * load(Role::Worker, afternoon));
    }

    #[test]
    fn the_weekend_is_quieter() {
        for role in Role::ALL {
            let hour = if role == Role::Worker { "02" } else { "15" };
            let wednesday = load(role, &format!("2026-01-07T{hour}:00:00Z"));
            assert!(load(role, &format!("2026-01-11T{hour}:00:00Z")) < 0.96 * wednesday, "{role:?}");
        }
    }

    #[test]
    fn load_never_jumps_not_even_at_the_turn_of_the_week() {
        let rhythm = Rhythm::new();
        for role in Role::ALL {
            for minute in -10_080..20_160 {
                let (now, next) =
                    (rhythm.load(role, minute * 60_000), rhythm.load(role, (minute + 1) * 60_000));
                assert!((now - next).abs() < 0.01, "{role:?} at minute {minute}: {now} then {next}");
            }
        }
    }
}
