//! The state directory of a stream: a store a task, each a cache of what the changelog holds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::table_name;
use crate::edge::kafka::{KafkaError, KafkaSettings, ReadEvent, Reader, Since};
use crate::edge::ports::{ChangelogEvent, Store, StoreError, Stores};
use crate::edge::sled::Sled;
use crate::flow::Flow;
use crate::flow::advise::Advise;
use crate::flow::detection::{Detection, Keeping};
use crate::flow::record::Offset;
use crate::flow::task::{FlowName, TaskId};
use crate::run::stream::digest::Digest;
use crate::run::stream::footer::{LocalFooter, Marked};
use crate::run::stream::restore::{Restoration, Row, Step};
use crate::topology::Topology;

/// How long a poll waits for changelog records.
const PATIENCE: Duration = Duration::from_millis(100);
/// Records taken at a time.
const BATCH_RECORDS: usize = 4096;

/// Why a state directory could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error("{0}: what it holds cannot be read: is it of a later version?")]
    Unreadable(TaskId),
}

/// What one task has.
struct Kept {
    local: LocalFooter,
    rows: Vec<Row>,
}

fn kept(store: &Sled, task: TaskId) -> Result<Option<Kept>, Refused> {
    let store = Stores::open(store, task)?;
    let Some(footer) = store.footer()? else { return Ok(None) };
    let local = LocalFooter::from_bytes(&footer).map_err(|_| Refused::Unreadable(task))?;
    let mut rows = Vec::new();
    store.rows(&mut |table, key, row| rows.push((table, key.to_vec(), row.to_vec())))?;
    Ok(Some(Kept { local, rows }))
}

/// How far each task has come, and how large its tables are.
pub(super) fn list(store: &Sled, topology: &Topology) -> Result<String, Refused> {
    let mut text = String::new();
    for task in store.tasks() {
        let Some(Kept { local, rows }) = kept(store, task)? else { continue };
        let footer = local.footer;
        let _ = writeln!(
            text,
            "{task}: application {}, topology {}, epoch {}, records below {} judged, from {} to be read again",
            footer.application, footer.topology, footer.sequence, footer.next.0, footer.replay_from.0
        );
        let mut tables: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
        for (table, key, row) in rows {
            let (count, bytes) = tables.entry(table).or_default();
            *count += 1;
            *bytes += (key.len() + row.len()) as u64;
        }
        for (table, (count, bytes)) in tables {
            let _ = writeln!(text, "  {:<26} {count:>9} rows {bytes:>12} bytes", table_name(topology, table));
        }
    }
    Ok(text)
}

/// What was learned of an entity.
pub(super) fn show(store: &Sled, entity: &str, topology: &Topology) -> Result<String, Refused> {
    let mut text = String::new();
    for task in store.tasks() {
        let Some(Kept { rows, .. }) = kept(store, task)? else { continue };
        for (table, _, row) in rows.iter().filter(|(_, key, _)| key == entity.as_bytes()) {
            let _ = writeln!(text, "{task} {:<26} {:>9} bytes", table_name(topology, *table), row.len());
        }
    }
    if text.is_empty() {
        let _ = writeln!(text, "nothing was learned of {entity}");
    }
    Ok(text)
}

/// Whether every row can be read, and fits the changelog where that is given. The text, and whether all is well.
pub(super) fn verify(
    store: &Sled,
    dir: &Path,
    topology: &Topology,
    kafka: Option<&KafkaSettings>,
) -> Result<(String, bool), Refused> {
    let (mut text, mut fine) = (String::new(), true);
    for task in store.tasks() {
        let Some(Kept { local, rows }) = kept(store, task)? else { continue };
        let mut wrong = of_itself(task, &local, &rows, topology);
        let mut note = String::new();
        if wrong.is_none()
            && let Some(kafka) = kafka
        {
            let changelog = match task.flow {
                FlowName::Advise => &topology.sink.advise_changelog,
                FlowName::Route | FlowName::Detect => &topology.sink.changelog,
            };
            match against_changelog(kafka, changelog, task, local.clone(), rows)? {
                Ok(said) => note = said,
                Err(said) => wrong = Some(said),
            }
        }
        match wrong {
            None => {
                let _ = writeln!(text, "{task}: fine: epoch {}{note}", local.footer.sequence);
            }
            Some(said) => {
                fine = false;
                let _ = writeln!(text, "{task}: WRONG: {said}");
            }
        }
    }
    if !fine {
        let _ = writeln!(text, "move {} away: the next `run` restores it from the changelog", dir.display());
    }
    Ok((text, fine))
}

