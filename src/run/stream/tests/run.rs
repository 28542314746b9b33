//! A run: processes next to a log, fed round by round until all is read, then compared with the batch run.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::super::blueprint::Blueprint;
use super::super::stop::Stop;
use super::faults::{Call, Fault, Faults, Plan};
use super::fleet::Slot;
use super::group::Group;
use super::input::{self, Line};
use super::log::{Log, Name};
use super::oracle;
use super::partition::Record;
use super::world::World;
use crate::flow::task::{FlowName, TaskId};

/// Rounds after which a run that is still not done never will be.
const ROUNDS: u32 = 600;

/// What is run.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) flows: Vec<FlowName>,
    pub(super) processes: u32,
    /// Whether all processes have one disk, as workers of one program do.
    pub(super) one_disk: bool,
    /// By partition.
    pub(super) lines: Vec<Vec<Line>>,
}

impl Setup {
    /// Detection over two partitions with two processes.
    pub(super) fn detect(variant: u64, seed: u64, count: usize) -> Setup {
        Setup {
            blueprint: Arc::new(input::blueprint(variant)),
            flows: vec![FlowName::Detect],
            processes: 2,
            one_disk: false,
            lines: (0..2).map(|partition| input::lines(seed * 2 + partition, count)).collect(),
        }
    }

    /// Something else about the blueprint.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Blueprint)) -> Setup {
        change(Arc::make_mut(&mut self.blueprint));
        self
    }
}

/// A run.
pub(super) struct Run {
    pub(super) world: Rc<World>,
    pub(super) setup: Setup,
    pub(super) tasks: Vec<TaskId>,
    fed: Vec<usize>,
    /// Whether two processes had one transactional id.
    pub(super) has_twin: bool,
}

impl Run {
    pub(super) fn new(setup: Setup, plan: Plan) -> Run {
        let count = setup.lines.len() as u32;
        let flows = setup.flows.iter().copied();
        let tasks: Vec<TaskId> =
            flows.flat_map(|flow| (0..count).map(move |partition| TaskId { flow, partition })).collect();
        let world = World::new(Log::new(count, Group::of(tasks.clone())), Faults::new(plan));
        for number in 0..setup.processes {
            let machine = if setup.one_disk { 0 } else { number };
            let slot = Slot::new(&world, machine, format!("id-{number}"), &setup.blueprint);
            world.slots.borrow_mut().push(Rc::new(RefCell::new(slot)));
        }
        Run { world, fed: vec![0; setup.lines.len()], setup, tasks, has_twin: false }
    }

    pub(super) fn slot(&self, number: usize) -> Rc<RefCell<Slot>> {
        Rc::clone(&self.world.slots.borrow()[number])
    }

    /// Appends so many further records to a partition of the input; `false` once there are no more.
    pub(super) fn feed(&mut self, partition: usize, count: usize) -> bool {
        let lines = self.setup.lines[partition].iter().skip(self.fed[partition]).take(count);
        let name = Name::input(self.setup.flows[0]);
        let mut log = self.world.log.borrow_mut();
        let mut fed = 0;
        for (key, value) in lines {
            let record = Record {
                key: key.clone(),
                value: Some(value.clone()),
                headers: Vec::new(),
                transaction: None,
            };
            log.at(name, partition as u32).append(record);
            fed += 1;
        }
        self.fed[partition] += fed;
        fed > 0
    }

    /// Every process takes a turn.
    pub(super) fn turn(&mut self) {
        let slots = self.world.slots.borrow().clone();
        for slot in slots {
            slot.borrow_mut().turn();
        }
    }

    /// Whether all that was fed is committed, and everybody knows it.
    pub(super) fn is_done(&self) -> bool {
        let mut log = self.world.log.borrow_mut();
        if log.is_pending() || self.world.late.borrow().iter().any(|_| true) {
            return false;
        }
        let read = self.tasks.iter().all(|task| {
            let end = log.input(*task).after_last();
            let committed = log.group.offsets.get(task).map_or(0, |committed| committed.next.0);
            end == 0 || committed >= end
        });
        let live: Option<usize> =
            self.world.slots.borrow().iter().map(|slot| slot.borrow().live_tasks()).sum();
        read && live == Some(self.tasks.len())
    }

