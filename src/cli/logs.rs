//! Logs to stderr: text for people, JSON for machines.

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::settings::{Environment, Problem};

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The flags of logs, which every command takes.
#[derive(Debug, Args)]
pub(super) struct LogFlags {
    /// The least level to log: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How to write logs
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// Starts logging; called once a process.
pub(super) fn start(flags: &LogFlags, environment: &Environment) -> Result<(), Problem> {
    let level = level(flags, environment)?;
    let format = match flags.log_format {
        Some(format) => format,
        None => match environment.get("TIDEWATCH_LOG_FORMAT") {
            Some(name) => LogFormat::from_str(&name, true)
                .map_err(|_| Problem(format!("TIDEWATCH_LOG_FORMAT is {name}, not text or json")))?,
            None => LogFormat::Text,
        },
    };
    let logs = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => logs.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}

fn level(flags: &LogFlags, environment: &Environment) -> Result<LevelFilter, Problem> {
    let (name, source) = match &flags.log_level {
        Some(name) => (name.clone(), "--log-level"),
        None => match environment.first(&["TIDEWATCH_LOG_LEVEL", "LOG_LEVEL"]) {
            Some((source, name)) => (name, source),
            None => return Ok(LevelFilter::INFO),
        },
    };
    // The names of Python's logging, which the predecessor's users have set.
    match name.to_ascii_lowercase().as_str() {
        "critical" | "fatal" | "error" => Ok(LevelFilter::ERROR),
        "warn" | "warning" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" | "notset" => Ok(LevelFilter::TRACE),
        "off" => Ok(LevelFilter::OFF),
        _ => Err(Problem(format!("{source} is {name}, not one of error, warn, info, debug, trace, off"))),
    }
}