fn of_itself(task: TaskId, local: &LocalFooter, rows: &[Row], topology: &Topology) -> Option<String> {
    let footer = &local.footer;
    if footer.application != topology.name || footer.topology != topology.fingerprint() {
        return Some(format!("it is of another topology ({} {})", footer.application, footer.topology));
    }
    let mut digest = Digest::default();
    for (table, key, row) in rows {
        digest.add(*table, key, row);
    }
    if digest.sum() != footer.digest {
        return Some(format!("its {} rows are not those of epoch {}", digest.rows(), footer.sequence));
    }
    let mut flow: Box<dyn Flow> = match task.flow {
        FlowName::Advise => Box::new(Advise::new(true)),
        FlowName::Route | FlowName::Detect => {
            Box::new(Detection::new(&topology.detection(false, Keeping::Everything)))
        }
    };
    flow.restore(&footer.position, rows).is_err().then(|| "a row cannot be read".to_owned())
}

/// Local rows with the changelog's tail must give what the whole changelog gives.
fn against_changelog(
    kafka: &KafkaSettings,
    changelog: &str,
    task: TaskId,
    local: LocalFooter,
    rows: Vec<Row>,
) -> Result<Result<String, String>, Refused> {
    let epoch = local.footer.sequence;
    let mut whole = Some(Box::new(Restoration::new(&Marked::Nothing, None, Vec::new())));
    let from = local.changelog_next;
    let mut tail = Some(Box::new(Restoration::new(&Marked::Nothing, Some(local), rows)));
    let only = [task.partition];
    let mut reader = Reader::open(kafka, changelog, Some(&only), (Since::Beginning, Since::Now), false)?;
    let (mut of_whole, mut of_tail) = (None, None);
    let take = |at: &mut Option<Box<Restoration>>, done: &mut Option<Step>, event: ChangelogEvent<'_>| {
        let Some(taken) = at.take() else { return };
        match taken.take(event) {
            (Step::More, rest) => *at = rest,
            (step, _) => *done = Some(step),
        }
    };
    while !reader.is_done() {
        reader.poll(PATIENCE, BATCH_RECORDS, &mut |event| {
            let ReadEvent::Record(record) = event else { return };
            let offset = Offset(record.offset());
            let key = record.key().unwrap_or_default();
            let event = ChangelogEvent::Record { offset, key, value: record.value() };
            take(&mut whole, &mut of_whole, event);
            if offset >= from {
                take(&mut tail, &mut of_tail, event);
            }
        })?;
    }
    take(&mut whole, &mut of_whole, ChangelogEvent::End);
    take(&mut tail, &mut of_tail, ChangelogEvent::End);
    Ok(match (of_whole, of_tail) {
        (Some(Step::Done(whole)), Some(Step::Done(tail))) if whole.rows == tail.rows => {
            let now = whole.footer.map_or(0, |footer| footer.sequence);
            if now < epoch {
                Err(format!(
                    "the changelog is at epoch {now}, behind the {epoch} here: is this another cluster?"
                ))
            } else {
                Ok(format!(", as the changelog, which is at epoch {now}"))
            }
        }
        (Some(Step::Done(_)), _) => Err("its rows are not those of the changelog".to_owned()),
        (Some(Step::Torn(said)), _) => Err(format!("the changelog is torn: {said}")),
        _ => Err("the changelog does not end with an epoch".to_owned()),
    })
}
