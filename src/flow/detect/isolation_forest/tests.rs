use super::super::settings::Kind;
use super::super::{Readings, sample};
use super::*;
use crate::flow::model::Schema;

/// The rows that the predecessor flagged with its seed.
const PREDECESSORS: [usize; 25] = [
    15, 20, 50, 80, 100, 120, 135, 140, 150, 160, 200, 230, 290, 299, 340, 346, 350, 360, 375, 380, 390, 400,
    430, 465, 470,
];

fn of_window(seed: u64) -> IsolationForest {
    let settings = Settings::of(Kind::IsolationForest);
    IsolationForest::new(&Settings { baseline: Baseline::Window, seed, ..settings })
}

fn of_history() -> IsolationForest {
    IsolationForest::new(&Settings::of(Kind::IsolationForest))
}

fn judge(
    detector: &IsolationForest,
    memory: &mut Memory,
    (schema, readings): &(Schema, Readings),
) -> Verdict {
    detector.judge(&sample::window(schema, readings), memory, &mut Scores::unwanted())
}

fn anomalies(verdict: Verdict) -> Vec<Anomaly> {
    match verdict {
        Verdict::Anomalous(found) => found,
        Verdict::Normal | Verdict::Learning { .. } => Vec::new(),
    }
}

#[test]
fn a_window_is_judged_as_the_predecessor_did_as_far_as_chance_allows() {
    let sample = sample::predecessor();
    let mut shared = Vec::new();
    for seed in 0..10 {
        let found = anomalies(judge(&of_window(seed), &mut Memory::default(), &sample));
        assert_eq!(found.len(), 25);
        assert!(found.is_sorted_by_key(|anomaly| anomaly.row));
        shared.push(found.iter().filter(|anomaly| PREDECESSORS.contains(&anomaly.row)).count());
    }
    shared.sort_unstable();
    assert!(shared[4] + shared[5] >= 36, "{shared:?}");
}

#[test]
fn every_row_is_scored_and_an_anomaly_says_what_made_it_so() {
    let (schema, readings) = sample::predecessor();
    let mut scores = Scores::wanted();
    let verdict =
        of_window(1).judge(&sample::window(&schema, &readings), &mut Memory::default(), &mut scores);
    let scores = scores.take();
    assert_eq!(scores.len(), 500);
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(&score.score)));
    for anomaly in anomalies(verdict) {
        assert!((anomaly.contributions.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(anomaly.contributions.is_sorted_by(|a, b| a.1 >= b.1));
        assert_eq!((anomaly.severity, anomaly.threshold), (Severity::High, None));
        assert_eq!(scores[anomaly.row].score, anomaly.score);
        assert!(anomaly.score > 0.25);
    }
}

#[test]
fn readings_that_cannot_be_told_apart_are_normal() {
    let identical = vec![[3.0, 0.1, 1e9]; 30];
    let pair = [[1.0, 2.0, 3.0], [2.0, 4.0, 7.0]];
    let twice: Vec<[f64; 3]> = [[1.0; 3], [2.0; 3]].repeat(20);
    for vectors in [&identical[..], &identical[..1], &identical[..0], &pair[..], &pair[..1]] {
        let verdict = judge(&of_window(1), &mut Memory::default(), &sample::readings(vectors));
        assert_eq!(verdict, Verdict::Normal, "{vectors:?}");
    }
    assert_eq!(judge(&of_window(1), &mut Memory::default(), &sample::readings(&twice)), Verdict::Normal);
}

#[test]
fn duplicates_tie_and_are_flagged_together_or_not_at_all() {
    let mut vectors = sample::quiet(&mut Random::seeded(4), 60);
    vectors.extend(vectors.clone());
    let found = anomalies(judge(&of_window(1), &mut Memory::default(), &sample::readings(&vectors)));
    let rows: Vec<usize> = found.iter().map(|anomaly| anomaly.row).collect();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| rows.contains(&((row + 60) % 120))), "{rows:?}");
}

#[test]
fn the_greatest_numbers_give_a_verdict_and_no_nan() {
    let mut vectors = vec![[1.0, -1e308, 0.0]; 40];
    vectors.push([f64::MAX, f64::MIN, 1e-300]);
    for anomaly in anomalies(judge(&of_window(1), &mut Memory::default(), &sample::readings(&vectors))) {
        assert!(anomaly.value.is_finite() && anomaly.score.is_finite());
    }
}

