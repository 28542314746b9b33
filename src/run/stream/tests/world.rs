//! Everything outside of the workers: brokers, disks, time, the faults, and the other processes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::disk::Disks;
use super::faults::{Call, Fault, Faults};
use super::fleet::Slot;
use super::log::{Log, Request};
use crate::edge::ports::Clock;

/// So long the others go on while a process sleeps.
const SLEEP_ROUNDS: usize = 14;
const PAUSE_ROUNDS: usize = 2;

/// The world.
pub(super) struct World {
    pub(super) log: RefCell<Log>,
    pub(super) disks: RefCell<Disks>,
    pub(super) now: Cell<Duration>,
    pub(super) faults: RefCell<Faults>,
    /// Requests on their way, by the step at which they arrive.
    pub(super) late: RefCell<Vec<(u64, Request)>>,
    pub(super) slots: RefCell<Vec<Rc<RefCell<Slot>>>>,
    /// Nobody falls asleep while another one sleeps.
    sleeping: Cell<bool>,
    /// Markers are written only when somebody waits for them.
    pub(super) slow_markers: Cell<bool>,
}

/// What a process shares with its log and its disk.
#[derive(Debug)]
pub(super) struct Process {
    /// Its transactional id.
    pub(super) id: String,
    pub(super) dead: Cell<bool>,
    /// As the group knows it.
    pub(super) member: Cell<Option<u32>>,
    pub(super) generation: Cell<i32>,
    /// The client has heard that it is no member, the worker not yet.
    pub(super) lost: Cell<bool>,
}

impl Process {
    pub(super) fn new(id: String) -> Rc<Process> {
        Rc::new(Process {
            id,
            dead: Cell::new(false),
            member: Cell::new(None),
            generation: Cell::new(-1),
            lost: Cell::new(false),
        })
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    Fine,
    /// The process is gone: nothing has an effect any more.
    Dead,
    Fails(Fault),
}

impl World {
    pub(super) fn new(log: Log, faults: Faults) -> Rc<World> {
        Rc::new(World {
            log: RefCell::new(log),
            disks: RefCell::new(Disks::default()),
            now: Cell::new(Duration::from_secs(1)),
            faults: RefCell::new(faults),
            late: RefCell::new(Vec::new()),
            slots: RefCell::new(Vec::new()),
            sleeping: Cell::new(false),
            slow_markers: Cell::new(false),
        })
    }

    /// A process makes a call.
    pub(super) fn before(&self, process: &Process, call: Call) -> Happening {
        if process.dead.get() {
            return Happening::Dead;
        }
        let fault = self.faults.borrow_mut().next(call);
        self.deliver_late(self.faults.borrow().step());
        let Some(fault) = fault else { return Happening::Fine };
        match fault {
            Fault::CrashBefore => {
                process.dead.set(true);
                return Happening::Dead;
            }
            Fault::Sleep | Fault::Kicked => self.kick(process),
            Fault::KickedAndTold | Fault::SleepAndTold => {
                self.kick(process);
                process.generation.set(-1);
                process.lost.set(true);
            }
            Fault::Shuffled => self.log.borrow_mut().group.shuffle(),
            Fault::TimedOut => self.log.borrow_mut().time_out(&process.id),
            Fault::Pause => {}
            Fault::CrashAfter
            | Fault::RequestLost
            | Fault::AnswerLost
            | Fault::RetriableBefore
            | Fault::RetriableAfter
            | Fault::Refused
            | Fault::Delayed(_)
            | Fault::Duplicated(_) => return Happening::Fails(fault),
        }
        match fault {
            Fault::Sleep | Fault::SleepAndTold => self.others_go_on(SLEEP_ROUNDS),
            Fault::Pause => self.others_go_on(PAUSE_ROUNDS),
            _ => {}
        }
        Happening::Fine
    }

    /// Requests arrive whose time has come.
    pub(super) fn deliver_late(&self, step: u64) {
        let due = |(at, _): &mut (u64, Request)| *at <= step;
        let due: Vec<_> = self.late.borrow_mut().extract_if(.., due).collect();
        for (_, request) in due {
            // Nobody waits for the answer.
            let _ = self.log.borrow_mut().execute(&request);
        }
    }

    pub(super) fn kick(&self, process: &Process) {
        if let Some(member) = process.member.get() {
            self.log.borrow_mut().group.kick(member);
        }
    }

    /// While one process sleeps inside of a call, the others take their turns.
    fn others_go_on(&self, rounds: usize) {
        if self.sleeping.replace(true) {
            return;
        }
        let slots = self.slots.borrow().clone();
        for _ in 0..rounds {
            for slot in &slots {
                // The one who sleeps is in the middle of its turn.
                if let Ok(mut slot) = slot.try_borrow_mut() {
                    slot.turn();
                }
            }
        }
        self.sleeping.set(false);
    }

    pub(super) fn pass(&self, time: Duration) {
        self.now.set(self.now.get() + time);
        self.log.borrow_mut().expire(self.now.get());
    }
}

/// Tells the world's time.
pub(super) struct SimulatedClock(pub(super) Rc<World>);

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        self.0.now.get()
    }
}
