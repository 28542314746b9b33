//! `tidewatch backtest --suggest RATE`: the thresholds at which detectors raise so many false alarms and no more.

use std::fmt::Write;
use std::path::PathBuf;

use super::backtest::worth;
use crate::backtest::labels::Labels;
use crate::backtest::ledger::Worth;
use crate::flow::detect::settings::Kind;
use crate::run::RunError;
use crate::topology::Topology;

/// Halvings of the span of thresholds: a tenth of a per cent of the largest is left.
const STEPS: u32 = 8;

/// The least and the greatest threshold to try, in a detector's own unit; none where it has no threshold.
fn span(kind: Kind) -> Option<(f64, f64)> {
    match kind {
        Kind::ZScore => Some((2.0, 60.0)),
        Kind::PcaMahalanobis | Kind::Clusters => Some((10.0, 100_000.0)),
        Kind::Novelty => Some((0.8, 12.0)),
        Kind::Forecast => Some((0.8, 5.0)),
        Kind::IsolationForest | Kind::Status | Kind::Silence => None,
    }
}

/// What was found out about a detector.
struct Suggestion {
    kind: Kind,
    threshold: f64,
    worth: Worth,
}

/// The lines of a topology that suit the history: false alarms an entity and day at most `wanted`, each detector by itself.
pub(super) fn suggest(
    topology: &Topology,
    files: &[PathBuf],
    labels: &Labels,
    wanted: f64,
) -> Result<String, RunError> {
    let mut text = format!("# At most {wanted} false alarms an entity and day, each detector by itself.\n");
    for settings in &topology.detectors {
        let Some(span) = span(settings.kind) else { continue };
        let found = narrow(topology, settings.kind, span, files, labels, wanted)?;
        write(&mut text, found, settings.kind, wanted);
    }
    Ok(text)
}

/// Halves the span, on a logarithmic scale, until little of it is left.
fn narrow(
    topology: &Topology,
    kind: Kind,
    (mut low, mut high): (f64, f64),
    files: &[PathBuf],
    labels: &Labels,
    wanted: f64,
) -> Result<Option<Suggestion>, RunError> {
    let attempt = |threshold: f64| -> Result<Option<Suggestion>, RunError> {
        let mut alone = topology.clone();
        alone.keep_only(kind);
        // Above zero and finite, so never refused.
        if alone.set_threshold(threshold).is_err() {
            return Ok(None);
        }
        let all = worth(&alone, files, labels)?.worth;
        let own = all.into_iter().find(|worth| worth.detector == kind.name());
        let few = own.filter(|worth| worth.meeting.false_a_day() <= wanted);
        Ok(few.map(|worth| Suggestion { kind, threshold, worth }))
    };
    let mut best = attempt(high)?;
    if best.is_none() {
        return Ok(None);
    }
    for _ in 0..STEPS {
        let middle = three_digits((low * high).sqrt());
        match attempt(middle)? {
            Some(found) => {
                high = middle;
                best = Some(found);
            }
            None => low = middle,
        }
    }
    Ok(best)
}

/// Rounded up, so that what is printed is no less than what was tried.
fn three_digits(number: f64) -> f64 {
    let scale = 10_f64.powi(2 - number.log10().floor() as i32);
    (number * scale).ceil() / scale
}

fn write(text: &mut String, found: Option<Suggestion>, kind: Kind, wanted: f64) {
    let written = match found {
        Some(Suggestion { kind, threshold, worth }) => {
            let meeting = &worth.meeting;
            writeln!(
                text,
                "\n[[detect]]\nkind = \"{}\"\nthreshold = {threshold}  # {:.4} false alarms an entity and day; precision {:.3}, recall {:.3}",
                kind.name(),
                meeting.false_a_day(),
                meeting.precision(),
                meeting.recall(),
            )
        }
        None => writeln!(text, "\n# {} raises more than {wanted} at every threshold.", kind.name()),
    };
    written.expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_printed_as_it_was_tried() {
        for (number, expected) in [(2.0, 2.0), (4.2137, 4.22), (1234.5, 1240.0), (0.012_345, 0.0124)] {
            assert!((three_digits(number) - expected).abs() < 1e-9, "{number}: {}", three_digits(number));
        }
    }
}
