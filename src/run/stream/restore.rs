//! What a task that was just assigned goes on from: the facts, a decision, and the reading of a changelog.
//!
//! ```text
//! group's offset   local store          then
//! an epoch         the same epoch       local rows; no changelog record is read
//! an epoch         an earlier one       local rows and the changelog's tail
//! an epoch         none, or not fitting the whole changelog
//! an epoch         a later one          stop: the offsets were set back, or it is another cluster
//! nothing          any                  the whole changelog: what it ends with, or a fresh start if it is empty
//! set by hand      none                 a fresh start there, if the changelog is empty too
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::digest::Digest;
use super::footer::{FOOTER_KEY, Footer, LocalFooter, Mark, Marked, ROW_TAG};
use super::rules::{Rule, holds};
use super::stop::Stop;
use crate::edge::ports::ChangelogEvent;
use crate::flow::Change;
use crate::flow::record::Offset;
use crate::flow::task::TaskId;

/// A learned row: table, key, bytes.
pub type Row = (u8, Vec<u8>, Vec<u8>);

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The local store has them.
    Local,
    /// The local store, then the changelog from there.
    Tail(Offset),
    /// The changelog from its start.
    Changelog,
}

/// Whose rows they must be.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The task.
    pub task: TaskId,
    /// The application.
    pub application: &'a str,
    /// The fingerprint of its topology.
    pub topology: &'a str,
}

impl Identity<'_> {
    /// Refuses what another topology or application learned.
    fn admit(&self, application: &str, topology: &str) -> Result<(), Stop> {
        if application == self.application && topology == self.topology {
            return Ok(());
        }
        Err(Stop::OtherTopology {
            task: self.task,
            found: format!("{application} {topology}"),
            wanted: format!("{} {}", self.application, self.topology),
        })
    }
}

/// Decides where a task's rows come from.
pub fn plan(identity: Identity<'_>, marked: &Marked, local: Option<&LocalFooter>) -> Result<Plan, Stop> {
    let Marked::Epoch(next, mark) = marked else { return Ok(Plan::Changelog) };
    identity.admit(identity.application, &mark.topology)?;
    let Some(local) = local else { return Ok(Plan::Changelog) };
    if mark.fits(*next, &local.footer) {
        return Ok(Plan::Local);
    }
    if local.footer.sequence > mark.sequence && holds(Rule::LocalAheadStops) {
        let (task, local, group) = (identity.task, local.footer.sequence, mark.sequence);
        return Err(Stop::LocalAhead { task, local, group });
    }
    if local.footer.sequence < mark.sequence {
        Ok(Plan::Tail(local.changelog_next))
    } else {
        Ok(Plan::Changelog)
    }
}

/// What a task goes on from.
#[derive(Debug)]
pub struct Restored {
    /// The epoch; `None` for a fresh start.
    pub footer: Option<Footer>,
    /// The rows that belong to it.
    pub rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    /// Their sum.
    pub digest: Digest,
    /// Where the changelog goes on.
    pub changelog_next: Offset,
    /// Where a fresh start begins, if somebody said so.
    pub begin_at: Option<Offset>,
    /// Which rows the changelog has changed or removed.
    pub touched: BTreeSet<(u8, Vec<u8>)>,
}

/// What comes after a changelog event.
#[derive(Debug)]
pub enum Step {
    /// Further events.
    More,
    /// The changelog has ended before the group's epoch: it may follow, or not.
    Missing,
    /// The group has gone on meanwhile: ask it again.
    AskAgain,
    /// The changelog ends in other rows than it should: begin again from its start, or give up if that was it.
    Torn(String),
    /// All is there.
    Done(Box<Restored>),
}

/// Rows on their way from store and changelog.
#[derive(Debug)]
pub struct Restoration {
    target: Option<(Offset, Mark)>,
    /// Where the group was put by hand.
    by_hand: Option<Offset>,
    footer: Option<Footer>,
    rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    /// Since the last footer.
    pending: Vec<Change>,
    /// Which of the rows the changelog has changed.
    touched: BTreeSet<(u8, Vec<u8>)>,
    changelog_next: Offset,
    /// Records read.
    pub records: u64,
}

impl Restoration {
    /// Begins with the rows of the local store, or with none.
    pub fn new(marked: &Marked, local: Option<LocalFooter>, rows: Vec<Row>) -> Restoration {
        let target = match marked {
            Marked::Epoch(next, mark) => Some((*next, mark.clone())),
            Marked::Nothing | Marked::ByHand(_) => None,
        };
        let by_hand = if let Marked::ByHand(next) = marked { Some(*next) } else { None };
        let changelog_next = local.as_ref().map_or(Offset(0), |local| local.changelog_next);
        Restoration {
            target,
            by_hand,
            footer: local.map(|local| local.footer),
            rows: rows.into_iter().map(|(table, key, row)| ((table, key), row)).collect(),
            pending: Vec::new(),
            touched: BTreeSet::new(),
            changelog_next,
            records: 0,
        }
    }

