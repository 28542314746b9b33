//! Maintenance that comes again: `sun 02:00-04:00`, `mon,wed 23:30-00:30`, `daily 01:00-01:15`. Times are UTC.

use crate::flow::time::EventTime;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1440;
const WEEK_MINUTES: i64 = 7 * DAY_MINUTES;
/// 1970-01-01 was a Thursday, the fourth day of a week that begins on Monday.
const MINUTES_BEFORE_THURSDAY: i64 = 3 * DAY_MINUTES;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A part of some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekly {
    /// A bit a day it begins on, from Monday.
    days: u8,
    from_minute: i64,
    /// More than 1440 where it ends on the next day.
    until_minute: i64,
}

impl Weekly {
    /// Reads `DAYS HH:MM-HH:MM`; days are `daily` or a list such as `mon,thu`. An end before the start is the next day's.
    pub fn parse(text: &str) -> Option<Weekly> {
        let (days, span) = text.split_once(' ')?;
        let mut mask = 0_u8;
        for day in days.split(',') {
            mask |= match DAYS.iter().position(|name| *name == day) {
                Some(place) => 1 << place,
                None if day == "daily" => 0x7f,
                None => return None,
            };
        }
        let (from, until) = span.trim().split_once('-')?;
        let (from_minute, until_minute) = (minute(from)?, minute(until)?);
        let until_minute =
            if until_minute <= from_minute { until_minute + DAY_MINUTES } else { until_minute };
        (from_minute < DAY_MINUTES).then_some(Weekly { days: mask, from_minute, until_minute })
    }

    /// Whether a time lies in it; the end does not.
    pub fn contains(&self, time: EventTime) -> bool {
        let minute = (time.as_ms().div_euclid(MINUTE_MS) + MINUTES_BEFORE_THURSDAY).rem_euclid(WEEK_MINUTES);
        (0..7).filter(|day| self.days >> day & 1 == 1).any(|day| {
            let since = (minute - day * DAY_MINUTES - self.from_minute).rem_euclid(WEEK_MINUTES);
            since < self.until_minute - self.from_minute
        })
    }
}

fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: i64| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| digits && *number <= most)
    };
    let minute = 60 * number(hours, 24)? + number(minutes, 59)?;
    (minute <= DAY_MINUTES).then_some(minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(weekly: &str, time: &str) -> bool {
        Weekly::parse(weekly).unwrap().contains(EventTime::parse(time.as_bytes()).unwrap())
    }

    #[test]
    fn it_begins_at_the_minute_and_its_end_is_outside() {
        // 2026-01-04 was a Sunday.
        assert!(contains("sun 02:00-04:00", "2026-01-04T02:00:00Z"));
        assert!(contains("sun 02:00-04:00", "2026-01-04T03:59:59Z"));
        assert!(!contains("sun 02:00-04:00", "2026-01-04T04:00:00Z"));
        assert!(!contains("sun 02:00-04:00", "2026-01-05T03:00:00Z"));
        assert!(contains("daily 02:00-04:00", "1969-12-30T03:00:00Z"));
    }

    #[test]
    fn it_may_go_on_past_midnight_and_past_the_end_of_the_week() {
        assert!(contains("mon,sun 23:30-00:30", "2026-01-05T00:15:00Z"));
        assert!(contains("mon,sun 23:30-00:30", "2026-01-06T00:15:00Z"));
        assert!(!contains("mon,sun 23:30-00:30", "2026-01-07T00:15:00Z"));
        assert!(contains("daily 00:00-24:00", "2026-01-07T23:59:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "sun",
            "sun 2:00-4:00",
            "sunday 02:00-04:00",
            "sun 25:00-26:00",
            "sun 02:60-03:00",
            "sun 24:00-01:00",
        ] {
            assert_eq!(Weekly::parse(text), None, "{text}");
        }
    }
}
