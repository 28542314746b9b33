//! Tidewatch: a stream processor that watches the metrics of a fleet, finds anomalies, says why, recommends what to do,
//! and never loses or repeats a report.
//!
//! The flow is a function; the edges make it true. [`flow`] turns records into an [`flow::Epoch`] and cannot fail;
//! [`edge`] speaks to files and disks; [`run`] joins the two in a loop that fits on one screen. A reading walks
//!
//! ```text
//! edge::files ─▶ flow::source ─▶ flow::window ─▶ flow::detect ─▶ flow::incident ─▶ flow::sink ─▶ flow::advise ─▶ edge
//! ```
//!
//! `src/ARCHITECTURE.md` is the map.

pub mod backtest;
pub mod cli;
pub mod edge;
pub mod flow;
pub mod run;
pub mod simulate;
pub mod topology;
pub mod view;
