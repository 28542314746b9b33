//! `tidewatch topology check|describe`.

use clap::{Args, Subcommand, ValueEnum};

use super::settings::{self, Environment};
use super::{Exit, TopologyChoice};
use crate::topology::describe;

/// The flags of `topology`.
#[derive(Debug, Args)]
pub(super) struct TopologyFlags {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say everything that is wrong with it, at once
    Check {
        /// A topology file, or the name of a built-in one
        file: Option<String>,
        #[command(flatten)]
        choice: TopologyChoice,
    },
    /// Show how data flows through it
    Describe {
        /// A topology file, or the name of a built-in one
        file: Option<String>,
        #[command(flatten)]
        choice: TopologyChoice,
        /// As what
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Mermaid,
    Dot,
    Json,
}

/// Checks or describes.
pub(super) fn run(flags: &TopologyFlags, environment: &Environment) -> Exit {
    let (file, choice, format) = match &flags.action {
        Action::Check { file, choice } => (file, choice, None),
        Action::Describe { file, choice, format } => (file, choice, Some(*format)),
    };
    let choice = TopologyChoice { topology: file.clone().or(choice.topology.clone()), ..choice.clone() };
    let topology = match settings::load(&choice, environment) {
        Ok(topology) => topology,
        Err(problem) => return Exit::configuration(&problem),
    };
    // What the topology names beside itself is checked with it.
    if let Err(problem) = super::advice::settings(&topology, &choice, environment) {
        return Exit::configuration(&problem);
    }
    let text = match format {
        None => format!("topology {} is fine\n", topology.name),
        Some(Format::Text) => describe::text(&topology),
        Some(Format::Mermaid) => describe::mermaid(&topology),
        Some(Format::Dot) => describe::dot(&topology),
        Some(Format::Json) => format!("{:#}\n", describe::json(&topology)),
    };
    super::replay::print(text.as_bytes())
}
