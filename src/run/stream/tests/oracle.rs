//! What must have come out: the batch run of each task's input, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use super::super::blueprint::Blueprint;
use super::super::digest::Digest;
use super::super::footer::{FOOTER_KEY, Footer, Marked, ROW_TAG};
use super::advice;
use super::log::{Log, Name};
use super::partition::{Partition, Record};
use crate::edge::ports::Topic;
use crate::flow::detection::{IDLE_MARKS, Keeping};
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord, Role};
use crate::flow::task::{FlowName, TaskId};

/// A record that left: partition where that is fixed, key, value, headers.
type Left = (Option<u32>, Option<Vec<u8>>, Vec<u8>, Vec<(String, String)>);
/// By role and number.
type Outputs = BTreeMap<(&'static str, u64), Left>;
type Rows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

/// What a task has made true.
struct Made {
    outputs: Outputs,
    rows: Rows,
    position: Vec<u8>,
    replay_from: u64,
}

/// Compares all that was committed with the batch run.
pub(super) fn compare(log: &Log, blueprint: &Blueprint, tasks: &[TaskId]) -> Result<(), String> {
    for task in tasks {
        let (made, sequence) = made(log, *task)?;
        let end =
            log.partitions.get(&(Name::input(task.flow), task.partition)).map_or(0, Partition::after_last);
        if sequence == 0 {
            if end > 0 {
                return Err(format!("{task}: nothing was committed of {end} records"));
            }
            continue;
        }
        let expected = batch(log, blueprint, *task, &made.rows);
        let checkpoints = matches!(blueprint.detection.keeping, Keeping::Checkpoints { .. });
        let compare_rows = !(checkpoints && task.flow == FlowName::Detect);
        differences(*task, &made, &expected, compare_rows)?;
        let differs = (made.replay_from, &made.position) != (expected.replay_from, &expected.position);
        if compare_rows && differs {
            return Err(format!(
                "{task}: position differs: {} {:?}, expected {} {:?}",
                made.replay_from, made.position, expected.replay_from, expected.position
            ));
        }
    }
    Ok(())
}

fn differences(task: TaskId, made: &Made, expected: &Made, compare_rows: bool) -> Result<(), String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for (id, left) in &expected.outputs {
        match made.outputs.get(id) {
            None => return Err(format!("{task}: {id:?} is missing: {}", text(&left.2))),
            Some(found) if found != left => {
                return Err(format!(
                    "{task}: {id:?} differs:\n  {}\n  {}\n  {found:?}\n  {left:?}",
                    text(&found.2),
                    text(&left.2)
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(id) = made.outputs.keys().find(|id| !expected.outputs.contains_key(id)) {
        return Err(format!("{task}: {id:?} should not be"));
    }
    // Rows that are only checkpoints are as old as there was room for.
    if compare_rows && made.rows != expected.rows {
        let differs = made.rows.iter().find(|(key, row)| expected.rows.get(*key) != Some(row));
        return Err(format!("{task}: learned rows differ: {differs:?}"));
    }
    Ok(())
}

/// What the batch run of a task's input gives, with windows closed where rows say that they were.
fn batch(log: &Log, blueprint: &Blueprint, task: TaskId, rows: &Rows) -> Made {
    let mut flow = blueprint.flow(task.flow);
    let marks: BTreeSet<u64> = rows
        .keys()
        .filter(|(table, _)| *table == IDLE_MARKS && task.flow == FlowName::Detect)
        .map(|(_, key)| u64::from_be_bytes(key.as_slice().try_into().expect("a mark is eight bytes")))
        .collect();
    let input = log.partitions.get(&(Name::input(task.flow), task.partition));
    let records: Vec<(u64, &Record)> = input.into_iter().flat_map(Partition::ever).collect();
    let mut passed = 0;
    for (offset, record) in &records {
        for mark in marks.range(passed..=*offset) {
            flow.idle(Offset(*mark));
        }
        passed = offset + 1;
        flow.process(&[RawRecord {
            offset: Offset(*offset),
            origin: Origin { input: task.partition, position: *offset, line: 0 },
            key: record.key.as_deref(),
            value: record.value.as_deref().unwrap_or_default(),
            format: Format::Json,
            extent: Extent::Whole,
        }]);
        advice::answer_all(flow.as_mut());
    }
    for mark in marks.range(passed..) {
        flow.idle(Offset(*mark));
    }
    let epoch = flow.epoch(Offset(passed));
    let mut outputs = Outputs::new();
    for output in epoch.outputs {
        let role = output.role.name();
        let mut headers = vec![("tidewatch-id".to_owned(), format!("app-{task}-{role}-{}", output.number))];
        if let Some((rejection, origin)) = &output.refused {
            let source = format!("{}/{}/{}", blueprint.input(task.flow), task.partition, origin.position);
            headers.push(("tidewatch-reason".to_owned(), rejection.reason.label().to_owned()));
            headers.push(("tidewatch-detail".to_owned(), rejection.detail.clone()));
            headers.push(("tidewatch-source".to_owned(), source));
        }
        let partition = (output.role == Role::Findings).then_some(task.partition);
        outputs.insert((role, output.number), (partition, output.key, output.value, headers));
    }
    let changes =
        epoch.changes.into_iter().filter_map(|change| Some(((change.table, change.key), change.row?)));
    Made { outputs, rows: changes.collect(), position: epoch.position, replay_from: epoch.replay_from.0 }
}

/// What a task has made true: every record that can be read, checked for being there once and in order; and its epochs.
fn made(log: &Log, task: TaskId) -> Result<(Made, u64), String> {
    let mut outputs = Outputs::new();
    let prefix = format!("app-{task}-");
    for ((name, partition), records) in &log.partitions {
        let Name::Of(Topic::Output(role)) = name else { continue };
        let mut last = None;
        for (_, record) in records.ever() {
            let Some(id) = record.headers.first().and_then(|(_, id)| id.strip_prefix(&prefix)) else {
                continue;
            };
            let (of, number) = id.rsplit_once('-').ok_or("an id without number")?;
            let number: u64 = number.parse().map_err(|_| format!("{id} has no number"))?;
            if of != role.name() {
                return Err(format!("{task}: {id} is among the {}", role.name()));
            }
            if last.replace(number).is_some_and(|last| last >= number) {
                return Err(format!("{task}: {id} comes after {last:?} in {name:?} {partition}"));
            }
            let fixed = (*role == Role::Findings).then_some(*partition);
            let left =
                (fixed, record.key.clone(), record.value.clone().unwrap_or_default(), record.headers.clone());
            if outputs.insert((role.name(), number), left).is_some() {
                return Err(format!("{task}: {id} is there twice"));
            }
        }
    }
    let committed = log.group.committed(task).map_err(|()| format!("{task}: still pending"))?;
    let mark = match Marked::read(committed) {
        Marked::Epoch(_, mark) => mark,
        Marked::Nothing | Marked::ByHand(_) => {
            return Ok((Made { outputs, rows: Rows::new(), position: Vec::new(), replay_from: 0 }, 0));
        }
    };
    let (position, rows) = match mark.position() {
        Some(position) => (position, Rows::new()),
        None => learned(log, task, &mark.digest)?,
    };
    Ok((Made { outputs, rows, position, replay_from: mark.replay_from }, mark.sequence))
}

/// The rows of the changelog, which must be those that the group's mark speaks of, and the position in its last footer.
fn learned(log: &Log, task: TaskId, digest: &str) -> Result<(Vec<u8>, Rows), String> {
    let (mut rows, mut footer) = (Rows::new(), None);
    let changelog = log.partitions.get(&(Name::Of(Topic::Changelog(task.flow)), task.partition));
    for (_, record) in changelog.into_iter().flat_map(Partition::ever) {
        match (record.key.as_deref(), &record.value) {
            (Some(FOOTER_KEY), Some(value)) => footer = Footer::from_bytes(value).ok(),
            (Some([ROW_TAG, table, key @ ..]), Some(row)) => {
                rows.insert((*table, key.to_vec()), row.clone());
            }
            (Some([ROW_TAG, table, key @ ..]), None) => {
                rows.remove(&(*table, key.to_vec()));
            }
            other => return Err(format!("{task}: {other:?} in the changelog")),
        }
    }
    let mut sum = Digest::default();
    for ((table, key), row) in &rows {
        sum.add(*table, key, row);
    }
    if format!("{:032x}", sum.sum()) != digest {
        return Err(format!("{task}: the changelog's rows are not those that were committed"));
    }
    let footer = footer.ok_or_else(|| format!("{task}: no footer"))?;
    Ok((footer.position, rows))
}
