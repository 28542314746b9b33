//! Readings for the tests of detectors.

use super::random::Random;
use super::{ClosedWindow, Readings};
use crate::flow::model::{Metric, Range, Schema, Services, Statuses};
use crate::flow::time::{EventTime, Window};

/// A window over readings, of an entity called `a`.
pub(crate) fn window<'a>(schema: &'a Schema, readings: &'a Readings) -> ClosedWindow<'a> {
    let at = |ms| EventTime::from_ms(ms).unwrap();
    let (start, end) = match (readings.times.first(), readings.times.last()) {
        (Some(first), Some(last)) => (*first, last.plus_ms(1)),
        _ => (at(0), at(1)),
    };
    ClosedWindow { entity: "a", window: Window { start, end }, readings, schema, services: &[] }
}

/// Complete readings with metrics `m0`, `m1` …, a millisecond apart.
pub(crate) fn readings<R: AsRef<[f64]>>(vectors: &[R]) -> (Schema, Readings) {
    let width = vectors.first().map_or(0, |vector| vector.as_ref().len());
    let metric = |at| Metric {
        name: format!("m{at}"),
        unit: String::new(),
        range: Range::ANY,
        judged: true,
        optional: true,
    };
    let schema = Schema {
        metrics: (0..width).map(metric).collect(),
        services: Services::Any,
        default_entity: "a".into(),
        sampling: None,
    };
    let column = |at| vectors.iter().map(move |vector| vector.as_ref()[at]);
    let readings = Readings {
        times: (0..vectors.len()).map(|at| EventTime::from_ms(at as i64).unwrap()).collect(),
        columns: (0..width).flat_map(column).collect(),
        present: vec![schema.full_mask(); vectors.len()],
        statuses: vec![Statuses::default(); vectors.len()],
        entities: Vec::new(),
        arrival: (0..vectors.len() as u32).collect(),
        complete: true,
    };
    (schema, readings)
}

/// The predecessor's 500 readings.
pub(crate) fn predecessor() -> (Schema, Readings) {
    let text = include_str!("../../../tests/golden/predecessor/infrastructure_500.json");
    let rows: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    let schema = Schema::native();
    let vectors: Vec<Vec<f64>> = (rows.iter())
        .map(|row| schema.metrics.iter().map(|metric| row[&metric.name].as_f64().unwrap()).collect())
        .collect();
    (schema, readings(&vectors).1)
}

/// A normal value.
pub(crate) fn normal(random: &mut Random) -> f64 {
    let (radius, turn) = (1.0 - random.unit(), random.unit());
    (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * turn)
}

/// Quiet readings of 12 metrics: two hidden loads that the metrics follow, and noise of their own.
pub(crate) fn quiet(random: &mut Random, count: usize) -> Vec<Vec<f64>> {
    let reading = |random: &mut Random| {
        let (load, disk) = (normal(random), normal(random));
        let metric = |at: usize, random: &mut Random| {
            let (a, b) = (1.0 - at as f64 / 12.0, at as f64 / 12.0);
            100.0 * at as f64 + (at as f64 + 1.0) * (a * load + b * disk + 0.5 * normal(random))
        };
        (0..12).map(|at| metric(at, random)).collect()
    };
    (0..count).map(|_| reading(random)).collect()
}
