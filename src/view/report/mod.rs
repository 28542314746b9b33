//! `report.html`: what a replay found, as one file that opens from disk.

mod svg;

use std::fmt::Write;

use super::incident::{Incident, Reason};
use super::{Fleet, Refused, by_reason};
use crate::flow::detect::Severity;
use crate::flow::time::EventTime;

/// So many incidents are drawn; the rest is in `reports.ndjson`.
const DRAWN: usize = 150;
/// Rows of reasons an incident.
const REASONS: usize = 8;

/// Text as HTML: names and values come from outside.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A time for people.
pub(super) fn time(ms: i64) -> String {
    EventTime::from_ms(ms).map_or_else(String::new, |time| time.to_string().replace('T', " "))
}

/// A number with a few digits.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.3}"),
        size if size >= 0.0005 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

pub(super) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
    }
}

impl Fleet {
    /// The page. `resumed`: an earlier run had read something already, of which this one knows nothing.
    pub fn report_html(&self, resumed: bool) -> String {
        let mut all: Vec<&Incident> = self.order.iter().filter_map(|id| self.incidents.get(id)).collect();
        all.sort_by_key(|incident| (std::cmp::Reverse(incident.severity), incident.since_ms));
        let left_out = self.incidents_left_out + all.len().saturating_sub(DRAWN) as u64;
        all.truncate(DRAWN);
        let mut page = String::from(include_str!("head.html"));
        self.summary(&mut page, resumed);
        if !all.is_empty() {
            page.push_str("<h2 id=timeline>Timeline</h2>");
            svg::timeline(&all, &mut page);
            page.push_str("<h2 id=incidents>Incidents</h2>");
        }
        if left_out > 0 {
            let _ = write!(page, "<p>{left_out} more incidents are in <code>reports.ndjson</code>.</p>");
        }
        for incident in &all {
            show(incident, &mut page);
        }
        page.push_str("<h2 id=refused>What was not used, and why</h2>");
        let mut reasons = by_reason(&self.counts);
        if self.counts.late > 0 {
            reasons.push(("late", self.counts.late));
        }
        if reasons.is_empty() {
            page.push_str("<p>Every reading was used.</p>");
        } else {
            page.push_str("<div class=scroll tabindex=0><table><tr><th>Reason<th class=n>How many</tr>");
            for (reason, count) in reasons {
                let _ = write!(page, "<tr><td>{reason}<td class=n>{count}</tr>");
            }
            page.push_str("</table></div>");
        }
        examples("Rejected", "rejected.ndjson", &self.rejected, &mut page);
        examples("Late", "late.ndjson", &self.late, &mut page);
        page.push_str("</main></body></html>\n");
        page
    }

    fn summary(&self, page: &mut String, resumed: bool) {
        let counts = &self.counts;
        let (from, to) =
            (self.begin_ms.map_or_else(String::new, time), self.time_ms.map_or_else(String::new, time));
        let _ = write!(page, "<p>Windows that ended from {from} to {to}.");
        if resumed {
            page.push_str(" An earlier run had read the beginning; this page tells of what was new.");
        }
        page.push_str("</p><dl class=tiles>");
        let tiles = [
            ("readings", counts.windowed),
            ("entities", self.entities.len() as u64 + self.left_out),
            ("windows", counts.closed),
            ("windows with anomalies", counts.findings),
            ("times an incident opened", counts.incidents),
            ("late", counts.late),
            ("rejected", counts.rejected_in_all()),
        ];
        for (what, count) in tiles {
            let _ = write!(page, "<div><dt>{what}</dt><dd>{count}</dd></div>");
        }
        page.push_str("</dl>");
        let [low, medium, high] = counts.anomalies_by_severity();
        let _ = write!(page, "<p>{high} high, {medium} medium and {low} low anomalies. ");
        let _ = write!(
            page,
            "{} of the windows were judged while a detector was still learning.</p>",
            counts.learning
        );
    }
}

fn show(incident: &Incident, page: &mut String) {
    let severity = severity_name(incident.severity);
    let state = if incident.open { "open at the end" } else { "over" };
    let _ = write!(
        page,
        "<section class=\"incident {severity}\" id=\"i{}\"><h3><span class=badge>{severity}</span> {}</h3>\
         <p>{} to {} ({state}); {} anomalies in {} windows.</p>",
        escaped(&incident.id),
        escaped(&incident.entity),
        time(incident.since_ms),
        time(incident.until_ms),
        incident.anomalies,
        incident.windows
    );
    page.push_str("<div class=plots>");
    for plot in &incident.plots {
        svg::plot(plot, (incident.since_ms, incident.until_ms), page);
    }
    page.push_str("</div>");
    for (words, services) in [("Offline", &incident.offline), ("Degraded", &incident.degraded)] {
        if !services.is_empty() {
            let _ = write!(page, "<p>{words}: {}.</p>", escaped(&services.join(", ")));
        }
    }
    table(&incident.reasons, page);
    if !incident.recommendations.is_empty() {
        page.push_str("<p><strong>What to do</strong></p><ul>");
        for advice in &incident.recommendations {
            let (action, benefit) = (escaped(&advice.action), escaped(&advice.benefit_estimate));
            let _ = write!(page, "<li>{action} <small>{benefit}</small></li>");
        }
        page.push_str("</ul>");
    }
    page.push_str("</section>");
}

fn table(reasons: &[Reason], page: &mut String) {
    if reasons.is_empty() {
        return;
    }
    page.push_str(
        "<div class=scroll tabindex=0><table><tr><th>Time<th>Metric<th class=n>Value<th class=n>Expected<th>Severity\
         <th class=n>Score<th>Detector<th>Why<th>Contributing</tr>",
    );
    for reason in reasons.iter().take(REASONS) {
        let expected = reason
            .expected
            .map_or_else(String::new, |band| format!("{} – {}", number(band.low), number(band.high)));
        let parts: Vec<String> = reason
            .contributions
            .iter()
            .take(3)
            .map(|part| format!("{} {:.0} %", escaped(&part.metric), part.share * 100.0))
            .collect();
        let _ = write!(
            page,
            "<tr><td>{}<td>{}<td class=n>{}<td class=n>{expected}<td>{}<td class=n>{:.2}<td>{}<td>{}<td>{}</tr>",
            escaped(&reason.timestamp.replace('T', " ")),
            escaped(&reason.metric),
            number(reason.value),
            severity_name(reason.severity),
            reason.score,
            escaped(&reason.detector),
            escaped(&reason.description),
            parts.join(", "),
        );
    }
    page.push_str("</table></div>");
}

fn examples(title: &str, file: &str, refused: &[Refused], page: &mut String) {
    if refused.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<h3>{title}: the first {}</h3><p>All are in <code>{file}</code>.</p><div class=scroll tabindex=0><table>\
         <tr><th>Reason<th>Why<th>How it begins</tr>",
        refused.len()
    );
    for one in refused {
        let (why, begins) = (escaped(&one.detail), escaped(&one.begins));
        let _ = write!(page, "<tr><td>{}<td>{why}<td><code>{begins}</code></tr>", one.reason);
    }
    page.push_str("</table></div>");
}
