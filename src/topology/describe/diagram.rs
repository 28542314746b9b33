//! The topology as a diagram: Mermaid and Graphviz. Names of topics hold no quotes.

use std::fmt::Write;

use super::{Stage, Topic, stages};
use crate::topology::Topology;

/// A Mermaid flowchart.
pub fn mermaid(topology: &Topology) -> String {
    let mut text = String::from("flowchart LR\n");
    let (stages, output) = stages(topology);
    for topic in topics(&stages, output) {
        line(&mut text, format_args!("  {}[(\"{}\")]", topic.role, topic.name));
    }
    for stage in &stages {
        let label = label(stage, "<br/>");
        line(&mut text, format_args!("  {}[\"{label}\"]", stage.name));
    }
    for (from, to, is_aside) in arrows(&stages, output) {
        let arrow = if is_aside { "-.->" } else { "-->" };
        line(&mut text, format_args!("  {from} {arrow} {to}"));
    }
    text
}

/// A Graphviz digraph.
pub fn dot(topology: &Topology) -> String {
    let mut text =
        format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n", topology.name);
    let (stages, output) = stages(topology);
    for topic in topics(&stages, output) {
        line(&mut text, format_args!("  {} [shape=cylinder, label=\"{}\"];", topic.role, topic.name));
    }
    for stage in &stages {
        let label = label(stage, "\\n");
        line(&mut text, format_args!("  {} [shape=box, label=\"{label}\"];", stage.name));
    }
    for (from, to, is_aside) in arrows(&stages, output) {
        let style = if is_aside { " [style=dashed]" } else { "" };
        line(&mut text, format_args!("  {from} -> {to}{style};"));
    }
    text.push_str("}\n");
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes every text");
}

fn label(stage: &Stage<'_>, newline: &str) -> String {
    format!("{}{newline}{}", stage.name, stage.does.join(newline))
}

/// Every topic once, in the order data flows.
fn topics<'a>(stages: &[Stage<'a>], output: Topic<'a>) -> Vec<Topic<'a>> {
    let mut topics: Vec<Topic<'a>> = Vec::new();
    let all = stages.iter().flat_map(|stage| std::iter::once(stage.reads).chain(stage.aside.iter().copied()));
    for topic in all.chain([output]) {
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    topics
}

/// From, to, and whether it leads aside.
fn arrows(stages: &[Stage<'_>], output: Topic<'_>) -> Vec<(&'static str, &'static str, bool)> {
    let mut arrows = Vec::new();
    let next = stages.iter().skip(1).map(|stage| stage.reads.role).chain([output.role]);
    for (stage, next) in stages.iter().zip(next) {
        arrows.push((stage.reads.role, stage.name, false));
        arrows.extend(stage.aside.iter().map(|topic| (stage.name, topic.role, true)));
        arrows.push((stage.name, next, false));
    }
    arrows
}
