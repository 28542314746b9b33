//! Simulated disks: what is on them can be an older prefix after a crash, gone, or damaged without a word.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use super::faults::{Call, Fault};
use super::world::{Happening, Process, World};
use crate::edge::memory::Memory;
use crate::edge::ports::{EachRow, Store, StoreError, Stores};
use crate::flow::Change;
use crate::flow::task::TaskId;

/// Whose rows: machine and task.
pub(super) type Where = (u32, TaskId);

/// What every apply left behind, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Disks(pub(super) BTreeMap<Where, Vec<Memory>>);

impl Disks {
    fn current(&self, place: Where) -> Memory {
        self.0.get(&place).and_then(|states| states.last()).cloned().unwrap_or_default()
    }

    fn put(&mut self, place: Where, state: Memory) {
        self.0.entry(place).or_default().push(state);
    }

    /// The power went: so many of the last changes never reached the disk.
    pub(super) fn roll_back(&mut self, machine: u32, changes: usize) {
        for (_, states) in self.0.iter_mut().filter(|((of, _), _)| *of == machine) {
            states.truncate(states.len().saturating_sub(changes));
        }
    }

    pub(super) fn lose(&mut self, machine: u32) {
        self.0.retain(|(of, _), _| *of != machine);
    }

    /// A row is not what it was, and nobody says so.
    pub(super) fn damage(&mut self, machine: u32) {
        for (_, states) in self.0.iter_mut().filter(|((of, _), _)| *of == machine) {
            let Some(state) = states.last_mut() else { continue };
            let mut first = None;
            let _ = state.rows(&mut |table, key, _| {
                first.get_or_insert((table, key.to_vec()));
            });
            if let (Some((table, key)), Ok(Some(footer))) = (first, state.footer()) {
                let _ = state.apply(&[Change { table, key, row: None }], &footer);
            }
        }
    }
}

/// The disk of a machine as one process sees it.
pub(super) struct Machine {
    pub(super) world: Rc<World>,
    pub(super) process: Rc<Process>,
    pub(super) number: u32,
}

/// The rows of a task on a machine.
pub(super) struct SimulatedStore {
    world: Rc<World>,
    process: Rc<Process>,
    place: Where,
}

fn refused(doing: &'static str) -> StoreError {
    StoreError::Other { doing, path: PathBuf::from("disk"), source: io::Error::other("simulated") }
}

impl Stores for Machine {
    type Store = SimulatedStore;

    fn open(&self, task: TaskId) -> Result<SimulatedStore, StoreError> {
        match self.world.before(&self.process, Call::Open) {
            Happening::Fine => Ok(SimulatedStore {
                world: Rc::clone(&self.world),
                process: Rc::clone(&self.process),
                place: (self.number, task),
            }),
            _ => Err(refused("open")),
        }
    }
}

impl SimulatedStore {
    fn read(&self) -> Result<Memory, StoreError> {
        match self.world.before(&self.process, Call::ReadStore) {
            Happening::Fine => Ok(self.world.disks.borrow().current(self.place)),
            _ => Err(refused("read")),
        }
    }

    fn change(
        &self,
        call: Call,
        change: impl FnOnce(&mut Memory) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let happening = self.world.before(&self.process, call);
        let takes_effect =
            matches!(happening, Happening::Fine | Happening::Fails(Fault::AnswerLost | Fault::CrashAfter));
        if takes_effect {
            let mut state = self.world.disks.borrow().current(self.place);
            change(&mut state)?;
            self.world.disks.borrow_mut().put(self.place, state);
        }
        if happening == Happening::Fails(Fault::CrashAfter) {
            self.process.dead.set(true);
        }
        if happening == Happening::Fine { Ok(()) } else { Err(refused("change")) }
    }
}

impl Store for SimulatedStore {
    fn footer(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.read()?.footer()
    }

    fn rows(&self, each: EachRow<'_>) -> Result<(), StoreError> {
        self.read()?.rows(each)
    }

    fn apply(&mut self, changes: &[Change], footer: &[u8]) -> Result<(), StoreError> {
        self.change(Call::Apply, |state| state.apply(changes, footer))
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.change(Call::Clear, Memory::clear)
    }
}
