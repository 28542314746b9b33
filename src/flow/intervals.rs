//! Samples of a closed window into readings: one an interval, and counters as how fast they grow.
//!
//! ```text
//! cpu      x         x         x            interval 10: three readings with both metrics
//! bytes      5         9         2          rates    -  0.4  -    it went back: a restart, so there is no rate
//!       [---------)[---------)[---------)
//! ```
//!
//! It happens when a window closes, on samples in the order of their time, so it does not matter how records were batched.
//! The last value of each counter is a learned row like those of detectors: a function of the windows before.

use serde::{Deserialize, Serialize};

use super::Change;
use super::model::{Range, Schema, Statuses};
use super::readings::Readings;
use super::table::Table;
use super::time::EventTime;

/// The last value of each counter, in their order.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counters(Vec<Option<(EventTime, f64)>>);

/// The stage between windows and detectors, where a topology speaks of samples.
#[derive(Debug)]
pub(super) struct Intervals {
    interval_ms: Option<i64>,
    metrics: usize,
    full: u64,
    /// The metrics that are rates of counters, and what a rate may be.
    rates: Vec<(usize, Range)>,
    counters: Table<Counters>,
    out: Readings,
}

/// An interval's samples so far: of each metric the last.
struct Row {
    time: EventTime,
    values: Vec<f64>,
    times: Vec<EventTime>,
    present: u64,
    statuses: Statuses,
}

impl Intervals {
    /// The stage for that schema, if it needs one; counters go into the table of that number.
    pub(super) fn of(schema: &Schema, table: u8) -> Option<Intervals> {
        let sampling = schema.sampling.as_ref()?;
        let all = sampling.metrics.iter().zip(&schema.metrics).enumerate();
        let rates: Vec<_> = all
            .filter(|(_, (sampled, _))| sampled.rate)
            .map(|(at, (_, metric))| (at, metric.range))
            .collect();
        (sampling.interval_ms.is_some() || !rates.is_empty()).then(|| Intervals {
            interval_ms: sampling.interval_ms,
            metrics: schema.metrics.len(),
            full: schema.full_mask(),
            rates,
            counters: Table::new(table),
            out: Readings::default(),
        })
    }

    /// Whether anything is remembered of an entity.
    pub(super) fn learns(&self) -> bool {
        !self.rates.is_empty()
    }

    /// The last values of the entity's counters, with something put before them, if there are any.
    pub(super) fn written(&self, id: u32, name: &str, before: &[u8]) -> Option<Change> {
        self.counters.written(id, name, before)
    }

    /// Forgets the entity; the change that deletes its row, where there may be one.
    pub(super) fn forget(&mut self, id: u32, name: &str) -> Option<Change> {
        self.counters.forget(id).then(|| self.counters.deleted(name))
    }

    /// Takes them back; `false` where the bytes are not that.
    #[must_use]
    pub(super) fn restore(&mut self, id: u32, bytes: &[u8]) -> bool {
        self.counters.restore(id, bytes)
    }

    /// The readings that an entity's samples make. There is at least one where there is a sample.
    pub(super) fn gather(&mut self, id: u32, samples: &Readings) -> &Readings {
        let mut rows: Vec<Row> = Vec::new();
        let mut current = None;
        for at in 0..samples.len() {
            let time = samples.times[at];
            let interval = self.interval_ms.map_or(at as i64, |ms| time.as_ms().div_euclid(ms));
            if current != Some(interval) {
                current = Some(interval);
                let (values, times) = (vec![0.0; self.metrics], vec![time; self.metrics]);
                rows.push(Row { time, values, times, present: 0, statuses: Statuses::default() });
            }
            if let Some(row) = rows.last_mut() {
                row.take(samples, at);
            }
        }
        if self.learns() {
            let counters = self.counters.row(id);
            counters.0.resize(self.rates.len(), None);
            for row in &mut rows {
                for ((metric, range), last) in self.rates.iter().zip(&mut counters.0) {
                    row.derive(*metric, range, last);
                }
            }
        }
        self.fill(&rows);
        &self.out
    }

    fn fill(&mut self, rows: &[Row]) {
        let out = &mut self.out;
        out.times = rows.iter().map(|row| row.time).collect();
        out.present = rows.iter().map(|row| row.present).collect();
        out.statuses = rows.iter().map(|row| row.statuses).collect();
        out.arrival = (0..rows.len() as u32).collect();
        out.complete = rows.iter().all(|row| row.present == self.full);
        out.columns.clear();
        for metric in 0..self.metrics {
            out.columns.extend(rows.iter().map(|row| row.values[metric]));
        }
    }
}

impl Row {
    /// A later sample replaces an earlier one.
    fn take(&mut self, samples: &Readings, at: usize) {
        self.time = samples.times[at];
        for metric in (0..self.values.len()).filter(|metric| samples.has(at, *metric)) {
            self.values[metric] = samples.column(metric)[at];
            self.times[metric] = self.time;
            self.present |= 1 << metric;
        }
        self.statuses = self.statuses.updated(samples.statuses[at]);
    }

    /// Puts how fast a counter grew since its last value in the place of its value. There is no rate where there is no
    /// value before, where the counter went back, and where the rate is outside of the metric's range.
    fn derive(&mut self, metric: usize, range: &Range, last: &mut Option<(EventTime, f64)>) {
        if self.present >> metric & 1 == 0 {
            return;
        }
        let (time, value) = (self.times[metric], self.values[metric]);
        let rate = last.replace((time, value)).and_then(|(before, from)| {
            let span_ms = time.as_ms() - before.as_ms();
            let rate = (value - from) * 1000.0 / span_ms as f64;
            (span_ms > 0 && value >= from && range.contains(rate)).then_some(rate)
        });
        self.values[metric] = rate.unwrap_or(0.0);
        if rate.is_none() {
            self.present &= !(1 << metric);
        }
    }
}

#[cfg(test)]
mod tests;
