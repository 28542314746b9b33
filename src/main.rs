//! The `tidewatch` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    tidewatch::cli::run(&tidewatch::cli::Arguments::parse()).code()
}
