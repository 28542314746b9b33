//! `tidewatch backtest FILE… --labels FILE`: what the detectors of a topology would have been worth.

use std::fmt::Write;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;

use super::settings::{self, Environment};
use super::{Exit, TopologyChoice, replay, suggest};
use crate::backtest::labels::{Labels, Span};
use crate::backtest::ledger::{Ledger, Worth};
use crate::backtest::page::{self, Section};
use crate::flow::Epoch;
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::detection::Keeping;
use crate::flow::record::Role;
use crate::flow::sink::report::Report;
use crate::flow::time::EventTime;
use crate::run::{Replay, ReplaySettings, RunError};
use crate::topology::Topology;

/// The flags of `backtest`.
#[derive(Debug, Args)]
pub(super) struct BacktestFlags {
    /// Files of readings, as replay takes them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What was abnormal: as generate --labels writes it, or windows by file
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    #[command(flatten)]
    choice: TopologyChoice,
    /// Two topologies, side by side
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with = "topology")]
    compare: Vec<String>,
    /// Proposes thresholds at which each detector raises at most so many false alarms an entity and day
    #[arg(long, value_name = "RATE", conflicts_with = "compare", value_parser = rate)]
    suggest: Option<f64>,
    /// Writes the table, and plots of what was missed and of what was false, as one HTML file
    #[arg(long, value_name = "FILE", conflicts_with = "suggest")]
    html: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.0);
    rate.ok_or_else(|| "must be a number of false alarms, 0 or more".to_owned())
}

/// Replays and scores.
pub(super) fn run(flags: &BacktestFlags, environment: &Environment) -> Exit {
    let labels = match std::fs::read_to_string(&flags.labels) {
        Ok(text) => Labels::read(&text),
        Err(error) => Err(format!("read {}: {error}", flags.labels.display())),
    };
    let labels = match labels {
        Ok(labels) => labels,
        Err(message) => return Exit::failed(&std::io::Error::other(message)),
    };
    let choices: Vec<TopologyChoice> = match flags.compare.as_slice() {
        [] => vec![flags.choice.clone()],
        names => names
            .iter()
            .map(|name| TopologyChoice { topology: Some(name.clone()), ..flags.choice.clone() })
            .collect(),
    };
    let mut text = String::new();
    let mut replays: Vec<(String, Scored)> = Vec::new();
    for choice in &choices {
        let topology = match settings::load(choice, environment) {
            Ok(topology) => topology,
            Err(problem) => return Exit::configuration(&problem),
        };
        if let Some(wanted) = flags.suggest {
            match suggest::suggest(&topology, &flags.files, &labels, wanted) {
                Ok(lines) => text += &lines,
                Err(error) => return Exit::failed(&error),
            }
            continue;
        }
        match worth(&topology, &flags.files, &labels) {
            Ok(scored) => {
                text += &table(&topology.name, &scored.worth);
                replays.push((topology.name.clone(), scored));
            }
            Err(error) => return Exit::failed(&error),
        }
    }
    if let Some(path) = &flags.html {
        let sections: Vec<Section<'_>> = (replays.iter())
            .map(|(name, Scored { ledger, worth })| Section { name, ledger, worth })
            .collect();
        let html = page::page(&sections, |entity| spans_of(&labels, &flags.files, entity));
        if let Err(error) = std::fs::write(path, html) {
            return Exit::failed(&std::io::Error::other(format!("write {}: {error}", path.display())));
        }
    }
    replay::print(text.as_bytes())
}

/// What a replay said, and what that was worth.
pub(super) struct Scored {
    pub(super) ledger: Ledger,
    pub(super) worth: Vec<Worth>,
}

