//! Scoring detectors on labelled history: pure; what it reads and prints is `cli`'s.

pub mod events;
pub mod labels;
pub mod ledger;
pub mod nab;
pub mod page;
