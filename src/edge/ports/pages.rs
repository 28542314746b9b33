//! What the HTTP server shows.

/// Answers those who look from outside.
pub trait Pages: Send + Sync {
    /// Whether new readings are taken; if not, why not.
    fn ready(&self) -> Result<(), String>;
    /// The metrics, in Prometheus's text format.
    fn metrics(&self) -> String;
}
