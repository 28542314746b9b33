//! Entities that are heard of no more: missing data is found as well.
//!
//! ```text
//! windows of a    [----)[----)[----)
//! windows of b    [----)[----)[----)[----)[----)[----)
//!                                  |<- after ->|      ^ told here: event time is past it, as another entity's window says
//! ```
//!
//! Event time goes on by what others send: nothing here looks at a clock. Who was heard in a few windows only is forgotten
//! without a word, and who was told of is forgotten until heard again: what is remembered is bounded by who is there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Change;
use super::table::Table;
use super::time::{EventTime, Window};

/// The table of who was heard when, in [`Change::table`].
pub const HEARD: u8 = 253;
/// Windows after which an entity is expected to go on.
const EXPECTED_WINDOWS: u32 = 12;

/// When an entity was heard; some 10 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Heard {
    /// Its first window's start and its last one's end, in milliseconds.
    since_ms: i64,
    until_ms: i64,
    /// Windows with readings.
    windows: u32,
}

/// An entity that went quiet.
#[derive(Clone, Debug, PartialEq)]
pub struct Gone {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: Box<str>,
    /// From its last window's end until it is missed.
    pub window: Window,
    /// Windows that it was heard in.
    pub windows: u32,
    /// The negative log10 of how likely it was to be quiet so long: each window missed is one in as many as were heard.
    pub rareness: f64,
}

/// Who was heard when, and who is missed next.
#[derive(Debug)]
pub struct Silence {
    after_ms: i64,
    heard: Table<Heard>,
    /// By the time they are missed after, then by name: numbers are others after a restart.
    due: BTreeSet<(i64, Box<str>, u32)>,
}

impl Silence {
    /// Entities are missed when nothing was heard of them for so long.
    pub fn after(after_ms: i64) -> Silence {
        Silence { after_ms, heard: Table::new(HEARD), due: BTreeSet::new() }
    }

    /// A window with readings closed: takes note of it, and says who is missed by then, the longest first.
    pub fn hear(&mut self, id: u32, name: &str, window: Window) -> Vec<Gone> {
        let known = self.heard.get(id).copied();
        if let Some(known) = known {
            self.due.remove(&(known.until_ms.saturating_add(self.after_ms), name.into(), id));
        }
        let gone = self.missed_before(window.end);
        let row = self.heard.row(id);
        let (start_ms, end_ms) = (window.start.as_ms(), window.end.as_ms());
        *row = match known {
            None => Heard { since_ms: start_ms, until_ms: end_ms, windows: 1 },
            Some(known) => Heard {
                since_ms: known.since_ms.min(start_ms),
                until_ms: known.until_ms.max(end_ms),
                windows: known.windows.saturating_add(1),
            },
        };
        self.due.insert((row.until_ms.saturating_add(self.after_ms), name.into(), id));
        gone
    }

    fn missed_before(&mut self, now: EventTime) -> Vec<Gone> {
        let mut gone = Vec::new();
        // Not by the window that ends just then: one of the missed entity's own may end there too.
        while self.due.first().is_some_and(|(due_ms, _, _)| *due_ms < now.as_ms()) {
            let Some((due_ms, name, id)) = self.due.pop_first() else { break };
            let heard = self.heard.get(id).copied().unwrap_or_default();
            self.heard.remove(id);
            let (start, end) = (EventTime::from_ms(heard.until_ms), EventTime::from_ms(due_ms));
            if let (Some(start), Some(end)) = (start, end)
                && heard.windows >= EXPECTED_WINDOWS
            {
                let (windows, rareness) = (heard.windows, heard.rareness(self.after_ms));
                gone.push(Gone { id, name, window: Window { start, end }, windows, rareness });
            }
        }
        gone
    }

    /// Forgets the entity without a word; the change that deletes its row, where there may be one.
    pub fn forget(&mut self, id: u32, name: &str) -> Option<Change> {
        if let Some(heard) = self.heard.get(id) {
            self.due.remove(&(heard.until_ms.saturating_add(self.after_ms), name.into(), id));
        }
        self.heard.forget(id).then(|| self.heard.deleted(name))
    }

    /// Whether the entity is waited for.
    pub fn waits_for(&self, id: u32) -> bool {
        self.heard.get(id).is_some()
    }

