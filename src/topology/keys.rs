//! Every key a topology may have: one table, from which checks, suggestions and the JSON Schema are made.

use super::takes::{Bounds, Takes};
use crate::flow::alert::MOST_READINGS;
use crate::flow::detect::settings::Kind;
use crate::flow::model::{MAX_ENTITY_BYTES, MAX_METRICS};

/// The most `[[detect]]` of a topology.
pub(super) const MAX_DETECTORS: usize = 16;
/// The most `[[alert]]` of a topology.
const MAX_ALERTS: usize = 256;

/// The most `[[notify]]` of a topology.
const MAX_RECEIVERS: usize = 16;

/// A table of a topology.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub name: &'static str,
    /// How many `[[name]]` there may be; `None` where it is one `[name]`.
    pub most: Option<usize>,
    pub doc: &'static str,
}

/// A key of a topology.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// `window.size`; without numbers: `detect.threshold`.
    pub path: &'static str,
    pub takes: Takes,
    /// As one would write it in TOML; empty where there is none.
    pub default: &'static str,
    /// The detectors that use it; empty for all.
    pub kinds: &'static [Kind],
    pub doc: &'static str,
}

const fn section(name: &'static str, most: Option<usize>, doc: &'static str) -> Section {
    Section { name, most, doc }
}

const fn key(path: &'static str, takes: Takes, default: &'static str, doc: &'static str) -> Key {
    Key { path, takes, default, kinds: &[], doc }
}

const fn of_kinds(kinds: &'static [Kind], key: Key) -> Key {
    Key { kinds, ..key }
}

/// The tables, in the order data flows. `kafka` has no keys of its own: its settings are librdkafka's.
pub(super) const SECTIONS: &[Section] = &[
    section("source", None, "where readings come from"),
    section("metric", Some(MAX_METRICS), "the metrics of a reading; without any, the native 13"),
    section("services", None, "the services a reading speaks of"),
    section("window", None, "how readings are gathered"),
    section("detect", Some(MAX_DETECTORS), "what judges a window"),
    section("alert", Some(MAX_ALERTS), "what of all that is found is worth telling; later ones count more"),
    section("incident", None, "groups findings into incidents; without it there are none"),
    section("advise", None, "how recommendations are made"),
    section("sink", None, "where everything goes"),
    section(
        "notify",
        Some(MAX_RECEIVERS),
        "who is told of incidents: where they are, and what they want to see, the environment says",
    ),
    section("kafka", None, "settings of the Kafka client"),
];

const DAY_MS: i64 = 86_400_000;
const YEAR_MS: i64 = 366 * DAY_MS;
const FORESTS: &[Kind] = &[Kind::IsolationForest];
const CLUSTERS: &[Kind] = &[Kind::Clusters];
const COMPONENTS: &[Kind] = &[Kind::PcaMahalanobis];
/// The longest path to a value.
const MAX_PATH_BYTES: usize = 512;
/// What records can be.
const FORMATS: &[&str] =
    &["json", "telegraf", "collectd", "otlp-json", "otlp", "prometheus-json", "influx", "mapped"];
const SERIES: &[Kind] = &[Kind::Novelty, Kind::Forecast];
const THRESHOLDS: &[Kind] =
    &[Kind::ZScore, Kind::PcaMahalanobis, Kind::Clusters, Kind::Novelty, Kind::Forecast];