    /// The rows of the local store are all there is to it.
    pub fn local(self) -> Step {
        self.conclude()
    }

    /// Takes what the changelog says next.
    pub fn take(mut self: Box<Self>, event: ChangelogEvent<'_>) -> (Step, Option<Box<Restoration>>) {
        match event {
            ChangelogEvent::Record { offset, key, value } => {
                self.records += 1;
                self.changelog_next = Offset(offset.0 + 1);
                match (key, value) {
                    (FOOTER_KEY, Some(value)) => return self.take_footer(value),
                    ([ROW_TAG, table, key @ ..], value) => {
                        let (key, row) = (key.to_vec(), value.map(<[u8]>::to_vec));
                        self.pending.push(Change { table: *table, key, row });
                        if !holds(Rule::RowsCountAtFooter) {
                            self.apply_pending();
                        }
                    }
                    // A later version's records, or a deleted footer, which is no footer.
                    _ => {}
                }
                (Step::More, Some(self))
            }
            ChangelogEvent::End if self.target.is_some() => (Step::Missing, Some(self)),
            ChangelogEvent::End => (self.conclude(), None),
        }
    }

    fn take_footer(mut self: Box<Self>, value: &[u8]) -> (Step, Option<Box<Restoration>>) {
        let Ok(footer) = Footer::from_bytes(value) else {
            return (Step::Torn("a footer cannot be read".to_owned()), None);
        };
        if let Some((_, mark)) = &self.target
            && footer.sequence > mark.sequence
        {
            return (Step::AskAgain, None);
        }
        self.apply_pending();
        self.footer = Some(footer);
        let reached = matches!((&self.target, &self.footer),
            (Some((_, mark)), Some(footer)) if mark.sequence == footer.sequence);
        if reached { (self.conclude(), None) } else { (Step::More, Some(self)) }
    }

    fn apply_pending(&mut self) {
        for Change { table, key, row } in self.pending.drain(..) {
            self.touched.insert((table, key.clone()));
            match row {
                Some(row) => self.rows.insert((table, key), row),
                None => self.rows.remove(&(table, key)),
            };
        }
    }

    fn conclude(self) -> Step {
        let mut digest = Digest::default();
        for ((table, key), row) in &self.rows {
            digest.add(*table, key, row);
        }
        let fits = match (&self.target, &self.footer) {
            (Some((next, mark)), Some(footer)) => mark.fits(*next, footer),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let sum = self.footer.as_ref().map_or(digest.sum(), |footer| footer.digest);
        if (!fits || sum != digest.sum()) && holds(Rule::DigestChecked) {
            return Step::Torn(format!("its {} rows are not those of the committed epoch", digest.rows()));
        }
        Step::Done(Box::new(Restored {
            footer: self.footer,
            rows: self.rows,
            digest,
            changelog_next: self.changelog_next,
            begin_at: self.by_hand,
            touched: self.touched,
        }))
    }
}

/// What a store has to change to have these rows: all of them where it is empty, else those that were touched since.
pub fn changes(rows: Vec<Row>, touched: Option<BTreeSet<(u8, Vec<u8>)>>) -> Vec<Change> {
    let put = |(table, key, row): Row| Change { table, key, row: Some(row) };
    let Some(mut touched) = touched else { return rows.into_iter().map(put).collect() };
    let is_touched = |(table, key, _): &Row| touched.remove(&(*table, key.clone()));
    let mut changes: Vec<Change> = rows.into_iter().filter(is_touched).map(put).collect();
    changes.extend(touched.into_iter().map(|(table, key)| Change { table, key, row: None }));
    changes
}

/// Refuses what cannot be gone on from.
pub fn admit(identity: Identity<'_>, restored: &Restored, has_local: bool) -> Result<(), Stop> {
    let task = identity.task;
    match (&restored.footer, restored.begin_at) {
        (Some(footer), _)
            if footer.application != identity.application || footer.topology != identity.topology =>
        {
            identity.admit(&footer.application, &footer.topology)
        }
        (Some(_), Some(at)) => Err(Stop::OffsetsSetByHand { task, at }),
        (None, Some(at)) if has_local => Err(Stop::OffsetsSetByHand { task, at }),
        (None, None) if has_local => Err(Stop::OtherCluster { task }),
        _ => Ok(()),
    }
}
