use super::super::random::Random;
use super::super::sample::{normal, readings, window};
use super::*;
use crate::flow::model::Range;

/// The bands that `forecast` expects of readings near 0.
fn expected_near_zero(range: Range) -> Vec<Band> {
    let mut random = Random::seeded(7);
    let near_zero: Vec<[f64; 1]> = (0..2000).map(|_| [normal(&mut random).abs().min(4.0)]).collect();
    let (mut schema, readings) = readings(&near_zero);
    schema.metrics[0].range = range;
    let detector = PerMetric::new(&[Kind::Novelty, Kind::Forecast].map(Settings::of));
    let mut opinions = detector.judge(&window(&schema, &readings), &mut Memory::default(), true);
    let forecast = opinions.iter_mut().find(|opinion| opinion.kind == Kind::Forecast).unwrap();
    forecast.scores.take().into_iter().filter_map(|score| score.expected).collect()
}

#[test]
fn nothing_is_expected_where_the_metric_cannot_go() {
    let anywhere = expected_near_zero(Range::ANY);
    assert!(anywhere.iter().any(|band| band.low < -1.0), "the band would reach below 0");
    let shares = expected_near_zero(Range { low: 0.0, high: 5.0, above_low: false });
    assert_eq!(shares.len(), anywhere.len());
    for (share, free) in shares.iter().zip(&anywhere) {
        assert_eq!((share.low, share.high), (free.low.clamp(0.0, 5.0), free.high.clamp(0.0, 5.0)));
    }
}
