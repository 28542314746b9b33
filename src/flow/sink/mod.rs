//! What leaves: reports and scores as bytes.

pub mod findings;
pub mod refused;
pub mod report;
pub mod scores;
