//! Seeded random schedules: every kind of trouble at once, at random moments, and then calm, in which all must come right.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use super::super::footer::Marked;
use super::advice;
use super::faults::{Call, Fault, Plan};
use super::fleet::Slot;
use super::log::Name;
use super::partition::Record;
use super::random::Random;
use super::run::{Run, Setup};
use crate::edge::ports::Topic;
use crate::flow::task::FlowName;

/// Rounds of trouble.
const ROUNDS: u64 = 18;
/// Schedules of each of the tests below.
const SCHEDULES: u64 = 2_500;
/// The numbers of transactions that other producers write into the input.
const FOREIGN: u64 = 1 << 40;

/// A run in trouble.
struct Schedule {
    run: Run,
    random: Random,
    /// Open transactions of other producers in the input.
    foreign: Vec<(usize, u64)>,
    /// A second process with the transactional id of another one, as if its state directory had been copied.
    twin: Option<Rc<RefCell<Slot>>>,
}

fn setup(random: &mut Random) -> Setup {
    let mut setup = Setup::detect(random.below(12), random.below(1 << 20), 3 + random.below(6) as usize);
    setup.lines.truncate(1 + random.below(2) as usize);
    setup.processes = 1 + random.below(3) as u32;
    match random.below(8) {
        0 => setup.flows = vec![FlowName::Route, FlowName::Detect],
        1 => setup.flows = vec![FlowName::Route, FlowName::Detect, FlowName::Advise],
        2 => setup = advice::setup(random.below(1 << 20), 3 + random.below(6) as usize),
        _ => {}
    }
    let idle = random.one_in(3).then(|| Duration::from_millis(20 + random.below(400)));
    setup.with(|blueprint| {
        blueprint.pace.idle = idle;
        blueprint.pace.commit_every = Duration::from_millis(random.below(20));
        blueprint.pace.uncommitted_records = 1 + random.below(6);
    })
}

impl Schedule {
    fn new(seed: u64) -> Schedule {
        let mut random = Random::new(seed);
        let setup = setup(&mut random);
        let plan = match random.below(8) {
            0 => Plan::Nowhere,
            _ => Plan::OneIn(10 + random.below(80), Random::new(seed + (1 << 32))),
        };
        let run = Run::new(setup, plan);
        run.world.slow_markers.set(random.one_in(3));
        for slot in run.world.slots.borrow().iter() {
            let mut slot = slot.borrow_mut();
            slot.batch = 1 + random.below(4) as usize;
            // Two workers of one process share a disk.
            slot.machine = if random.one_in(2) { 0 } else { slot.machine };
        }
        Schedule { run, random, foreign: Vec::new(), twin: None }
    }

    fn go(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            for partition in 0..self.run.setup.lines.len() {
                if self.random.one_in(2) {
                    let count = self.random.below(4) as usize;
                    self.run.feed(partition, count);
                }
            }
            self.trouble();
            for slot in self.run.world.slots.borrow().clone() {
                if !self.random.one_in(5) {
                    slot.borrow_mut().turn();
                }
            }
        }
        self.calm();
        self.run.settle()?;
        self.run.compare()
    }

    /// Nothing fails any more, and the rest of the input comes.
    fn calm(&mut self) {
        self.run.world.faults.borrow_mut().plan = Plan::Nowhere;
        self.run.world.slow_markers.set(false);
        while !self.foreign.is_empty() {
            self.end_foreign();
        }
        if let Some(twin) = &self.twin {
            twin.borrow_mut().retire();
        }
        for partition in 0..self.run.setup.lines.len() {
            self.run.feed(partition, usize::MAX);
        }
    }

    fn trouble(&mut self) {
        let world = Rc::clone(&self.run.world);
        let slots = world.slots.borrow().clone();
        let slot = self.random.pick(&slots);
        match self.random.below(36) {
            0 | 1 => self.crash_and_spoil_the_disk(),
            2 => slot.borrow_mut().finish(),
            3 => world.log.borrow_mut().group.shuffle(),
            4 => {
                if let Some(process) = slot.borrow().process() {
                    world.kick(process);
                }
            }
            5 | 6 => self.compact(),
            7 | 8 => self.retain(),
            9 => self.begin_foreign(),
            10 | 11 => self.end_foreign(),
            12 => world.pass(Duration::from_millis(50 + self.random.below(400))),
            15 if self.twin.is_none() => self.start_twin(),
            13 => world.log.borrow_mut().complete_all(),
            14 => {
                let ids = world.log.borrow().ids();
                if !ids.is_empty() {
                    world.log.borrow_mut().time_out(self.random.pick::<String>(&ids));
                    world.faults.borrow_mut().happened.push((0, Call::Poll, Fault::TimedOut));
                }
            }
            _ => {}
        }
    }

    fn crash_and_spoil_the_disk(&mut self) {
        let slots = self.run.world.slots.borrow().clone();
        let slot = self.random.pick(&slots);
        slot.borrow_mut().crash();
        let machine = slot.borrow().machine;
        let mut disks = self.run.world.disks.borrow_mut();
        match self.random.below(5) {
            0 => disks.lose(machine),
            1 => disks.damage(machine),
            2 => disks.roll_back(machine, 1 + self.random.below(3) as usize),
            _ => {}
        }
    }

    fn start_twin(&mut self) {
        let world = &self.run.world;
        let twin = Slot::new(world, self.random.below(4) as u32, "id-0".into(), &self.run.setup.blueprint);
        let twin = Rc::new(RefCell::new(twin));
        world.slots.borrow_mut().push(Rc::clone(&twin));
        self.twin = Some(twin);
        self.run.has_twin = true;
    }

    fn compact(&self) {
        let mut log = self.run.world.log.borrow_mut();
        for ((name, _), partition) in &mut log.partitions {
            if matches!(name, Name::Of(Topic::Changelog(_))) {
                partition.compact();
            }
        }
    }

    /// Retention takes what nobody needs any more.
    fn retain(&self) {
        let mut log = self.run.world.log.borrow_mut();
        for task in &self.run.tasks {
            if let Marked::Epoch(_, mark) = Marked::read(log.group.offsets.get(task).cloned()) {
                log.input(*task).truncate(mark.replay_from);
            }
        }
    }

    /// Another producer writes into the input, in a transaction.
    fn begin_foreign(&mut self) {
        let partition = self.random.below(self.run.setup.lines.len() as u64) as usize;
        let number = FOREIGN + self.random.next();
        let name = Name::input(self.run.setup.flows[0]);
        let value = Some(b"never committed".to_vec());
        let record = Record { key: None, value, headers: Vec::new(), transaction: Some(number) };
        self.run.world.log.borrow_mut().at(name, partition as u32).append(record);
        self.foreign.push((partition, number));
    }

    fn end_foreign(&mut self) {
        if let Some((partition, number)) = self.foreign.pop() {
            let name = Name::input(self.run.setup.flows[0]);
            self.run.world.log.borrow_mut().at(name, partition as u32).mark(number, false);
        }
    }
}

