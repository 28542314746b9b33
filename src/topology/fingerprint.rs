//! Whether state that was learned under one topology can be used under another.

use super::Topology;
use crate::flow::detect::settings::{Baseline, ClusterModel, Kind, Settings, Size};
use crate::flow::incident::IncidentSettings;
use crate::flow::model::{Metric, Schema, Services};
use crate::flow::samples::{Sampled, Sampling};
use crate::flow::window::settings::{TimeScope, WindowKind, WindowSettings};

impl Topology {
    /// 16 hexadecimal digits of everything that learned state depends on: schema, window, detectors, incidents. Not of
    /// what only names or limits: topics, units, `[[alert]]`, `[[notify]]`, `emit`, `advise`, `max_payload`, `max_entities`, `idle`, `kafka.client`.
    ///
    /// The same on every machine and in every version that writes state in the same format.
    pub fn fingerprint(&self) -> String {
        let mut hash = Hash::new();
        schema(&mut hash, &self.schema);
        window(&mut hash, &self.window);
        hash.number(self.detectors.len() as u64);
        for settings in &self.detectors {
            detector(&mut hash, settings);
        }
        match self.incident {
            None => hash.number(0),
            Some(IncidentSettings { resolve_after_ms, reopen_within_ms }) => {
                hash.number(1);
                hash.number(resolve_after_ms as u64);
                hash.number(reopen_within_ms as u64);
            }
        }
        format!("{:016x}", hash.0)
    }
}

fn schema(hash: &mut Hash, schema: &Schema) {
    let Schema { metrics, services, default_entity, sampling } = schema;
    hash.number(metrics.len() as u64);
    for Metric { name, unit: _, range, judged, optional } in metrics {
        hash.text(name);
        hash.number(range.low.to_bits());
        hash.number(range.high.to_bits());
        hash.flags([range.above_low, *judged, *optional]);
    }
    match services {
        Services::Any => hash.number(0),
        Services::Named { names, required } => {
            hash.number(1 + names.len() as u64);
            for name in names {
                hash.text(name);
            }
            hash.flags([*required, false, false]);
        }
    }
    hash.text(default_entity);
    if let Some(sampling) = sampling {
        samples(hash, sampling);
    }
}

fn samples(hash: &mut Hash, sampling: &Sampling) {
    let Sampling { format, entity, time, series, interval_ms, metrics } = sampling;
    hash.text(format.name());
    let (name, value) = series.as_ref().map_or(("", ""), |(name, value)| (name, value));
    for text in [entity.as_deref().unwrap_or_default(), time.as_deref().unwrap_or_default(), name, value] {
        hash.text(text);
    }
    hash.number(interval_ms.unwrap_or(0) as u64);
    for Sampled { from, scale, rate } in metrics {
        hash.text(&from.name);
        for (tag, value) in &from.tags {
            hash.text(tag);
            hash.text(value);
        }
        hash.number(scale.to_bits());
        hash.flags([*rate, false, false]);
    }
}

fn window(hash: &mut Hash, window: &WindowSettings) {
    let WindowSettings { kind, grace_ms, time, per_entity, max_jump_ms, max_entities: _ } = window;
    let (kind, size, max_age_ms) = match *kind {
        WindowKind::Tumbling { size_ms } => (1, size_ms as u64, 0),
        WindowKind::Count { size, max_age_ms } => (2, size as u64, max_age_ms as u64),
        WindowKind::Message => (3, 0, 0),
        WindowKind::Whole => (4, 0, 0),
    };
    for number in [kind, size, max_age_ms, *grace_ms as u64] {
        hash.number(number);
    }
    hash.flags([*time == TimeScope::Entity, *per_entity, max_jump_ms.is_some()]);
    hash.number(max_jump_ms.unwrap_or(0) as u64);
}

fn detector(hash: &mut Hash, settings: &Settings) {
    // Whoever adds a setting decides here whether state depends on it.
    let Settings {
        kind,
        baseline,
        threshold,
        false_alarms,
        agree,
        learn_for_ms,
        after_ms,
        contamination,
        warm_up,
        seed,
        trees,
        samples,
        refit_every,
        reservoir,
        variance,
        quantile,
        clusters,
        model,
        relearn_after,
        size,
    } = settings;
    hash.text(kind.name());
    hash.flags([*baseline == Baseline::Window, threshold.is_some(), *model == ClusterModel::GaussianMixture]);
    for number in [threshold.unwrap_or(0.0), *contamination, *variance, *quantile] {
        hash.number(number.to_bits());
    }
    for number in [*trees, *samples, *reservoir, *clusters] {
        hash.number(number as u64);
    }
    for number in [*warm_up, *seed, *refit_every, u64::from(*relearn_after)] {
        hash.number(number);
    }
    // Only where it is not the default: what others learned before there were sizes goes on.
    if *size == Size::Small {
        hash.text("small");
    }
    if *kind == Kind::Silence {
        hash.number(*after_ms as u64);
    }
    if let Some(false_alarms) = false_alarms {
        hash.number(false_alarms.to_bits());
    }
    if (*agree, *learn_for_ms) != (0, 0) {
        hash.number(u64::from(*agree));
        hash.number(*learn_for_ms as u64);
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
struct Hash(u64);

impl Hash {
    fn new() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// A text and its length, so that two neighbours cannot trade letters.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn flags(&mut self, flags: [bool; 3]) {
        self.bytes(&flags.map(u8::from));
    }
}

#[cfg(test)]
mod tests {
    use crate::topology::{builtin, with_overrides};

    fn fingerprint(overrides: &[(&str, &str)]) -> String {
        let text = builtin("infrastructure").unwrap();
        let overrides: Vec<_> =
            overrides.iter().map(|(path, value)| ((*path).into(), (*value).into())).collect();
        with_overrides(text, &overrides).unwrap().fingerprint()
    }

    fn check(path: &str, value: &str, changes: bool) {
        assert_eq!(fingerprint(&[(path, value)]) != fingerprint(&[]), changes, "{path} = {value}");
    }

    #[test]
    fn what_state_depends_on_changes_it() {
        check("window.size", "10m", true);
        check("window.grace", "31s", true);
        check("window.max_jump", "off", true);
        check("window.time", "entity", true);
        check("detect.0.threshold", "3.5", true);
        check("detect.0.baseline", "window", true);
        check("detect.1.quantile", "0.999", true);
        check("detect.0.relearn_after", "3", true);
        check("detect.3.kind", "clusters", true);
        check("incident.reopen_within", "2h", true);
        check("metric.0.name", "value", true);
        check("services.required", "false", true);
        check("source.default_entity", "all", true);
        check("source.interval", "10s", true);
    }

    #[test]
    fn what_only_names_or_limits_does_not_change_it() {
        check("name", "other", false);
        check("source.topic", "other", false);
        check("source.keyed_by", "entity", false);
        check("source.max_payload", "1MiB", false);
        check("window.max_entities", "5", false);
        check("sink.topic", "other", false);
        check("sink.emit", "all", false);
        check("advise.enabled", "false", false);
        check("kafka.client.linger.ms", "5", false);
        check("window.size", "300s", false);
    }

    #[test]
    fn it_is_the_same_on_every_machine() {
        assert_eq!(fingerprint(&[]), "2a764a2d9c617a64");
    }
}
