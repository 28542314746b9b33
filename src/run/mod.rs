//! Joins flow and edges: a replay over files, and the stream next to Kafka.

pub mod advise;
pub mod replay;
pub mod stream;

pub use replay::{Ended, Replay, ReplaySettings, RunError};
