//! Made series: quiet ones of many kinds, and the same with something injected now and then.

use std::f64::consts::TAU;

use tidewatch::flow::detect::random::Random;
use tidewatch::flow::time::EventTime;

use super::corpus::Labelled;

/// Midnight UTC.
const START_MS: i64 = 1_700_006_400_000;
const FIRST_INJECTION: usize = 5000;
const BETWEEN_INJECTIONS: usize = 1200;

/// A kind of series: its name and the deviation that an injection is measured in.
pub(crate) const KINDS: [(&str, Option<f64>); 14] = [
    ("gaussian", Some(5.0)),
    ("autoregressive", Some(5.0)),
    ("daily-sine", Some(2.0)),
    ("weekdays", Some(4.0)),
    ("daily-counts", Some(14.0)),
    ("lognormal", Some(10.0)),
    ("percent-full", Some(4.0)),
    ("sawtooth", Some(0.5)),
    ("small-counts", None),
    ("constant", None),
    ("rare-binary", None),
    ("random-walk", None),
    ("growing-disk", None),
    ("large-offset", None),
];

pub(crate) const INJECTIONS: [&str; 8] =
    ["spike", "dip", "shift-up", "shift-down", "stuck", "noise", "missing-day", "record"];

struct Chance(Random);

impl Chance {
    fn normal(&mut self) -> f64 {
        let (radius, turn) = (1.0 - self.0.unit(), self.0.unit());
        (-2.0 * libm::log(radius)).sqrt() * libm::cos(TAU * turn)
    }

    /// Knuth's, in parts: the sum of Poisson numbers is one.
    fn poisson(&mut self, mean: f64) -> f64 {
        let (mut left, mut count) = (mean, 0.0);
        while left > 0.0 {
            let limit = libm::exp(-left.min(50.0));
            let mut product = self.0.unit();
            while product > limit {
                product *= self.0.unit();
                count += 1.0;
            }
            left -= 50.0;
        }
        count
    }

    fn autoregressive(&mut self, rows: usize, memory: f64) -> Vec<f64> {
        let mut last = 0.0;
        let mut step = || {
            last = memory * last + self.normal();
            last * (1.0 - memory * memory).sqrt()
        };
        (0..rows).map(|_| step()).collect()
    }
}

fn values(kind: &str, rows: usize, step_ms: i64, chance: &mut Chance) -> Vec<f64> {
    let time = |row: usize| START_MS + row as i64 * step_ms;
    let day = |row: usize| TAU * time(row).rem_euclid(86_400_000) as f64 / 86_400_000.0;
    let weekday = |row: usize| (time(row) / 86_400_000 + 4) % 7 < 5;
    let phase = chance.0.unit() * 6.0;
    let (mut walk, each) = (50.0, 0..rows);
    match kind {
        "gaussian" => each.map(|_| 50.0 + 5.0 * chance.normal()).collect(),
        "autoregressive" => {
            chance.autoregressive(rows, 0.95).into_iter().map(|value| 50.0 + 5.0 * value).collect()
        }
        "daily-sine" => {
            each.map(|row| 50.0 + 20.0 * (day(row) + phase).sin() + 2.0 * chance.normal()).collect()
        }
        "weekdays" => each
            .map(|row| {
                let share = if weekday(row) { 1.0 } else { 0.3 };
                100.0 + 40.0 * (day(row) - 1.5).sin().clamp(0.0, 1.0) * share + 4.0 * chance.normal()
            })
            .collect(),
        "daily-counts" => each.map(|row| chance.poisson(200.0 + 100.0 * day(row).sin())).collect(),
        "lognormal" => each.map(|_| chance.normal().exp() * 10.0).collect(),
        "percent-full" => {
            let values = chance.autoregressive(rows, 0.8).into_iter();
            values.map(|value| (97.0 + 4.0 * value).clamp(0.0, 100.0)).collect()
        }
        "sawtooth" => each
            .map(|row| {
                30.0 + time(row).rem_euclid(86_400_000) as f64 / 864_000.0 * 0.4 + 0.5 * chance.normal()
            })
            .collect(),
        "small-counts" => each.map(|_| chance.poisson(3.0)).collect(),
        "constant" => vec![42.0; rows],
        "rare-binary" => each.map(|_| f64::from(u8::from(chance.0.unit() < 0.01))).collect(),
        "random-walk" => each
            .map(|_| {
                walk += 0.1 * chance.normal();
                walk
            })
            .collect(),
        "growing-disk" => each.map(|row| 20.0 + row as f64 * 0.002 + 0.3 * chance.normal()).collect(),
        "large-offset" => each.map(|_| 1e12 + 1e4 * chance.normal()).collect(),
        other => unreachable!("{other} is no kind"),
    }
}

