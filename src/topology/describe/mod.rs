//! A topology as people look at it: text, diagrams, JSON, always in the order data flows.

mod diagram;
mod json;
mod text;
mod words;

use super::{KeyedBy, Topology};

pub use diagram::{dot, mermaid};
pub use json::json;
pub use text::text;

/// A topic and its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Topic<'a> {
    /// Names the role; the same in every topology.
    role: &'static str,
    name: &'a str,
    holds: &'static str,
}

/// One flow: what it reads, what it does, and what it writes besides what the next one reads.
#[derive(Debug)]
struct Stage<'a> {
    name: &'static str,
    reads: Topic<'a>,
    does: Vec<String>,
    aside: Vec<Topic<'a>>,
}

/// The stages in the order data flows, and the topic at the end.
fn stages(topology: &Topology) -> (Vec<Stage<'_>>, Topic<'_>) {
    let sink = &topology.sink;
    let topic = |role, name, holds| Topic { role, name, holds };
    let rejected = topic("rejected", sink.rejected.as_str(), "what cannot be used, with the reason");
    let late = topic("late", sink.late.as_str(), "readings after their window closed");
    let changelog = topic("changelog", sink.changelog.as_str(), "what was learned");
    let findings =
        topic("findings", sink.findings.as_str(), "reports without recommendations, keyed by entity");
    let reports = if topology.advise.enabled {
        "reports with recommendations, keyed by entity"
    } else {
        findings.holds
    };
    let output = topic("output", sink.topic.as_str(), reports);
    let source = topology.source.topic.as_str();
    let mut stages = Vec::new();
    let judged = match topology.source.keyed_by {
        KeyedBy::Anything => {
            let reads = topic("input", source, "readings, keyed by anything");
            stages.push(Stage { name: "route", reads, does: words::route(topology), aside: vec![rejected] });
            topic("readings", sink.readings.as_str(), "readings, keyed by entity")
        }
        KeyedBy::Entity => topic("input", source, "readings, keyed by entity"),
    };
    let aside = vec![rejected, late, changelog];
    let advised = topic("advise_changelog", sink.advise_changelog.as_str(), "what was advised");
    let advised = topology.advise.enabled.then_some(advised).into_iter().collect();
    stages.push(Stage { name: "detect", reads: judged, does: words::detect(topology), aside });
    stages.push(Stage { name: "advise", reads: findings, does: words::advise(topology), aside: advised });
    (stages, output)
}

#[cfg(test)]
mod tests;
