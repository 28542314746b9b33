//! Grouping findings of one entity into incidents.

/// The `[incident]` of a topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentSettings {
    /// An incident is resolved by the first quiet window that ends this long after its last finding.
    pub resolve_after_ms: i64,
    /// A finding this soon after an incident was resolved reopens it instead of opening another.
    pub reopen_within_ms: i64,
}