    /// The rows that changed since the last call.
    pub fn changes<'a>(&mut self, name: impl Fn(u32) -> &'a str, changes: &mut Vec<Change>) {
        self.heard.changes(name, changes);
    }

    /// Takes back a row; `false` where the bytes are none.
    #[must_use]
    pub fn restore(&mut self, id: u32, name: &str, bytes: &[u8]) -> bool {
        let restored = self.heard.restore(id, bytes);
        if let Some(heard) = self.heard.get(id).filter(|_| restored) {
            self.due.insert((heard.until_ms.saturating_add(self.after_ms), name.into(), id));
        }
        restored
    }
}

impl Heard {
    fn rareness(self, after_ms: i64) -> f64 {
        let each_ms = (self.until_ms - self.since_ms) as f64 / f64::from(self.windows.max(1));
        let missed = (after_ms as f64 / each_ms.max(1.0)).floor().max(1.0);
        (missed * libm::log10(f64::from(self.windows) + 1.0)).min(9.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(number: i64) -> Window {
        let time = |minutes: i64| EventTime::from_ms(minutes * 60_000).unwrap();
        Window { start: time(number * 5), end: time(number * 5 + 5) }
    }

    /// Windows of five minutes in which `a` and `b` were heard (`.` for not); who was missed, and in which window.
    fn missed(a: &str, b: &str) -> String {
        let mut silence = Silence::after(15 * 60_000);
        let mut said = String::new();
        for (number, heard) in a.chars().zip(b.chars()).enumerate() {
            for (id, (name, heard)) in [("a", heard.0), ("b", heard.1)].into_iter().enumerate() {
                if heard == 'x' {
                    let gone = silence.hear(id as u32, name, window(number as i64));
                    said.extend(gone.iter().map(|gone| format!("{}@{number} ", gone.name)));
                }
            }
        }
        said.trim_end().to_owned()
    }

    #[test]
    fn who_goes_quiet_is_missed_once_and_again_after_coming_back() {
        assert_eq!(missed("xxxxxxxxxxxx........", "xxxxxxxxxxxxxxxxxxxx"), "a@15");
        assert_eq!(missed("xxxxxxxxxxxx...xxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxx"), "", "just in time");
        assert_eq!(
            missed("xxxxxxxxxxxx....xxxxxxxxxxxx.....", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
            "a@15 a@31"
        );
    }

    #[test]
    fn who_was_heard_a_few_times_only_is_forgotten_without_a_word() {
        assert_eq!(missed("xxxxxxxxxxx.........", "xxxxxxxxxxxxxxxxxxxx"), "");
        let mut silence = Silence::after(15 * 60_000);
        for number in 0..10_000_u32 {
            silence.hear(number, &format!("pod-{number}"), window(i64::from(number)));
        }
        assert_eq!((0..10_000).filter(|id| silence.waits_for(*id)).count(), silence.due.len());
        assert!(silence.due.len() <= 4, "{}", silence.due.len());
    }

    #[test]
    fn the_longer_somebody_spoke_the_rarer_is_the_silence() {
        let heard = |windows: u32| Heard { since_ms: 0, until_ms: i64::from(windows) * 300_000, windows };
        let rare = |windows: u32| heard(windows).rareness(900_000);
        assert!(rare(12) < 3.5 && rare(99) > 5.9 && rare(12) < rare(13) && rare(1_000_000) <= 9.0);
    }

    proptest! {
        #[test]
        fn coming_back_from_rows_changes_nothing(pattern in prop::collection::vec(0..8_u8, 20..80), at in 0..20_usize) {
            let run = |restart: Option<usize>| {
                let mut silence = Silence::after(900_000);
                let mut said = Vec::new();
                let mut rows = std::collections::BTreeMap::new();
                for (number, heard) in pattern.iter().enumerate() {
                    for id in (0..3_u32).filter(|id| heard >> id & 1 == 1) {
                        said.extend(silence.hear(id, &format!("e{id}"), window(number as i64)));
                    }
                    let mut changes = Vec::new();
                    silence.changes(|id| ["e0", "e1", "e2"][id as usize], &mut changes);
                    for change in changes {
                        rows.insert(change.key, change.row);
                    }
                    if restart == Some(number) {
                        silence = Silence::after(900_000);
                        for (key, row) in rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?))) {
                            let name = std::str::from_utf8(key).unwrap();
                            assert!(silence.restore(name[1..].parse().unwrap(), name, row));
                        }
                    }
                }
                said
            };
            prop_assert_eq!(run(None), run(Some(at)));
        }
    }
}
