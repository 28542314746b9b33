//! What rules take away, and what they leave.

use proptest::prelude::*;

use super::*;
use crate::flow::detect::sample;
use crate::flow::detect::{Band, Severity, Side};

/// An anomaly of `m0` at a row, so far above what was expected, 0 to 10.
fn anomaly(row: usize, above: f64) -> Found {
    let value = 10.0 + above;
    let anomaly = Anomaly {
        row,
        metric: "m0".into(),
        value,
        threshold: Some(10.0),
        severity: Severity::High,
        score: 0.9,
        expected: Some(Band { low: 0.0, high: 10.0 }),
        side: Side::Above,
        contributions: vec![("m0".into(), 1.0)],
        description: String::new(),
    };
    ("z-score", anomaly)
}

/// The rows that pass of windows of ten readings, a millisecond apart, with those rows abnormal.
fn passed(rules: &[Rule], windows: &[&[usize]]) -> Vec<Vec<usize>> {
    let alerts = Alerts::new(rules.to_vec());
    let mut memory = Memory::default();
    let mut step = |(number, rows): (usize, &&[usize])| {
        let (schema, mut readings) = sample::readings(&[[0.0]; 10]);
        readings.times.iter_mut().for_each(|time| *time = time.plus_ms(10 * number as i64));
        let window = sample::window(&schema, &readings);
        let found = rows.iter().map(|row| anomaly(*row, 5.0)).collect();
        let told = alerts.passed(&window, found, |_| "host-1", &mut memory);
        // What is remembered comes back from its bytes.
        memory = postcard::from_bytes(&postcard::to_stdvec(&memory).unwrap()).unwrap();
        told.into_iter().map(|(_, anomaly)| anomaly.row).collect()
    };
    windows.iter().enumerate().map(&mut step).collect()
}

fn rule(change: impl FnOnce(&mut Rule)) -> Rule {
    let mut rule = Rule::default();
    change(&mut rule);
    rule
}

#[test]
fn without_rules_everything_passes() {
    assert_eq!(passed(&[], &[&[0, 3], &[9]]), [vec![0, 3], vec![9]]);
}

#[test]
fn one_side_and_a_least_deviation_can_be_asked_for() {
    for (change, told) in [
        (rule(|rule| rule.side = Some(Side::Above)), true),
        (rule(|rule| rule.side = Some(Side::Below)), false),
        (rule(|rule| rule.side = Some(Side::Neither)), true),
        (rule(|rule| rule.min_deviation = Some(5.0)), true),
        (rule(|rule| rule.min_deviation = Some(5.1)), false),
        (rule(|rule| rule.min_relative = Some(0.5)), true),
        (rule(|rule| rule.min_relative = Some(0.6)), false),
    ] {
        assert_eq!(
            passed(std::slice::from_ref(&change), &[&[4]]),
            [vec![4; usize::from(told)]],
            "{change:?}"
        );
    }
}

#[test]
fn m_of_n_looks_back_across_windows() {
    let rules = [rule(|rule| rule.of_readings = Some((2, 3)))];
    assert_eq!(passed(&rules, &[&[0, 2, 5], &[]]), [vec![2], vec![]]);
    assert_eq!(passed(&rules, &[&[9], &[1, 5]]), [vec![], vec![1]]);
    assert_eq!(passed(&rules, &[&[9], &[2]]), [Vec::<usize>::new(), vec![]]);
}

#[test]
fn a_cool_down_counts_from_what_was_told() {
    let rules = [rule(|rule| rule.cool_down_ms = Some(6))];
    assert_eq!(passed(&rules, &[&[1, 3, 6, 7], &[2, 3]]), [vec![1, 7], vec![3]]);
}

#[test]
fn a_later_rule_counts_and_a_mute_holds_where_it_is_meant() {
    let strict = rule(|rule| rule.min_deviation = Some(100.0));
    let lax = rule(|rule| {
        rule.min_deviation = Some(1.0);
        rule.entity = "host-*".into();
    });
    assert_eq!(passed(&[strict.clone(), lax.clone()], &[&[1]]), [[1]]);
    assert_eq!(passed(&[lax, strict], &[&[1]]), [[0_usize; 0]]);
    let mute = |change: fn(&mut Rule)| {
        rule(|rule| {
            rule.mute = true;
            change(rule);
        })
    };
    let at = |ms| EventTime::from_ms(ms);
    assert_eq!(passed(&[mute(|_| {})], &[&[1]]), [[0_usize; 0]]);
    assert_eq!(passed(&[mute(|rule| rule.metric = "cpu*".into())], &[&[1]]), [[1]]);
    assert_eq!(passed(&[mute(|rule| rule.detector = "novelty".into())], &[&[1]]), [[1]]);
    let spell = rule(|rule| (rule.mute, rule.from, rule.until) = (true, at(2), at(4)));
    assert_eq!(passed(&[spell], &[&[1, 2, 3, 4]]), [[1, 4]]);
    let weekly = mute(|rule| rule.every = Weekly::parse("thu 00:00-00:01"));
    assert_eq!(passed(&[weekly], &[&[1]]), [[0_usize; 0]]);
}

#[test]
fn nothing_is_remembered_of_what_is_long_over() {
    let alerts = Alerts::new(vec![rule(|rule| {
        rule.of_readings = Some((2, 3));
        rule.cool_down_ms = Some(5);
    })]);
    let mut memory = Memory::default();
    let (schema, readings) = sample::readings(&[[0.0]; 10]);
    let window = sample::window(&schema, &readings);
    alerts.passed(&window, vec![anomaly(1, 1.0), anomaly(9, 1.0)], |_| "a", &mut memory);
    assert!(!memory.is_empty());
    alerts.passed(&window, Vec::new(), |_| "a", &mut memory);
    assert!(memory.is_empty());
}

proptest! {
    #[test]
    fn how_readings_fall_into_windows_changes_nothing(
        rows in prop::collection::btree_set(0..40_usize, 0..20),
        least in 1..4_u32,
        of in 4..20_u32,
        cool_down_ms in 0..15_i64,
    ) {
        let rules = [rule(|rule| {
            rule.of_readings = Some((least, of));
            rule.cool_down_ms = Some(cool_down_ms);
        })];
        let parts: Vec<Vec<usize>> = (0..4)
            .map(|part| rows.iter().filter(|row| *row / 10 == part).map(|row| row % 10).collect())
            .collect();
        let told = passed(&rules, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let told: Vec<usize> =
            told.iter().enumerate().flat_map(|(part, rows)| rows.iter().map(move |row| part * 10 + row)).collect();
        // The same, said row by row.
        let (mut expected, mut last) = (Vec::new(), None::<usize>);
        for &row in &rows {
            let recent = rows.iter().filter(|other| **other <= row && **other + of as usize > row).count();
            let cool = last.is_none_or(|last| (row - last) as i64 >= cool_down_ms);
            if recent >= least as usize && cool {
                expected.push(row);
                last = Some(row);
            }
        }
        prop_assert_eq!(told, expected);
    }
}
