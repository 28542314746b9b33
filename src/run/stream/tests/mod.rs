//! A simulated log and disk, with which the protocol is proved: every step fails in every way, and what is committed in
//! the end must be what the batch run gives.
//!
//! ```text
//! worker ─▶ connection ─▶ log (partitions, transactions, group)      faults: which step fails how
//!       └─▶ disk                                                     oracle: the batch run, byte for byte
//! ```

mod advice;
mod connection;
mod counts;
mod crashes;
mod disk;
mod errors;
mod faults;
mod fleet;
mod fuse;
mod group;
mod input;
mod log;
mod mutants;
mod oracle;
mod partition;
mod random;
mod restoration;
mod run;
mod schedules;
mod stops;
mod wire;
mod world;
