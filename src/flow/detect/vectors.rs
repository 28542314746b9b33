//! Readings as vectors of the judged metrics.

use super::{ClosedWindow, Score, Scores};

/// Values are held within this bound, far beyond any unit, so that no square of them overflows.
const GREATEST: f64 = 1e60;

/// The readings of a window that have all judged metrics, one vector each, metrics in the order of the schema.
#[derive(Clone, Debug)]
pub struct Vectors<'a> {
    names: Vec<&'a str>,
    rows: Vec<usize>,
    /// Vector after vector.
    values: Vec<f64>,
}

impl<'a> Vectors<'a> {
    /// The vectors of a window: none where no metric is judged.
    pub fn of(window: &ClosedWindow<'a>) -> Vectors<'a> {
        let (readings, schema) = (window.readings, window.schema);
        let judged: Vec<usize> = (0..schema.metrics.len()).filter(|&at| schema.metrics[at].judged).collect();
        let names = judged.iter().map(|&metric| schema.metrics[metric].name.as_str()).collect();
        let whole = |row: &usize| judged.iter().all(|&metric| readings.has(*row, metric));
        let candidates = if judged.is_empty() { 0 } else { readings.len() };
        let rows: Vec<usize> = (0..candidates).filter(whole).collect();
        let mut values = vec![0.0; rows.len() * judged.len()];
        for (place, &metric) in judged.iter().enumerate() {
            let column = readings.column(metric);
            for (vector, &row) in values.chunks_exact_mut(judged.len()).zip(&rows) {
                vector[place] = column[row].clamp(-GREATEST, GREATEST);
            }
        }
        Vectors { names, rows, values }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many metrics each has.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The rows in the window that they come from.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// All values, vector after vector.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The vectors, in the order of the window's rows.
    pub fn each(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.width().max(1))
    }

    /// Says of each vector that it was seen and not judged.
    pub fn leave_unscored(&self, metric: &'static str, scores: &mut Scores) {
        for &row in &self.rows {
            scores.add(|| Score {
                row,
                metric: metric.into(),
                value: 0.0,
                score: 0.0,
                together: None,
                expected: None,
            });
        }
    }

    /// Names the metrics that carry any of a sum: shares that add up to 1, the largest first. Where nothing carries it,
    /// all do alike.
    pub fn contributions(&self, parts: &[f64]) -> Vec<(String, f64)> {
        let sum: f64 = parts.iter().map(|part| part.max(0.0)).sum();
        let share = |part: f64| if sum > 0.0 { part.max(0.0) / sum } else { 1.0 / parts.len() as f64 };
        let mut shares: Vec<(String, f64)> = (self.names.iter().zip(parts))
            .map(|(name, &part)| ((*name).to_owned(), share(part)))
            .filter(|(_, share)| *share > 0.0)
            .collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_reading_without_a_judged_metric_is_passed_over() {
        let (schema, mut readings) = sample::readings(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        readings.complete = false;
        readings.present = vec![0b11, 0b01, 0b11];
        let window = sample::window(&schema, &readings);
        let vectors = Vectors::of(&window);
        assert_eq!(vectors.rows(), [0, 2]);
        assert_eq!(vectors.values(), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(vectors.each().len(), 2);
    }

    #[test]
    fn a_metric_that_is_not_judged_is_not_in_the_vector() {
        let (mut schema, readings) = sample::readings(&[[1.0, 2.0], [3.0, 4.0]]);
        schema.metrics[0].judged = false;
        assert_eq!(Vectors::of(&sample::window(&schema, &readings)).values(), [2.0, 4.0]);
        schema.metrics[1].judged = false;
        assert!(Vectors::of(&sample::window(&schema, &readings)).is_empty());
    }

    #[test]
    fn contributions_add_up_to_one_largest_first() {
        let (schema, readings) = sample::readings(&[[1.0, 2.0, 3.0]]);
        let window = sample::window(&schema, &readings);
        let vectors = Vectors::of(&window);
        let named = |parts: &[f64]| vectors.contributions(parts);
        assert_eq!(named(&[1.0, -2.0, 3.0]), [("m2".to_owned(), 0.75), ("m0".to_owned(), 0.25)]);
        assert_eq!(named(&[0.0, 0.0, 0.0]).len(), 3);
        assert!((named(&[0.0; 3]).iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
