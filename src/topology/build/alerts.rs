//! What is worth telling: `[[alert]]`.

use crate::flow::alert::{Alerts, Rule, Weekly};
use crate::flow::detect::Side;
use crate::flow::detect::settings::Kind;
use crate::flow::time::EventTime;
use crate::topology::check::Said;
use crate::topology::takes::Setting;

impl Said {
    pub(super) fn alerts(&mut self) -> Alerts {
        Alerts::new((0..self.count("alert")).map(|number| self.alert(number)).collect())
    }

    fn alert(&mut self, number: usize) -> Rule {
        let path = |key: &str| format!("alert.{number}.{key}");
        let text = |said: &Said, key: &str| match said.given(&path(key)) {
            Some(Setting::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let amount = |said: &Said, key: &str| match said.given(&path(key)) {
            Some(Setting::Number(number)) => Some(*number),
            _ => None,
        };
        let count = |said: &Said, key: &str| match said.given(&path(key)) {
            Some(Setting::Integer(number)) => Some(*number as u32),
            _ => None,
        };
        let (least, of) = (count(self, "at_least"), count(self, "of"));
        if least.unwrap_or(1) > of.unwrap_or(u32::MAX) {
            self.problem(&path("at_least"), "must not be more than `of`");
        }
        let readings = (least.is_some() || of.is_some()).then(|| {
            let least = least.unwrap_or(1);
            (least, of.unwrap_or(least))
        });
        let rule = Rule {
            entity: text(self, "entity").unwrap_or_default(),
            metric: text(self, "metric").unwrap_or_default(),
            detector: match self.given(&path("detector")) {
                Some(Setting::Kind(kind)) => Kind::name(*kind).to_owned(),
                _ => String::new(),
            },
            side: text(self, "direction").map(|direction| match direction.as_str() {
                "up" => Side::Above,
                "down" => Side::Below,
                _ => Side::Neither,
            }),
            min_deviation: amount(self, "min_deviation"),
            min_relative: amount(self, "min_relative"),
            of_readings: readings,
            cool_down_ms: match self.given(&path("cool_down")) {
                Some(Setting::Span(ms)) => Some(*ms),
                _ => None,
            },
            mute: matches!(self.given(&path("mute")), Some(Setting::Boolean(true))),
            from: self.moment(&path("from")),
            until: self.moment(&path("until")),
            every: self.weekly(&path("every")),
        };
        for key in ["from", "until", "every"] {
            if !rule.mute && self.has(&path(key)) {
                self.warn(&path(key), "does not apply without mute = true");
            }
        }
        rule
    }

    fn moment(&mut self, path: &str) -> Option<EventTime> {
        let Some(Setting::Text(text)) = self.given(path).cloned() else { return None };
        let time = EventTime::parse(text.as_bytes());
        if time.is_none() {
            self.problem(path, format!("must be a time such as \"2026-01-01T00:00:00Z\", not {text:?}"));
        }
        time
    }

    fn weekly(&mut self, path: &str) -> Option<Weekly> {
        let Some(Setting::Text(text)) = self.given(path).cloned() else { return None };
        let weekly = Weekly::parse(&text);
        if weekly.is_none() {
            let wanted =
                "must be days and a span of UTC such as \"sun 02:00-04:00\" or \"daily 23:30-00:30\"";
            self.problem(path, format!("{wanted}, not {text:?}"));
        }
        weekly
    }
}
