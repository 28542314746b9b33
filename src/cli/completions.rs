//! `tidewatch completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Exit};

/// The flags of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsFlags {
    /// For which shell
    shell: Shell,
}

/// Prints the completions to stdout.
pub(super) fn run(flags: &CompletionsFlags) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(flags.shell, &mut Arguments::command(), "tidewatch", &mut text);
    super::replay::print(&text)
}
