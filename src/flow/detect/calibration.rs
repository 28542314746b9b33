//! How rare a strength of `novelty` and `forecast` is: what was measured on quiet fleets, as a table.
//!
//! Rareness is the negative log10 of how many false alarms a threshold of that strength raises for a reading of a metric.
//! So a score of 0.78, rareness 6, stands for one false alarm in a million readings of a metric, whoever tells it; one
//! reading in ten seconds makes that one in 116 days. Measured over 30 days each on `generate --incidents 0` at intervals of
//! 10 s, 60 s and 300 s, after the first day; `tests/calibration.rs` holds other seeds against it. A threshold of both together
//! takes more off `novelty` for the length of a series: then its scores err on the side of what is less rare.

use super::settings::Kind;
use super::statistics::score_of_surprise;

/// Strength and rareness, both ascending; straight in between, and beyond the last as far as [`MOST_RARE`].
type Curve = [(f64, f64)];

/// `novelty`. What was never seen before is no rarer than what the next day brings: it saturates.
const NOVELTY: &Curve = &[
    (0.0, 0.0),
    (1.4, 3.42),
    (1.8, 3.72),
    (2.3, 4.08),
    (3.0, 4.36),
    (4.0, 4.58),
    (6.0, 4.83),
    (8.0, 5.02),
    (10.0, 5.28),
    (12.0, 5.7),
];
/// `forecast`. Its strengths grow with the logarithm of what it saw, so that little of them is much.
const FORECAST: &Curve = &[
    (0.0, 0.0),
    (1.0, 3.67),
    (1.2, 3.96),
    (1.4, 4.25),
    (1.6, 4.52),
    (1.82, 4.87),
    (1.9, 5.35),
    (2.0, 5.87),
    (2.1, 6.6),
    (2.2, 7.0),
    (3.0, 9.0),
];
/// Nothing is said to be rarer.
pub const MOST_RARE: f64 = 9.0;
/// In company a forecast counts as that much less strong when both are put in one order.
pub const FORECAST_HANDICAP: f64 = 0.25;

fn curve(kind: Kind) -> &'static Curve {
    if kind == Kind::Forecast { FORECAST } else { NOVELTY }
}

/// How rare a strength is.
pub fn rareness(kind: Kind, strength: f64) -> f64 {
    along(curve(kind), strength)
}

/// The least strength that is as rare as that; infinite where none is.
pub fn strength_of(kind: Kind, rareness: f64) -> f64 {
    let curve = curve(kind);
    let (_, most) = curve[curve.len() - 1];
    if rareness > most {
        return f64::INFINITY;
    }
    let turned: Vec<(f64, f64)> = curve.iter().map(|(strength, rareness)| (*rareness, *strength)).collect();
    along(&turned, rareness)
}

/// The rareness that stands for so many false alarms in a million readings of a metric.
pub fn rareness_of(false_alarms: f64) -> f64 {
    6.0 - libm::log10(false_alarms)
}

/// The score in [0, 1] of what one of the two tells.
pub fn score(kind: Kind, strength: f64) -> f64 {
    score_of_surprise(rareness(kind, strength))
}

/// The score in [0, 1] of both together: of the stronger, where a forecast counts a little less.
pub fn score_together(novelty: f64, forecast: f64) -> f64 {
    let strength = novelty.max(forecast - FORECAST_HANDICAP);
    score_of_surprise(rareness(Kind::Novelty, strength))
}

fn along(curve: &Curve, at: f64) -> f64 {
    let above = curve.partition_point(|(x, _)| *x < at);
    let Some(&(right, high)) = curve.get(above) else { return curve.last().map_or(0.0, |(_, y)| *y) };
    let Some(&(left, low)) = above.checked_sub(1).and_then(|below| curve.get(below)) else { return high };
    low + (high - low) * (at - left) / (right - left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stronger_is_never_less_rare_and_every_strength_is_found_again() {
        for kind in [Kind::Novelty, Kind::Forecast] {
            let mut last = 0.0;
            for step in 0..300 {
                let strength = f64::from(step) * 0.05;
                let rare = rareness(kind, strength);
                assert!(rare >= last && rare <= MOST_RARE, "{kind:?} {strength}");
                last = rare;
                let again = rareness(kind, strength_of(kind, rare));
                assert!((again - rare).abs() < 1e-9, "{kind:?} {strength}");
            }
        }
    }

    #[test]
    fn what_no_strength_bears_out_is_never_reached() {
        assert_eq!(strength_of(Kind::Novelty, 6.5), f64::INFINITY);
        assert!((rareness_of(0.1) - 7.0).abs() < 1e-12);
        assert!((strength_of(Kind::Forecast, rareness_of(0.1)) - 2.2).abs() < 1e-9);
    }
}
