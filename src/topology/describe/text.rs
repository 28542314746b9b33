//! The topology as text for a terminal.

use std::fmt::Write;

use super::stages;
use crate::topology::Topology;

/// What stands below and beside one another, top to bottom.
pub fn text(topology: &Topology) -> String {
    let (stages, output) = stages(topology);
    let mut rows: Vec<(String, String)> = Vec::new();
    for stage in &stages {
        rows.push((stage.reads.name.into(), stage.reads.holds.into()));
        rows.push(("  ▼".into(), String::new()));
        let mut left = stage.name;
        for line in &stage.does {
            rows.push((left.into(), line.clone()));
            left = "  │";
        }
        for topic in &stage.aside {
            rows.push((format!("  ├─▶ {}", topic.name), topic.holds.into()));
        }
        rows.push(("  ▼".into(), String::new()));
    }
    rows.push((output.name.into(), output.holds.into()));
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0) + 2;
    let mut text = format!("{}, fingerprint {}\n\n", topology.name, topology.fingerprint());
    for (left, right) in &rows {
        let line = format!("{left:width$}{right}");
        writeln!(text, "{}", line.trim_end()).expect("a String takes every text");
    }
    text
}
