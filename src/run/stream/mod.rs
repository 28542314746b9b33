//! The stream next to Kafka: workers, tasks, commits and restores.
//!
//! ```text
//! poll ─▶ task.take ─▶ flow ─▶ epochs kept ─▶ commit: outputs, rows, footers, positions in one transaction ─▶ store
//!   ├▶ questions of flows to the advisor, answers back: nobody waits, and what waits for one is not passed
//!   └▶ rebalance ─▶ assigned: ask the group, restore, refill, live
//!                   revoked:  commit, let go        lost: let go
//! ```
//!
//! Nothing here names Kafka or sled: a worker runs on whatever keeps the promises of [`crate::edge::ports`], which is how
//! tests let a simulated log fail at every step.

mod asking;
mod blueprint;
mod commit;
pub mod digest;
pub mod footer;
mod quiet;
pub mod restore;
mod restoring;
mod rules;
mod sending;
mod starting;
mod stop;
mod task;
#[cfg(test)]
mod tests;
mod turns;
mod worker;

pub use blueprint::{BelowRetention, Blueprint, Pace};
pub use stop::Stop;
pub use worker::Worker;
