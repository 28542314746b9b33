use super::super::random::Random;
use super::super::settings::Kind;
use super::super::{Readings, sample};
use super::*;
use crate::flow::model::Schema;

fn of_window() -> PcaMahalanobis {
    PcaMahalanobis::new(&Settings { baseline: Baseline::Window, ..Settings::of(Kind::PcaMahalanobis) })
}

fn of_history() -> PcaMahalanobis {
    PcaMahalanobis::new(&Settings::of(Kind::PcaMahalanobis))
}

fn judge(detector: &PcaMahalanobis, memory: &mut Memory, (schema, readings): &(Schema, Readings)) -> Verdict {
    detector.judge(&sample::window(schema, readings), memory, &mut Scores::unwanted())
}

fn anomalies(verdict: Verdict) -> Vec<Anomaly> {
    match verdict {
        Verdict::Anomalous(found) => found,
        Verdict::Normal | Verdict::Learning { .. } => Vec::new(),
    }
}

#[test]
fn a_window_is_judged_as_the_predecessor_did() {
    let report = include_str!("../../../../tests/golden/predecessor/pca_mahalanobis.json");
    let expected: serde_json::Value = serde_json::from_str(report).unwrap();
    let found = anomalies(judge(&of_window(), &mut Memory::default(), &sample::predecessor()));
    let expected = expected["anomalies"].as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        for (name, number) in [("value", found.value), ("threshold", found.threshold.unwrap())] {
            let wanted = expected[name].as_f64().unwrap();
            assert!((number / wanted - 1.0).abs() < 1e-9, "{name}: {number} {wanted}");
        }
        assert_eq!(expected["metric"], *found.metric);
        assert_eq!(expected["description"], *found.description);
        assert_eq!(expected["severity"], serde_json::to_value(found.severity).unwrap());
    }
}

