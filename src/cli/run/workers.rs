//! The threads of a run: each with its own member, producer and tasks.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::topics::Roles;
use super::{Plan, start};
use crate::edge::clock::SystemClock;
use crate::edge::kafka::{Kafka, KafkaError, KafkaSettings, Names};
use crate::edge::metrics::Metrics;
use crate::edge::ports::{StoreError, Watch};
use crate::edge::sled::Sled;
use crate::flow::detection::{DetectionSettings, Keeping};
use crate::flow::record::Role;
use crate::flow::task::FlowName;
use crate::run::stream::{BelowRetention, Blueprint, Pace, Stop, Worker};

/// A changelog may lack what was committed for so many times as long as a transaction may stay open.
const OPEN_TRANSACTIONS: u32 = 3;
/// How long a worker may take to leave its group.
const LEAVING: Duration = Duration::from_secs(2);

/// How it ended.
pub(super) enum Ended {
    /// It was asked to.
    Stopped,
    /// The configuration or the cluster does not fit; the message says what to do.
    Refused(String),
    /// The state directory refuses.
    Store(StoreError),
    /// A client could not be made.
    Kafka(KafkaError),
    /// A worker cannot go on.
    Failed(Stop),
    /// A thread panicked, which has been printed.
    Panicked,
}

/// Whether the program was asked to stop.
#[derive(Debug, Default)]
pub(super) struct Stopping {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stopping {
    /// Asks.
    pub(super) fn ask(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether it was asked.
    pub(super) fn is_asked(&self) -> bool {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, or until it is asked; whether it was.
    pub(super) fn wait(&self, long: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(asked, long, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Starts everything on threads of its own; how it ended comes when it does.
pub(super) fn start(
    plan: Plan,
    metrics: Arc<Metrics>,
    watch: Arc<dyn Watch>,
    stopping: Arc<Stopping>,
) -> oneshot::Receiver<Ended> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let ended = run(&plan, &metrics, watch, &stopping);
        // Whoever waited may have given up.
        let _ = tell.send(ended);
    });
    told
}

/// What every worker of a group shares.
struct Crew {
    settings: KafkaSettings,
    blueprint: Arc<Blueprint>,
    store: Arc<Sled>,
    watch: Arc<dyn Watch>,
    stopping: Arc<Stopping>,
}

fn run(plan: &Plan, metrics: &Metrics, watch: Arc<dyn Watch>, stopping: &Arc<Stopping>) -> Ended {
    match prepare(plan, metrics, watch, stopping) {
        Ok(Some((crew, members))) => work(&Arc::new(crew), members),
        Ok(None) => Ended::Stopped,
        Err(ended) => ended,
    }
}

/// Opens what workers need, and names them; `None` when it was asked to stop meanwhile.
fn prepare(
    plan: &Plan,
    metrics: &Metrics,
    watch: Arc<dyn Watch>,
    stopping: &Arc<Stopping>,
) -> Result<Option<(Crew, Vec<Names>)>, Ended> {
    let instance = start::instance(&plan.state).map_err(Ended::Store)?;
    let opened = Sled::open_as_cache(&plan.state).map_err(Ended::Store)?;
    if let Some(aside) = &opened.set_aside {
        tracing::warn!(aside = %aside.display(), "the state directory was damaged and is set aside: restoring from the changelog");
        std::fs::write(plan.state.join("instance"), format!("{instance}\n")).map_err(|source| {
            Ended::Store(StoreError::Other {
                doing: "name the instance in",
                path: plan.state.clone(),
                source,
            })
        })?;
    }
    let roles = Roles::of(&plan.topology, plan.advise);
    let Some(partitions) = start::topics(plan, &roles, stopping)? else { return Ok(None) };
    let members = members(plan, &roles, &instance);
    metrics.expect(members.iter().map(|names| names.member.clone()));
    let crew = Crew {
        settings: plan.kafka.clone(),
        blueprint: Arc::new(blueprint(plan, &roles, partitions)),
        store: Arc::new(opened.store),
        watch,
        stopping: Arc::clone(stopping),
    };
    Ok(Some((crew, members)))
}

fn blueprint(plan: &Plan, roles: &Roles, partitions: u32) -> Blueprint {
    let topology = &plan.topology;
    let keeping = Keeping::Checkpoints { share: topology.stream.changelog_share };
    let mut inputs = roles.inputs();
    inputs.push((FlowName::Advise, roles.findings.clone()));
    Blueprint {
        application: topology.name.clone(),
        topology: topology.fingerprint(),
        detection: DetectionSettings { samples: true, ..topology.detection(false, keeping) },
        inputs,
        partitions,
        pace: Pace {
            commit_every: plan.commit_every,
            changelog_patience: plan.kafka.transaction_timeout() * OPEN_TRANSACTIONS,
            idle: topology.stream.idle_ms.map(|ms| Duration::from_millis(ms as u64)),
            ..Pace::default()
        },
        below_retention: if topology.stream.skip_below_retention {
            BelowRetention::Skip
        } else {
            BelowRetention::Stop
        },
    }
}

/// The members of a run: workers that detect, and one that advises, in a group of its own so that findings never wait.
fn members(plan: &Plan, roles: &Roles, instance: &str) -> Vec<Names> {
    let name = &plan.topology.name;
    let of = |roles_of: &[Role]| -> Vec<(Role, String)> {
        roles.outputs.iter().filter(|(role, _)| roles_of.contains(role)).cloned().collect()
    };
    let mut members: Vec<Names> = (0..plan.workers)
        .map(|worker| Names {
            group: name.clone(),
            member: format!("{name}-{instance}-{worker}"),
            inputs: roles.inputs(),
            outputs: of(&[Role::Readings, Role::Findings, Role::Rejected, Role::Late]),
            changelogs: vec![(FlowName::Detect, roles.changelog.clone())],
        })
        .collect();
    if plan.advise {
        members.push(Names {
            group: format!("{name}-advise"),
            member: format!("{name}-{instance}-advise"),
            inputs: vec![(FlowName::Advise, roles.findings.clone())],
            outputs: of(&[Role::Reports, Role::Rejected]),
            changelogs: Vec::new(),
        });
    }
    members
}

/// Runs all workers; when one cannot go on, the others stop too.
fn work(crew: &Arc<Crew>, members: Vec<Names>) -> Ended {
    let threads: Vec<_> = members
        .into_iter()
        .map(|names| {
            let crew = Arc::clone(crew);
            thread::Builder::new().name(names.member.clone()).spawn(move || {
                let ended = one(&crew, names);
                crew.stopping.ask();
                ended
            })
        })
        .collect();
    let mut worst = Ended::Stopped;
    for thread in threads {
        let ended = match thread.map(thread::JoinHandle::join) {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) => Ended::Panicked,
            Err(source) => {
                crew.stopping.ask();
                Ended::Refused(format!("start a worker's thread: {source}"))
            }
        };
        if matches!(worst, Ended::Stopped) {
            worst = ended;
        }
    }
    worst
}

fn one(crew: &Crew, names: Names) -> Ended {
    let name = names.member.clone();
    let kafka = match Kafka::join(&crew.settings, names) {
        Ok(kafka) => kafka,
        Err(error) => return Ended::Kafka(error),
    };
    let (store, blueprint) = (Arc::clone(&crew.store), Arc::clone(&crew.blueprint));
    let watch = Arc::clone(&crew.watch);
    let mut worker = Worker::new(name, kafka, store, SystemClock::start(), blueprint, watch);
    let ended = loop {
        if crew.stopping.is_asked() {
            break Ended::Stopped;
        }
        if let Err(stop) = worker.turn() {
            break Ended::Failed(stop);
        }
    };
    match (ended, worker.finish()) {
        (Ended::Stopped, Ok(kafka)) => {
            kafka.leave(LEAVING);
            Ended::Stopped
        }
        (Ended::Stopped, Err(stop)) => Ended::Failed(stop),
        (ended, Ok(kafka)) => {
            kafka.leave(LEAVING);
            ended
        }
        (ended, Err(_)) => ended,
    }
}
