//! What becomes of readings on their way: most arrive at once, some late, some never.

use std::collections::BTreeMap;

use super::random::Random;
use super::values::{METRICS, Values};
use crate::flow::model::Statuses;
use crate::flow::time::EventTime;

/// Late readings come this late, in milliseconds; nine in ten within the usual grace of 30 s.
const LATE_MS: [f64; 2] = [2_000.0, 28_000.0];
/// The rest, beyond it.
const TOO_LATE_MS: [f64; 2] = [32_000.0, 60_000.0];
const TOO_LATE_SHARE: f64 = 0.1;

/// A reading, without the name of its host.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The host's place in the fleet.
    pub(super) host: usize,
    pub(super) time: EventTime,
    pub(super) values: Values,
    pub(super) statuses: Statuses,
}

impl Sample {
    /// Room for the first one.
    pub(super) fn empty(time: EventTime) -> Sample {
        Sample { host: 0, time, values: [0.0; METRICS], statuses: Statuses::default() }
    }
}

/// What becomes of a reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Arrives,
    Lost,
    Late { by_ms: i64 },
}

/// Draws a reading's fate. The stream is the host's own and serves nothing else.
pub(super) fn fate(random: &mut Random, missing_share: f64, late_share: f64) -> Fate {
    let luck = random.unit();
    if luck >= missing_share + late_share {
        return Fate::Arrives;
    }
    if luck < missing_share {
        return Fate::Lost;
    }
    let [least, most] = if random.unit() < TOO_LATE_SHARE { TOO_LATE_MS } else { LATE_MS };
    Fate::Late { by_ms: random.between(least, most) as i64 }
}

/// Readings under way, at most as many as a minute of the fleet has.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// By when they arrive, then by when they left.
    samples: BTreeMap<(EventTime, u64), Sample>,
    left: u64,
}

impl UnderWay {
    /// Sends a reading that will arrive then.
    pub(super) fn send(&mut self, sample: Sample, arrives: EventTime) {
        self.samples.insert((arrives, self.left), sample);
        self.left += 1;
    }

    /// The first that has arrived by then; by the end of time where there is no then.
    pub(super) fn arrived(&mut self, by: Option<EventTime>) -> Option<Sample> {
        let first = self.samples.first_entry()?;
        let here = by.is_none_or(|by| first.key().0 <= by);
        here.then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_reading_in_ten_misses_the_grace() {
        let mut random = Random::new(3, 3);
        let delays: Vec<i64> = (0..100_000)
            .filter_map(|_| match fate(&mut random, 0.1, 0.2) {
                Fate::Late { by_ms } => Some(by_ms),
                Fate::Arrives | Fate::Lost => None,
            })
            .collect();
        assert!((19_000..21_000).contains(&delays.len()), "{}", delays.len());
        assert!(delays.iter().all(|by_ms| (2_000..=60_000).contains(by_ms)));
        let beyond = delays.iter().filter(|&&by_ms| by_ms > 30_000).count();
        assert!((1_800..2_200).contains(&beyond), "{beyond}");
    }

    #[test]
    fn readings_arrive_when_they_are_due_and_all_of_them_in_the_end() {
        let at = |ms| EventTime::from_ms(ms).unwrap();
        let mut under_way = UnderWay::default();
        for due in [30, 10, 20, 10] {
            under_way.send(Sample::empty(at(due)), at(due));
        }
        let mut arrived = |by| under_way.arrived(by).map(|sample| sample.time.as_ms());
        assert_eq!(
            [arrived(Some(at(9))), arrived(Some(at(10))), arrived(Some(at(10)))],
            [None, Some(10), Some(10)]
        );
        assert_eq!(
            [arrived(Some(at(19))), arrived(None), arrived(None), arrived(None)],
            [None, Some(20), Some(30), None]
        );
    }
}
