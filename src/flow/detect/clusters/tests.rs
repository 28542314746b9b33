use super::super::settings::Kind;
use super::super::{Readings, sample};
use super::*;
use crate::flow::model::Schema;

const MODELS: [ClusterModel; 2] = [ClusterModel::KMeans, ClusterModel::GaussianMixture];

fn detector(model: ClusterModel, baseline: Baseline) -> Clusters {
    Clusters::new(&Settings { baseline, model, ..Settings::of(Kind::Clusters) })
}

fn judge(detector: &Clusters, memory: &mut Memory, (schema, readings): &(Schema, Readings)) -> Verdict {
    detector.judge(&sample::window(schema, readings), memory, &mut Scores::unwanted())
}

fn anomalies(verdict: Verdict) -> Vec<Anomaly> {
    match verdict {
        Verdict::Anomalous(found) => found,
        Verdict::Normal | Verdict::Learning { .. } => Vec::new(),
    }
}

#[test]
fn an_outlier_of_a_window_is_found_and_named() {
    let detector = detector(ClusterModel::KMeans, Baseline::Window);
    let mut vectors = sample::quiet(&mut Random::seeded(1), 60);
    vectors[17][3] += 60.0;
    let found = anomalies(judge(&detector, &mut Memory::default(), &sample::readings(&vectors)));
    let rows: Vec<usize> = found.iter().map(|anomaly| anomaly.row).collect();
    assert_eq!(rows, [17]);
    assert_eq!(found[0].contributions[0].0, "m3");
    assert!((found[0].contributions.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(
        found[0].description.starts_with("The reading is unlike every group of usual readings (distance")
    );
}

#[test]
fn the_predecessors_window_has_a_few_outliers() {
    let (schema, readings) = sample::predecessor();
    for model in MODELS {
        let detector = detector(model, Baseline::Window);
        let mut scores = Scores::wanted();
        let verdict =
            detector.judge(&sample::window(&schema, &readings), &mut Memory::default(), &mut scores);
        let scores = scores.take();
        assert_eq!(scores.len(), 500);
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(&score.score)));
        assert!(anomalies(verdict).len() < 25);
    }
}

#[test]
fn windows_in_which_nothing_can_be_abnormal_are_normal() {
    let constant = vec![[3.0, 0.1, 1e9]; 30];
    let distinct = [[1.0, 2.0, 3.0], [2.0, 4.0, 7.0]];
    for vectors in [&constant[..], &constant[..1], &constant[..0], &distinct[..], &distinct[..1]] {
        let detector = detector(ClusterModel::KMeans, Baseline::Window);
        let verdict = judge(&detector, &mut Memory::default(), &sample::readings(vectors));
        assert_eq!(verdict, Verdict::Normal, "{vectors:?}");
    }
}

#[test]
fn a_window_whose_fit_fails_is_not_judged() {
    // Three kinds of readings and four components: one stays empty.
    let vectors = [[1.0, 2.0], [2.0, 4.0], [3.0, 5.0]].repeat(10);
    let detector = detector(ClusterModel::GaussianMixture, Baseline::Window);
    let verdict = judge(&detector, &mut Memory::default(), &sample::readings(&vectors));
    assert_eq!(verdict, Verdict::Learning { confidence: 0.0 });
}

#[test]
fn the_greatest_numbers_give_a_verdict_and_no_nan() {
    let mut vectors = vec![[1.0, -1e308, 0.0]; 40];
    vectors.push([f64::MAX, f64::MIN, 1e-300]);
    for model in MODELS {
        let mut memory = Memory::default();
        for _ in 0..30 {
            let readings = sample::readings(&vectors);
            let window = anomalies(judge(&detector(model, Baseline::Window), &mut memory, &readings));
            let history = anomalies(judge(&detector(model, Baseline::History), &mut memory, &readings));
            for anomaly in window.iter().chain(&history) {
                assert!(anomaly.value.is_finite() && anomaly.score.is_finite());
            }
        }
    }
}

/// A memory of `windows` quiet windows of 30 readings.
fn learned(detector: &Clusters, random: &mut Random, windows: usize) -> Memory {
    let mut memory = Memory::default();
    for _ in 0..windows {
        judge(detector, &mut memory, &sample::readings(&sample::quiet(random, 30)));
    }
    memory
}

#[test]
fn quiet_history_raises_few_alarms_and_a_displaced_metric_one() {
    for model in MODELS {
        let detector = detector(model, Baseline::History);
        let mut random = Random::seeded(1);
        let mut memory = learned(&detector, &mut random, 14);
        let mut quiet = 0;
        for _ in 0..350 {
            let readings = sample::readings(&sample::quiet(&mut random, 30));
            quiet += anomalies(judge(&detector, &mut memory, &readings)).len();
        }
        assert!(quiet <= 10, "{model:?}: {quiet} of 10500");
        let mut vectors = sample::quiet(&mut random, 30);
        vectors[17][3] += 60.0;
        let found = anomalies(judge(&detector, &mut memory, &sample::readings(&vectors)));
        let worst = found.iter().max_by(|a, b| a.value.total_cmp(&b.value)).unwrap();
        assert_eq!((worst.row, worst.contributions[0].0.as_str()), (17, "m3"));
        assert!(worst.score > 0.6);
    }
}

#[test]
fn an_incident_is_not_learned_but_a_new_state_of_affairs_is() {
    let detector = detector(ClusterModel::KMeans, Baseline::History);
    let mut random = Random::seeded(1);
    let mut memory = learned(&detector, &mut random, 20);
    let mut shifted = |memory: &mut Memory| {
        let mut vectors = sample::quiet(&mut random, 30);
        vectors.iter_mut().map(|vector| &mut vector[5]).for_each(|value| *value += 200.0);
        judge(&detector, memory, &sample::readings(&vectors))
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
    fn a_memory_written_and_read_judges_the_same(seed: u64, restart_every in 1..5_usize, mixture: bool) {
        let detector = Clusters::new(&Settings {
            warm_up: 60,
            refit_every: 50,
            relearn_after: 3,
            reservoir: 64,
            clusters: 2,
            model: MODELS[usize::from(mixture)],
            ..Settings::of(Kind::Clusters)
        });
        let mut random = Random::seeded(seed);
        let (mut kept, mut stored) = (Memory::default(), Memory::default());
        for window in 0..20 {
            let mut vectors = sample::quiet(&mut random, 20);
            if window % 7 > 2 {
                vectors.iter_mut().map(|vector| &mut vector[window % 12]).for_each(|value| *value += 90.0);
            }
            let readings = sample::readings(&vectors);
            if window % restart_every == 0 {
                stored = postcard::from_bytes(&postcard::to_stdvec(&stored).unwrap()).unwrap();
            }
            let verdicts = [judge(&detector, &mut kept, &readings), judge(&detector, &mut stored, &readings)];
            proptest::prop_assert_eq!(&verdicts[0], &verdicts[1]);
            proptest::prop_assert_eq!(&kept, &stored);
        }
    }
}

#[test]
fn a_memory_is_as_small_as_documented() {
    for (model, most) in MODELS.into_iter().zip([26_000, 28_500]) {
        let detector = detector(model, Baseline::History);
        let bytes = postcard::to_stdvec(&learned(&detector, &mut Random::seeded(1), 100)).unwrap().len();
        assert!(bytes < most, "{model:?}: {bytes}");
    }
}
