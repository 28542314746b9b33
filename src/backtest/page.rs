//! A backtest as one HTML file that needs nothing else: the table, and plots of what was missed and of what was false.
//!
//! ```text
//! score  ·    |     shaded: a labelled event; a line down: an alarm
//!        ░░░·░|·
//!        ░░░░░|░░
//! ```

use std::fmt::Write;

use super::events::NEAR_MS;
use super::labels::Span;
use super::ledger::{Ledger, Worth};
use crate::flow::time::EventTime;

/// Plots of a detector's misses, and as many of its false alarms.
const MOST_PLOTS: usize = 6;
/// What is shown before and after.
const AROUND_MS: i64 = 6 * NEAR_MS;
/// Points of a plot: of more rows the greatest scores are shown.
const POINTS: usize = 240;
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 96.0;

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1c2530;\
background:#fff}table{border-collapse:collapse}th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #dde3ea}\
th:first-child,td:first-child{text-align:left}figure{display:inline-block;margin:.5rem 1rem .5rem 0}figcaption{font-size:12px;\
color:#52606f}svg{background:#f6f8fa}.event{fill:#f5c26b;opacity:.5}.alarm{stroke:#c0392b}.score{fill:none;stroke:#2b5fa8}";

/// What one replay under one topology was worth.
#[derive(Debug)]
pub struct Section<'a> {
    /// The topology's name.
    pub name: &'a str,
    /// What was said.
    pub ledger: &'a Ledger,
    /// What that was worth.
    pub worth: &'a [Worth],
}

/// The page; `events` are the labelled ones of an entity.
pub fn page<'a>(sections: &[Section<'_>], events: impl Fn(&str) -> &'a [Span]) -> String {
    let mut html =
        String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Backtest</title>");
    add(&mut html, format_args!("<style>{STYLE}</style><h1>Backtest</h1>"));
    for section in sections {
        add(&mut html, format_args!("<h2>{}</h2>", escaped(section.name)));
        table(&mut html, section.worth);
        for worth in section.worth {
            plots(&mut html, section.ledger, &worth.detector, &events);
        }
    }
    html += "</html>\n";
    html
}

fn add(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("a String takes every text");
}

/// Text as HTML takes it, in elements and in attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            other => safe.push(other),
        }
    }
    safe
}

fn table(html: &mut String, worth: &[Worth]) {
    *html += "<table><tr><th>detector<th>precision<th>recall<th>F1<th>delay, s<th>false alarms an entity and day\
              <th>NAB<th>low FP<th>low FN</tr>";
    for Worth { detector, meeting, nab } in worth {
        let delay = meeting.delay_seconds().map_or("–".into(), |seconds| format!("{seconds:.0}"));
        let [standard, low_fp, low_fn] = nab.map(|result| result.score);
        add(
            html,
            format_args!(
                "<tr><td>{}<td>{:.3}<td>{:.3}<td>{:.3}<td>{delay}<td>{:.4}<td>{standard:.2}<td>{low_fp:.2}<td>{low_fn:.2}</tr>",
                escaped(detector),
                meeting.precision(),
                meeting.recall(),
                meeting.f1(),
                meeting.false_a_day(),
            ),
        );
    }
    *html += "</table>";
}

/// Events without an alarm, longest first; then alarms outside of every event, highest score first.
fn plots<'a>(html: &mut String, ledger: &Ledger, detector: &str, events: &impl Fn(&str) -> &'a [Span]) {
    let (mut missed, mut false_ones) = (Vec::new(), Vec::new());
    for entity in ledger.entities() {
        let alarms = ledger.alarms(detector, entity);
        let spans = events(entity);
        for &(start, end) in spans {
            if !alarms.iter().any(|time| *time >= start && *time <= end.plus_ms(NEAR_MS)) {
                missed.push((end.as_ms() - start.as_ms(), entity, (start, end)));
            }
        }
        let is_false = |time: &EventTime| {
            !spans.iter().any(|(start, end)| *time >= *start && *time <= end.plus_ms(NEAR_MS))
        };
        let mut last = None::<EventTime>;
        for time in alarms.into_iter().filter(is_false) {
            if last.is_none_or(|last| time.as_ms() - last.as_ms() > NEAR_MS) {
                false_ones.push((ledger.score_at(detector, entity, time), entity, (time, time)));
            }
            last = Some(time);
        }
    }
    missed.sort_by_key(|(length_ms, entity, (start, _))| (-length_ms, *entity, *start));
    false_ones.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    let missed = missed.iter().map(|(_, entity, span)| (*entity, *span));
    let false_ones = false_ones.iter().map(|(_, entity, span)| (*entity, *span));
    for (title, all) in [("missed", missed.collect::<Vec<_>>()), ("false alarms", false_ones.collect())] {
        if all.is_empty() {
            continue;
        }
        let shown = all.len().min(MOST_PLOTS);
        add(html, format_args!("<h3>{}: {title}, {shown} of {}</h3>", escaped(detector), all.len()));
        for (entity, span) in all.into_iter().take(MOST_PLOTS) {
            plot(html, ledger, detector, entity, span, events(entity));
        }
    }
}

