//! A learned row that comes back, and whose it is.

use super::{ALERTS, COUNTERS, Detection, HEARD, HEEDED, INCIDENTS};
use crate::flow::time::EventTime;
use crate::flow::window::MARKS;

impl Detection {
    /// Takes a row of an entity; `None` when nobody can read it.
    pub(super) fn restore_row(&mut self, table: u8, key: &[u8], row: &[u8]) -> Option<()> {
        let entity = std::str::from_utf8(key).ok()?;
        let id = self.windows.remember(entity)?;
        let judge = &mut self.judge;
        let restored = match table {
            MARKS => self.windows.restore_mark(id, row),
            INCIDENTS => judge.incidents.restore(id, row),
            ALERTS => judge.alerted.restore(id, row),
            HEEDED => {
                let is_row = judge.heeded.restore(id, row);
                self.windows.restore_spoken(id, judge.heeded.get(id).and_then(|heeded| heeded.at));
                is_row
            }
            HEARD => judge.silence.as_mut().is_some_and(|silence| silence.restore(id, entity, row)),
            other => {
                let (until, row) = row.split_first_chunk()?;
                self.windows.restore_learned(id, EventTime::from_ms(i64::from_be_bytes(*until)));
                let bench = judge.benches.iter_mut().find(|bench| bench.table() == other);
                match &mut judge.intervals {
                    Some(intervals) if other == COUNTERS => intervals.restore(id, row),
                    _ => bench.is_some_and(|bench| bench.restore(id, row)),
                }
            }
        };
        restored.then_some(())
    }
}
