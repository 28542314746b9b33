//! What a replay said, gathered by detector and entity, and what that was worth.

use std::collections::{BTreeMap, BTreeSet};

use super::events::{History, Meeting};
use super::labels::Span;
use super::nab;
use crate::flow::time::EventTime;

/// The rows in which several detectors speak with one voice.
pub const COMBINED: &str = "combined";

/// One entity as one detector saw it.
#[derive(Clone, Debug, Default)]
struct Page {
    alarms: Vec<EventTime>,
    /// A reading's time and greatest score.
    rows: Vec<(EventTime, f64)>,
    /// The metric that begins a reading.
    first_metric: String,
}

/// Everything that was said.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// By detector, then by entity.
    pages: BTreeMap<String, BTreeMap<String, Page>>,
}

/// What a detector was worth.
#[derive(Clone, Debug)]
pub struct Worth {
    /// Which.
    pub detector: String,
    /// How its alarms met the events.
    pub meeting: Meeting,
    /// The benchmark's profiles.
    pub nab: [nab::Result; 3],
}

impl Ledger {
    /// An anomaly of a detector.
    pub fn alarm(&mut self, detector: &str, entity: &str, time: EventTime) {
        for name in [detector, COMBINED] {
            self.page(name, entity).alarms.push(time);
        }
    }

    /// A line of `scores.csv`; anything else is passed over.
    pub fn line(&mut self, line: &str) {
        let cells = cells(line);
        let [time, entity, detector, metric, _, score, ..] = cells.as_slice() else { return };
        let (Some(time), Ok(score)) = (EventTime::parse(time.as_bytes()), score.parse::<f64>()) else {
            return;
        };
        let page = self.page(detector, entity);
        if page.first_metric.is_empty() {
            page.first_metric.clone_from(metric);
        }
        let begins = page.first_metric == *metric;
        match page.rows.last_mut() {
            Some((_, greatest)) if !begins => *greatest = greatest.max(score),
            _ => page.rows.push((time, score)),
        }
    }

    /// Who was watched.
    pub fn entities(&self) -> BTreeSet<&str> {
        self.pages.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// The times of a detector's alarms for an entity, ascending.
    pub fn alarms(&self, detector: &str, entity: &str) -> Vec<EventTime> {
        let mut alarms = self.found(detector, entity).map_or(Vec::new(), |page| page.alarms.clone());
        alarms.sort_unstable();
        alarms
    }

    /// The times of an entity's readings, and the greatest score of each.
    pub fn scores(&self, detector: &str, entity: &str) -> &[(EventTime, f64)] {
        self.found(detector, entity).map_or(&[], |page| &page.rows)
    }

    /// The greatest score at a time; 0 where there is none.
    pub fn score_at(&self, detector: &str, entity: &str, time: EventTime) -> f64 {
        let rows = self.scores(detector, entity).iter();
        rows.filter(|(at, _)| *at == time).map(|(_, score)| *score).fold(0.0, f64::max)
    }

    fn found(&self, detector: &str, entity: &str) -> Option<&Page> {
        self.pages.get(detector)?.get(entity)
    }

    fn page(&mut self, detector: &str, entity: &str) -> &mut Page {
        if !self.pages.get(detector).is_some_and(|pages| pages.contains_key(entity)) {
            self.pages.entry(detector.into()).or_default().insert(entity.into(), Page::default());
        }
        let pages = self.pages.get_mut(detector).expect("it was just put there");
        pages.get_mut(entity).expect("it was just put there")
    }

    /// Takes in another replay, whose entities are others: `name` tells them apart.
    pub fn append(&mut self, name: &str, other: Ledger) {
        for (detector, pages) in other.pages {
            let own = self.pages.entry(detector).or_default();
            own.extend(pages.into_iter().map(|(entity, page)| (format!("{name}{entity}"), page)));
        }
    }

    /// What every detector was worth; `events` are the labelled ones of an entity.
    pub fn worth<'a>(&self, events: impl Fn(&str) -> &'a [Span]) -> Vec<Worth> {
        self.pages.iter().map(|(detector, pages)| self.worth_of(detector, pages, &events)).collect()
    }

    fn worth_of<'a>(
        &self,
        detector: &str,
        pages: &BTreeMap<String, Page>,
        events: &impl Fn(&str) -> &'a [Span],
    ) -> Worth {
        let (mut meeting, mut scored) = (Meeting::default(), Vec::new());
        // An entity in which a detector found nothing, or which only another scored, was watched as well.
        for entity in self.entities() {
            let empty = Page::default();
            let page = pages.get(entity).unwrap_or(&empty);
            let times = || {
                self.pages.values().filter_map(|pages| pages.get(entity)).find(|page| !page.rows.is_empty())
            };
            let span = times().and_then(|page| Some((page.rows.first()?.0, page.rows.last()?.0)));
            let mut alarms = page.alarms.clone();
            alarms.sort_unstable();
            meeting.add(&History { events: events(entity).to_vec(), alarms, span });
            let row = |time: EventTime| page.rows.partition_point(|(at, _)| *at < time);
            let windows = events(entity).iter().map(|(start, end)| (row(*start), row(end.plus_ms(1))));
            scored.push(nab::Series {
                scores: page.rows.iter().map(|(_, score)| *score).collect(),
                windows: windows
                    .filter(|(first, after)| after > first)
                    .map(|(first, after)| (first, after - 1))
                    .collect(),
            });
        }
        Worth { detector: detector.into(), meeting, nab: nab::results(&scored) }
    }
}

/// The cells of a line (RFC 4180), without line ends in them.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cells.last_mut().expect("there is a first").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("there is a first").push(other),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_counts_once_with_the_greatest_of_its_scores() {
        let mut ledger = Ledger::default();
        for (second, metric, score) in [(0, "a", 0.1), (0, "b", 0.9), (1, "a", 0.2), (1, "a", 0.3)] {
            ledger.line(&format!("2026-01-01T00:00:0{second}Z,\"x,y\",novelty,{metric},1,{score},,"));
        }
        let rows: Vec<f64> = ledger.pages["novelty"]["x,y"].rows.iter().map(|(_, score)| *score).collect();
        assert_eq!(rows, [0.9, 0.2, 0.3]);
    }

    #[test]
    fn an_event_that_only_another_detector_found_is_missed() {
        let time = |minute: i64| EventTime::from_ms(minute * 60_000).unwrap();
        let mut ledger = Ledger::default();
        ledger.alarm("novelty", "x", time(5));
        ledger.line("1970-01-01T00:00:00Z,x,forecast,a,1,0,,");
        let events = [(time(4), time(9))];
        let worth = ledger.worth(|_| &events);
        let recall: Vec<(&str, f64)> =
            worth.iter().map(|worth| (worth.detector.as_str(), worth.meeting.recall())).collect();
        assert_eq!(recall, [("combined", 1.0), ("forecast", 0.0), ("novelty", 1.0)]);
    }
}