#[test]
fn every_row_is_scored_and_says_what_made_it_so() {
    let (schema, readings) = sample::predecessor();
    let mut scores = Scores::wanted();
    let verdict = of_window().judge(&sample::window(&schema, &readings), &mut Memory::default(), &mut scores);
    let scores = scores.take();
    assert_eq!(scores.len(), 500);
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(&score.score)));
    for anomaly in anomalies(verdict) {
        assert!((anomaly.contributions.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(anomaly.contributions.is_sorted_by(|a, b| a.1 >= b.1));
        assert_eq!(scores[anomaly.row].score, anomaly.score);
    }
}

#[test]
fn windows_in_which_nothing_can_be_abnormal_are_normal() {
    let constant = vec![[3.0, 0.1, 1e9]; 30];
    let distinct = [[1.0, 2.0, 3.0], [2.0, 4.0, 7.0]];
    for vectors in [&constant[..], &constant[..1], &constant[..0], &distinct[..], &distinct[..1]] {
        let verdict = judge(&of_window(), &mut Memory::default(), &sample::readings(vectors));
        assert_eq!(verdict, Verdict::Normal, "{vectors:?}");
    }
}

#[test]
fn the_greatest_numbers_give_a_verdict_and_no_nan() {
    let mut vectors = vec![[1.0, -1e308, 0.0]; 40];
    vectors.push([f64::MAX, f64::MIN, 1e-300]);
    vectors.push([5e-324, 1e300, -1e-300]);
    for anomaly in anomalies(judge(&of_window(), &mut Memory::default(), &sample::readings(&vectors))) {
        assert!(anomaly.value.is_finite() && anomaly.score.is_finite());
    }
    let mut memory = Memory::default();
    for _ in 0..40 {
        for anomaly in anomalies(judge(&of_history(), &mut memory, &sample::readings(&vectors))) {
            assert!(
                anomaly.value.is_finite() && anomaly.contributions.iter().all(|(_, share)| share.is_finite())
            );
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
fn the_warm_up_is_reported_with_growing_confidence() {
    let mut random = Random::seeded(1);
    let mut memory = Memory::default();
    let mut verdicts = Vec::new();
    for _ in 0..15 {
        verdicts.push(judge(&of_history(), &mut memory, &sample::readings(&sample::quiet(&mut random, 30))));
    }
    assert_eq!(verdicts[0], Verdict::Learning { confidence: 0.075 });
    assert!(verdicts[..14].iter().all(|verdict| matches!(verdict, Verdict::Learning { .. })));
    assert!(!matches!(verdicts[14], Verdict::Learning { .. }), "{:?}", verdicts[14]);
}

#[test]
fn what_has_never_varied_is_normal_and_not_learned_for_ever() {
    let mut memory = Memory::default();
    let constant = sample::readings(&vec![[3.0, 0.1, 1e9]; 400]);
    assert!(matches!(judge(&of_history(), &mut memory, &constant), Verdict::Learning { .. }));
    assert_eq!(judge(&of_history(), &mut memory, &constant), Verdict::Normal);
}

#[test]
fn about_one_quiet_reading_in_a_hundred_lies_beyond_the_quantile_for_ever() {
    let mut random = Random::seeded(1);
    let mut memory = learned(&mut random, 700);
    let quiet = |random: &mut Random| sample::readings(&sample::quiet(random, 30));
    let found: usize =
        (0..300).map(|_| anomalies(judge(&of_history(), &mut memory, &quiet(&mut random))).len()).sum();
    assert!((40..160).contains(&found), "{found} of 9000");
}

#[test]
fn a_broken_correlation_is_found_and_named() {
    let mut random = Random::seeded(1);
    let mut memory = learned(&mut random, 20);
    let mut vectors = sample::quiet(&mut random, 30);
    vectors[17][3] += 40.0;
    let found = anomalies(judge(&of_history(), &mut memory, &sample::readings(&vectors)));
    let worst = found.iter().max_by(|a, b| a.value.total_cmp(&b.value)).unwrap();
    assert_eq!((worst.row, worst.severity), (17, Severity::High));
    assert_eq!(worst.contributions[0].0, "m3");
}

#[test]
fn an_incident_is_not_learned_but_a_new_state_of_affairs_is() {
    let mut random = Random::seeded(1);
    let mut memory = learned(&mut random, 20);
    let mut shifted = |memory: &mut Memory| {
        let mut vectors = sample::quiet(&mut random, 30);
        vectors.iter_mut().map(|vector| &mut vector[5]).for_each(|value| *value += 60.0);
        judge(&of_history(), memory, &sample::readings(&vectors))
    };
    let before = memory.moments.clone();
    for _ in 0..11 {
        assert_eq!(anomalies(shifted(&mut memory)).len(), 30);
        assert_eq!(memory.moments, before);
    }
    assert_eq!(anomalies(shifted(&mut memory)).len(), 30);
    assert!(matches!(shifted(&mut memory), Verdict::Learning { .. }));
    for _ in 0..12 {
        assert!(matches!(shifted(&mut memory), Verdict::Learning { .. }));
    }
    assert!(anomalies(shifted(&mut memory)).len() < 5);
}

proptest::proptest! {
    #[test]
    fn a_memory_written_and_read_judges_the_same(seed: u64, restart_every in 1..5_usize) {
        let detector = PcaMahalanobis::new(&Settings {
            warm_up: 60,
            refit_every: 50,
            relearn_after: 3,
            ..Settings::of(Kind::PcaMahalanobis)
        });
        let mut random = Random::seeded(seed);
        let (mut kept, mut stored) = (Memory::default(), Memory::default());
        for window in 0..20 {
            let mut vectors = sample::quiet(&mut random, 20);
            if window % 7 > 2 {
                vectors.iter_mut().map(|vector| &mut vector[window % 12]).for_each(|value| *value += 30.0);
            }
            let readings = sample::readings(&vectors);
            if window % restart_every == 0 {
                let bytes = postcard::to_stdvec(&stored).unwrap();
                stored = postcard::from_bytes(&bytes).unwrap();
            }
            proptest::prop_assert_eq!(judge(&detector, &mut kept, &readings), judge(&detector, &mut stored, &readings));
            proptest::prop_assert_eq!(&kept, &stored);
        }
    }
}

#[test]
fn a_memory_is_as_small_as_documented() {
    let bytes = postcard::to_stdvec(&learned(&mut Random::seeded(1), 100)).unwrap().len();
    assert!(bytes < 1900, "{bytes}");
}
