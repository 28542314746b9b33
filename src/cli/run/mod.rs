//! `tidewatch run`: the topology as a member of its consumer group, next to Kafka.

pub(super) mod receivers;
mod start;
pub(super) mod topics;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

use super::advice;
use super::kafka::{self, KafkaFlags};
use super::settings::{self, Environment, Problem};
use super::{Exit, TopologyChoice, feedback, page};
use crate::edge::http::Server;
use crate::edge::kafka::KafkaSettings;
use crate::edge::llm::Llm;
use crate::edge::metrics::Metrics;
use crate::edge::ports::StoreError;
use crate::edge::web::Key;
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::window::settings::{TimeScope, WindowKind};
use crate::run::screen::Screen;
use crate::topology::Topology;
use workers::{Ended, Stopping};

/// Whoever stops the program waits no longer than this for the last commit.
const LAST_COMMIT: Duration = Duration::from_millis(4500);

/// Signals this close to the first one are the same wish to stop.
const ONE_WISH: Duration = Duration::from_millis(200);

/// The flags of `run`.
#[derive(Debug, Args)]
pub(super) struct RunFlags {
    #[command(flatten)]
    choice: TopologyChoice,
    #[command(flatten)]
    kafka: KafkaFlags,
    /// Threads that read, judge and commit; partitions are spread over those of all instances
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Keep what is learned here, and the name of this instance [default: state/<name of the topology>]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Give no recommendations: findings are all that leaves
    #[arg(long)]
    no_advice: bool,
    /// Where to answer HTTP: the live page at /, /livez, /readyz, /metrics
    #[arg(long, value_name = "ADDRESS", default_value = page::LISTEN)]
    listen: String,
    /// The most time between two commits, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    commit_every: u64,
}

/// What a run is made of.
struct Plan {
    topology: Topology,
    kafka: KafkaSettings,
    workers: u16,
    state: PathBuf,
    advise: AdviseSettings,
    /// Who is asked, if a model is configured.
    model: Option<Llm>,
    commit_every: Duration,
    /// Who is told of incidents.
    told: Vec<receivers::Told>,
    /// What those have to know who give feedback on the page.
    token: Option<Key>,
}

/// Runs until it is stopped.
pub(super) fn run(flags: &RunFlags, environment: &Environment) -> Exit {
    let plan = match plan(flags, environment) {
        Ok(plan) => plan,
        Err(problem) => return Exit::configuration(&problem),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(serve(plan, &flags.listen));
            // Whoever still reads metrics does not hold up the end.
            runtime.shutdown_background();
            exit
        }
        Err(error) => Exit::failed(&error),
    }
}

fn plan(flags: &RunFlags, environment: &Environment) -> Result<Plan, Problem> {
    let (topology, kafka) = kafka::load(&flags.choice, &flags.kafka, environment)?;
    if topology.window.kind == WindowKind::Whole {
        return Err(Problem(format!(
            "topology {} has windows of kind \"whole\", which never close while readings come: give it another kind, or \
             replay a file",
            topology.name
        )));
    }
    if topology.window.time == TimeScope::Entity {
        return Err(Problem(format!(
            "topology {} has window.time = \"entity\", whose clocks a restart next to Kafka does not bring back exactly: leave it \
             out, or replay a file",
            topology.name
        )));
    }
    let (advise, model) = advice::prepare_run(&topology, &flags.choice, flags.no_advice, environment)?;
    Ok(Plan {
        kafka,
        workers: flags.workers,
        state: settings::state_dir(flags.state.as_ref(), environment, &topology),
        advise,
        model,
        commit_every: Duration::from_millis(flags.commit_every),
        told: receivers::told(&topology, environment)?,
        token: page::token(environment),
        topology,
    })
}

async fn serve(plan: Plan, listen: &str) -> Exit {
    let server = match Server::bind(listen, plan.token.clone()).await {
        Ok(server) => server,
        Err(error) => {
            return Exit::configuration(&page::taken(listen, &error));
        }
    };
    if let Ok(address) = server.address() {
        tracing::info!(%address, "the live page, /livez, /readyz and /metrics");
    }
    let metrics = Arc::new(Metrics::new());
    if let Some(model) = &plan.model {
        metrics.watch_model(model.numbers());
    }
    let state = plan.state.clone();
    metrics.measure_store(Box::new(move || bytes_in(&state)));
    let about = page::about(&plan.topology, "run", plan.advise.enabled);
    let screen = Screen::new(about, &plan.topology.schema, Arc::clone(&metrics));
    screen.listen(feedback::ear(plan.kafka.clone(), plan.topology.clone()));
    let pages = Arc::clone(&screen);
    tokio::spawn(async move {
        if let Err(error) = server.serve(pages).await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    let (mut terminate, mut interrupt) =
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => return Exit::failed(&error),
        };
    let stopping = Arc::new(Stopping::default());
    let mut ended = workers::start(plan, metrics, screen, Arc::clone(&stopping));
    tokio::select! {
        ended = &mut ended => return exit(ended.unwrap_or(Ended::Panicked)),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("asked to stop: committing what is done and leaving the group");
    stopping.ask();
    // Some tools send a signal to a process and to its group, which is one wish.
    let again = async {
        tokio::time::sleep(ONE_WISH).await;
        while terminate.recv().now_or_never().is_some() || interrupt.recv().now_or_never().is_some() {}
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::select! {
        ended = &mut ended => exit(ended.unwrap_or(Ended::Panicked)),
        () = again => now(),
        () = tokio::time::sleep(LAST_COMMIT) => {
            tracing::warn!("the last commit takes too long and is left: it will be done again, nothing is lost");
            Exit::Done
        }
    }
}

/// Bytes of the files in a folder, as far as they can be seen.
fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_in(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(one).sum()
}

fn now() -> Exit {
    tracing::warn!("asked to stop a second time: stopping at once");
    Exit::Failed
}

fn exit(ended: Ended) -> Exit {
    match ended {
        Ended::Stopped => Exit::Done,
        Ended::Refused(message) => Exit::configuration(&message),
        Ended::Store(error @ (StoreError::Locked { .. } | StoreError::Newer { .. })) => {
            Exit::configuration(&error)
        }
        Ended::Store(error) => Exit::failed(&error),
        Ended::Failed(stop) if stop.is_configuration() => Exit::configuration(&stop),
        Ended::Failed(stop) => Exit::failed(&stop),
        Ended::Kafka(error) => Exit::configuration(&error),
        Ended::Panicked => Exit::Failed,
    }
}
