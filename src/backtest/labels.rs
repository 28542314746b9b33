//! Labels as they are written: what `generate --labels` gives, or the windows of the Numenta benchmark.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::flow::time::EventTime;

/// An event's start and end.
pub type Span = (EventTime, EventTime);

/// Labelled events.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// By entity.
    OfEntities(BTreeMap<String, Vec<Span>>),
    /// By file: every file is a history of its own.
    OfFiles(BTreeMap<String, Vec<Span>>),
}

#[derive(Deserialize)]
struct Incidents {
    incidents: Vec<Incident>,
}

#[derive(Deserialize)]
struct Incident {
    entity: String,
    start: String,
    end: String,
}

fn span(start: &str, end: &str) -> Result<Span, String> {
    // The benchmark writes a blank and digits below the second, which the time of a reading has too.
    let time = |text: &str| {
        EventTime::parse(text.as_bytes()).ok_or_else(|| format!("{text:?} in the labels is no time"))
    };
    Ok((time(start)?, time(end)?))
}

impl Labels {
    /// Reads `{"incidents": [{"entity", "start", "end"}]}` or `{"file": [["start", "end"]]}`.
    pub fn read(text: &str) -> Result<Labels, String> {
        if let Ok(Incidents { incidents }) = serde_json::from_str(text) {
            let mut events: BTreeMap<String, Vec<Span>> = BTreeMap::new();
            for Incident { entity, start, end } in incidents {
                events.entry(entity).or_default().push(span(&start, &end)?);
            }
            return Ok(Labels::OfEntities(events));
        }
        let files: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(text)
            .map_err(|error| format!("the labels are neither incidents nor windows by file: {error}"))?;
        let spans = |windows: Vec<(String, String)>| -> Result<Vec<Span>, String> {
            windows.iter().map(|(start, end)| span(start, end)).collect()
        };
        let files: Result<_, String> =
            files.into_iter().map(|(file, windows)| Ok((file, spans(windows)?))).collect();
        files.map(Labels::OfFiles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_labels_are_understood_and_others_refused() {
        let of =
            |text: &str| Labels::read(text).map(|labels| format!("{labels:?}").chars().take(4).collect());
        let incidents = r#"{"incidents":[{"entity":"a","kind":"x","start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"}]}"#;
        assert_eq!(of(incidents), Ok("OfEn".to_owned()));
        assert_eq!(
            of(r#"{"a/b.csv":[["2014-04-01 00:00:00.000000","2014-04-01 01:00:00.000000"]]}"#),
            Ok("OfFi".to_owned())
        );
        assert!(of("[]").is_err());
        assert!(of(r#"{"a.csv":[["soon","later"]]}"#).is_err());
    }
}
