//! Timeline and plots as SVG.

use std::fmt::Write;

use super::super::incident::{Incident, Plot};
use super::{escaped, number, severity_name, time};

const WIDTH: f64 = 960.0;
const ROW: f64 = 16.0;
const LABEL: f64 = 170.0;
const PLOT_WIDTH: f64 = 460.0;
const PLOT_HEIGHT: f64 = 150.0;
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 20.0;
const TOP: f64 = 8.0;

/// Where a value lies, in pixels.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn at(self, value: f64) -> f64 {
        let span = if self.high > self.low { self.high - self.low } else { 1.0 };
        self.from + (value - self.low) / span * (self.to - self.from)
    }
}

/// A bar an incident, by event time.
pub(super) fn timeline(incidents: &[&Incident], page: &mut String) {
    let begin = incidents.iter().map(|incident| incident.since_ms).min().unwrap_or_default();
    let end = incidents.iter().map(|incident| incident.until_ms).max().unwrap_or_default();
    let x = Scale { low: begin as f64, high: end as f64, from: LABEL, to: WIDTH - 10.0 };
    let mut rows: Vec<&&Incident> = incidents.iter().collect();
    rows.sort_by_key(|incident| incident.since_ms);
    let height = rows.len() as f64 * ROW + 30.0;
    let _ = write!(
        page,
        "<div class=scroll><svg class=timeline viewBox=\"0 0 {WIDTH} {height:.0}\" role=group aria-label=\"Incidents by time\">"
    );
    for (at, incident) in rows.into_iter().enumerate() {
        let y = at as f64 * ROW + 4.0;
        let (from, to) = (x.at(incident.since_ms as f64), x.at(incident.until_ms as f64));
        let name: String = incident.entity.chars().take(24).collect();
        let _ = write!(
            page,
            "<a href=\"#i{}\"><text x=\"{:.0}\" y=\"{:.0}\" text-anchor=end>{}</text>\
             <rect class={} x=\"{from:.1}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"{:.0}\" rx=2><title>{}, {} to {}</title></rect></a>",
            escaped(&incident.id),
            LABEL - 8.0,
            y + 10.0,
            escaped(&name),
            severity_name(incident.severity),
            (to - from).max(3.0),
            ROW - 4.0,
            severity_name(incident.severity),
            time(incident.since_ms),
            time(incident.until_ms),
        );
    }
    let y = height - 8.0;
    let _ = write!(
        page,
        "<text x=\"{LABEL}\" y=\"{y:.0}\">{}</text><text x=\"{:.0}\" y=\"{y:.0}\" text-anchor=end>{}</text></svg></div>",
        time(begin),
        WIDTH - 10.0,
        time(end)
    );
}

/// A series before its expected band, with the anomalous values.
pub(super) fn plot(plot: &Plot, incident: (i64, i64), page: &mut String) {
    let times = plot.points.iter().map(|(ms, _)| *ms).chain(plot.marks.iter().map(|(ms, _)| *ms));
    let (Some(begin), Some(end)) = (times.clone().min(), times.max()) else { return };
    let own = plot.points.iter().map(|(_, value)| f64::from(*value));
    let band = plot.expected.iter().flat_map(|band| [band.low, band.high]);
    let values: Vec<f64> = own.chain(plot.marks.iter().map(|(_, value)| *value)).chain(band).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let margin = ((high - low) * 0.06).max(f64::EPSILON);
    let (low, high) = (low - margin, high + margin);
    let x = Scale { low: begin as f64, high: end as f64, from: LEFT, to: PLOT_WIDTH - 6.0 };
    let y = Scale { low, high, from: PLOT_HEIGHT - BOTTOM, to: TOP };
    let (name, unit) = (escaped(&plot.metric), escaped(&plot.unit));
    let _ = write!(
        page,
        "<figure><figcaption>{name} <small>{unit}</small></figcaption>\
         <svg class=plot viewBox=\"0 0 {PLOT_WIDTH} {PLOT_HEIGHT}\" role=img aria-label=\"{name}\">"
    );
    let (from, to) = (x.at((incident.0.max(begin)) as f64), x.at((incident.1.min(end)) as f64));
    let _ = write!(
        page,
        "<rect class=during x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\" />",
        (to - from).max(0.0),
        PLOT_HEIGHT - BOTTOM - TOP
    );
    if let Some(band) = plot.expected {
        let (top, bottom) = (y.at(band.high), y.at(band.low));
        let width = PLOT_WIDTH - 6.0 - LEFT;
        let _ = write!(
            page,
            "<rect class=band x=\"{LEFT}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>expected</title></rect>",
            (bottom - top).max(1.0)
        );
    }
    page.push_str("<polyline class=series points=\"");
    for (ms, value) in &plot.points {
        let _ = write!(page, "{:.1},{:.1} ", x.at(*ms as f64), y.at(f64::from(*value)));
    }
    page.push_str("\"/>");
    for (ms, value) in &plot.marks {
        let _ = write!(
            page,
            "<circle class=mark cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"/>",
            x.at(*ms as f64),
            y.at(*value)
        );
    }
    for value in [low + margin, high - margin] {
        let at = y.at(value) + 4.0;
        let _ = write!(
            page,
            "<text x=\"{:.0}\" y=\"{at:.0}\" text-anchor=end>{}</text>",
            LEFT - 4.0,
            number(value)
        );
    }
    let (bottom, right) = (PLOT_HEIGHT - 5.0, PLOT_WIDTH - 6.0);
    let _ = write!(
        page,
        "<text x=\"{LEFT}\" y=\"{bottom:.0}\">{}</text><text x=\"{right:.0}\" y=\"{bottom:.0}\" text-anchor=end>{}</text></svg></figure>",
        time(begin),
        time(end)
    );
}
