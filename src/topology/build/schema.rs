//! What readings are made of: `[[metric]]` and `[services]`.

use crate::flow::model::{Metric, Range, Schema, Services};
use crate::topology::check::Said;
use crate::topology::takes::Setting;

/// Fields of a reading that are not metrics.
const RESERVED_NAMES: [&str; 3] = ["timestamp", "entity", "service_status"];

impl Said {
    pub(super) fn schema(&mut self) -> Schema {
        let native = Schema::native();
        let own_metrics = self.count("metric") > 0;
        Schema {
            metrics: if own_metrics { self.metrics() } else { native.metrics },
            services: self.services(own_metrics, native.services),
            default_entity: self.text("source.default_entity"),
            sampling: None,
        }
    }

    fn metrics(&mut self) -> Vec<Metric> {
        let mut metrics: Vec<Metric> = Vec::new();
        for number in 0..self.count("metric") {
            let path = |key: &str| format!("metric.{number}.{key}");
            let name = match self.given(&path("name")) {
                Some(Setting::Text(name)) => name.clone(),
                _ if self.is_wrong(&path("name")) => continue,
                _ => {
                    self.problem(&path("name"), "is missing");
                    continue;
                }
            };
            if RESERVED_NAMES.contains(&name.as_str()) {
                self.problem(&path("name"), format!("{name:?} is another field of readings"));
            }
            if metrics.iter().any(|metric| metric.name == name) {
                self.problem(&path("name"), format!("{name:?} is there already"));
            }
            let Setting::Range(low, high) = self.setting(&path("range")) else {
                unreachable!("metric.range takes a range")
            };
            metrics.push(Metric {
                name,
                unit: self.text(&path("unit")),
                range: Range { low, high, above_low: false },
                judged: self.boolean(&path("judged")),
                optional: self.boolean(&path("optional")),
            });
        }
        metrics
    }

    fn services(&mut self, own_metrics: bool, native: Services) -> Services {
        let required = self.boolean("services.required");
        let named = match self.given("services.names") {
            Some(Setting::Names(names)) => Some(names.clone()),
            _ => None,
        };
        let any = self.given("services.any").is_some_and(|any| *any == Setting::Boolean(true));
        match (named, native) {
            (Some(_), _) if any => {
                self.problem("services.any", "and services.names exclude each other");
                Services::Any
            }
            (Some(names), _) => Services::Named { names, required },
            (None, Services::Named { names, .. }) if !any && !own_metrics => {
                Services::Named { names, required }
            }
            (None, _) => {
                if self.has("services.required") && !self.is_wrong("services.names") {
                    self.warn("services.required", "does not apply where services are not named");
                }
                Services::Any
            }
        }
    }
}