/// What schedules must reach, else they are too kind.
#[derive(Debug, Default)]
struct Reached {
    aborted: BTreeSet<&'static str>,
    stops: BTreeSet<String>,
    idle: u64,
    changelog_records: u64,
    refills: u64,
    /// Words of people, and what they keep from being told.
    heeded: u64,
    expected: u64,
}

impl Reached {
    fn add(&mut self, run: &Run) {
        for slot in run.world.slots.borrow().iter() {
            let slot = slot.borrow();
            let told = slot.notes.0.lock().expect("no panic");
            self.aborted.extend(&told.aborted);
            self.stops.extend(slot.stops.iter().map(|stop| format!("{stop:?}").split('(').take(1).collect()));
            self.idle += told.idle;
            self.changelog_records += told.changelog_records;
            self.refills += told.refills;
            self.heeded += told.counts.heeded;
            self.expected += told.counts.expected;
        }
    }
}

#[test]
fn schedules_reach_every_kind_of_trouble() {
    let mut reached = Reached::default();
    for seed in 0..400 {
        let mut schedule = Schedule::new(seed);
        schedule.go().unwrap();
        reached.add(&schedule.run);
    }
    let reasons = ["fenced", "not-a-member", "rebalance", "spoilt", "time-out", "unknown"];
    assert_eq!(reached.aborted, BTreeSet::from(reasons));
    assert_eq!(reached.stops, BTreeSet::from(["Fenced", "Store"].map(String::from)));
    assert!(reached.heeded > 100 && reached.expected > 0, "{reached:?}");
    assert!(reached.idle > 100 && reached.changelog_records > 500 && reached.refills > 500, "{reached:?}");
}

/// Runs one schedule; what was wrong.
pub(super) fn schedule(seed: u64) -> Result<(), String> {
    let mut schedule = Schedule::new(seed);
    schedule.go().map_err(|problem| {
        let stops = schedule.run.stops();
        let window = schedule.run.setup.blueprint.detection.window;
        format!(
            "seed {seed}, {:?} by {:?}: {problem}\n{:?}\n{stops:?}",
            window.kind,
            window.time,
            schedule.run.world.faults.borrow().happened
        )
    })
}

fn all_of(part: u64) {
    for seed in part * SCHEDULES..(part + 1) * SCHEDULES {
        schedule(seed).unwrap_or_else(|problem| panic!("{problem}"));
    }
}

// In four parts, so that they run side by side.

#[test]
fn in_any_trouble_nothing_is_lost_or_repeated_part_1() {
    all_of(0);
}

#[test]
fn in_any_trouble_nothing_is_lost_or_repeated_part_2() {
    all_of(1);
}

#[test]
fn in_any_trouble_nothing_is_lost_or_repeated_part_3() {
    all_of(2);
}

#[test]
fn in_any_trouble_nothing_is_lost_or_repeated_part_4() {
    all_of(3);
}
