//! The command line: a file per subcommand.

mod advice;
mod audit;
mod backtest;
mod completions;
mod consume;
mod demo;
mod doctor;
mod exit;
mod feedback;
mod generate;
mod kafka;
mod logs;
mod page;
mod produce;
mod progress;
mod replay;
mod reset;
mod run;
mod schema;
mod settings;
mod state;
mod suggest;
mod table;
mod topology;
mod when;

use clap::{Args, Parser, Subcommand};

pub use exit::Exit;

/// Watches the metrics of a fleet, finds anomalies, says why, and recommends what to do.
#[derive(Debug, Parser)]
#[command(name = "tidewatch", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logs: logs::LogFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the topology over files, in memory, and print what it found
    #[command(visible_alias = "batch")]
    Replay(replay::ReplayFlags),
    /// Run the topology next to Kafka, as a member of its consumer group
    #[command(visible_alias = "stream")]
    Run(run::RunFlags),
    /// Replay labelled history and score the detectors
    Backtest(backtest::BacktestFlags),
    /// Show the topology at work on a simulated fleet: needs no Kafka and no file
    Demo(demo::DemoFlags),
    /// Write a simulated fleet to stdout
    Generate(generate::GenerateFlags),
    /// Send a file of readings to the input topic
    Produce(produce::ProduceFlags),
    /// Tell a running application what people think of its findings
    Feedback(feedback::FeedbackFlags),
    /// Print what comes out, read-committed
    Consume(consume::ConsumeFlags),
    /// Prove exactly-once: replay what Kafka holds of the input and compare it with the findings
    Audit(audit::AuditFlags),
    /// Check brokers, topics, rights and state, and say what to do
    Doctor(doctor::DoctorFlags),
    /// Forget an application's progress and what it has learned
    Reset(reset::ResetFlags),
    /// Check or describe a topology
    Topology(topology::TopologyFlags),
    /// Print the JSON Schema of a reading, a report or a topology
    Schema(schema::SchemaFlags),
    /// Look into a state directory
    State(state::StateFlags),
    /// Print shell completions
    Completions(completions::CompletionsFlags),
}

/// Which topology, and what of it is set otherwise.
#[derive(Clone, Debug, Args)]
pub struct TopologyChoice {
    /// A topology file, or the name of a built-in one: infrastructure, minimal, whole-file, message, telegraf, influx, collectd, otlp,
    /// prometheus, mapped
    #[arg(long, value_name = "FILE|NAME")]
    topology: Option<String>,
    /// Set any topology key, e.g. window.size=1h or detect.0.threshold=3
    #[arg(long = "set", value_name = "PATH=VALUE")]
    overrides: Vec<String>,
    /// Keep only the detectors of this kind
    #[arg(long, value_name = "KIND")]
    detector: Option<String>,
    /// The threshold of all detectors, in their own units
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// The share of readings that isolation-forest expects to be anomalous
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    contamination: Option<f64>,
}

/// Does what the arguments say.
pub fn run(arguments: &Arguments) -> Exit {
    let settings = match settings::Environment::read() {
        Ok(settings) => settings,
        Err(problem) => return Exit::configuration(&problem),
    };
    if let Err(problem) = logs::start(&arguments.logs, &settings) {
        return Exit::configuration(&problem);
    }
    match &arguments.command {
        Command::Replay(flags) => replay::run(flags, &settings),
        Command::Run(flags) => run::run(flags, &settings),
        Command::Backtest(flags) => backtest::run(flags, &settings),
        Command::Demo(flags) => demo::run(flags, &settings),
        Command::Generate(flags) => generate::run(flags),
        Command::Produce(flags) => produce::run(flags, &settings),
        Command::Feedback(flags) => feedback::run(flags, &settings),
        Command::Consume(flags) => consume::run(flags, &settings),
        Command::Audit(flags) => audit::run(flags, &settings),
        Command::Doctor(flags) => doctor::run(flags, &settings),
        Command::Reset(flags) => reset::run(flags, &settings),
        Command::Topology(flags) => topology::run(flags, &settings),
        Command::Schema(flags) => schema::run(flags, &settings),
        Command::State(flags) => state::run(flags, &settings),
        Command::Completions(flags) => completions::run(flags),
    }
}
