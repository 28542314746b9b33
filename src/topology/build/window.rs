//! How readings are gathered: `[window]`.

use crate::flow::window::settings::{TimeScope, WindowKind, WindowSettings};
use crate::topology::check::Said;
use crate::topology::takes::Setting;

impl Said {
    pub(super) fn window(&mut self) -> WindowSettings {
        let kind = match self.text("window.kind").as_str() {
            "count" => WindowKind::Count { size: self.count_size(), max_age_ms: self.span("window.max_age") },
            "message" => WindowKind::Message,
            "whole" => WindowKind::Whole,
            _ => WindowKind::Tumbling { size_ms: self.tumbling_size() },
        };
        let (is_tumbling, is_count) =
            (matches!(kind, WindowKind::Tumbling { .. }), matches!(kind, WindowKind::Count { .. }));
        let per_entity = self.boolean("window.per_entity");
        if !self.is_wrong("window.kind") {
            self.warn_idle("window.size", is_tumbling || is_count);
            self.warn_idle("window.grace", is_tumbling || is_count);
            self.warn_idle("window.max_age", is_count);
            if !per_entity && (is_tumbling || is_count) {
                self.problem("window.per_entity", "= false is only for the kinds \"message\" and \"whole\"");
            }
        }
        WindowSettings {
            kind,
            grace_ms: if is_tumbling || self.has("window.grace") { self.span("window.grace") } else { 0 },
            time: match self.text("window.time").as_str() {
                "entity" => TimeScope::Entity,
                _ => TimeScope::Partition,
            },
            per_entity,
            max_jump_ms: match self.setting("window.max_jump") {
                Setting::Span(ms) => Some(ms),
                _ => None,
            },
            max_entities: self.integer("window.max_entities") as usize,
            forget_ms: match self.setting("window.forget") {
                Setting::Span(ms) => Some(ms),
                _ => None,
            },
        }
    }

    fn warn_idle(&mut self, path: &str, applies: bool) {
        if !applies && self.has(path) {
            let kind = self.text("window.kind");
            self.warn(path, format!("does not apply to windows of kind {kind:?}"));
        }
    }

    fn tumbling_size(&mut self) -> i64 {
        match self.setting("window.size") {
            Setting::Span(ms) => return ms,
            _ if self.is_wrong("window.kind") => {}
            Setting::Integer(number) => self.problem(
                "window.size",
                format!("must be a duration such as \"5m\" for kind \"tumbling\", not the number {number}"),
            ),
            other => unreachable!("window.size takes a duration or a number, not {other:?}"),
        }
        1
    }

    fn count_size(&mut self) -> usize {
        match self.given("window.size") {
            Some(Setting::Integer(count)) => return *count as usize,
            Some(_) => {
                self.problem(
                    "window.size",
                    "must be a number of readings for kind \"count\", not a duration",
                );
            }
            None if self.is_wrong("window.size") => {}
            None => self
                .problem("window.size", "is missing: a window of kind \"count\" needs a number of readings"),
        }
        1
    }
}
