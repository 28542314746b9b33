//! Which of the given files are known, where to go on in them, and what to read again first.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::InputError;
use super::fingerprint::{HEAD_BYTES, Head};
use super::progress::{Known, Leg, Mark, Progress};
use super::source::Task;
use crate::flow::record::Offset;

/// A stretch that is to be read.
#[derive(Debug)]
pub(super) struct Plan {
    /// The number of its first record.
    pub(super) first: Offset,
    pub(super) tasks: Vec<Task>,
    /// For each task: its file's place among the known.
    pub(super) known: Vec<u32>,
}

/// All that is to be read.
#[derive(Debug)]
pub(super) struct Recognised {
    /// All but the last are to refill windows; the last has the given files and all that is new in them.
    pub(super) plans: Vec<Plan>,
    pub(super) known: Vec<Known>,
    /// By number of input: the given ones, then those that must be read again and were not given.
    pub(super) paths: Vec<PathBuf>,
}

pub(super) fn recognise(given: &[PathBuf], mut progress: Progress) -> Result<Recognised, InputError> {
    progress.forget_useless();
    refuse_twice(given)?;
    let mut paths = given.to_vec();
    let first = progress.next;
    let mut live = Plan { first, tasks: Vec::new(), known: Vec::new() };
    // By place among the known: the input where its file is now.
    let mut found: Vec<Option<u32>> = vec![None; progress.inputs.len()];
    for (input, path) in given.iter().enumerate() {
        let input = input as u32;
        let mut head = read_head(path)?;
        let fingerprint = head.as_ref().and_then(Head::fingerprint);
        let here = absolute(path);
        let recognised =
            head.as_mut().and_then(|head| best_match(head, &here, &progress.inputs, found.len()));
        let from = recognised.map_or(Mark::default(), |known| progress.inputs[known].at);
        let now = Known { path: here, fingerprint, at: from };
        let known = match recognised {
            Some(known) if found[known].is_none() => {
                found[known] = Some(input);
                progress.inputs[known] = now;
                known
            }
            _ => {
                progress.inputs.push(now);
                progress.inputs.len() - 1
            }
        };
        live.tasks.push(Task { input, path: path.clone(), from, to: None });
        live.known.push(known as u32);
    }
    let mut plans = Vec::new();
    for stretch in &progress.stretches {
        let mut plan = Plan { first: stretch.first, tasks: Vec::new(), known: Vec::new() };
        for Leg { known, from, to } in stretch.legs.iter().copied() {
            let place = &mut found[known as usize];
            let input = match *place {
                Some(input) => input,
                None => find_again(&progress.inputs[known as usize], &mut paths)?,
            };
            *place = Some(input);
            plan.tasks.push(Task { input, path: paths[input as usize].clone(), from, to: Some(to) });
            plan.known.push(known);
        }
        plans.push(plan);
    }
    plans.push(live);
    Ok(Recognised { plans, known: progress.inputs, paths })
}

fn refuse_twice(given: &[PathBuf]) -> Result<(), InputError> {
    let mut seen = std::collections::BTreeSet::new();
    for path in given {
        let place = path.canonicalize().unwrap_or_else(|_| path.clone());
        if !seen.insert(place) {
            return Err(InputError::GivenTwice { path: path.clone() });
        }
    }
    Ok(())
}

/// The known input, among the first `count`, with which most bytes agree; among equals, the one that was at this place.
fn best_match(head: &mut Head, here: &str, known: &[Known], count: usize) -> Option<usize> {
    let candidates = known.iter().take(count).enumerate();
    let agreeing = candidates.filter_map(|(place, known)| {
        let agreement = head.agreement(known.fingerprint?)?;
        Some((agreement, known.path == here, place))
    });
    agreeing.max().map(|(_, _, place)| place)
}

/// A file that was not given but must be read again; its number among the inputs.
fn find_again(known: &Known, paths: &mut Vec<PathBuf>) -> Result<u32, InputError> {
    let needed = || InputError::Needed { path: known.path.clone() };
    let path = PathBuf::from(&known.path);
    let fingerprint = known.fingerprint.ok_or_else(needed)?;
    let head = read_head(&path).map_err(|_| needed())?;
    head.and_then(|mut head| head.agreement(fingerprint)).ok_or_else(needed)?;
    paths.push(path);
    Ok(paths.len() as u32 - 1)
}

/// The first bytes of a file that can be read twice; `None` of others.
fn read_head(path: &Path) -> Result<Option<Head>, InputError> {
    if path == Path::new("-") {
        return Ok(None);
    }
    let failed = |source| InputError::from_open(path.into(), source);
    let metadata = path.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(InputError::Directory { path: path.into() });
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(Head::new(bytes)))
}

fn absolute(path: &Path) -> String {
    if path == Path::new("-") {
        return "-".into();
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    absolute.to_string_lossy().into_owned()
}
