//! Gathering readings into windows.

pub mod settings;
