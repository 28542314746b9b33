//! Joins flow and edges: a replay over files, and the stream next to Kafka.

pub mod advise;
pub mod audit;
pub mod notify;
pub mod replay;
pub mod screen;
pub mod stream;
pub mod topic;

pub use replay::{Ended, Replay, ReplaySettings, RunError};
