//! What each stage does, in a few words a line.

use crate::flow::detect::settings::{Baseline, ClusterModel, Kind, Settings};
use crate::flow::model::{Schema, Services};
use crate::flow::window::settings::{WindowKind, WindowSettings};
use crate::topology::units::{write_size, write_span};
use crate::topology::{Emit, KeyedBy, Topology};

/// What `route` does.
pub(super) fn route(topology: &Topology) -> Vec<String> {
    vec![decoding(topology), "keys readings by entity".into()]
}

/// What `detect` does.
pub(super) fn detect(topology: &Topology) -> Vec<String> {
    let mut lines = match topology.source.keyed_by {
        KeyedBy::Entity => vec![decoding(topology)],
        KeyedBy::Anything => Vec::new(),
    };
    lines.push(window(&topology.window));
    lines.extend(topology.detectors.iter().map(detector));
    if let Some(incident) = topology.incident {
        let (quiet, again) = (write_span(incident.resolve_after_ms), write_span(incident.reopen_within_ms));
        lines.push(format!("incidents: resolved after {quiet} of quiet, reopened within {again}"));
    }
    lines.push(match topology.sink.emit {
        Emit::Findings => "reports windows with findings".into(),
        Emit::All => "reports every window".into(),
    });
    lines
}

/// What `advise` does.
pub(super) fn advise(topology: &Topology) -> Vec<String> {
    if !topology.advise.enabled {
        return vec!["off: passes reports on without recommendations".into()];
    }
    let beside = |key: &Option<String>| key.as_ref().map_or_else(String::new, |name| format!(" and {name}"));
    let told = topology.advise.notes.as_ref().map_or_else(String::new, |name| format!(", told of {name}"));
    let deadline = write_span(topology.advise.deadline_ms);
    vec![
        format!("asks a model where one is named by the environment, for {deadline} at most{told}"),
        format!("looks into the runbook{} otherwise", beside(&topology.advise.runbook)),
    ]
}

/// How readings are gathered.
pub(super) fn window(window: &WindowSettings) -> String {
    let whose = if window.per_entity { "of one entity" } else { "of all entities" };
    match window.kind {
        WindowKind::Tumbling { size_ms } => {
            let (size, grace) = (write_span(size_ms), write_span(window.grace_ms));
            format!("window: {size} {whose}, closed {grace} after its end")
        }
        WindowKind::Count { size, max_age_ms } => {
            format!(
                "window: {size} readings {whose}, closed at an age of {} at the latest",
                write_span(max_age_ms)
            )
        }
        WindowKind::Message => format!("window: the readings {whose} in one record"),
        WindowKind::Whole => format!("window: all readings {whose}"),
    }
}

/// What a detector is set to.
pub(super) fn detector(settings: &Settings) -> String {
    let mut parts = vec![match settings.baseline {
        _ if settings.kind == Kind::Status => settings.kind.name().to_owned(),
        Baseline::History => format!("{} against history", settings.kind.name()),
        Baseline::Window => format!("{} within the window", settings.kind.name()),
    }];
    let threshold = settings.threshold.map(|threshold| format!("threshold {threshold}"));
    match settings.kind {
        Kind::ZScore => parts.extend(threshold),
        Kind::IsolationForest => parts.push(format!("contamination {}", settings.contamination)),
        Kind::PcaMahalanobis => {
            parts.push(threshold.unwrap_or_else(|| format!("threshold at quantile {}", settings.quantile)));
        }
        Kind::Clusters => {
            let model = match settings.model {
                ClusterModel::KMeans => "k-means",
                ClusterModel::GaussianMixture => "Gaussian mixture",
            };
            parts.push(format!("{} clusters by {model}", settings.clusters));
            parts.extend(threshold);
        }
        Kind::Status => {}
    }
    if settings.kind != Kind::Status && settings.baseline == Baseline::History {
        parts.push(format!("after {} readings", settings.warm_up));
    }
    parts.join(", ")
}

fn decoding(topology: &Topology) -> String {
    let most = write_size(topology.source.max_payload_bytes);
    format!("decodes {} from records of {most} at most", schema(&topology.schema))
}

fn schema(schema: &Schema) -> String {
    let metrics = match schema.metrics.len() {
        1 => "1 metric".into(),
        count => format!("{count} metrics"),
    };
    match &schema.services {
        Services::Any => format!("{metrics} and any services"),
        Services::Named { names, .. } => format!("{metrics} and {} services", names.len()),
    }
}
