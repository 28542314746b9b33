//! What touches the outside: Kafka, files, disks, HTTP, models, the clock. Each edge turns a library or the system into the types of [`crate::flow`]
//! and the traits of [`ports`]; no edge imports another but for [`web`], which two of them share, and no library's type leaves its edge.

pub mod clock;
pub mod files;
pub mod http;
pub mod kafka;
pub mod llm;
pub mod memory;
pub mod metrics;
pub mod notify;
pub mod outbox;
pub mod ports;
pub mod recorded;
#[cfg(test)]
pub(crate) mod scratch;
pub mod sled;
pub mod web;