/// Changes values in place; how many rows are abnormal.
fn inject(what: &str, values: &mut [f64], at: usize, sigma: f64, chance: &mut Chance) -> usize {
    let past = |values: &[f64]| {
        let mut last = values[at.saturating_sub(600)..at].to_vec();
        last.sort_by(f64::total_cmp);
        last[last.len() / 2]
    };
    let mut add = |by: f64, rows: usize| {
        values[at..at + rows].iter_mut().for_each(|value| *value += by);
        rows
    };
    match what {
        "spike" => add(8.0 * sigma, 1),
        "dip" => add(-8.0 * sigma, 1),
        "shift-up" => add(4.0 * sigma, 100),
        "shift-down" => add(-4.0 * sigma, 100),
        "stuck" => {
            let value = values[at];
            values[at..at + 200].fill(value);
            200
        }
        "noise" => {
            values[at..at + 60].iter_mut().for_each(|value| *value += 4.0 * sigma * chance.normal());
            60
        }
        "missing-day" => {
            let median = past(values);
            values[at..at + 288].iter_mut().for_each(|value| *value = median + 0.5 * sigma * chance.normal());
            288
        }
        "record" => {
            let low = values[..at].iter().copied().fold(f64::INFINITY, f64::min);
            let high = values[..at].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            values[at] = high + 0.3 * (high - low);
            1
        }
        other => unreachable!("{other} is no injection"),
    }
}

fn timed(values: Vec<f64>, step_ms: i64) -> Vec<(EventTime, f64)> {
    let time = |row: usize| EventTime::from_ms(START_MS + row as i64 * step_ms).unwrap();
    values.into_iter().enumerate().map(|(row, value)| (time(row), value)).collect()
}

/// Quiet series, `copies` of each kind.
pub(crate) fn quiet(seed: u64, rows: usize, step_ms: i64, copies: usize) -> Vec<Labelled> {
    let mut chance = Chance(Random::seeded(seed));
    let kinds = KINDS.iter().flat_map(|kind| std::iter::repeat_n(kind.0, copies));
    kinds
        .map(|kind| {
            let rows = timed(values(kind, rows, step_ms, &mut chance), step_ms);
            Labelled { name: kind.to_owned(), rows, windows: Vec::new() }
        })
        .collect()
}

/// Series with injections, one of each kind and injection.
pub(crate) fn injected(seed: u64, rows: usize, step_ms: i64) -> Vec<Labelled> {
    let mut chance = Chance(Random::seeded(seed ^ 0x5eed));
    let mut all = Vec::new();
    for (kind, sigma) in KINDS {
        let Some(sigma) = sigma else { continue };
        for what in INJECTIONS {
            let mut series = values(kind, rows, step_ms, &mut chance);
            let mut windows = Vec::new();
            for at in (FIRST_INJECTION..rows - 600).step_by(BETWEEN_INJECTIONS) {
                let at = at + chance.0.below(300);
                let length = inject(what, &mut series, at, sigma, &mut chance);
                windows.push((at, at + length - 1));
            }
            all.push(Labelled { name: format!("{kind}--{what}"), rows: timed(series, step_ms), windows });
        }
    }
    all
}
