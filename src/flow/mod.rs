//! Records in, epochs out: pure, deterministic, and unable to fail.
//!
//! A [`Flow`] is one sub-topology. What one step of it changes at once (outputs, learned rows, input position) is
//! one value, the [`Epoch`], so that whoever drives the flow can make the step true atomically or not at all.

pub mod detect;
pub mod incident;
pub mod model;
pub mod record;
pub mod source;
pub mod time;
pub mod window;

/// A row that an epoch changes: `None` deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which table the row is in.
    pub table: u8,
    /// The row's key within the table.
    pub key: Vec<u8>,
    /// The row's new bytes.
    pub row: Option<Vec<u8>>,
}
