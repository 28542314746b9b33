//! What a closed window looked like, for those who look on: one point a metric. It is no output and no state.

use super::readings::ClosedWindow;
use super::time::EventTime;

/// So many windows an epoch are told of; those who look on see the rest in later ones.
pub const MOST_GLANCES: usize = 32_768;

/// A closed window in a few numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// Whose window it was.
    pub entity: Box<str>,
    /// Where it ended.
    pub end: EventTime,
    /// Whether no detector had learned enough yet.
    pub learning: bool,
    /// The mean of each metric of the schema, where the window had it.
    pub means: Vec<Option<f32>>,
}

impl Glance {
    /// A glance at that window.
    pub fn of(closed: &ClosedWindow<'_>, learning: bool) -> Glance {
        let readings = closed.readings;
        let mean = |metric: usize| {
            let column = readings.column(metric);
            if readings.complete {
                let sum: f64 = column.iter().sum();
                return (!column.is_empty()).then(|| (sum / column.len() as f64) as f32);
            }
            let (mut sum, mut count) = (0.0, 0_u32);
            for (_, value) in column.iter().enumerate().filter(|(row, _)| readings.has(*row, metric)) {
                (sum, count) = (sum + value, count + 1);
            }
            (count > 0).then(|| (sum / f64::from(count)) as f32)
        };
        Glance {
            entity: closed.entity.into(),
            end: closed.window.end,
            learning,
            means: (0..closed.schema.metrics.len()).map(mean).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::model::{Schema, Statuses};
    use crate::flow::readings::Readings;
    use crate::flow::time::Window;

    #[test]
    fn a_mean_is_over_the_readings_that_have_the_metric() {
        let mut schema = Schema::native();
        schema.metrics.truncate(2);
        let time = |ms| EventTime::from_ms(ms).unwrap();
        let readings = Readings {
            times: vec![time(0), time(1)],
            columns: vec![2.0, 4.0, 0.0, 0.0],
            present: vec![1, 1],
            statuses: vec![Statuses::default(); 2],
            arrival: vec![0, 1],
            entities: Vec::new(),
            complete: false,
        };
        let window = Window { start: time(0), end: time(10) };
        let closed =
            ClosedWindow { entity: "a", window, readings: &readings, schema: &schema, services: &[] };
        assert_eq!(Glance::of(&closed, true).means, [Some(3.0), None]);
    }
}
