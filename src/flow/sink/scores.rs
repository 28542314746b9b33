//! `scores.csv`: a row for every judged value, and how the detectors combine.

use std::collections::BTreeMap;
use std::io::Write;

use crate::flow::detect::{Band, Score};
use crate::flow::readings::ClosedWindow;

/// The header row, with its line end.
pub const HEADER: &str = "timestamp,entity,detector,metric,value,score,expected_low,expected_high\n";

/// Appends the rows of a window: reading after reading as they arrived, detectors in the topology's order, then
/// the combined rows where there are several detectors.
pub fn append<'a>(
    window: &ClosedWindow<'_>,
    by_detector: &[(&'static str, Vec<Score>)],
    entity_of: impl Fn(usize) -> &'a str,
    out: &mut Vec<u8>,
) {
    let mut rows: Vec<Vec<(&str, &Score)>> = vec![Vec::new(); window.readings.len()];
    for (detector, scores) in by_detector {
        for score in scores {
            rows[score.row].push((detector, score));
        }
    }
    let mut by_arrival: Vec<usize> = (0..rows.len()).collect();
    by_arrival.sort_unstable_by_key(|&row| window.readings.arrival[row]);
    for row in by_arrival {
        let mut line = |detector: &str, metric: &str, value: Option<f64>, score: f64, band: Option<Band>| {
            let time = window.readings.times[row];
            let (value, low, high) = (
                value.map(|value| value.to_string()).unwrap_or_default(),
                band.map(|band| band.low.to_string()).unwrap_or_default(),
                band.map(|band| band.high.to_string()).unwrap_or_default(),
            );
            let (entity, metric) = (quoted(entity_of(row)), quoted(metric));
            writeln!(out, "{time},{entity},{detector},{metric},{value},{score},{low},{high}")
                .expect("writing to memory does not fail");
        };
        for (detector, score) in &rows[row] {
            line(detector, &score.metric, Some(score.value), score.score, score.expected);
        }
        if by_detector.len() > 1 {
            let mut by_metric: BTreeMap<&str, f64> = BTreeMap::new();
            for (_, score) in &rows[row] {
                let greatest = by_metric.entry(&score.metric).or_default();
                *greatest = greatest.max(score.together.unwrap_or(score.score));
            }
            let whole = by_metric.values().copied().fold(0.0, f64::max);
            for (metric, score) in by_metric {
                line("combined", metric, None, score, None);
            }
            line("combined", "*", None, whole, None);
        }
    }
}

/// A cell that may hold anything (RFC 4180).
fn quoted(cell: &str) -> std::borrow::Cow<'_, str> {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell.into()
    }
}
