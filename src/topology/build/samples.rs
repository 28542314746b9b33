//! How samples become readings: `source.format` and what goes with it.

use crate::flow::model::Services;
use crate::flow::samples::{SampleFormat, Sampled, Sampling, Selector};
use crate::flow::window::settings::WindowKind;
use crate::topology::Topology;
use crate::topology::check::Said;
use crate::topology::takes::Setting;

impl Said {
    /// Fills in the topology's sampling, where it speaks of samples at all.
    pub(super) fn samples(&mut self, topology: &mut Topology) {
        let name = self.text("source.format");
        let named = SampleFormat::NAMES.iter().find(|(known, _)| *known == name);
        let format = named.map_or(SampleFormat::Native, |(_, format)| *format);
        let interval_ms = match self.setting("source.interval") {
            Setting::Span(ms) => Some(ms),
            _ => None,
        };
        self.check_mapping(format);
        let metrics = self.sampled_metrics(topology, format);
        let rates = metrics.iter().any(|metric| metric.rate);
        if format == SampleFormat::Native && interval_ms.is_none() && !rates {
            return;
        }
        if interval_ms.is_some() || rates {
            self.check_window(topology, interval_ms);
        }
        if format != SampleFormat::Native {
            topology.schema.metrics.iter_mut().for_each(|metric| metric.optional = true);
            if matches!(topology.schema.services, Services::Named { required: true, .. }) {
                self.problem("services.required", format!("must be false: {name} says nothing of services"));
            }
        }
        let entity = self.optional_text("source.entity").or(format.usual_entity().map(str::to_owned));
        topology.schema.sampling = Some(Box::new(Sampling {
            format,
            entity,
            time: self.optional_text("source.time"),
            series: self.optional_text("source.series").zip(self.optional_text("source.value")),
            interval_ms,
            metrics,
        }));
    }

    fn optional_text(&self, path: &str) -> Option<String> {
        match self.given(path) {
            Some(Setting::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// Which keys go with which format.
    fn check_mapping(&mut self, format: SampleFormat) {
        let name = format.name();
        if format == SampleFormat::Native {
            if self.has("source.entity") {
                self.problem("source.entity", "needs another source.format than \"json\"");
            }
        } else if self.count("metric") == 0 {
            self.problem("source.format", format!("= {name:?} needs [[metric]]: which series are read"));
        }
        let mapped = format == SampleFormat::Mapped;
        for path in ["source.time", "source.series", "source.value"] {
            if !mapped && self.has(path) {
                self.problem(path, "needs source.format = \"mapped\"");
            }
        }
        if mapped && !self.has("source.time") {
            self.problem("source.time", "is missing: mapped records need the path of their time");
        }
        if mapped && self.has("source.series") != self.has("source.value") {
            self.problem("source.series", "and source.value go together");
        }
    }

    fn sampled_metrics(&mut self, topology: &Topology, format: SampleFormat) -> Vec<Sampled> {
        let mut metrics = Vec::new();
        let own = self.count("metric") > 0;
        for (number, metric) in topology.schema.metrics.iter().enumerate() {
            let path = |key: &str| format!("metric.{number}.{key}");
            if !own {
                metrics.push(Sampled { from: Selector::plain(&metric.name), scale: 1.0, rate: false });
                continue;
            }
            if format == SampleFormat::Native {
                for key in
                    ["from", "scale"].map(path).into_iter().filter(|key| self.has(key)).collect::<Vec<_>>()
                {
                    self.problem(&key, "needs another source.format than \"json\"");
                }
            }
            let written = self.optional_text(&path("from"));
            let text = written.as_deref().unwrap_or(&metric.name);
            let from = match format {
                SampleFormat::Mapped | SampleFormat::Native => Some(Selector::plain(text)),
                _ => Selector::parse(text),
            };
            if from.is_none() {
                let message = format!("must be a name, or name{{tag=value,…}}, not {text:?}");
                self.problem(&path("from"), message);
            }
            let scale = match self.setting(&path("scale")) {
                Setting::Number(number) => number,
                _ => 1.0,
            };
            let rate = self.boolean(&path("rate"));
            metrics.push(Sampled { from: from.unwrap_or_else(|| Selector::plain(text)), scale, rate });
        }
        metrics
    }

    /// Samples are gathered when a window closes: an interval must not lie in two, nor hold two entities.
    fn check_window(&mut self, topology: &Topology, interval_ms: Option<i64>) {
        let told = if interval_ms.is_some() { "source.interval" } else { "metric.0.rate" };
        if !topology.window.per_entity {
            self.problem(told, "and rates need windows of one entity: window.per_entity = true");
        }
        match (topology.window.kind, interval_ms) {
            (WindowKind::Tumbling { size_ms }, Some(ms)) if size_ms % ms != 0 => {
                self.problem("source.interval", "must go into window.size without a rest");
            }
            (WindowKind::Count { .. } | WindowKind::Message, Some(_)) => {
                self.problem("source.interval", "is for windows of the kinds \"tumbling\" and \"whole\"");
            }
            _ => {}
        }
    }
}
