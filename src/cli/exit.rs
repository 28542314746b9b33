//! How a command ends.

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

/// What is said to the shell. Whatever went wrong has been printed by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Done,
    /// Something failed at run time.
    Failed,
    /// The arguments do not go together.
    Usage,
    /// `--fail-on`: something that bad was found.
    Found,
    /// The input holds no usable record.
    NoUsableRecord,
    /// The configuration or topology is wrong.
    Configuration,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Found => 3,
            Exit::NoUsableRecord => 65,
            Exit::Configuration => 78,
        })
    }

    /// Says what failed, with its causes.
    pub fn failed(error: &dyn Error) -> Exit {
        say(error);
        Exit::Failed
    }

    /// Says what is wrong with the arguments.
    pub fn usage(message: &dyn Display) -> Exit {
        eprintln!("tidewatch: {message}");
        Exit::Usage
    }

    /// Says what is wrong with the configuration.
    pub fn configuration(message: &dyn Display) -> Exit {
        eprintln!("tidewatch: {message}");
        Exit::Configuration
    }
}

fn say(error: &dyn Error) {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    eprintln!("tidewatch: {message}");
}
