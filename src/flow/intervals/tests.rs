use super::*;
use crate::flow::model::{Metric, Services};
use crate::flow::samples::{SampleFormat, Sampled, Sampling, Selector};

/// A gauge and a counter, gathered by 10 seconds.
fn schema(interval_ms: Option<i64>) -> Schema {
    let metric = |name: &str, range| Metric {
        name: name.into(),
        unit: String::new(),
        range,
        judged: true,
        optional: true,
    };
    let sampled = |rate| Sampled { from: Selector::plain("x"), scale: 1.0, rate };
    Schema {
        metrics: vec![
            metric("gauge", Range::ANY),
            metric("counter", Range { low: 0.0, high: 100.0, above_low: false }),
        ],
        services: Services::Any,
        default_entity: "fleet".into(),
        sampling: Some(Box::new(Sampling {
            format: SampleFormat::Native,
            entity: None,
            time: None,
            series: None,
            interval_ms,
            metrics: vec![sampled(false), sampled(true)],
        })),
    }
}

/// A window of `second:gauge:counter` samples, `-` for none.
fn window(samples: &str) -> Readings {
    let mut readings = Readings::default();
    let mut columns = [Vec::new(), Vec::new()];
    for word in samples.split_whitespace() {
        let mut parts = word.split(':');
        let ms = (parts.next().unwrap().parse::<f64>().unwrap() * 1000.0) as i64;
        let mut present = 0;
        for (metric, column) in columns.iter_mut().enumerate() {
            let value: Option<f64> = parts.next().unwrap().parse().ok();
            present |= u64::from(value.is_some()) << metric;
            column.push(value.unwrap_or(0.0));
        }
        readings.times.push(EventTime::from_ms(ms).unwrap());
        readings.present.push(present);
        readings.statuses.push(Statuses::default());
    }
    readings.columns = columns.concat();
    readings
}

/// Windows are separated by `|`; a row is written as its samples are.
fn check_with(interval_ms: Option<i64>, windows: &str, expected: &str) {
    let mut intervals = Intervals::of(&schema(interval_ms), 9).unwrap();
    let mut seen = Vec::new();
    for samples in windows.split('|') {
        let rows = intervals.gather(0, &window(samples));
        let value = |row, metric| {
            if rows.has(row, metric) { rows.column(metric)[row].to_string() } else { "-".to_owned() }
        };
        let texts: Vec<String> = (0..rows.len())
            .map(|row| {
                let second = rows.times[row].as_ms() as f64 / 1000.0;
                format!("{second}:{}:{}", value(row, 0), value(row, 1))
            })
            .collect();
        seen.push(texts.join(" "));
        // What a restart would take back gives what goes on.
        let row = intervals.written(0, "a", &[]).unwrap().row.unwrap();
        intervals = Intervals::of(&schema(interval_ms), 9).unwrap();
        assert!(intervals.restore(0, &row));
    }
    assert_eq!(seen.join("|"), expected, "{windows}");
}

fn check(windows: &str, expected: &str) {
    check_with(Some(10_000), windows, expected);
}

#[test]
fn samples_of_an_interval_are_one_reading_and_the_last_counts() {
    check("0:1:- 2:-:5 4:3:- 10:4:- 12:-:25", "4:3:- 12:4:2");
}

#[test]
fn a_counter_goes_on_from_the_window_before() {
    check("0:1:100|10:2:150|20:3:250", "0:1:-|10:2:5|20:3:10");
}

#[test]
fn a_counter_that_goes_back_has_no_rate_once() {
    check("0:1:100 10:1:200 20:1:30 30:1:40", "0:1:- 10:1:10 20:1:- 30:1:1");
}

#[test]
fn a_missing_sample_makes_a_longer_span() {
    check("0:1:100 10:1:- 20:1:300", "0:1:- 10:1:- 20:1:10");
}

#[test]
fn a_rate_outside_of_its_range_is_left_out() {
    check("0:1:0 10:1:1000 20:1:5000 30:1:5010", "0:1:- 10:1:100 20:1:- 30:1:1");
}

#[test]
fn without_an_interval_every_sample_is_a_reading() {
    check_with(None, "0:1:5 0:1:5 5:-:10", "0:1:- 0:1:- 5:-:1");
}

#[test]
fn a_row_that_is_none_is_refused() {
    let mut intervals = Intervals::of(&schema(None), 9).unwrap();
    assert!(!intervals.restore(0, &[255]));
}
