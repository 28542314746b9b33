//! `tidewatch replay FILE…`: the topology over files, in memory.

mod from_topic;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::advice::{self, AdviceFlags};
use super::kafka::KafkaFlags;
use super::progress::Progress;
use super::settings::{self, Environment};
use super::{Exit, TopologyChoice};
use crate::edge::ports::StoreError;
use crate::flow::Counts;
use crate::flow::detect::Severity;
use crate::flow::detection::{DetectionSettings, Keeping};
use crate::flow::record::Reason;
use crate::run::{Ended, Replay, ReplaySettings, RunError};
use watch::Watch;

/// Records an epoch has at most, unless set: a commit costs milliseconds.
const COMMIT_EVERY_RECORDS: u64 = 200_000;

/// The flags of `replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayFlags {
    /// Files of readings: JSON array, {"data": […]}, NDJSON or CSV; - is standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["input", "from_topic"])]
    files: Vec<PathBuf>,
    /// The same, as the predecessor had it
    #[arg(long, value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Read what Kafka still holds of this topic instead of files: read-committed, nothing is committed
    #[arg(long, value_name = "TOPIC", conflicts_with_all = ["files", "input", "state"])]
    from_topic: Option<String>,
    /// Where to begin in the topic: beginning, a span such as 24h, or a time such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "WHEN", requires = "from_topic", default_value = "beginning")]
    since: String,
    /// Where to end
    #[arg(long, value_name = "WHEN", requires = "from_topic", default_value = "now")]
    until: String,
    /// Some partitions of the topic only
    #[arg(long, value_name = "N", requires = "from_topic")]
    partition: Vec<u32>,
    #[command(flatten)]
    kafka: KafkaFlags,
    #[command(flatten)]
    choice: TopologyChoice,
    /// Keep what is learned here, and go on where the last run ended
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Write report.html, reports.ndjson, rejected.ndjson, late.ndjson and summary.json here
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write scores.csv to --out as well: a row for every judged value
    #[arg(long, requires = "out")]
    scores: bool,
    /// Show the live page there while the replay runs, e.g. 127.0.0.1:8600
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    advice: AdviceFlags,
    /// Leave windows open at the end of the input, as a stream would
    #[arg(long)]
    leave_open: bool,
    /// Exit with 3 when something at least this severe was found
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// Commit to the state directory after so many records
    #[arg(long, value_name = "RECORDS", default_value_t = COMMIT_EVERY_RECORDS, hide = true)]
    commit_every: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One report a line
    Ndjson,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailOn {
    Low,
    Medium,
    High,
}

