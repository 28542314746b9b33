//! The score of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015; rules as in `nab/sweeper.py`, version 1.1).
//!
//! ```text
//! rows       ....[ window ]................
//! worth         1 ↘  … 0 ↘ … −1           the earliest detection in a window counts, each false one costs
//! ```
//!
//! The first 15 % of a series, 750 rows at most, are not scored. One threshold serves all series: the best.

/// What true and false detections and missed windows are worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    hit: f64,
    miss: f64,
    false_alarm: f64,
}

/// The benchmark's three.
pub const PROFILES: [Profile; 3] = [
    Profile { name: "standard", hit: 1.0, miss: 1.0, false_alarm: 0.11 },
    Profile { name: "low false positives", hit: 1.0, miss: 1.0, false_alarm: 0.22 },
    Profile { name: "low false negatives", hit: 1.0, miss: 2.0, false_alarm: 0.11 },
];

/// A series as it was scored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// One a row.
    pub scores: Vec<f64>,
    /// The labelled windows: first and last row, in order.
    pub windows: Vec<(usize, usize)>,
}

/// The result of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Result {
    /// 0 for finding nothing, 100 for everything at once and nothing else; can be negative.
    pub score: f64,
    /// The threshold that gives it; infinite where it is best to find nothing.
    pub threshold: f64,
}

/// Rows that are not scored.
pub fn probation(rows: usize) -> usize {
    ((0.15 * rows as f64).floor() as usize).min(750)
}

fn sigmoid(x: f64) -> f64 {
    if x > 3.0 { -1.0 } else { 2.0 / (1.0 + libm::exp((5.0 * x).clamp(-500.0, 500.0))) - 1.0 }
}

/// What a detection in each row is worth, and the window it is in.
fn worth(series: &Series) -> Vec<(f64, Option<usize>)> {
    let rows = series.scores.len();
    let mut worth = vec![(-1.0, None); rows];
    let mut previous: Option<(usize, f64)> = None;
    let after = |worth: &mut [(f64, Option<usize>)], (last, width): (usize, f64), end: usize| {
        for (row, worth) in worth.iter_mut().enumerate().take(end).skip(last + 1) {
            worth.0 = sigmoid((row - last) as f64 / (width - 1.0));
        }
    };
    for (number, &(first, last)) in series.windows.iter().enumerate() {
        if let Some(previous) = previous {
            after(&mut worth, previous, first);
        }
        let width = (last - first + 1) as f64;
        for (row, worth) in worth.iter_mut().enumerate().take(last + 1).skip(first) {
            *worth = (sigmoid(-((last + 1 - row) as f64) / width) / sigmoid(-1.0), Some(number));
        }
        previous = Some((last, width));
    }
    if let Some(previous) = previous {
        after(&mut worth, previous, rows);
    }
    worth
}

/// What a row adds once the threshold has come down to its score.
struct Step {
    score: f64,
    hit: f64,
    false_alarm: f64,
    found: f64,
}

/// The steps of a series, and how many windows it has after its probation.
fn steps(series: &Series) -> (Vec<Step>, usize) {
    let worth = worth(series);
    let from = probation(series.scores.len());
    let mut steps: Vec<Step> = (from..series.scores.len())
        .map(|row| Step {
            score: series.scores[row],
            hit: 0.0,
            false_alarm: if worth[row].1.is_none() { worth[row].0 } else { 0.0 },
            found: 0.0,
        })
        .collect();
    let mut windows = 0;
    for number in 0..series.windows.len() {
        let mut rows: Vec<usize> =
            (from..series.scores.len()).filter(|row| worth[*row].1 == Some(number)).collect();
        rows.sort_by(|a, b| series.scores[*b].total_cmp(&series.scores[*a]));
        let Some(first) = rows.first() else { continue };
        windows += 1;
        steps[first - from].found = 1.0;
        let mut best = None::<f64>;
        for row in rows {
            let now = best.map_or(worth[row].0, |best| best.max(worth[row].0));
            steps[row - from].hit += now - best.unwrap_or(0.0);
            best = Some(now);
        }
    }
    (steps, windows)
}

