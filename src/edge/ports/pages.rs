//! What the HTTP server shows.

/// Answers those who look from outside.
pub trait Pages: Send + Sync {
    /// Whether new readings are taken; if not, why not.
    fn ready(&self) -> Result<(), String>;
    /// The metrics, in Prometheus's text format.
    fn metrics(&self) -> String;
    /// The fleet and the pipeline as JSON: all of it when `since` is 0, else what changed after that version. And the version.
    fn changes(&self, since: u64) -> (u64, String);
    /// Everything about an incident, as JSON.
    fn incident(&self, id: &str) -> Option<String>;
    /// Everything about an entity, as JSON.
    fn entity(&self, name: &str) -> Option<String>;
    /// Takes feedback, one object of it.
    fn hear(&self, object: &[u8]) -> Result<(), Unheard>;
    /// Takes note of a visit.
    fn visit(&self, visit: Visit);
}

/// Why feedback was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// It cannot be used.
    Wrong(String),
    /// Nobody can take it now.
    Away(String),
    /// Nobody takes any.
    Nobody,
}

/// What happens with those who look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// A viewer follows the page.
    Came,
    /// A viewer no longer follows.
    Left,
    /// A connection or viewer more than there may be was turned away.
    Refused,
    /// A connection that neither read nor sent anything was closed.
    Stalled,
}
