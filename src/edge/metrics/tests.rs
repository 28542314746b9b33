//! `docs/reference-metrics.md` is written from the registry, once everything has happened that is counted: with
//! TIDEWATCH_UPDATE_GOLDEN=1 anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use prometheus::proto::{MetricFamily, MetricType};

use super::*;
use crate::edge::ports::{BreakerState, ModelNumbers, Notice, Used, Visit, Watch};
use crate::flow::advise::question::AdviceCounts;
use crate::flow::detect::settings::Kind;
use crate::flow::record::{Offset, Reason, Role};
use crate::flow::task::FlowName;
use crate::flow::time::EventTime;
use crate::flow::{Counts, Epoch};

const HEADING: &str = "# Metrics\n\n\
<!-- Written from src/edge/metrics by `TIDEWATCH_UPDATE_GOLDEN=1 cargo test --lib reference`: edit that. -->\n\n\
What `/metrics` says, at `--listen` (127.0.0.1:8600 unless told otherwise), in Prometheus's text format. `run` has all of them; \
`demo` and `replay --listen` those of the flow and the page. What flows count they count once it is committed, so that what is \
done again after a crash is not counted twice. No label has a value that comes from readings: there is never one an entity. \
[`grafana/`](../grafana) has a panel for each metric, and the alerts that are worth having. [`RUNBOOK.md`](../grafana/RUNBOOK.md) says \
what to do when one fires.\n\n\
A histogram has the series `_bucket` (with the label `le`), `_sum` and `_count`.\n\n\
| label | is |\n|---|---|\n\
| `flow` | `route` keys readings by entity, `detect` judges them, `advise` recommends |\n\
| `partition` | the partition of the topic that the flow reads |\n\
| `role` | which output: the topics are named in `[sink]` |\n\
| `reason` of rejections | see [why something was rejected](reference-errors.md#why-something-was-rejected) |\n\
| `receiver` | the name of a `[[notify]]` |\n\n\
| metric | type | labels | is |\n|---|---|---|---|\n";

/// Metrics of a process to which everything has happened once.
fn lived() -> Metrics {
    let metrics = Metrics::new();
    metrics.watch_model(|| ModelNumbers {
        questions: vec![("answered", 1)],
        breaker: BreakerState::Closed,
        budget: vec![Used { of: "calls/hour", used: 1, limit: 60 }],
        ..ModelNumbers::default()
    });
    metrics.expect_receiver("oncall");
    metrics.visit(Visit::Came);
    let task = TaskId { flow: FlowName::Detect, partition: 0 };
    let counts = Counts {
        rejected: [1; Reason::ALL.len()],
        anomalies: [[1; 3]; Kind::ALL.len()],
        advice: AdviceCounts { llm: 1, cache: 1, rules: 1, failed: 1, ..AdviceCounts::default() },
        ..Counts::default()
    };
    let epoch = Epoch { counts, watermark: EventTime::from_ms(0), ..Epoch::default() };
    let (none, took) = (Offset(0), Duration::from_millis(1));
    let committed = Notice::Committed {
        task,
        next: none,
        epoch: &epoch,
        outputs: [1; Role::ALL.len()],
        changelog_bytes: 1,
        rows: 1,
    };
    for notice in [
        Notice::Joined { worker: "w" },
        Notice::Restoring(task),
        Notice::Refilling { task, from: none, until: none, rows: 0, changelog_records: 1 },
        Notice::Live { task, next: none, took },
        Notice::End { task, end: Offset(1) },
        committed,
        Notice::Transaction { took },
        Notice::Skipped { task, records: 1 },
        Notice::Idle(task),
    ] {
        metrics.notice(notice);
    }
    for reason in ["fenced", "not-a-member", "rebalance", "spoilt", "time-out", "too-large", "unknown"] {
        metrics.notice(Notice::Aborted { reason });
    }
    metrics
}

/// The labels of a family, each with the values that are the program's own.
fn labels(family: &MetricFamily) -> String {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in family.get_metric().iter().flat_map(prometheus::proto::Metric::get_label) {
        let values = found.entry(pair.name().to_owned()).or_default();
        if !values.iter().any(|value| value == pair.value()) {
            values.push(pair.value().to_owned());
        }
    }
    let is_open = |name: &str| ["flow", "partition", "receiver", "version", "limit", "end"].contains(&name);
    let told = |(name, values): (&String, &Vec<String>)| {
        if is_open(name) || (name == "reason" && family.name() == "tidewatch_rejected_total") {
            format!("`{name}`")
        } else {
            format!("`{name}`: {}", values.join(", "))
        }
    };
    found.iter().map(told).collect::<Vec<_>>().join("; ")
}

fn reference(metrics: &Metrics) -> String {
    let mut text = HEADING.to_owned();
    for family in metrics.registry.gather() {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            other => panic!("{}: {other:?}", family.name()),
        };
        let _ = writeln!(
            text,
            "| `{}` | {kind} | {} | {} |",
            family.name(),
            labels(&family),
            family.help().replace('|', "\\|")
        );
    }
    text
}

#[test]
fn the_reference_of_metrics_is_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference-metrics.md");
    let expected = reference(&lived());
    if std::env::var_os("TIDEWATCH_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference-metrics.md is not what the registry says: TIDEWATCH_UPDATE_GOLDEN=1 cargo test --lib reference"
    );
}

#[test]
fn the_reference_of_metrics_misses_none_that_the_source_names() {
    let text = reference(&lived());
    let mut named = 0;
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/edge/metrics")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for name in source.split('"').skip(1).step_by(2) {
            let rest = name.strip_prefix("tidewatch").unwrap_or_default();
            if rest.len() > 1 && rest.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()) {
                assert!(text.contains(&format!("| `{name}` |")), "{name} is not in the reference");
                named += 1;
            }
        }
    }
    assert!(named > 40, "only {named} metrics were looked for");
}