/// The results of all profiles, in the order of [`PROFILES`], each at its best threshold.
pub fn results(all: &[Series]) -> [Result; 3] {
    let mut steps_of_all = Vec::new();
    let mut windows = 0;
    for series in all {
        let (steps, more) = steps(series);
        steps_of_all.extend(steps);
        windows += more;
    }
    steps_of_all.sort_by(|a, b| b.score.total_cmp(&a.score));
    PROFILES.map(|profile| result(profile, &steps_of_all, windows as f64))
}

fn result(profile: Profile, steps: &[Step], windows: f64) -> Result {
    let null = -profile.miss * windows;
    let mut best = Result { score: null, threshold: f64::INFINITY };
    let (mut hit, mut false_alarm, mut found) = (0.0, 0.0, 0.0);
    for (at, step) in steps.iter().enumerate() {
        hit += step.hit;
        false_alarm += step.false_alarm;
        found += step.found;
        // A threshold lies between scores that differ.
        if steps.get(at + 1).is_some_and(|next| next.score == step.score) {
            continue;
        }
        let score = profile.hit * hit + profile.false_alarm * false_alarm - profile.miss * (windows - found);
        if score > best.score {
            best = Result { score, threshold: step.score };
        }
    }
    let perfect = profile.hit * windows;
    let span = if windows > 0.0 { perfect - null } else { 1.0 };
    Result { score: 100.0 * (best.score - null) / span, threshold: best.threshold }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard(scores: Vec<f64>, windows: &[(usize, usize)]) -> f64 {
        results(&[Series { scores, windows: windows.to_vec() }])[0].score
    }

    fn alarms(rows: &[usize]) -> Vec<f64> {
        (0..1000).map(|row| if rows.contains(&row) { 1.0 } else { 0.0 }).collect()
    }

    #[test]
    fn finding_at_once_is_all_and_finding_nothing_is_nothing() {
        assert!((standard(alarms(&[500]), &[(500, 549)]) - 100.0).abs() < 1e-9);
        assert_eq!(standard(alarms(&[]), &[(500, 549)]), 0.0);
        assert_eq!(standard(alarms(&[100]), &[(500, 549)]), 0.0, "rows of the probation do not count");
    }

    #[test]
    fn late_and_false_detections_cost() {
        let late = standard(alarms(&[530]), &[(500, 549)]);
        assert!(late > 80.0 && late < 95.0, "{late}");
        let noisy = standard(alarms(&[300, 500]), &[(500, 549)]);
        assert!((noisy - (100.0 - 5.5)).abs() < 1e-9, "{noisy}");
        let shortly_after = standard(alarms(&[500, 552]), &[(500, 549)]);
        assert!(shortly_after > noisy, "{shortly_after}");
    }

    #[test]
    fn more_noise_than_gain_is_worse_than_silence() {
        let all = (0..1000).map(|row| f64::from(u8::from(row != 520))).collect();
        assert_eq!(standard(all, &[(500, 549)]), 0.0);
    }

    /// The answers are those of a script that reproduces the benchmark's published results.
    #[test]
    fn scores_are_those_of_the_benchmark_itself() {
        let series = |rows: usize, windows: &[(usize, usize)]| {
            let mut scores: Vec<f64> = (0..rows)
                .map(|row| {
                    let base = (row * 7919 % 1009) as f64 / 1009.0;
                    if row % 50 == 0 { (base * 8.0).floor() / 8.0 } else { base * 0.1 }
                })
                .collect();
            for (first, last) in windows {
                scores[first + (last - first) / 3] = 0.95;
            }
            Series { scores, windows: windows.to_vec() }
        };
        let all = [
            series(1000, &[(120, 180), (400, 449), (700, 799)]),
            series(6000, &[(3000, 3400)]),
            series(500, &[]),
        ];
        let expected = [72.965_722_917_534_98, 72.965_722_917_534_98, 73.643_815_278_356_66];
        for (result, expected) in results(&all).iter().zip(expected) {
            assert!((result.score - expected).abs() < 1e-6, "{} is not {expected}", result.score);
            assert_eq!(result.threshold, 0.95);
        }
    }
}
