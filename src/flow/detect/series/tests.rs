//! What odd series get: something defined, nothing that is no number, and no alarm because of a row's number.

use super::super::random::Random;
use super::super::sample::normal;
use super::*;

const BOTH: Asked = Asked {
    novelty: Some(1.82),
    forecast: Some(1.82),
    size: Size::Normal,
    takes_more_off: true,
    learn_for_ms: 0,
};
const NONE: [usize; 0] = [];
const SMALL: Asked = Asked { size: Size::Small, ..BOTH };

fn time(row: usize) -> EventTime {
    EventTime::from_ms(1_700_006_400_000 + row as i64 * 300_000).unwrap()
}

/// The rows that are anomalies; everything said on the way is a number.
fn alarms(asked: &Asked, values: impl IntoIterator<Item = f64>) -> Vec<usize> {
    let mut series = Series::default();
    let mut rows = Vec::new();
    for (row, value) in values.into_iter().enumerate() {
        let seen = series.step(asked, time(row), value);
        assert!(seen.novelty.is_finite() && seen.forecast.is_finite(), "row {row}");
        let band = seen.known_band();
        assert!(!band.low.is_nan() && !band.high.is_nan(), "row {row}");
        if let Some(outlook) = seen.outlook {
            assert!(outlook.expected.is_finite() && outlook.scale.is_finite(), "row {row}");
            let band = series.forecast().unwrap().band(&outlook, 1.82);
            assert!(band.is_none_or(|band| band.low <= band.high), "row {row}: {band:?}");
        }
        if asked.is_reached(&seen) {
            rows.push(row);
        }
    }
    let most = if asked.size == Size::Small { 1250 } else { 6000 };
    assert!(series.bytes() <= most, "{} bytes", series.bytes());
    rows
}

/// Quiet series of some kinds.
fn quiet(kind: usize, random: &mut Random, rows: usize) -> Vec<f64> {
    let mut last = 0.0;
    let mut value = |row: usize| match kind % 6 {
        0 => 50.0 + 5.0 * normal(random),
        1 => {
            last = 0.95 * last + normal(random);
            last
        }
        2 => 20.0 * libm::sin(row as f64 / 288.0 * std::f64::consts::TAU) + 2.0 * normal(random),
        3 => libm::exp(normal(random)) * 10.0,
        4 => (3.0 + normal(random)).floor().max(0.0),
        _ => 20.0 + row as f64 * 0.002 + 0.3 * normal(random),
    };
    (0..rows).map(&mut value).collect()
}

#[test]
fn series_that_say_little_raise_no_alarm() {
    for asked in [BOTH, SMALL] {
        assert_eq!(alarms(&asked, (0..5000).map(|_| 42.0)), NONE, "constant");
        let mut random = Random::seeded(2);
        let coins = alarms(&asked, (0..5000).map(|_| random.below(2) as f64));
        assert!(coins.len() <= 1, "two values by chance: {coins:?}");
        assert_eq!(alarms(&asked, (0..5000).map(|row| f64::from(row % 7))), NONE, "integer steps");
    }
}

#[test]
fn a_constant_that_leaves_its_value_is_told() {
    let values = (0..3000).map(|row| if row == 2000 { 99.0 } else { 42.0 });
    assert_eq!(alarms(&BOTH, values), [2000]);
}

#[test]
fn numbers_of_any_size_are_survived() {
    let mixed = |row: usize| [1e300, 1e-300, -1e300, 0.0, f64::MAX, f64::MIN, 5e-324][row * 7919 % 7];
    alarms(&BOTH, (0..5000).map(mixed));
    alarms(&BOTH, (0..5000).map(|row| if row % 100 == 0 { 1e300 } else { 1e-300 * f64::from(row) }));
    let mut random = Random::seeded(3);
    let offset = alarms(&BOTH, (0..5000).map(|_| 1e12 + 1e4 * normal(&mut random)));
    assert!(offset.len() <= 5, "{offset:?}");
}

#[test]
fn a_series_that_starts_with_its_anomaly_goes_on_to_find_others() {
    let mut random = Random::seeded(4);
    let value = |row: usize, random: &mut Random| {
        let odd = row < 20 || row == 4000;
        normal(random) + if odd { 50.0 } else { 0.0 }
    };
    let mut values: Vec<f64> = (0..5000).map(|row| value(row, &mut random)).collect();
    values[4000] = -60.0;
    assert!(alarms(&BOTH, values).contains(&4000));
}

#[test]
fn gaps_and_equal_times_are_rows_like_others() {
    let (mut series, mut random) = (Series::default(), Random::seeded(5));
    for row in 0..5000_i64 {
        // Ten rows share a time; now and then a year is missing.
        let ms = 1_600_000_000_000 + row / 10 * 60_000 + row / 1000 * 31_536_000_000;
        let seen = series.step(&BOTH, EventTime::from_ms(ms).unwrap(), normal(&mut random));
        assert!(seen.novelty.is_finite() && seen.forecast.is_finite());
    }
}

#[test]
fn a_shift_for_good_is_found_and_told_a_few_times_at_most() {
    let mut random = Random::seeded(6);
    let values: Vec<f64> =
        (0..12_000).map(|row| normal(&mut random) + if row >= 7000 { 6.0 } else { 0.0 }).collect();
    let told: Vec<usize> = alarms(&BOTH, values).into_iter().filter(|row| *row >= 7000).collect();
    assert!((1..=4).contains(&told.len()) && told[0] < 7060, "{told:?}");
}

/// A statistic that returns 0 before it exists, calibrated on those zeros, alarms in the same row of nearly every series.
#[test]
fn no_row_number_alarms_in_more_than_a_tenth_of_the_series() {
    const SERIES: usize = 60;
    for asked in [BOTH, SMALL, Asked { forecast: None, ..BOTH }, Asked { novelty: None, ..BOTH }] {
        let mut random = Random::seeded(7);
        let mut counts = vec![0; 2500];
        for number in 0..SERIES {
            for row in alarms(&asked, quiet(number, &mut random, 2500)) {
                counts[row] += 1;
            }
        }
        let (row, most) = counts.iter().enumerate().max_by_key(|(_, count)| **count).unwrap();
        assert!(*most <= SERIES / 10, "row {row} in {most} of {SERIES} series, {asked:?}");
    }
}

#[test]
fn what_is_written_and_read_back_goes_on_bit_by_bit() {
    for asked in [BOTH, SMALL] {
        let mut random = Random::seeded(8);
        let values = quiet(2, &mut random, 3000);
        let (mut whole, mut parts) = (Series::default(), Series::default());
        for (row, value) in values.into_iter().enumerate() {
            if row % 7 == 0 || row < 40 {
                parts = postcard::from_bytes(&postcard::to_stdvec(&parts).unwrap()).unwrap();
            }
            let (ours, theirs) = (whole.step(&asked, time(row), value), parts.step(&asked, time(row), value));
            assert_eq!(ours, theirs, "row {row}");
        }
        assert_eq!(whole, parts);
    }
}

#[test]
fn what_comes_once_takes_some_bytes() {
    let mut series = Series::default();
    series.step(&BOTH, time(0), 1.0);
    assert!(series.bytes() <= 128, "{}", series.bytes());
}
