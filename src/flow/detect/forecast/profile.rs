//! Means by time of day, and by hour of the week of what these leave.
//!
//! The three views of a value: as it is, less its time of day, less its hour of the week as well.

use serde::{Deserialize, Serialize};

use crate::flow::detect::settings::Size;
use crate::flow::time::EventTime;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: usize = 1440;
const WEEK_HOURS: usize = 168;
/// 1970-01-01 was a Thursday, the fourth day of a week that begins on Monday.
const HOURS_BEFORE_THURSDAY: i64 = 72;
/// Rows that a time of day, and an hour of the week, must have to be taken off.
const DAY_FEWEST: u8 = 2;
const WEEK_FEWEST: u8 = 8;
/// Rows of a time of day after which what it leaves is worth learning.
const DAY_SETTLED: u8 = 14;
const DAY_RATE: f64 = 0.02;
const WEEK_RATE: f64 = 0.03;
/// A value further off than so many scales is learned as if it were not.
const REACH: f64 = 6.0;

/// Views of a value.
pub const VIEWS: usize = 3;

/// A mean and how many values it is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Means {
    means: Box<[f32]>,
    counts: Box<[u8]>,
}

impl Means {
    fn of_length(length: usize) -> Means {
        Means { means: vec![0.0; length].into(), counts: vec![0; length].into() }
    }

    /// The mean of a place that has so many values at least, else 0.
    fn get(&self, place: usize, fewest: u8) -> f64 {
        match (self.counts.get(place), self.means.get(place)) {
            (Some(count), Some(mean)) if *count >= fewest => f64::from(*mean),
            _ => 0.0,
        }
    }

    fn learn(&mut self, place: usize, value: f64, rate: f64, reach: f64) {
        let (Some(count), Some(mean)) = (self.counts.get_mut(place), self.means.get_mut(place)) else {
            return;
        };
        *count = count.saturating_add(1);
        let (count, old) = (f64::from(*count), f64::from(*mean));
        let step = value - old;
        // The first value has nothing to be held near to.
        let step = if count > 1.0 && reach > 0.0 { step.clamp(-reach, reach) } else { step };
        *mean = (old + rate.max(1.0 / count) * step) as f32;
    }
}

/// Where in the day and in the week a time lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Minutes of the day.
    pub minute: u16,
    /// Hours of the week.
    pub hour: u8,
}

impl Moment {
    /// The moment of a time.
    pub fn of(time: EventTime) -> Moment {
        let minutes = time.as_ms().div_euclid(MINUTE_MS);
        let hours = minutes.div_euclid(60) + HOURS_BEFORE_THURSDAY;
        Moment {
            minute: minutes.rem_euclid(DAY_MINUTES as i64) as u16,
            hour: hours.rem_euclid(WEEK_HOURS as i64) as u8,
        }
    }
}

/// What is known of days and weeks: 1,320 bytes, or 120 where room is short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    day: Means,
    /// Empty where room is short.
    week: Means,
}

impl Profile {
    /// Nothing known yet.
    pub fn of_size(size: Size) -> Profile {
        let (day, week) = match size {
            Size::Normal => (96, WEEK_HOURS),
            Size::Small => (24, 0),
        };
        Profile { day: Means::of_length(day), week: Means::of_length(week) }
    }

    fn place(&self, moment: Moment) -> usize {
        usize::from(moment.minute) * self.day.means.len() / DAY_MINUTES
    }

    /// The value in each view.
    pub fn views(&self, moment: Moment, value: f64) -> [f64; VIEWS] {
        let daily = value - self.day.get(self.place(moment), DAY_FEWEST);
        [value, daily, daily - self.week.get(usize::from(moment.hour), WEEK_FEWEST)]
    }

    /// Learns a value; `scale` is what its rows usually vary by.
    pub fn learn(&mut self, moment: Moment, value: f64, scale: f64) {
        let place = self.place(moment);
        let reach = REACH * scale;
        let settled = self.day.counts.get(place).is_some_and(|count| *count > DAY_SETTLED);
        if settled {
            let left = value - self.day.get(place, DAY_FEWEST);
            self.week.learn(usize::from(moment.hour), left, WEEK_RATE, reach);
        }
        self.day.learn(place, value, DAY_RATE, reach);
    }

    /// Bytes beside itself.
    pub fn heap_bytes(&self) -> usize {
        [&self.day, &self.week].map(|means| 5 * means.means.len()).iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::of(EventTime::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(moment("2026-01-05T00:00:00Z"), Moment { minute: 0, hour: 0 });
        assert_eq!(moment("2026-01-11T23:59:59Z"), Moment { minute: 1439, hour: 167 });
        assert_eq!(moment("1969-12-31T23:00:00Z"), Moment { minute: 1380, hour: 71 });
    }

    #[test]
    fn a_day_is_taken_off_once_it_is_known_and_a_weekday_after_that() {
        let mut profile = Profile::of_size(Size::Normal);
        let value = |hour: i64| {
            let weekend = hour.div_euclid(24) % 7 >= 5;
            (hour % 24) as f64 + if weekend { -10.0 } else { 0.0 }
        };
        let at = |hour: i64| Moment { minute: (hour % 24 * 60) as u16, hour: (hour % 168) as u8 };
        assert_eq!(profile.views(at(30), value(30)), [6.0; 3]);
        for hour in 0..24 * 7 * 40 {
            profile.learn(at(hour), value(hour), 1.0);
        }
        for hour in 0..168 {
            let [plain, daily, weekly] = profile.views(at(hour), value(hour));
            assert_eq!(plain, value(hour));
            assert!(daily.abs() < 11.0 && weekly.abs() < 2.0, "{hour}: {daily} {weekly}");
        }
    }

    #[test]
    fn one_value_far_off_hardly_moves_what_is_known() {
        let mut profile = Profile::of_size(Size::Small);
        let at = Moment { minute: 600, hour: 10 };
        (0..50).for_each(|_| profile.learn(at, 5.0, 1.0));
        profile.learn(at, 1e9, 1.0);
        assert!(profile.views(at, 5.0)[1].abs() < 0.2);
    }
}