    /// The usual course: some records a round, a break in between, then until all is done.
    pub(super) fn drive(&mut self) -> Result<(), String> {
        for round in 0..ROUNDS {
            let mut more = false;
            if round % 20 < 10 {
                for partition in 0..self.setup.lines.len() {
                    more |= self.feed(partition, 1 + (round as usize + partition) % 3);
                }
            }
            self.turn();
            let all_fed = self.fed.iter().zip(&self.setup.lines).all(|(fed, lines)| *fed == lines.len());
            if all_fed && !more {
                return self.settle();
            }
        }
        Err("not all could be fed".to_owned())
    }

    /// Turns until all is done.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            if self.is_done() {
                return Ok(());
            }
            self.turn();
            self.world.log.borrow_mut().complete_all();
            if self.stops().len() > 40 {
                return Err(format!("stops again and again: {:?}", self.stops().last()));
            }
            // Whoever waits for something late has waited for it.
            let step = self.world.faults.borrow().step();
            self.world.deliver_late(step + 1);
        }
        Err(format!("stuck: {:?}", self.world.log.borrow().group))
    }

    /// Why processes stopped, so far.
    pub(super) fn stops(&self) -> Vec<String> {
        let slots = self.world.slots.borrow();
        let stops = slots.iter().flat_map(|slot| {
            let slot = slot.borrow();
            slot.stops.iter().map(|stop| format!("{stop:?}")).collect::<Vec<_>>()
        });
        stops.collect()
    }

    /// Stops other than those that a failure of the disk explains, or that two time-outs in a row do.
    fn unexplained(&self) -> Option<String> {
        let slots = self.world.slots.borrow();
        let faults = self.world.faults.borrow();
        let forced = faults.happened.iter().filter(|(_, _, fault)| *fault == Fault::TimedOut).count();
        let time_outs = forced + self.world.log.borrow().expired;
        let explained = |stop: &&Stop| match stop {
            Stop::Store(_) => true,
            Stop::Fenced(_) => time_outs > 1 || self.has_twin,
            _ => false,
        };
        slots.iter().find_map(|slot| {
            let slot = slot.borrow();
            let unexplained = slot.stops.iter().find(|stop| !explained(stop));
            unexplained.map(|stop| format!("stopped: {stop}"))
        })
    }

    /// Compares what was committed with the batch run.
    pub(super) fn compare(&self) -> Result<(), String> {
        if let Some(stop) = self.unexplained() {
            return Err(stop);
        }
        oracle::compare(&self.world.log.borrow(), &self.setup.blueprint, &self.tasks)
    }

    /// Runs to the end and compares.
    pub(super) fn check(&mut self) -> Result<(), String> {
        self.drive()?;
        self.compare()
    }

    /// Every call that was made.
    pub(super) fn trace(&self) -> Vec<Call> {
        self.world.faults.borrow().trace.clone()
    }

    /// Everybody crashes, and nothing is under way any more.
    pub(super) fn crash_all(&mut self) {
        for slot in self.world.slots.borrow().iter() {
            slot.borrow_mut().crash();
        }
        self.world.log.borrow_mut().complete_all();
    }

    /// The stop that somebody ends with, in so many rounds.
    pub(super) fn stop(&mut self) -> Option<String> {
        for _ in 0..ROUNDS {
            if let Some(stop) = self.stops().last() {
                return Some(stop.clone());
            }
            self.turn();
        }
        None
    }

    /// What everybody noted.
    pub(super) fn aborted(&self) -> Vec<&'static str> {
        let slots = self.world.slots.borrow();
        let aborted =
            |slot: &Rc<RefCell<Slot>>| slot.borrow().notes.0.lock().expect("no panic").aborted.clone();
        slots.iter().flat_map(aborted).collect()
    }
}

impl Drop for Run {
    /// World and processes hold each other: without this, ten thousand runs would stay in memory.
    fn drop(&mut self) {
        self.world.slots.borrow_mut().clear();
    }
}
