//! The threads of a run: each with its own member, producer and tasks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::topics::Roles;
use super::{Plan, receivers, start};
use crate::edge::clock::SystemClock;
use crate::edge::kafka::{Kafka, KafkaError, KafkaSettings, Names};
use crate::edge::llm::Llm;
use crate::edge::metrics::Metrics;
use crate::edge::ports::{StoreError, Watch};
use crate::edge::sled::Sled;
use crate::flow::detection::{DetectionSettings, Keeping};
use crate::flow::record::Role;
use crate::flow::task::FlowName;
use crate::run::stream::{BelowRetention, Blueprint, Pace, Stop, Worker};

/// A changelog may lack what was committed for so many times as long as a transaction may stay open.
const OPEN_TRANSACTIONS: u32 = 3;
/// How often a state directory that turns out to be damaged is set aside: a disk that damages the next one too is broken.
const SET_ASIDE_AT_MOST: u32 = 3;
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
        let ended = run(&plan, &metrics, &watch, &stopping);
        // Whoever waited may have given up.
        let _ = tell.send(ended);
    });
    told
}

/// What every worker of a group shares.
struct Crew<'a> {
    settings: KafkaSettings,
    blueprint: Arc<Blueprint>,
    /// One for the process: its budget and its breaker hold for all.
    model: Option<&'a Llm>,
    store: Arc<Sled>,
    watch: Arc<dyn Watch>,
    /// Whether the process was asked to.
    stopping: &'a Stopping,
    /// Whether one of them has ended, so that the others have to.
    broken_up: AtomicBool,
}

fn run(plan: &Plan, metrics: &Arc<Metrics>, watch: &Arc<dyn Watch>, stopping: &Arc<Stopping>) -> Ended {
    let (mut set_aside, mut tells) = (0, false);
    loop {
        let ended = match prepare(plan, metrics, watch, stopping, &mut tells) {
            Ok(Some((crew, members))) => work(&crew, members),
            Ok(None) => Ended::Stopped,
            Err(ended) => ended,
        };
        match ended {
            Ended::Failed(Stop::Store(error @ StoreError::Damaged { .. }))
                if set_aside < SET_ASIDE_AT_MOST =>
            {
                tracing::warn!(%error, "beginning again without it");
                set_aside += 1;
            }
            ended => return ended,
        }
    }
}

/// Opens what workers need, and names them; `None` when it was asked to stop meanwhile.
fn prepare<'a>(
    plan: &'a Plan,
    metrics: &Arc<Metrics>,
    watch: &Arc<dyn Watch>,
    stopping: &'a Arc<Stopping>,
    tells: &mut bool,
) -> Result<Option<(Crew<'a>, Vec<Names>)>, Ended> {
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
    let roles = Roles::of(&plan.topology, plan.advise.enabled);
    let Some(partitions) = start::topics(plan, &roles, stopping)? else { return Ok(None) };
    // Once a process: beginning again is no matter of theirs.
    if !std::mem::replace(tells, true) {
        receivers::start(plan, &roles, &instance, metrics, stopping).map_err(Ended::Kafka)?;
    }
    let members = members(plan, &roles, &instance);
    metrics.expect(members.iter().map(|names| names.member.clone()));
    let crew = Crew {
        settings: plan.kafka.clone(),
        blueprint: Arc::new(blueprint(plan, &roles, partitions)),
        model: plan.model.as_ref(),
        store: Arc::new(opened.store),
        watch: Arc::clone(watch),
        stopping,
        broken_up: AtomicBool::new(false),
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
        detection: DetectionSettings { glances: true, ..topology.detection(false, keeping) },
        advise: plan.advise.clone(),
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
    if let Some(changelog) = &roles.advise_changelog {
        members.push(Names {
            group: format!("{name}-advise"),
            member: format!("{name}-{instance}-advise"),
            inputs: vec![(FlowName::Advise, roles.findings.clone())],
            outputs: of(&[Role::Reports, Role::Rejected]),
            changelogs: vec![(FlowName::Advise, changelog.clone())],
        });
    }
    members
}

/// Runs all workers; when one cannot go on, the others stop too.
fn work(crew: &Crew<'_>, members: Vec<Names>) -> Ended {
    thread::scope(|scope| {
        let start = |names: Names| {
            thread::Builder::new().name(names.member.clone()).spawn_scoped(scope, move || {
                let ended = one(crew, names);
                crew.broken_up.store(true, Ordering::Relaxed);
                ended
            })
        };
        let threads: Vec<_> = members.into_iter().map(start).collect();
        let mut worst = Ended::Stopped;
        for thread in threads {
            let ended = match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(ended)) => ended,
                Ok(Err(_)) => Ended::Panicked,
                Err(source) => {
                    crew.broken_up.store(true, Ordering::Relaxed);
                    Ended::Refused(format!("start a worker's thread: {source}"))
                }
            };
            if matches!(worst, Ended::Stopped) {
                worst = ended;
            }
        }
        worst
    })
}

fn one(crew: &Crew<'_>, names: Names) -> Ended {
    let name = names.member.clone();
    let advises = names.inputs.iter().any(|(flow, _)| *flow == FlowName::Advise);
    let kafka = match Kafka::join(&crew.settings, names) {
        Ok(kafka) => kafka,
        Err(error) => return Ended::Kafka(error),
    };
    let (store, blueprint) = (Arc::clone(&crew.store), Arc::clone(&crew.blueprint));
    let watch = Arc::clone(&crew.watch);
    let mut worker = Worker::new(name, kafka, store, SystemClock::start(), blueprint, watch);
    if let Some(model) = crew.model.filter(|_| advises) {
        worker = worker.with_advisor(Box::new(model.advisor()));
    }
    let ended = loop {
        if crew.stopping.is_asked() || crew.broken_up.load(Ordering::Relaxed) {
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