/// Moves eight of twelve metrics far from where they belong, up and down in turn.
fn displace(vectors: &mut [Vec<f64>]) {
    for (at, value) in vectors.iter_mut().flat_map(|vector| vector.iter_mut().enumerate()) {
        if at % 3 != 0 {
            *value += if at % 2 == 0 { 200.0 } else { -200.0 };
        }
    }
}

/// A memory of `windows` quiet windows of 30 readings.
fn learned(random: &mut Random, windows: usize) -> Memory {
    let mut memory = Memory::default();
    for _ in 0..windows {
        judge(&of_history(), &mut memory, &sample::readings(&sample::quiet(random, 30)));
    }
    memory
}

#[test]
fn quiet_history_raises_few_alarms() {
    let mut random = Random::seeded(1);
    let mut memory = learned(&mut random, 14);
    let quiet = |random: &mut Random| sample::readings(&sample::quiet(random, 30));
    let found: usize =
        (0..700).map(|_| anomalies(judge(&of_history(), &mut memory, &quiet(&mut random))).len()).sum();
    assert!(found < 27, "{found} of 21000");
}

#[test]
fn displaced_metrics_are_found_and_named() {
    let mut random = Random::seeded(1);
    let mut memory = learned(&mut random, 20);
    let mut vectors = sample::quiet(&mut random, 30);
    displace(&mut vectors[17..18]);
    let found = anomalies(judge(&of_history(), &mut memory, &sample::readings(&vectors)));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].row, 17);
    assert!(found[0].value < found[0].threshold.unwrap());
    let innocent = ["m0", "m3", "m6", "m9"];
    let share = |(name, share): &(String, f64)| if innocent.contains(&name.as_str()) { *share } else { 0.0 };
    assert!(found[0].contributions.iter().map(share).sum::<f64>() < 0.1);
}

#[test]
fn an_incident_is_not_learned_but_a_new_state_of_affairs_is() {
    let mut random = Random::seeded(1);
    let mut memory = learned(&mut random, 20);
    let mut shifted = |memory: &mut Memory| {
        let mut vectors = sample::quiet(&mut random, 30);
        displace(&mut vectors);
        judge(&of_history(), memory, &sample::readings(&vectors))
    };
    let before = memory.reservoir.clone();
    for _ in 0..11 {
        assert_eq!(anomalies(shifted(&mut memory)).len(), 30);
        assert_eq!(memory.reservoir, before);
    }
    assert_eq!(anomalies(shifted(&mut memory)).len(), 30);
    for _ in 0..13 {
        assert!(matches!(shifted(&mut memory), Verdict::Learning { .. }));
    }
    assert_eq!(anomalies(shifted(&mut memory)).len(), 0);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn a_memory_written_and_read_judges_the_same(seed: u64, restart_every in 1..5_usize) {
        let detector = IsolationForest::new(&Settings {
            warm_up: 60,
            refit_every: 50,
            relearn_after: 3,
            trees: 20,
            samples: 32,
            reservoir: 64,
            ..Settings::of(Kind::IsolationForest)
        });
        let mut random = Random::seeded(seed);
        let (mut kept, mut stored) = (Memory::default(), Memory::default());
        for window in 0..20 {
            let mut vectors = sample::quiet(&mut random, 20);
            if window % 7 > 2 {
                displace(&mut vectors);
            }
            let readings = sample::readings(&vectors);
            if window % restart_every == 0 {
                stored = postcard::from_bytes(&postcard::to_stdvec(&stored).unwrap()).unwrap();
            }
            let verdicts = [judge(&detector, &mut kept, &readings), judge(&detector, &mut stored, &readings)];
            proptest::prop_assert_eq!(&verdicts[0], &verdicts[1]);
            let bytes = [&kept, &stored].map(|memory| postcard::to_stdvec(memory).unwrap());
            proptest::prop_assert_eq!(&bytes[0], &bytes[1]);
        }
    }
}

#[test]
fn a_memory_is_as_small_as_documented() {
    let bytes = postcard::to_stdvec(&learned(&mut Random::seeded(1), 200)).unwrap().len();
    assert!(bytes < 38_000, "{bytes}");
}