/// The keys, in the order of their tables.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("name", Takes::Name, "", "the application: its consumer group and internal topics begin with it"),

    key("source.topic", Takes::Topic, "\"infra-input\"", "the input topic"),
    key("source.keyed_by", Takes::Word(&["anything", "entity"]), "\"anything\"",
        "`entity` when producers key records by entity already: routing is left out"),
    key("source.max_payload", Takes::Size { high_bytes: 1 << 30 }, "\"16MiB\"", "larger records are rejected"),
    key("source.below_retention", Takes::Word(&["stop", "skip"]), "\"stop\"",
        "what to do when Kafka no longer holds records that are needed: stop, or skip the gap and count it"),
    key("source.default_entity", Takes::Text { high_bytes: MAX_ENTITY_BYTES }, "\"infrastructure\"",
        "the entity of readings that name none and come without a key"),

    key("source.format", Takes::Word(FORMATS), "\"json\"",
        "what records are: readings of our own, or samples of another program"),
    key("source.interval", Takes::SpanOrOff { high_ms: DAY_MS }, "\"off\"",
        "samples of one entity within so long are one reading"),
    key("source.entity", Takes::Text { high_bytes: MAX_PATH_BYTES }, "",
        "the tag, label, attribute, path or column that names the entity"),
    key("source.time", Takes::Text { high_bytes: MAX_PATH_BYTES }, "", "the path or column of the time, where records are mapped"),
    key("source.series", Takes::Text { high_bytes: MAX_PATH_BYTES }, "", "the path of a series' name, where a mapped record is one sample"),
    key("source.value", Takes::Text { high_bytes: MAX_PATH_BYTES }, "", "the path of its value"),

    key("metric.name", Takes::Text { high_bytes: 128 }, "", "the field or column"),
    key("metric.unit", Takes::Label { high_bytes: 32 }, "\"\"", "for people: `%`, `ms`"),
    key("metric.range", Takes::Range, "[-inf, inf]", "values outside `[low, high]` are rejected"),
    key("metric.judged", Takes::Boolean, "true", "whether detectors judge it"),
    key("metric.optional", Takes::Boolean, "false", "whether a reading may come without it"),
    key("metric.from", Takes::Text { high_bytes: MAX_PATH_BYTES }, "",
        "the series, path or column it is read from; its name unless set"),
    key("metric.scale", Takes::Number(Bounds::ABOVE_0), "1.0", "what samples are multiplied by"),
    key("metric.rate", Takes::Boolean, "false", "whether samples are those of a counter, and the metric is its growth a second"),

    key("services.names", Takes::Names, "", "their names; by default database, api_gateway, cache"),
    key("services.any", Takes::Boolean, "false", "whether services of any name are taken; the default with `[[metric]]`"),
    key("services.required", Takes::Boolean, "true", "whether a reading must have all that are named"),

    key("window.kind", Takes::Word(&["tumbling", "count", "message", "whole"]), "\"tumbling\"",
        "spans of event time, a number of readings, one record's readings, or the whole input"),
    key("window.size", Takes::SpanOrCount { high_ms: YEAR_MS, high_count: 1_000_000 }, "\"5m\"",
        "a duration for tumbling, a number of readings for count"),
    key("window.grace", Takes::Span { low_ms: 0, high_ms: YEAR_MS }, "\"30s\"",
        "how long after its end a window waits for late readings, in event time; 0s unless tumbling"),
    key("window.idle", Takes::SpanOrOff { high_ms: DAY_MS }, "\"off\"",
        "a partition without records for so long, by the clock, has its open windows closed"),
    key("window.max_age", Takes::Span { low_ms: 1, high_ms: YEAR_MS }, "\"1d\"",
        "a count window this old closes with what it has"),
    key("window.time", Takes::Word(&["partition", "entity"]), "\"partition\"",
        "whose readings tell how far event time has come"),
    key("window.per_entity", Takes::Boolean, "true", "whether each entity has windows of its own"),
    key("window.max_jump", Takes::SpanOrOff { high_ms: 100 * YEAR_MS }, "\"1d\"",
        "how far ahead one reading may jump before its clock is doubted"),
    key("window.max_entities", Takes::Integer { low: 1, high: 100_000_000 }, "2000000",
        "the most entities a task keeps; readings of further ones are rejected"),

    key("detect.kind", Takes::Detector, "", "the detector"),
    key("detect.baseline", Takes::Word(&["history", "window"]), "\"history\"",
        "what readings are judged against: earlier windows, or their own"),
    of_kinds(THRESHOLDS, key("detect.threshold", Takes::Number(Bounds::ABOVE_0), "",
        "in the detector's own unit: standard deviations, squared distance")),
    of_kinds(SERIES, key("detect.false_alarms", Takes::Number(Bounds::ABOVE_0), "",
        "instead of a threshold: false alarms that are accepted, of a metric in a million readings")),
    of_kinds(SERIES, key("detect.agree", Takes::Integer { low: 0, high: 1000 }, "0",
        "with false_alarms: so many metrics that come near the threshold in one window are told too; 0 for never")),
    of_kinds(SERIES, key("detect.learn_for", Takes::Span { low_ms: 0, high_ms: YEAR_MS }, "\"0s\"",
        "how long novelty tells nothing of a metric that is new: a day, where days have a rhythm")),
    of_kinds(&[Kind::Silence], key("detect.after", Takes::Span { low_ms: 1, high_ms: YEAR_MS }, "\"15m\"",
        "how long nothing is heard of an entity, in event time, before it is missed")),
    of_kinds(FORESTS, key("detect.contamination", Takes::Number(Bounds::ABOVE_0_TO_HALF), "0.05",
        "the share of readings expected to be anomalous")),
    key("detect.warm_up", Takes::Integer { low: 2, high: 1_000_000_000 }, "400", "readings of an entity before its history judges"),
    key("detect.seed", Takes::Integer { low: 0, high: i64::MAX }, "42", "of the random choices of a fit"),
    of_kinds(FORESTS, key("detect.trees", Takes::Integer { low: 1, high: 10_000 }, "200", "trees of a forest")),
    of_kinds(FORESTS, key("detect.samples", Takes::Integer { low: 2, high: 65_536 }, "256", "readings a tree is grown from")),
    key("detect.refit_every", Takes::Integer { low: 1, high: 1_000_000_000 }, "2000", "readings between two fits"),
    key("detect.reservoir", Takes::Integer { low: 2, high: 65_536 }, "512", "past readings kept to fit on"),
    of_kinds(COMPONENTS, key("detect.variance", Takes::Number(Bounds::ABOVE_0_TO_1), "0.95",
        "the share of variance that principal components keep")),
    of_kinds(COMPONENTS, key("detect.quantile", Takes::Number(Bounds::BETWEEN_0_AND_1), "0.99",
        "the chi-square quantile that is the threshold, unless that is set")),
    of_kinds(CLUSTERS, key("detect.clusters", Takes::Integer { low: 1, high: 64 }, "4", "how many clusters")),
    of_kinds(CLUSTERS, key("detect.model", Takes::Word(&["k-means", "gaussian-mixture"]), "\"k-means\"", "which model of clusters")),
    key("detect.relearn_after", Takes::Integer { low: 1, high: 1_000_000 }, "12",
        "abnormal windows in a row after which the new state of affairs is normal"),
    of_kinds(SERIES, key("detect.size", Takes::Word(&["normal", "small"]), "\"normal\"",
        "how much is remembered of a metric: some 6 KB with both, or a fifth of it for wide fleets")),

    key("alert.entity", Takes::Text { high_bytes: MAX_ENTITY_BYTES }, "", "the entities it is about, with `*` and `?`; all unless said"),
    key("alert.metric", Takes::Text { high_bytes: 128 }, "", "the metrics it is about, with `*` and `?`; all unless said"),
    key("alert.detector", Takes::Detector, "", "the kind of detector it is about; all unless said"),
    key("alert.direction", Takes::Word(&["up", "down", "both"]), "",
        "only values above, or below, what was expected; what is no matter of size is told whatever it says"),
    key("alert.min_deviation", Takes::Number(Bounds::ABOVE_0), "", "how far from what was expected a value must be, in the metric's unit"),
    key("alert.min_relative", Takes::Number(Bounds::ABOVE_0), "", "the same as a share of the end of what was expected"),
    key("alert.at_least", Takes::Integer { low: 1, high: MOST_READINGS as i64 }, "",
        "told once so many of the last `of` readings are abnormal: for detectors that say so of every reading"),
    key("alert.of", Takes::Integer { low: 1, high: MOST_READINGS as i64 }, "", "how many readings `at_least` looks back on; as many unless said"),
    key("alert.cool_down", Takes::Span { low_ms: 0, high_ms: YEAR_MS }, "",
        "how long nothing more is told of an entity's metric by a detector that told something"),
    key("alert.mute", Takes::Boolean, "false", "nothing is told; what is learned stays as it is"),
    key("alert.from", Takes::Text { high_bytes: 64 }, "", "when a mute begins; without, it has always held"),
    key("alert.until", Takes::Text { high_bytes: 64 }, "", "when a mute ends; without, it holds for ever"),
    key("alert.every", Takes::Text { high_bytes: 64 }, "", "maintenance that comes again, in UTC: `sun 02:00-04:00`, `daily 23:30-00:30`"),

    key("incident.resolve_after", Takes::Span { low_ms: 0, high_ms: YEAR_MS }, "\"15m\"",
        "an incident is resolved by the first quiet window this long after its last finding"),
    key("incident.reopen_within", Takes::Span { low_ms: 0, high_ms: YEAR_MS }, "\"1h\"",
        "a finding this soon after reopens the incident instead of opening another"),

    key("advise.enabled", Takes::Boolean, "true", "whether findings get recommendations"),
    key("advise.runbook", Takes::Text { high_bytes: 1024 }, "", "a file of rules beside the built-in ones"),
    key("advise.notes", Takes::Text { high_bytes: 1024 }, "",
        "a folder of Markdown files: a model is told the sections about what was found"),
    key("advise.pseudonyms", Takes::Boolean, "false", "whether names of entities and services are hidden from a model"),
    key("advise.deadline", Takes::Span { low_ms: 100, high_ms: 600_000 }, "\"30s\"",
        "a report waits so long for a model, then the runbook advises"),
    key("advise.concurrency", Takes::Integer { low: 1, high: 256 }, "4", "questions under way at a time in a process"),
    key("advise.open", Takes::Integer { low: 1, high: 256 }, "8", "questions of a partition at a time"),
    key("advise.budget", Takes::Names,
        "[\"60 calls/hour\", \"500 calls/day\", \"300000 tokens/hour\", \"2000000 tokens/day\"]",
        "the most that a process asks of a model; `[]` is without limit"),

    key("sink.topic", Takes::Topic, "\"infra-output\"", "reports with recommendations"),
    key("sink.findings", Takes::Topic, "\"<name>-findings\"", "reports without, committed at once"),
    key("sink.rejected", Takes::Topic, "\"<name>-rejected\"", "what cannot be used, with the reason"),
    key("sink.late", Takes::Topic, "\"<name>-late\"", "readings after their window closed"),
    key("sink.readings", Takes::Topic, "\"<name>-readings\"", "readings keyed by entity"),
    key("sink.changelog", Takes::Topic, "\"<name>-changelog\"", "what was learned"),
    key("sink.advise_changelog", Takes::Topic, "\"<name>-advise-changelog\"", "what was advised"),
    key("sink.changelog_share", Takes::Number(Bounds::ABOVE_0), "0.5",
        "bytes of learned rows written per byte of input, at most; what is not written yet is learned again after a restart"),
    key("sink.emit", Takes::Word(&["findings", "all"]), "\"findings\"", "reports of windows with findings, or of every window"),

    key("notify.name", Takes::Name, "", "the receiver's name: TIDEWATCH_NOTIFY_<NAME>_URL says where it is"),
    key("notify.kind", Takes::Word(&["alertmanager", "slack", "webhook"]), "", "what it understands"),
    key("notify.severity", Takes::Word(&["low", "medium", "high"]), "\"low\"", "incidents that never were as bad as this are not told"),
    key("notify.entity", Takes::Text { high_bytes: MAX_ENTITY_BYTES }, "", "the entities it is told of, with `*` and `?`; all unless said"),
    key("notify.keep", Takes::Span { low_ms: 1000, high_ms: YEAR_MS }, "\"1h\"", "what it has not taken for so long is not told any more"),
    key("notify.template", Takes::Text { high_bytes: 16_384 }, "",
        "of a webhook: the JSON it gets, with `{{summary}}` and the like inside of strings; everything there is unless said"),
];

/// The key of a path without numbers.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The table of a name.
pub(super) fn section_of(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

/// The key of a path as problems and `--set` write it, `detect.0.threshold`, without its number: `detect.threshold`.
pub(super) fn without_number(path: &str) -> String {
    let parts = path.split('.').enumerate();
    let kept = parts.filter(|(place, part)| *place != 1 || !part.bytes().all(|byte| byte.is_ascii_digit()));
    kept.map(|(_, part)| part).collect::<Vec<_>>().join(".")
}

/// The last part of a key's path, and the table it is in (empty at the top).
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_a_table_that_is_known_and_only_once() {
        for (at, key) in KEYS.iter().enumerate() {
            let (table, _) = split(key.path);
            assert!(table.is_empty() || section_of(table).is_some(), "{}", key.path);
            assert!(KEYS[at + 1..].iter().all(|other| other.path != key.path), "{}", key.path);
        }
    }

    #[test]
    fn a_path_loses_the_number_of_its_table() {
        assert_eq!(without_number("detect.12.threshold"), "detect.threshold");
        assert_eq!(without_number("window.size"), "window.size");
        assert_eq!(without_number("name"), "name");
    }
}