/// Replays.
pub(super) fn run(flags: &ReplayFlags, environment: &Environment) -> Exit {
    let topology = match settings::load(&flags.choice, environment) {
        Ok(topology) => topology,
        Err(problem) => return Exit::configuration(&problem),
    };
    let mut adviser = match advice::prepare(&topology, &flags.choice, &flags.advice, environment) {
        Ok(adviser) => adviser,
        Err(problem) => return Exit::configuration(&problem),
    };
    let mut advisor = adviser.advisor.take();
    let state = flags.state.clone().or_else(|| environment.get("TIDEWATCH_STATE").map(PathBuf::from));
    let state = state.filter(|_| flags.from_topic.is_none());
    // The next run may not have this one's files to learn from again.
    let keeping = if state.is_some() { Keeping::Everything } else { Keeping::Nothing };
    let routed = flags.from_topic.as_ref().is_some_and(|topic| *topic == topology.sink.readings);
    let settings = ReplaySettings {
        name: topology.name.clone(),
        topology: topology.fingerprint(),
        detection: DetectionSettings {
            glances: flags.out.is_some() || flags.listen.is_some(),
            ..if routed {
                topology.detection_of_routed(flags.scores, keeping)
            } else {
                topology.detection(flags.scores, keeping)
            }
        },
        advise: adviser.settings.clone(),
        files: flags.files.iter().chain(&flags.input).cloned().collect(),
        state,
        out: flags.out.clone(),
        leave_open: flags.leave_open,
        commit_every_records: flags.commit_every.max(1),
    };
    let mut watch = match Watch::new(flags, &topology, settings.advise.enabled) {
        Ok(watch) => watch,
        Err(exit) => return exit,
    };
    if let Some(topic) = &flags.from_topic {
        return match from_topic::input(flags, environment, &topology, topic) {
            Ok(input) => from_topic::run(flags, &input, &settings, advisor.as_deref_mut(), watch),
            Err(problem) => Exit::configuration(&problem),
        };
    }
    let replay = match Replay::open(settings, advisor) {
        Ok(replay) => replay,
        Err(error) => return refused(&error),
    };
    watch.progress = Some(Progress::new(&replay));
    let ended = replay.run(&mut |epoch, replay| watch.see(epoch, replay));
    watch.progress.iter().for_each(Progress::finish);
    if let Some(counted) = adviser.counted() {
        tracing::info!(?counted, "a model was asked");
    }
    match ended {
        Ok(ended) => conclude(flags, watch, &ended),
        // Whoever reads our output has seen enough.
        Err(RunError::Observer(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => refused(&error),
    }
}

fn refused(error: &RunError) -> Exit {
    match error {
        RunError::OtherTopology { .. } | RunError::Store(StoreError::Newer { .. }) => {
            Exit::configuration(error)
        }
        other => Exit::failed(other),
    }
}

fn conclude(flags: &ReplayFlags, watch: Watch, ended: &Ended) -> Exit {
    let Watch { table, fleet, .. } = watch;
    for broken in &ended.broken {
        tracing::warn!("{broken}; what came before was used");
    }
    let hint = hint(&ended.counts);
    let worst = table.worst();
    if let Some(dir) = &flags.out {
        let summary = summary(ended, hint);
        let page = fleet.map(|fleet| fleet.report_html(ended.resumed)).unwrap_or_default();
        for (name, content) in [("summary.json", format!("{summary:#}\n")), ("report.html", page)] {
            if let Err(error) = std::fs::write(dir.join(name), content) {
                return Exit::failed(&error);
            }
        }
    }
    if ended.counts.windowed + ended.counts.late == 0 && !ended.resumed {
        eprintln!("tidewatch: no usable record in the input: {}", why(&ended.counts, flags.out.is_some()));
        return Exit::NoUsableRecord;
    }
    match flags.format {
        Format::Table => {
            if print(table.text(&ended.counts, hint).as_bytes()) == Exit::Failed {
                return Exit::Failed;
            }
        }
        Format::Ndjson => {
            if let Some(hint) = hint {
                tracing::warn!("{hint}");
            }
        }
    }
    let limit = flags.fail_on.map(|limit| match limit {
        FailOn::Low => Severity::Low,
        FailOn::Medium => Severity::Medium,
        FailOn::High => Severity::High,
    });
    if limit.is_some_and(|limit| worst >= Some(limit)) { Exit::Found } else { Exit::Done }
}

/// What became of an input of which nothing could be used, and where to see it.
fn why(counts: &Counts, is_written: bool) -> String {
    let reasons = Reason::ALL.iter().zip(counts.rejected).filter(|(_, count)| *count > 0);
    let reasons: Vec<String> = reasons.map(|(reason, count)| format!("{} {count}", reason.label())).collect();
    match (reasons.is_empty(), is_written) {
        (true, _) => "it holds no record".to_owned(),
        (false, true) => {
            format!("rejected: {}; rejected.ndjson has each with its reason", reasons.join(", "))
        }
        (false, false) => format!("rejected: {}; --out DIR writes each with its reason", reasons.join(", ")),
    }
}

/// What to do when many readings were late although each entity's came in order.
fn hint(counts: &Counts) -> Option<&'static str> {
    let grouped = counts.late_in_own_order * 2 > counts.late && counts.late * 20 > counts.windowed;
    grouped.then_some(
        "The late readings are in order for each entity: the input seems to be sorted by entity first. \
         Read it with --set window.time=entity",
    )
}

/// `summary.json`: what became of the input; no time of day, so that the same input gives the same bytes.
fn summary(ended: &Ended, hint: Option<&str>) -> serde_json::Value {
    let counts = &ended.counts;
    let rejected: serde_json::Map<String, serde_json::Value> = Reason::ALL
        .iter()
        .zip(counts.rejected)
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| (reason.label().to_owned(), json!(count)))
        .collect();
    let [low, medium, high] = counts.anomalies_by_severity();
    json!({
        "records": counts.records,
        "readings": {"windowed": counts.windowed, "late": counts.late, "rejected": counts.rejected_in_all()},
        "rejected_by_reason": rejected,
        "windows": {"opened": counts.opened, "closed": counts.closed, "while_learning": counts.learning},
        "findings": counts.findings,
        "anomalies": {"low": low, "medium": medium, "high": high},
        "incidents": counts.incidents,
        "advice": {
            "llm": counts.advice.llm, "cache": counts.advice.cache, "rules": counts.advice.rules,
            "failed": counts.advice.failed, "calls": counts.advice.usage.calls,
            "tokens": {"in": counts.advice.usage.tokens_in, "out": counts.advice.usage.tokens_out},
        },
        "broken": ended.broken.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "hint": hint,
    })
}

/// Writes to stdout; a reader that has seen enough is no failure.
pub(super) fn print(bytes: &[u8]) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => Exit::failed(&error),
    }
}

/// Whether progress can be shown.
pub(super) fn stderr_is_a_terminal() -> bool {
    io::stderr().is_terminal()
}
