//! The predecessor's own 500 readings, and its exact answers.

use serde_json::Value;

use crate::support::{Folder, golden};

fn replay(flags: &str) -> Value {
    let sample = golden("predecessor/infrastructure_500.json");
    let ran = Folder::new()
        .run(&format!(
            "replay {} --topology whole-file --format ndjson --no-advice {flags}",
            sample.display()
        ))
        .fine();
    let reports = ran.reports();
    assert_eq!(reports.len(), 1, "one window, one report");
    reports.into_iter().next().unwrap()
}

fn reference(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(golden(&format!("predecessor/{name}.json"))).unwrap())
        .unwrap()
}

fn near(ours: &Value, theirs: &Value, what: &str) {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-300), "{what}: {a} is not {b}"),
        _ => assert_eq!(ours, theirs, "{what}"),
    }
}

/// Everything the reference says, ours says too, in its order.
fn check(flags: &str, name: &str) {
    let (report, reference) = (replay(flags), reference(name));
    let (ours, theirs) =
        (report["anomalies"].as_array().unwrap(), reference["anomalies"].as_array().unwrap());
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        for field in ["metric", "value", "threshold", "severity", "description"] {
            near(&ours[field], &theirs[field], &format!("{name} anomaly {at} {field}"));
        }
    }
    for field in ["average_latency_ms", "max_cpu_usage", "max_memory_usage", "error_rate", "uptime_seconds"] {
        near(&report["insights"][field], &reference["insights"][field], &format!("{name} {field}"));
    }
    assert_eq!(report["service_status_summary"], reference["service_status_summary"], "{name}");
    assert!(report["insights"]["uptime_seconds"].is_i64(), "an integer stays one");
}

#[test]
fn z_score_answers_as_the_predecessor() {
    check("--detector z-score --threshold 4.0", "statistical_4.0");
    check("--detector z-score --threshold 3.0", "statistical_3.0");
}

#[test]
fn pca_mahalanobis_answers_as_the_predecessor() {
    check("--detector pca-mahalanobis", "pca_mahalanobis");
}

#[test]
fn isolation_forest_flags_as_many_and_mostly_the_same() {
    let reference = reference("isolation_forest");
    let flagged = |report: &Value| report["anomalies"].as_array().unwrap().len();
    let report = replay("--detector isolation-forest");
    assert_eq!(flagged(&report), flagged(&reference));
    for anomaly in report["anomalies"].as_array().unwrap() {
        assert_eq!(anomaly["metric"], "multivariate_pattern");
        assert_eq!(anomaly["threshold"], Value::Null);
        assert_eq!(anomaly["severity"], "high");
        assert!(anomaly["value"].as_f64().unwrap() < 0.0);
    }
}

#[test]
fn ten_seeds_flag_mostly_what_the_predecessor_did() {
    // The reference has values only; these are the rows of scikit-learn's forest that has them.
    let reference: Vec<f64> = reference("isolation_forest")["anomalies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["value"].as_f64().unwrap())
        .collect();
    let times = |seed: u64| -> Vec<String> {
        let report = replay(&format!("--detector isolation-forest --set detect.0.seed={seed}"));
        let anomalies = report["anomalies"].as_array().unwrap();
        assert_eq!(anomalies.len(), reference.len());
        anomalies.iter().map(|found| found["timestamp"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (times(1), times(2));
    assert_ne!(first, second, "the seed is that of the detector that was chosen");
    let shared = first.iter().filter(|time| second.contains(time)).count();
    assert!(shared >= 15, "{shared} of {} are shared by two seeds", first.len());
}

#[test]
fn status_finds_every_fifth_reading_that_z_score_misses() {
    let report = replay("--detector status");
    let mut times: Vec<&str> = report["anomalies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["timestamp"].as_str().unwrap())
        .collect();
    times.dedup();
    assert_eq!(times.len(), 142);
}

#[test]
fn the_predecessors_variables_mean_what_they_meant() {
    let sample = golden("predecessor/infrastructure_500.json");
    let count = |detector: &str, variable: &str, value: &str| {
        let folder = Folder::new();
        let words = format!(
            "replay {} --topology whole-file --format ndjson --detector {detector}",
            sample.display()
        );
        let output = folder.command(&words).env(variable, value).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["anomalies"].as_array().unwrap().len()
    };
    assert_eq!(count("z-score", "ANOMALY_THRESHOLD", "3.0"), 197);
    assert_eq!(
        count("pca-mahalanobis", "ANOMALY_THRESHOLD", "3.0"),
        36,
        "it was the z-score's threshold alone"
    );
    assert_eq!(count("isolation-forest", "CONTAMINATION_RATE", "0.1"), 50);
}
