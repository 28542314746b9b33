//! One binary for all tests that see the project from outside: linking is slow.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod advice;
mod architecture;
mod bad_input;
mod browser;
mod calibration;
mod commands;
mod dependencies;
mod deploy;
mod docs;
mod feedback;
mod fuzz;
mod golden;
mod grafana;
mod inputs;
mod kafka;
mod predecessor;
mod real_model;
mod resume;
mod same_flow;
mod silence;
mod support;
