//! `tidewatch state list|show|verify`: looks into a state directory, of a replay or of a stream.

mod stream;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::kafka::{self, KafkaFlags};
use super::settings::{self, Environment};
use super::{Exit, TopologyChoice, replay};
use crate::edge::ports::{Store, StoreError};
use crate::edge::sled::Sled;
use crate::flow::advise::memory::{ANSWERS, ENTITIES};
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::chain::Chain;
use crate::flow::detection::{ALERTS, COUNTERS, HEEDED, IDLE_MARKS, Keeping};
use crate::flow::silence::HEARD;
use crate::run::replay::state::{Footer, open_state, restore};
use crate::run::{ReplaySettings, RunError};
use crate::topology::Topology;

/// The flags of `state`.
#[derive(Debug, Args)]
pub(super) struct StateFlags {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Whose state it is, how far it has come, and how large its tables are
    List {
        /// The state directory
        dir: PathBuf,
        #[command(flatten)]
        choice: TopologyChoice,
    },
    /// What was learned of an entity
    Show {
        /// The state directory
        dir: PathBuf,
        /// The entity
        entity: String,
        #[command(flatten)]
        choice: TopologyChoice,
    },
    /// Whether every row can be read by the topology it belongs to
    Verify {
        /// The state directory
        dir: PathBuf,
        #[command(flatten)]
        choice: TopologyChoice,
        #[command(flatten)]
        kafka: KafkaFlags,
        /// Compare it with the changelog as well, for the state directory of `run`
        #[arg(long)]
        changelog: bool,
    },
}

/// Looks.
pub(super) fn run(flags: &StateFlags, environment: &Environment) -> Exit {
    let (Action::List { dir, choice }
    | Action::Show { dir, choice, .. }
    | Action::Verify { dir, choice, .. }) = &flags.action;
    let topology = match settings::load(choice, environment) {
        Ok(topology) => topology,
        Err(problem) => return Exit::configuration(&problem),
    };
    if !dir.join("format").is_file() {
        return Exit::usage(&format!(
            "{} is no state directory: there is no format file in it",
            dir.display()
        ));
    }
    let opened = match Sled::open(dir) {
        Ok(opened) => opened,
        Err(error @ (StoreError::Locked { .. } | StoreError::Newer { .. })) => {
            return Exit::configuration(&error);
        }
        Err(error) => return Exit::failed(&error),
    };
    if !opened.store.tasks().is_empty() {
        return look_at_stream(&flags.action, &opened.store, &topology, environment);
    }
    drop(opened);
    let looked = match &flags.action {
        Action::List { .. } => list(dir, &topology),
        Action::Show { entity, .. } => show(dir, entity, &topology),
        Action::Verify { .. } => verify(dir, &topology),
    };
    match looked {
        Ok(text) => replay::print(text.as_bytes()),
        Err(error @ RunError::OtherTopology { .. }) => Exit::configuration(&error),
        Err(error) => Exit::failed(&error),
    }
}

fn look_at_stream(action: &Action, store: &Sled, topology: &Topology, environment: &Environment) -> Exit {
    let looked = match action {
        Action::List { .. } => stream::list(store, topology).map(|text| (text, true)),
        Action::Show { entity, .. } => stream::show(store, entity, topology).map(|text| (text, true)),
        Action::Verify { dir, kafka, changelog, .. } => {
            let kafka = match changelog.then(|| kafka::settings(kafka, environment, &topology.kafka_client)) {
                Some(Err(problem)) => return Exit::configuration(&problem),
                Some(Ok(kafka)) => Some(kafka),
                None => None,
            };
            stream::verify(store, dir, topology, kafka.as_ref())
        }
    };
    match looked {
        Ok((text, true)) => replay::print(text.as_bytes()),
        Ok((text, false)) => {
            replay::print(text.as_bytes());
            Exit::Failed
        }
        Err(error) => Exit::failed(&error),
    }
}

/// The names of tables, by their number.
fn table_name(topology: &Topology, table: u8) -> String {
    match table {
        0 => "windows".to_owned(),
        1 => "incidents".to_owned(),
        COUNTERS => "counters".to_owned(),
        ANSWERS => "advise answers".to_owned(),
        ENTITIES => "advise incidents".to_owned(),
        HEEDED => "feedback".to_owned(),
        HEARD => "heard".to_owned(),
        ALERTS => "alerts".to_owned(),
        IDLE_MARKS => "idle marks".to_owned(),
        other => match topology.detectors.get(usize::from(other) - 2) {
            Some(settings) => format!("detect.{} {}", other - 2, settings.kind.name()),
            None => format!("table {other}"),
        },
    }
}

fn opened(dir: &Path) -> Result<(Sled, Footer), RunError> {
    let (store, footer) = open_state(dir)?;
    let footer = footer.ok_or_else(|| RunError::Unreadable { path: dir.to_owned() })?;
    Ok((store, footer))
}

fn list(dir: &Path, topology: &Topology) -> Result<String, RunError> {
    let (store, footer) = opened(dir)?;
    let mut tables: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    store.rows(&mut |table, key, row| {
        let (rows, bytes) = tables.entry(table).or_default();
        *rows += 1;
        *bytes += (key.len() + row.len()) as u64;
    })?;
    let mut text = format!(
        "application {}, topology {}\nepochs      {}\nrecords     {} read, from {} to be read again\n",
        footer.name,
        footer.topology,
        footer.sequence,
        footer.progress.next().0,
        footer.progress.replay_from().0
    );
    for input in footer.progress.inputs() {
        let _ = writeln!(text, "input       {}", input.path);
    }
    for (table, (rows, bytes)) in tables {
        let _ = writeln!(text, "{:<28} {rows:>9} rows {bytes:>12} bytes", table_name(topology, table));
    }
    Ok(text)
}

fn show(dir: &Path, entity: &str, topology: &Topology) -> Result<String, RunError> {
    let (store, footer) = opened(dir)?;
    let mut rows = Vec::new();
    store.rows(&mut |table, key, row| {
        if key == entity.as_bytes() {
            rows.push((table, row.to_vec()));
        }
    })?;
    if rows.is_empty() {
        return Ok(format!("nothing was learned of {entity}\n"));
    }
    restored(dir, &store, &footer, topology)?;
    let mut text = String::new();
    for (table, row) in rows {
        let _ = writeln!(text, "{:<28} {:>9} bytes", table_name(topology, table), row.len());
    }
    Ok(text)
}

fn verify(dir: &Path, topology: &Topology) -> Result<String, RunError> {
    let (store, footer) = opened(dir)?;
    restored(dir, &store, &footer, topology)?;
    Ok(format!("state in {} is fine: every row belongs to topology {}\n", dir.display(), topology.name))
}

/// The flow with all that was learned: fails where a row cannot be read.
fn restored(dir: &Path, store: &Sled, footer: &Footer, topology: &Topology) -> Result<Chain, RunError> {
    let settings = ReplaySettings {
        name: topology.name.clone(),
        topology: topology.fingerprint(),
        detection: topology.detection(false, Keeping::Everything),
        advise: AdviseSettings::runbook(topology.advise.enabled),
        files: Vec::new(),
        state: None,
        out: None,
        leave_open: true,
        commit_every_records: 1,
    };
    let mut flow = Chain::new(&settings.detection, settings.advise.clone());
    restore(&settings, dir, store, footer, &mut flow)?;
    Ok(flow)
}
