//! `--set`, `--detector`, `--threshold`, `--contamination`, and what they warn of.

use super::*;
use crate::flow::detect::settings::Baseline;
use crate::flow::model::Range;
use crate::flow::window::settings::WindowKind;

#[test]
fn what_does_not_apply_is_a_warning() {
    assert_eq!(
        warnings(&[("detect.0.kind", "isolation-forest"), ("detect.0.threshold", "3")]),
        [
            "--set detect.0.threshold: detect.0.threshold does not apply to isolation-forest, which is set by contamination"
        ]
    );
    assert_eq!(
        warnings(&[("detect.0.kind", "status"), ("detect.0.threshold", "3")]),
        ["--set detect.0.threshold: detect.0.threshold does not apply to status"]
    );
    assert_eq!(
        warnings(&[("window.kind", "whole"), ("window.size", "5m")]),
        ["--set window.size: window.size does not apply to windows of kind \"whole\""]
    );
    assert_eq!(warnings(&[("detect.0.threshold", "3")]), Vec::<String>::new());
}

#[test]
fn a_flag_sets_any_key_as_its_key_takes_it() {
    let topology = minimal_with(&[
        ("name", "2026"),
        ("source.topic", "t"),
        ("window.size", "1h"),
        ("window.max_jump", "off"),
        ("detect.0.threshold", "3"),
        ("detect.1.kind", "status"),
        ("metric.0.name", "v"),
        ("metric.0.range", "[0, 100]"),
        ("incident.resolve_after", "5m"),
        ("advise.enabled", "false"),
        ("kafka.client.linger.ms", "5"),
    ]);
    assert_eq!((topology.name.as_str(), topology.source.topic.as_str()), ("2026", "t"));
    assert_eq!(topology.window.kind, WindowKind::Tumbling { size_ms: 3_600_000 });
    assert_eq!(topology.window.max_jump_ms, None);
    assert_eq!(topology.detectors[0].threshold, Some(3.0));
    assert_eq!(topology.detectors[1].kind, Kind::Status);
    assert_eq!(topology.schema.metrics[0].range, Range::PERCENT);
    assert_eq!(topology.incident.map(|incident| incident.resolve_after_ms), Some(300_000));
    assert!(!topology.advise.enabled);
    assert_eq!(topology.kafka_client["linger.ms"], "5");
}

#[test]
fn a_wrong_flag_is_named() {
    check_flags(
        &[("window.sise", "1h")],
        &["--set window.sise: window.sise is not known; did you mean window.size?"],
    );
    check_flags(
        &[("detect.0.threshold", "high")],
        &["--set detect.0.threshold: detect.0.threshold must be a number, not the text \"high\""],
    );
    check_flags(
        &[("detect.9.kind", "status")],
        &["--set detect.9.kind: detect has 5 entries, the next is detect.5"],
    );
    check_flags(
        &[("detect.threshold", "3")],
        &["--set detect.threshold: detect is a list: name one by its number, detect.0.threshold"],
    );
    check_flags(
        &[("name.x", "3")],
        &["--set name.x: name is the text \"infrastructure\", there is nothing in it to set"],
    );
    check_flags(&[("window..size", "3")], &["--set window..size: is no path such as window.size"]);
    check_flags(&[("detect.5.threshold", "3")], &["--set detect.5.threshold: detect.5.kind is missing"]);
    // The file's line is told where a flag makes something in the file wrong.
    let size = parse_line_of("size = \"5m\"");
    check_flags(
        &[("window.kind", "count")],
        &[&format!(
            "line {size}: window.size must be a number of readings for kind \"count\", not a duration"
        )],
    );
}

fn parse_line_of(wanted: &str) -> usize {
    builtin("infrastructure").unwrap().lines().position(|line| line == wanted).unwrap() + 1
}

#[test]
fn keeping_one_kind_of_detector_keeps_its_settings_or_makes_one() {
    let mut topology = minimal_with(&[("detect.0.threshold", "3"), ("detect.0.baseline", "window")]);
    topology.keep_only(Kind::ZScore);
    assert_eq!(topology.detectors[0].threshold, Some(3.0));
    topology.keep_only(Kind::Clusters);
    assert_eq!(topology.detectors, [Settings { baseline: Baseline::Window, ..Settings::of(Kind::Clusters) }]);
}

#[test]
fn thresholds_are_set_where_there_are_some() {
    let mut topology = right(builtin("whole-file").unwrap());
    topology.set_threshold(7.0).unwrap();
    topology.set_z_score_threshold(3.0).unwrap();
    topology.set_contamination(0.1).unwrap();
    let thresholds: Vec<_> = topology.detectors.iter().map(|settings| settings.threshold).collect();
    assert_eq!(thresholds, [Some(3.0), None, Some(7.0), None]);
    assert!(topology.detectors.iter().all(|settings| settings.contamination == 0.1));
    let problem = topology.set_contamination(0.6).unwrap_err();
    assert_eq!(problem.to_string(), "contamination must be above 0 and at most 0.5, not 0.6");
    assert!(topology.set_threshold(f64::NAN).is_err());
}

#[test]
fn no_value_of_any_key_is_too_odd_to_be_told_of() {
    let odd = [
        "5", "-1", "1.5", "nan", "inf", "true", "x", "off", "''", "[]", "[1, 'x']", "[{}]", "{}", "5m",
        "9e999",
    ];
    let huge = ["99999999999999999999", "99999999999d", "9223372036854775807", "-9223372036854775808"];
    let paths =
        keys::KEYS.iter().map(|key| key.path.replace("detect.", "detect.0.").replace("metric.", "metric.0."));
    let tables = keys::SECTIONS.iter().map(|section| section.name.to_owned());
    for path in paths.chain(tables) {
        for value in odd.iter().chain(&huge) {
            for name in BUILTIN_NAMES {
                let result = with_overrides(builtin(name).unwrap(), &pairs(&[(&path, value)]));
                assert_ne!(result.err(), Some(Vec::new()), "{path} = {value}");
            }
        }
    }
}
