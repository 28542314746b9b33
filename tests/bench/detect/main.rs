//! What `novelty` and `forecast` find, and what they cost: `cargo bench --bench detect`. With TIDEWATCH_NAB set to a folder
//! that has `data/` and `labels/combined_windows.json` also their scores on the Numenta Anomaly Benchmark, and with
//! TIDEWATCH_MADE set to folders of series (`quiet/`, `injected/`, `labels.json`; separated by `:`) what is found in those.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and its environment")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

mod corpus;
mod made;

use std::path::Path;
use std::time::Instant;

use corpus::Labelled;
use tidewatch::backtest::nab;
use tidewatch::flow::detect::calibration::FORECAST_HANDICAP;
use tidewatch::flow::detect::series::{Asked, Series};
use tidewatch::flow::detect::settings::Size;

const NOVELTY: Asked =
    Asked { novelty: Some(1.8), forecast: None, size: Size::Normal, takes_more_off: false, learn_for_ms: 0 };
const FORECAST: Asked =
    Asked { novelty: None, forecast: Some(1.82), size: Size::Normal, takes_more_off: false, learn_for_ms: 0 };
const BOTH: Asked = Asked {
    novelty: Some(1.82),
    forecast: Some(1.82),
    size: Size::Normal,
    takes_more_off: true,
    learn_for_ms: 0,
};
const SMALL: Asked = Asked { size: Size::Small, ..BOTH };
const RUNS: [(&str, Asked); 4] =
    [("novelty", NOVELTY), ("forecast", FORECAST), ("both", BOTH), ("both, small", SMALL)];

/// The strengths that are told of a series.
fn strengths(asked: &Asked, labelled: &Labelled) -> Vec<f64> {
    ranked(asked, labelled, 0.0)
}

/// The same with a handicap for what `forecast` tells: `combined` in scores.csv has it in company.
fn ranked(asked: &Asked, labelled: &Labelled, handicap: f64) -> Vec<f64> {
    let mut series = Series::default();
    let mut step = |&(time, value)| {
        let seen = series.step(asked, time, value);
        f64::from(seen.novelty).max(f64::from(seen.forecast) - handicap)
    };
    labelled.rows.iter().map(&mut step).collect()
}

/// Rows of a quiet series that are not counted.
const SETTLING_ROWS: usize = 2000;
/// Rows after an anomaly in which it may still be told.
const LATE_ROWS: usize = 60;

/// Alarms in 10,000 rows; those within an hour of rows are one.
fn false_alarms(told: &[f64], threshold: f64) -> f64 {
    let (mut alarms, mut last) = (0, None::<usize>);
    for (row, told) in told.iter().enumerate().skip(SETTLING_ROWS) {
        if *told >= threshold && last.is_none_or(|last| row - last > 12) {
            alarms += 1;
            last = Some(row);
        }
    }
    1e4 * f64::from(alarms) / (told.len() - SETTLING_ROWS) as f64
}

