//! How far event time has come, and which readings are too far ahead to be believed at once.
//!
//! One reading with a broken clock must not close everyone's windows, and a stream must go on after a night without
//! data. So a reading that jumps more than `max_jump` ahead is held back until the next ones tell which it was:
//!
//! ```text
//! watermark          +max_jump
//! ----|------------------|----------------▶ event time
//!     |   plausible      |   doubtful: held
//! ```
//!
//! A plausible reading contradicts what is held: it is refused. Another doubtful one close by, of another entity (or
//! of the same where there is only one), confirms it: both are believed, what does not agree is refused.

use crate::flow::time::EventTime;

/// So many doubtful readings in a row are believed whatever they say: it is not one bad clock.
const BELIEVED_IN_A_ROW: usize = 100;

/// The event time of a partition, or of one entity.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Clock {
    watermark: Option<EventTime>,
    /// The first entity that was seen, until there is a second.
    only_entity: Option<Box<str>>,
    /// Whether more than one entity was seen.
    crowd: bool,
}

/// A reading that is held back.
#[derive(Clone, Debug)]
pub struct Doubtful<T> {
    /// Its time.
    pub time: EventTime,
    /// Its entity.
    pub entity: Box<str>,
    /// Whatever is needed to go on with it later.
    pub rest: T,
}

/// What becomes of a doubtful reading.
#[derive(Debug)]
pub enum Resolved<T> {
    /// Still undecided.
    Held,
    /// These are believed, those are refused; both in the order they came.
    Decided {
        /// To be processed now.
        believed: Vec<Doubtful<T>>,
        /// To be rejected.
        refused: Vec<Doubtful<T>>,
    },
}

impl Clock {
    /// The greatest event time so far.
    pub fn watermark(&self) -> Option<EventTime> {
        self.watermark
    }

    /// Whether a reading can be believed at once.
    pub fn finds_plausible(&self, time: EventTime, max_jump_ms: i64) -> bool {
        self.watermark.is_some_and(|watermark| time <= watermark.plus_ms(max_jump_ms))
    }

    /// Takes note of a reading that is believed. Whether the watermark moved.
    pub fn advance(&mut self, time: EventTime, entity: &str) -> bool {
        if !self.crowd {
            match &self.only_entity {
                None => self.only_entity = Some(entity.into()),
                Some(only) if **only == *entity => {}
                Some(_) => (self.crowd, self.only_entity) = (true, None),
            }
        }
        let moved = self.watermark.is_none_or(|watermark| time > watermark);
        if moved {
            self.watermark = Some(time);
        }
        moved
    }

    /// Whether every reading so far was of that entity, so that nobody else could have confirmed its time.
    pub fn knows_nobody_but(&self, entity: &str) -> bool {
        !self.crowd && self.only_entity.as_deref().is_none_or(|only| only == entity)
    }

    /// Holds a doubtful reading, or decides about all that are held.
    pub fn doubt<T>(
        &self,
        held: &mut Vec<Doubtful<T>>,
        newest: Doubtful<T>,
        max_jump_ms: i64,
    ) -> Resolved<T> {
        let close = |other: &Doubtful<T>| (other.time.as_ms() - newest.time.as_ms()).abs() <= max_jump_ms;
        let another = |other: &Doubtful<T>| other.entity != newest.entity;
        let alone = !held.iter().any(another) && self.knows_nobody_but(&newest.entity);
        let confirmed = held.iter().any(|other| close(other) && (alone || another(other)));
        // A lone entity that reports more seldom than `max_jump`: nothing is close, but time goes on.
        let seldom = alone && held.len() >= 2 && held.iter().all(|other| other.time < newest.time);
        if !confirmed && !seldom && held.len() + 1 < BELIEVED_IN_A_ROW {
            held.push(newest);
            return Resolved::Held;
        }
        let (mut believed, refused): (Vec<_>, Vec<_>) =
            std::mem::take(held).into_iter().partition(|other| !confirmed || close(other));
        believed.push(newest);
        Resolved::Decided { believed, refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `entity@time` readings through a clock with `max_jump` 100; what is believed in which order, refused as `!`.
    fn check(readings: &str, expected: &str) {
        let (mut clock, mut held, mut seen) = (Clock::default(), Vec::new(), Vec::new());
        for word in readings.split_whitespace() {
            let (entity, time) = word.split_once('@').unwrap();
            let time = EventTime::from_ms(time.parse().unwrap()).unwrap();
            if clock.finds_plausible(time, 100) {
                seen.extend(held.drain(..).map(|old: Doubtful<String>| format!("!{}", old.rest)));
                clock.advance(time, entity);
                seen.push(word.to_owned());
                continue;
            }
            let newest = Doubtful { time, entity: entity.into(), rest: word.to_owned() };
            if let Resolved::Decided { believed, refused } = clock.doubt(&mut held, newest, 100) {
                seen.extend(refused.into_iter().map(|old| format!("!{}", old.rest)));
                for old in believed {
                    clock.advance(old.time, &old.entity);
                    seen.push(old.rest);
                }
            }
        }
        assert_eq!(seen.join(" "), expected, "{readings}");
    }

    #[test]
    fn one_bad_clock_is_refused_as_soon_as_a_good_one_speaks() {
        check("a@0 b@1 a@9999 b@2", "a@0 b@1 !a@9999 b@2");
    }

    #[test]
    fn a_gap_is_believed_once_two_entities_agree() {
        check("a@0 b@1 a@5000 b@5001 a@5002", "a@0 b@1 a@5000 b@5001 a@5002");
    }

    #[test]
    fn an_entity_in_a_crowd_cannot_confirm_itself() {
        check("a@0 b@1 a@5000 a@5001 b@2", "a@0 b@1 !a@5000 !a@5001 b@2");
    }

    #[test]
    fn a_lone_entity_goes_on_after_a_gap() {
        check("a@0 a@1 a@5000 a@5001", "a@0 a@1 a@5000 a@5001");
        check("a@0 a@1000 a@2000 a@3000", "a@0 a@1000 a@2000");
    }

    #[test]
    fn a_bad_first_clock_does_not_spoil_the_rest() {
        check("a@9999 a@0 a@1 a@2", "!a@9999 a@0 a@1 a@2");
        check("a@9999 b@0 c@1 a@2", "!a@9999 b@0 c@1 a@2");
    }

    #[test]
    fn a_hundred_in_a_row_are_believed() {
        let far: Vec<String> = (0..100).map(|i| format!("a@{}", 5000 + i)).collect();
        let all = format!("a@0 b@1 b@2 {}", far.join(" "));
        check(&all, &all);
    }
}
