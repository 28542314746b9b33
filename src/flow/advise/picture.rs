//! What a report says of its incident, as advice needs it: a sign for each metric of each entity, the first first.

use std::collections::BTreeMap;

use crate::flow::detect::Severity;
use crate::flow::sink::report::{Finding, Report};
use crate::flow::time::EventTime;

/// The most signs that advice looks at; the worst are kept.
const MAX_SIGNS: usize = 16;
/// A trend needs so many values, over at least so long, and at least so straight.
const TREND_VALUES: usize = 5;
const TREND_SPAN_MS: i64 = 60_000;
const TREND_STRAIGHT: f64 = 0.8;
/// What a percentage rises towards.
const FULL: f64 = 100.0;

/// One incident as one report shows it.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    /// The report's own entity.
    pub entity: &'a str,
    /// In the order of their first time.
    pub signs: Vec<Sign<'a>>,
    /// The worst of them.
    pub severity: Severity,
}

/// One metric of one entity that is not as expected.
#[derive(Clone, Debug)]
pub struct Sign<'a> {
    /// Its worst reading.
    pub worst: &'a Finding,
    /// When it first showed, in this report.
    pub first: &'a str,
    /// Its last value.
    pub latest: f64,
    /// In how many readings.
    pub count: usize,
    /// In which direction.
    pub side: Side,
    /// How fast it moves, where its values lie on a line.
    pub per_hour: Option<f64>,
}

/// Whether a value is above or below what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Above the expected band.
    Above,
    /// Below it.
    Below,
    /// Either, or there is no band.
    Any,
}

impl Side {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Side::Above => "above",
            Side::Below => "below",
            Side::Any => "any",
        }
    }
}

impl<'a> Picture<'a> {
    /// What a report shows; `None` where nothing was found.
    pub fn of(report: &'a Report) -> Option<Picture<'a>> {
        let mut by_metric: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
        for finding in &report.anomalies {
            by_metric.entry((&finding.entity, &finding.metric)).or_default().push(finding);
        }
        let mut signs: Vec<Sign<'a>> = by_metric.values().filter_map(|findings| Sign::of(findings)).collect();
        signs.sort_by(|one, other| other.rank().partial_cmp(&one.rank()).expect("scores are numbers"));
        signs.truncate(MAX_SIGNS);
        let severity = signs.iter().map(|sign| sign.worst.severity).max()?;
        // Stable: of those that showed at the same time, the worst stays first.
        signs.sort_by_key(|sign| sign.first);
        Some(Picture { entity: &report.entity, signs, severity })
    }
}

impl<'a> Sign<'a> {
    fn of(findings: &[&'a Finding]) -> Option<Sign<'a>> {
        let worst = findings.iter().copied().reduce(|a, b| if rank(b) > rank(a) { b } else { a })?;
        let first = findings.iter().map(|finding| finding.timestamp.as_str()).min()?;
        let latest = findings.iter().max_by_key(|finding| &finding.timestamp)?.value;
        let (count, side, per_hour) = (findings.len(), side(worst), trend(findings));
        Some(Sign { worst, first, latest, count, side, per_hour })
    }

    /// The metric.
    pub fn metric(&self) -> &'a str {
        &self.worst.metric
    }

    /// The service, where the sign is its status.
    pub fn service(&self) -> Option<&'a str> {
        self.worst.metric.strip_prefix("service_status.")
    }

    /// The worse first; of equals, a single metric with its band before a pattern over all.
    pub fn rank(&self) -> (Severity, bool, f64) {
        rank(self.worst)
    }

