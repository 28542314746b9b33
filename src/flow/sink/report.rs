//! The report: what leaves the system for one window. The predecessor's `FinalReport` with more fields.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flow::detect::Severity;
use crate::flow::feedback::Marked;
use crate::flow::incident::State;

/// A report as JSON has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The window's end: reports are a function of the input. RFC 3339.
    pub timestamp: String,
    /// Whose window it is.
    pub entity: String,
    /// The window.
    pub window: Span,
    /// Over the readings with an anomaly.
    pub insights: Insights,
    /// Everything found, by detector in the topology's order.
    pub anomalies: Vec<Finding>,
    /// Detectors that have seen too little to judge by history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warming_up: Vec<WarmingUp>,
    /// What to do.
    pub recommendations: Vec<Recommendation>,
    /// Where the recommendations come from; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// The incident that the window belongs to, where the topology groups them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// What people said of earlier incidents of the entity, where an incident opens; the last last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<Marked>,
    /// Services by status, over the readings with an anomaly; sorted.
    pub service_status_summary: StatusSummary,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// RFC 3339.
    pub start: String,
    /// RFC 3339.
    pub end: String,
    /// How many readings it has.
    pub readings: u64,
}

/// The predecessor's five numbers: 0 where nothing was found, null where the topology has no such metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Insights {
    /// Mean of `latency_ms`.
    pub average_latency_ms: Option<f64>,
    /// Greatest `cpu_usage`.
    pub max_cpu_usage: Option<f64>,
    /// Greatest `memory_usage`.
    pub max_memory_usage: Option<f64>,
    /// Mean of `error_rate`.
    pub error_rate: Option<f64>,
    /// Greatest `uptime_seconds`.
    pub uptime_seconds: Option<i64>,
}

/// One anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A metric, `service_status.NAME`, or a pattern.
    pub metric: String,
    /// The value judged.
    pub value: f64,
    /// The value from which it is an anomaly.
    pub threshold: Option<f64>,
    /// How bad it is.
    pub severity: Severity,
    /// For people.
    pub description: String,
    /// The reading's time, RFC 3339.
    pub timestamp: String,
    /// The reading's entity.
    pub entity: String,
    /// Which detector found it.
    pub detector: String,
    /// How unusual it is, in [0, 1].
    pub score: f64,
    /// What would have been normal.
    pub expected: Option<Expected>,
    /// Which metrics have how much to do with it; shares add up to 1.
    pub contributions: Vec<Contribution>,
}

/// A band of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// One metric's part in an anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contribution {
    /// The metric.
    pub metric: String,
    /// In [0, 1].
    pub share: f64,
}

/// A detector that still learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarmingUp {
    /// Which.
    pub detector: String,
    /// The share of its warm-up that is done, in [0, 1).
    pub confidence: f64,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// Unique within the report.
    pub id: String,
    /// What to do.
    pub action: String,
    /// With what: the entity, or one of its services.
    pub target: String,
    /// How, by name.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// What it brings.
    pub benefit_estimate: String,
}

/// Where recommendations come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Advice {
    /// Who gave them.
    pub source: AdviceSource,
    /// The model, of an LLM's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why they come from there.
    pub reason: String,
}

/// Who gives recommendations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdviceSource {
    /// A language model.
    Llm,
    /// A language model, earlier, for a like incident.
    Cache,
    /// The runbook.
    Rules,
}

/// The incident a window belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The same in all reports of the incident.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// When it was opened, RFC 3339.
    pub since: String,
}

/// Services by status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusSummary {
    /// Said to be online at least once.
    pub online: Vec<String>,
    /// Said to be degraded at least once.
    pub degraded: Vec<String>,
    /// Said to be offline at least once.
    pub offline: Vec<String>,
}

impl Report {
    /// The report as one line of JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a report is plain data with text keys")
    }
}