/// Labels by file make every file a history of its own, and those are replayed on all cores.
pub(super) fn worth(topology: &Topology, files: &[PathBuf], labels: &Labels) -> Result<Scored, RunError> {
    let jobs: Vec<&[PathBuf]> = match labels {
        Labels::OfEntities(_) => vec![files],
        Labels::OfFiles(_) => files.chunks(1).collect(),
    };
    let mut ledger = Ledger::default();
    for (at, one) in replayed(topology, &jobs)?.into_iter().enumerate() {
        // A name that sorts as the files stand, and from which the file is known again.
        let name = if matches!(labels, Labels::OfFiles(_)) { format!("{at}\n") } else { String::new() };
        ledger.append(&name, one);
    }
    let worth = ledger.worth(|entity| spans_of(labels, files, entity));
    Ok(Scored { ledger, worth })
}

/// The labelled events of an entity, or of the file that its name begins with.
fn spans_of<'a>(labels: &'a Labels, files: &[PathBuf], entity: &str) -> &'a [Span] {
    let spans = match labels {
        Labels::OfEntities(events) => events.get(entity),
        Labels::OfFiles(events) => {
            let at = entity.split_once('\n').and_then(|(at, _)| at.parse::<usize>().ok());
            let path = at.and_then(|at| files.get(at));
            path.and_then(|path| events.iter().find(|(file, _)| path.ends_with(file)).map(|(_, spans)| spans))
        }
    };
    spans.map_or(&[], Vec::as_slice)
}

fn replayed(topology: &Topology, jobs: &[&[PathBuf]]) -> Result<Vec<Ledger>, RunError> {
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(jobs.len());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((at, files)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    jobs.get(at).map(|files| (at, *files))
                } {
                    let ledger = replay_one(topology, files);
                    done.lock().expect("no worker panics while it holds this").push((at, ledger));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panics while it holds this");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, ledger)| ledger).collect()
}

fn replay_one(topology: &Topology, files: &[PathBuf]) -> Result<Ledger, RunError> {
    let settings = ReplaySettings {
        name: topology.name.clone(),
        topology: topology.fingerprint(),
        detection: topology.detection(true, Keeping::Nothing),
        advise: AdviseSettings::runbook(false),
        files: files.to_vec(),
        state: None,
        out: None,
        leave_open: false,
        commit_every_records: 200_000,
    };
    let replay = Replay::open(settings, None)?;
    let mut ledger = Ledger::default();
    replay.run(&mut |epoch, _| {
        note(&mut ledger, epoch);
        Ok(())
    })?;
    Ok(ledger)
}

fn note(ledger: &mut Ledger, epoch: &Epoch) {
    String::from_utf8_lossy(&epoch.scores).lines().for_each(|line| ledger.line(line));
    for output in epoch.outputs.iter().filter(|output| matches!(output.role, Role::Reports | Role::Findings))
    {
        let Ok(report) = serde_json::from_slice::<Report>(&output.value) else { continue };
        for anomaly in &report.anomalies {
            if let Some(time) = EventTime::parse(anomaly.timestamp.as_bytes()) {
                ledger.alarm(&anomaly.detector, &anomaly.entity, time);
            }
        }
    }
}

fn table(name: &str, worth: &[Worth]) -> String {
    let mut text = format!(
        "{name}\n{:18}{:>10}{:>8}{:>7}{:>10}{:>14}   NAB {:>8}{:>8}{:>8}\n",
        "detector", "precision", "recall", "F1", "delay", "false a day", "standard", "low FP", "low FN"
    );
    for Worth { detector, meeting, nab } in worth {
        let delay = meeting.delay_seconds().map_or("-".into(), |seconds| format!("{seconds:.0} s"));
        let [standard, low_fp, low_fn] = nab.map(|result| result.score);
        writeln!(
            text,
            "{detector:18}{:10.3}{:8.3}{:7.3}{delay:>10}{:14.3}       {standard:8.2}{low_fp:8.2}{low_fn:8.2}",
            meeting.precision(),
            meeting.recall(),
            meeting.f1(),
            meeting.false_a_day(),
        )
        .expect("a String takes every text");
    }
    text
}
