//! What touches the outside: files, disks, models. Each edge turns a library or the system into the types of [`crate::flow`]
//! and the traits of [`ports`]; no edge imports another, and no library's type leaves its edge.

pub mod files;
pub mod llm;
pub mod memory;
pub mod outbox;
pub mod ports;
pub mod recorded;
#[cfg(test)]
pub(crate) mod scratch;
pub mod sled;