fn plot(html: &mut String, ledger: &Ledger, detector: &str, entity: &str, span: Span, events: &[Span]) {
    let (from_ms, to_ms) = (span.0.as_ms() - AROUND_MS, span.1.as_ms() + AROUND_MS);
    let x = |time: EventTime| {
        let share = (time.as_ms() - from_ms) as f64 / (to_ms - from_ms).max(1) as f64;
        share.clamp(0.0, 1.0) * WIDTH
    };
    let inside = |time: EventTime| time.as_ms() >= from_ms && time.as_ms() <= to_ms;
    // A file's name carries its place before it.
    let name = escaped(entity.split_once('\n').map_or(entity, |(_, name)| name));
    add(
        html,
        format_args!(
            "<figure><svg width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{name}\">"
        ),
    );
    for (start, end) in events.iter().filter(|(start, end)| end.as_ms() >= from_ms && start.as_ms() <= to_ms)
    {
        let width = (x(*end) - x(*start)).max(1.0);
        add(
            html,
            format_args!(
                "<rect class=\"event\" x=\"{:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\"/>",
                x(*start)
            ),
        );
    }
    let mut columns: Vec<Option<f64>> = vec![None; POINTS + 1];
    for (time, score) in ledger.scores(detector, entity).iter().filter(|(time, _)| inside(*time)) {
        let column = (x(*time) / WIDTH * POINTS as f64) as usize;
        let greatest = &mut columns[column];
        *greatest = Some(greatest.map_or(*score, |greatest| greatest.max(*score)));
    }
    let points = columns.iter().enumerate().filter_map(|(column, score)| Some((column, (*score)?)));
    let points: Vec<String> = points
        .map(|(column, score)| {
            format!("{:.1},{:.1}", column as f64 / POINTS as f64 * WIDTH, HEIGHT * (1.0 - score))
        })
        .collect();
    add(html, format_args!("<polyline class=\"score\" points=\"{}\"/>", points.join(" ")));
    for time in ledger.alarms(detector, entity).into_iter().filter(|time| inside(*time)) {
        add(
            html,
            format_args!("<line class=\"alarm\" x1=\"{0:.1}\" x2=\"{0:.1}\" y2=\"{HEIGHT}\"/>", x(time)),
        );
    }
    add(html, format_args!("</svg><figcaption>{name}, {}</figcaption></figure>", span.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> EventTime {
        EventTime::from_ms(minute * 60_000).unwrap()
    }

    /// One entity with an event that was missed and an alarm that was false.
    fn made(entity: &str) -> String {
        let mut ledger = Ledger::default();
        for at in 0..600 {
            let score = if at == 500 { 0.9 } else { 0.1 };
            ledger.line(&format!("{},\"{}\",novelty,a,1,{score},,", minute(at), entity.replace('"', "\"\"")));
        }
        ledger.alarm("novelty", entity, minute(500));
        let events = [(minute(100), minute(130))];
        let worth = ledger.worth(|_| &events);
        let section = Section { name: "<b>", ledger: &ledger, worth: &worth };
        page(&[section], |_| &events)
    }

    #[test]
    fn what_was_missed_and_what_was_false_is_drawn_once_each() {
        let page = made("host-1");
        assert_eq!(page.matches("novelty: missed, 1 of 1").count(), 1);
        assert_eq!(page.matches("novelty: false alarms, 1 of 1").count(), 1);
        assert_eq!(page.matches("class=\"event\"").count(), 2, "once for novelty, once for all together");
        assert!(page.contains("<td>novelty<td>0.000<td>0.000"));
    }

    #[test]
    fn names_cannot_break_out_of_the_page_and_nothing_is_fetched() {
        let page = made("\"><script>alert('x')</script>&");
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("http"), "{page}");
        assert!(page.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)"));
    }
}
