//! Processes: each a worker that is started, crashes, stops and is started again.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use super::super::blueprint::Blueprint;
use super::super::stop::Stop;
use super::super::worker::Worker;
use super::advice::Oracle;
use super::connection::Connection;
use super::disk::Machine;
use super::world::{Process, SimulatedClock, World};
use crate::edge::ports::{Notice, Watch};
use crate::flow::Counts;

/// Rounds until a process that went down is started again.
const DOWN_ROUNDS: u32 = 3;

/// What workers told those who watch.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) skipped: u64,
    pub(super) changelog_records: u64,
    pub(super) refills: u64,
    pub(super) aborted: Vec<&'static str>,
    pub(super) idle: u64,
    /// Tasks to be restored that were known when a worker had joined for the first time.
    pub(super) known_when_joined: Option<u64>,
    restoring: u64,
    /// Of committed epochs.
    pub(super) counts: Counts,
}

/// Takes notes.
#[derive(Debug, Default)]
pub(super) struct Notes(pub(super) Mutex<Told>);

impl Watch for Notes {
    fn notice(&self, notice: Notice<'_>) {
        let mut told = self.0.lock().expect("nobody panics with it");
        match notice {
            Notice::Skipped { records, .. } => told.skipped += records,
            Notice::Refilling { changelog_records, .. } => {
                told.refills += 1;
                told.changelog_records += changelog_records;
            }
            Notice::Aborted { reason } => told.aborted.push(reason),
            Notice::Idle(_) => told.idle += 1,
            Notice::Committed { epoch, .. } => told.counts.add(&epoch.counts),
            Notice::Restoring(_) => told.restoring += 1,
            Notice::Joined { .. } => {
                let restoring = told.restoring;
                told.known_when_joined.get_or_insert(restoring);
            }
            Notice::End { .. }
            | Notice::Away { .. }
            | Notice::Remaining { .. }
            | Notice::Live { .. }
            | Notice::Left(_)
            | Notice::Transaction { .. } => {}
        }
    }
}

type Running = (Worker<Connection, Machine, SimulatedClock>, Rc<Process>);

/// A place for a process.
pub(super) struct Slot {
    world: Rc<World>,
    pub(super) machine: u32,
    id: String,
    pub(super) batch: usize,
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) notes: Arc<Notes>,
    running: Option<Running>,
    /// Who ran here last, until the group has given up on it.
    last: Option<Rc<Process>>,
    pub(super) down_for: u32,
    pub(super) stops: Vec<Stop>,
}

impl Slot {
    pub(super) fn new(world: &Rc<World>, machine: u32, id: String, blueprint: &Arc<Blueprint>) -> Slot {
        Slot {
            world: Rc::clone(world),
            machine,
            id,
            batch: 3,
            blueprint: Arc::clone(blueprint),
            notes: Arc::default(),
            running: None,
            last: None,
            down_for: 0,
            stops: Vec::new(),
        }
    }

    fn start(&mut self) {
        if let Some(last) = self.last.take() {
            self.world.kick(&last);
        }
        let process = Process::new(self.id.clone());
        let (world, number) = (&self.world, self.machine);
        let stores = Machine { world: Rc::clone(world), process: Rc::clone(&process), number };
        let worker = Worker::new(
            self.id.clone(),
            Connection::new(Rc::clone(world), Rc::clone(&process), self.batch),
            stores,
            SimulatedClock(Rc::clone(world)),
            Arc::clone(&self.blueprint),
            Arc::clone(&self.notes) as Arc<dyn Watch>,
        );
        let worker = match self.blueprint.advise.model {
            Some(_) => worker.with_advisor(Box::new(Oracle::new(self.world.faults.borrow().step()))),
            None => worker,
        };
        self.running = Some((worker, process));
    }

    /// One turn of the process, or one of the wait for it.
    pub(super) fn turn(&mut self) {
        if self.running.is_none() {
            match self.down_for {
                0 => self.start(),
                _ => self.down_for -= 1,
            }
        }
        let Some((worker, process)) = &mut self.running else { return };
        let outcome = worker.turn();
        let is_dead = process.dead.get();
        if let (Err(stop), false) = (outcome, is_dead) {
            self.stops.push(stop);
            self.crash();
        } else if is_dead {
            self.crash();
        }
    }

    /// The process is gone, without a word to anybody.
    pub(super) fn crash(&mut self) {
        if let Some((_, process)) = self.running.take() {
            process.dead.set(true);
            self.last = Some(process);
            self.down_for = DOWN_ROUNDS;
        }
    }

    /// The process commits and leaves.
    pub(super) fn finish(&mut self) {
        if let Some((worker, process)) = self.running.take() {
            if let Err(stop) = worker.finish()
                && !process.dead.get()
            {
                self.stops.push(stop);
            }
            self.world.kick(&process);
            process.dead.set(true);
            self.last = Some(process);
            self.down_for = DOWN_ROUNDS;
        }
    }

    /// Stays down.
    pub(super) fn retire(&mut self) {
        self.crash();
        self.down_for = u32::MAX;
        if let Some(last) = &self.last {
            self.world.kick(last);
        }
    }

    /// Whether every task takes new records, and how many there are.
    pub(super) fn live_tasks(&self) -> Option<usize> {
        let Some((worker, _)) = &self.running else { return Some(0) };
        worker.tasks().all(|(_, live)| live).then(|| worker.tasks().count())
    }

    pub(super) fn process(&self) -> Option<&Rc<Process>> {
        self.running.as_ref().map(|(_, process)| process)
    }
}