/// The share of windows that are found.
fn found(told: &[f64], windows: &[(usize, usize)], threshold: f64) -> f64 {
    let hit = |&&(first, last): &&(usize, usize)| {
        told[first..told.len().min(last + LATE_ROWS + 1)].iter().any(|told| *told >= threshold)
    };
    windows.iter().filter(hit).count() as f64 / windows.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The least strength that is an anomaly.
fn threshold(asked: &Asked) -> f64 {
    f64::from(asked.novelty.into_iter().chain(asked.forecast).fold(f32::INFINITY, f32::min))
}

fn made_series() {
    println!(
        "\n| made series | step | injected found | worst | quiet, worst kind | mean of kinds | same row, share of series |\n|---|---|---|---|---|---|---|"
    );
    for (seed, step_s) in [(1, 300), (2, 300), (3, 60), (4, 1800)] {
        let quiet = made::quiet(seed, 12_000, step_s * 1000, 3);
        let injected = made::injected(seed, 12_000, step_s * 1000);
        score_made(&format!("{step_s} s"), &quiet, &injected);
    }
    for folder in std::env::var("TIDEWATCH_MADE").iter().flat_map(|list| list.split(':')) {
        let (quiet, injected) = corpus::made(Path::new(folder));
        score_made(folder, &quiet, &injected);
    }
}

fn score_made(what: &str, quiet: &[Labelled], injected: &[Labelled]) {
    for (name, asked) in RUNS {
        let limit = threshold(&asked);
        let told: Vec<Vec<f64>> = quiet.iter().map(|series| strengths(&asked, series)).collect();
        let alarms: Vec<f64> = told.iter().map(|told| false_alarms(told, limit)).collect();
        let kinds: Vec<f64> = alarms.chunks(3).map(mean).collect();
        let shares: Vec<f64> = (injected.iter())
            .map(|series| found(&strengths(&asked, series), &series.windows, limit))
            .collect();
        let at_row = |row: usize| told.iter().filter(|told| told[row] >= limit).count();
        let same_row = (0..told[0].len()).map(at_row).max().unwrap_or(0) as f64 / told.len() as f64;
        let (worst, least) = (place(&kinds, f64::gt), place(&shares, f64::lt));
        println!(
            "| {name} | {what} | {:.3} | {:.2} {} | {:.1} {} | {:.1} | {same_row:.2} |",
            mean(&shares),
            shares[least],
            injected[least].name,
            kinds[worst],
            quiet[3 * worst].name,
            mean(&kinds)
        );
    }
}

/// The place of the number that is beyond all others.
fn place(numbers: &[f64], is_beyond: fn(&f64, &f64) -> bool) -> usize {
    (0..numbers.len()).fold(0, |best, at| if is_beyond(&numbers[at], &numbers[best]) { at } else { best })
}

/// Bytes a series and nanoseconds a row: one series at a time, and many in turn, so that none is in a cache.
fn costs() {
    println!(
        "| a series | bytes after 1,000 rows | after 100,000 | ns a row | ns, 20,000 series in turn |\n|---|---|---|---|---|"
    );
    let rows = &made::quiet(5, 100_000, 60_000, 1)[1].rows;
    for (name, asked) in RUNS {
        let mut series = Series::default();
        let mut bytes = 0;
        let start = Instant::now();
        for (row, &(time, value)) in rows.iter().enumerate() {
            std::hint::black_box(series.step(&asked, time, value));
            if row == 999 {
                bytes = series.bytes();
            }
        }
        let alone = start.elapsed().as_nanos() as f64 / rows.len() as f64;
        let mut many = vec![Series::default(); 20_000];
        let mut turns = |from: usize, to: usize| {
            let start = Instant::now();
            for (row, &(time, value)) in rows.iter().enumerate().take(to).skip(from) {
                for (number, series) in many.iter_mut().enumerate() {
                    // Each has values of its own.
                    let value = value + rows[(row * 31 + number * 7) % rows.len()].1;
                    std::hint::black_box(series.step(&asked, time, value));
                }
            }
            start.elapsed().as_nanos() as f64 / ((to - from) * 20_000) as f64
        };
        turns(0, 400);
        let in_turn = turns(400, 500);
        println!("| {name} | {bytes} | {} | {alone:.0} | {in_turn:.0} |", series.bytes());
    }
}

fn main() {
    costs();
    made_series();
    if let Some(folder) = std::env::var_os("TIDEWATCH_NAB") {
        let files = corpus::nab(Path::new(&folder));
        println!(
            "| NAB, {} files | standard | low false positives | low false negatives | threshold |\n|---|---|---|---|---|",
            files.len()
        );
        for (name, asked) in RUNS {
            let scored: Vec<nab::Series> = (files.iter())
                .map(|file| {
                    let both = asked.novelty.and(asked.forecast).is_some();
                    let handicap = if both { FORECAST_HANDICAP } else { 0.0 };
                    nab::Series { scores: ranked(&asked, file, handicap), windows: file.windows.clone() }
                })
                .collect();
            let [standard, low_fp, low_fn] = nab::results(&scored);
            println!(
                "| {name} | {:.3} | {:.3} | {:.3} | {:.3} |",
                standard.score, low_fp.score, low_fn.score, standard.threshold
            );
        }
    }
}