    /// In how many hours a percentage that rises is full, if it goes on like this.
    pub fn hours_until_full(&self) -> Option<f64> {
        let is_share = self.worst.metric.ends_with("_usage") && (0.0..=FULL).contains(&self.latest);
        let rises = self.per_hour.filter(|rate| *rate > 0.0 && is_share && self.side != Side::Below);
        rises.map(|rate| (FULL - self.latest) / rate)
    }
}

fn rank(finding: &Finding) -> (Severity, bool, f64) {
    (finding.severity, finding.expected.is_some(), finding.score)
}

fn side(finding: &Finding) -> Side {
    match finding.expected {
        Some(band) if finding.value > band.high => Side::Above,
        Some(band) if finding.value < band.low => Side::Below,
        _ => Side::Any,
    }
}

/// The slope of the least-squares line through the values, in units an hour, where the line explains most of them.
fn trend(findings: &[&Finding]) -> Option<f64> {
    let points: Vec<(i64, f64)> = findings
        .iter()
        .filter_map(|finding| Some((EventTime::parse(finding.timestamp.as_bytes())?.as_ms(), finding.value)))
        .collect();
    let from = points.iter().map(|(time, _)| *time).min()?;
    let until = points.iter().map(|(time, _)| *time).max()?;
    if points.len() < TREND_VALUES || until - from < TREND_SPAN_MS {
        return None;
    }
    let hours = |time: i64| (time - from) as f64 / 3_600_000.0;
    let count = points.len() as f64;
    let (mut mean_time, mut mean_value) = (0.0, 0.0);
    for (time, value) in &points {
        mean_time += hours(*time) / count;
        mean_value += value / count;
    }
    let (mut times, mut values, mut both) = (0.0, 0.0, 0.0);
    for (time, value) in &points {
        let (x, y) = (hours(*time) - mean_time, value - mean_value);
        times += x * x;
        values += y * y;
        both += x * y;
    }
    let explained = both * both / (times * values);
    (explained >= TREND_STRAIGHT).then_some(both / times)
}

#[cfg(test)]
pub(super) mod sample {
    use super::*;
    use crate::flow::sink::report::{Contribution, Expected, Insights, Span, StatusSummary};

    /// A finding of `metric` with that value at that second; the expected band is 20 to 40.
    pub(crate) fn finding(
        entity: &str,
        metric: &str,
        value: f64,
        second: u32,
        severity: Severity,
    ) -> Finding {
        let is_service = metric.starts_with("service_status.");
        Finding {
            metric: metric.into(),
            value,
            threshold: Some(40.0),
            severity,
            description: format!("{metric} deviates significantly"),
            timestamp: format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60),
            entity: entity.into(),
            detector: if is_service { "status" } else { "z-score" }.into(),
            score: 0.9,
            expected: (!is_service).then_some(Expected { low: 20.0, high: 40.0 }),
            contributions: vec![Contribution { metric: metric.into(), share: 1.0 }],
        }
    }

    pub(crate) fn report(entity: &str, anomalies: Vec<Finding>) -> Report {
        Report {
            timestamp: "2026-01-01T00:05:00Z".into(),
            entity: entity.into(),
            window: Span {
                start: "2026-01-01T00:00:00Z".into(),
                end: "2026-01-01T00:05:00Z".into(),
                readings: 30,
            },
            insights: Insights::default(),
            anomalies,
            warming_up: Vec::new(),
            recommendations: Vec::new(),
            advice: None,
            incident: None,
            marked: Vec::new(),
            service_status_summary: StatusSummary {
                online: vec!["cache".into()],
                degraded: Vec::new(),
                offline: vec!["database".into()],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sample::{finding, report};
    use super::*;

    #[test]
    fn signs_stand_in_the_order_they_showed() {
        let report = report(
            "a",
            vec![
                finding("a", "latency_ms", 90.0, 60, Severity::High),
                finding("a", "latency_ms", 95.0, 30, Severity::Low),
                finding("a", "cpu_usage", 99.0, 10, Severity::Medium),
            ],
        );
        let picture = Picture::of(&report).unwrap();
        let told: Vec<_> = picture.signs.iter().map(|sign| (sign.metric(), sign.count, sign.side)).collect();
        assert_eq!(told, [("cpu_usage", 1, Side::Above), ("latency_ms", 2, Side::Above)]);
        assert_eq!((picture.severity, picture.signs[1].worst.value), (Severity::High, 90.0));
    }

    #[test]
    fn a_disk_that_fills_by_a_percent_a_minute_is_full_within_the_hour() {
        let rising =
            (0..10).map(|at| finding("a", "disk_usage", 60.0 + f64::from(at), at * 60, Severity::High));
        let report = report("a", rising.collect());
        let hours = Picture::of(&report).unwrap().signs[0].hours_until_full().unwrap();
        assert!((hours - 31.0 / 60.0).abs() < 1e-9, "{hours}");
    }

    #[test]
    fn what_only_jitters_has_no_trend() {
        let values = [80.0, 60.0, 79.0, 61.0, 78.0, 62.0];
        let jitter = values
            .iter()
            .zip(0..)
            .map(|(value, at)| finding("a", "disk_usage", *value, at * 60, Severity::Low));
        let report = report("a", jitter.collect());
        assert_eq!(Picture::of(&report).unwrap().signs[0].per_hour, None);
    }

    #[test]
    fn a_report_without_findings_has_no_picture() {
        assert!(Picture::of(&report("a", Vec::new())).is_none());
    }
}
