//! How alarms meet labelled events.
//!
//! ```text
//! labelled      [-------)             [----)
//! alarms     x     x x        xx
//! episodes   1     2          3                 2 true of 3: precision 1/3; 1 of 2 events found: recall 1/2
//! ```

use crate::flow::time::EventTime;

/// Alarms nearer to each other than this are one episode; and as long after an event's end an alarm still belongs to it.
pub const NEAR_MS: i64 = 15 * 60_000;

/// What happened in one entity's history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The labelled events: start and end.
    pub events: Vec<(EventTime, EventTime)>,
    /// The times of alarms, ascending.
    pub alarms: Vec<EventTime>,
    /// The first and the last reading.
    pub span: Option<(EventTime, EventTime)>,
}

/// How the alarms of some entities met the events.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meeting {
    /// Labelled events.
    pub events: u32,
    /// Those in which there was an alarm.
    pub found: u32,
    /// Episodes of alarms.
    pub episodes: u32,
    /// Those that touch no event.
    pub false_episodes: u32,
    /// From the start of events that were found to their first alarm, summed.
    pub delay_ms: i64,
    /// Days of entities.
    pub entity_days: f64,
}

impl Meeting {
    /// Adds an entity.
    pub fn add(&mut self, history: &History) {
        self.events += history.events.len() as u32;
        for &(start, end) in &history.events {
            let until = end.plus_ms(NEAR_MS);
            if let Some(first) = history.alarms.iter().find(|time| **time >= start && **time <= until) {
                self.found += 1;
                self.delay_ms += first.as_ms() - start.as_ms();
            }
        }
        let belongs = |time: EventTime| {
            history.events.iter().any(|(start, end)| time >= *start && time <= end.plus_ms(NEAR_MS))
        };
        let mut rest = history.alarms.as_slice();
        while let Some(first) = rest.first() {
            let mut last = *first;
            let length = rest.iter().take_while(|time| {
                let near = time.as_ms() - last.as_ms() <= NEAR_MS;
                last = if near { **time } else { last };
                near
            });
            let (episode, after) = rest.split_at(length.count());
            self.episodes += 1;
            self.false_episodes += u32::from(!episode.iter().any(|time| belongs(*time)));
            rest = after;
        }
        if let Some((first, last)) = history.span {
            self.entity_days += (last.as_ms() - first.as_ms()) as f64 / 86_400_000.0;
        }
    }

    /// The share of episodes that touch an event; 1 where there are none.
    pub fn precision(&self) -> f64 {
        if self.episodes == 0 { 1.0 } else { 1.0 - f64::from(self.false_episodes) / f64::from(self.episodes) }
    }

    /// The share of events that were found; 1 where there are none.
    pub fn recall(&self) -> f64 {
        if self.events == 0 { 1.0 } else { f64::from(self.found) / f64::from(self.events) }
    }

    /// The harmonic mean of both.
    pub fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
    }

    /// The mean delay, in seconds, of the events that were found.
    pub fn delay_seconds(&self) -> Option<f64> {
        (self.found > 0).then(|| self.delay_ms as f64 / 1000.0 / f64::from(self.found))
    }

    /// False episodes an entity and day.
    pub fn false_a_day(&self) -> f64 {
        if self.entity_days > 0.0 { f64::from(self.false_episodes) / self.entity_days } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> EventTime {
        EventTime::from_ms(minute * 60_000).unwrap()
    }

    fn meeting(events: &[(i64, i64)], alarms: &[i64]) -> Meeting {
        let mut meeting = Meeting::default();
        meeting.add(&History {
            events: events.iter().map(|(start, end)| (minute(*start), minute(*end))).collect(),
            alarms: alarms.iter().map(|at| minute(*at)).collect(),
            span: Some((minute(0), minute(1440))),
        });
        meeting
    }

    #[test]
    fn alarms_near_each_other_are_one_and_an_event_is_found_once() {
        let met = meeting(&[(100, 120), (500, 510)], &[10, 103, 110, 121, 300, 305]);
        assert_eq!((met.events, met.found, met.episodes, met.false_episodes), (2, 1, 3, 2));
        assert_eq!(met.delay_seconds(), Some(180.0));
        assert_eq!(met.false_a_day(), 2.0);
        assert!((met.f1() - 0.4).abs() < 1e-12, "{}", met.f1());
    }

    #[test]
    fn silence_without_events_is_perfect_and_with_events_worth_nothing() {
        assert_eq!(meeting(&[], &[]).f1(), 1.0);
        assert_eq!(meeting(&[(1, 2)], &[]).f1(), 0.0);
    }
}
