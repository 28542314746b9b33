//! One transaction for all tasks of a worker: outputs, changed rows, footers and positions become true together.

use std::time::Duration;

use super::blueprint::Blueprint;
use super::digest::Prepared;
use super::footer::{Footer, LocalFooter, Mark};
use super::rules::{Rule, holds};
use super::sending::send_epoch;
use super::stop::Stop;
use super::task::{Kept, Task};
use super::worker::Worker;
use crate::edge::ports::{Clock, Failure, Notice, Position, Store, Stores, Transport};
use crate::flow::record::{Offset, Role};
use crate::flow::task::TaskId;

/// How often the same call is repeated when the log says that it may then succeed.
const REPEATS: u32 = 50;

/// How far a transaction came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The commit was not asked for: nothing can have become true.
    BeforeCommit,
    /// The commit was asked for.
    Commit,
}

/// What there is to do about a transaction that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    /// Abort, keep the epochs, send them again.
    SendAgain,
    /// The same, with a new producer.
    SendAgainAnew,
    /// The same, without the largest record.
    SendWithoutLargest,
    /// Abort and let go of the tasks.
    Leave,
    /// A new producer; the group tells what happened.
    Ask,
}

fn recovery(step: Step, failure: &Failure) -> (Recovery, &'static str) {
    if step == Step::Commit && holds(Rule::UnknownIsNotUndone) {
        return (Recovery::Ask, "unknown");
    }
    match failure {
        Failure::Rejoining(_) => (Recovery::SendAgain, "rebalance"),
        Failure::NotMember(_) => (Recovery::Leave, "not-a-member"),
        Failure::TooLarge(_) => (Recovery::SendWithoutLargest, "too-large"),
        Failure::Fenced(_) => (Recovery::SendAgainAnew, "fenced"),
        Failure::Spoilt(_) => (Recovery::SendAgainAnew, "spoilt"),
        Failure::Retriable(_) | Failure::Unknown(_) => (Recovery::SendAgainAnew, "time-out"),
    }
}

/// What a task's part of the transaction becomes once it is committed.
struct Part {
    task: TaskId,
    footer: Footer,
    prepared: Prepared,
}

/// What a transaction was made of when it succeeded, or how far it came.
type Transacted = Result<(Vec<Part>, Vec<(TaskId, Offset)>), (Step, Failure)>;

impl<T: Transport, S: Stores, C: Clock> Worker<T, S, C> {
    /// Commits what happened since the last commit. What could not be committed is kept.
    pub(super) fn commit(&mut self) -> Result<(), Stop> {
        let begun = self.clock.now();
        self.last_commit = begun;
        self.tasks.values_mut().for_each(Task::keep);
        if !self.tasks.values().any(|task| task.kept.is_some()) {
            return Ok(());
        }
        if self.needs_producer && !self.renew()? {
            return Ok(());
        }
        match self.transact() {
            Ok((parts, footers)) => {
                self.fenced = false;
                self.settle(parts, &footers)?;
                self.watch.notice(Notice::Transaction { took: self.clock.now().saturating_sub(begun) });
                Ok(())
            }
            Err((step, failure)) => self.recover(step, &failure),
        }
    }

    /// Takes a new producer; `false` while the log is away.
    pub(super) fn renew(&mut self) -> Result<bool, Stop> {
        match self.transport.renew() {
            Ok(()) => {
                self.needs_producer = false;
                Ok(true)
            }
            Err(Failure::Fenced(detail)) => Err(Stop::Fenced(detail)),
            Err(Failure::Spoilt(detail)) => Err(Stop::Log(detail)),
            Err(failure) => {
                self.away(&failure);
                Ok(false)
            }
        }
    }

    fn transact(&mut self) -> Transacted {
        let before = |failure| (Step::BeforeCommit, failure);
        let (application, topology) = (&self.blueprint.application, &self.blueprint.topology);
        self.transport.begin().map_err(before)?;
        let (mut parts, mut positions) = (Vec::new(), Vec::new());
        for task in self.tasks.values() {
            let (Some(kept), Some((footer, prepared))) = (&task.kept, task.footer(application, topology))
            else {
                continue;
            };
            send_epoch(&mut self.transport, &self.blueprint, task.id, kept, &footer).map_err(before)?;
            let learns = Blueprint::learns(task.id.flow);
            let metadata = Mark::of(&footer, !learns).to_text();
            if parts.is_empty() || holds(Rule::EveryPositionSent) {
                positions.push(Position { task: task.id, next: footer.next, metadata });
            }
            parts.push(Part { task: task.id, footer, prepared });
        }
        let footers = if holds(Rule::DeliveredBeforeCommit) {
            self.transport.delivered().map_err(before)?
        } else {
            Vec::new()
        };
        let member = holds(Rule::MemberBeforeOwnership).then(|| self.transport.membership());
        // No poll lies between the two: what is owned now was owned when the member was asked for its name.
        if !self.transport.owns_its_partitions() && holds(Rule::OnlyMembersCommit) {
            return Err(before(Failure::NotMember("partitions were lost".to_owned())));
        }
        let Some(member) = member.unwrap_or_else(|| self.transport.membership()) else {
            return Err(before(Failure::NotMember("the group was never joined".to_owned())));
        };
        repeat(|| self.transport.send_positions(&positions, &member)).map_err(before)?;
        if !holds(Rule::StoreAfterCommit) {
            for part in &parts {
                let task = self.tasks.get_mut(&part.task).expect("its epoch is being sent");
                let _ = write_store(task, &part.footer, &footers);
            }
        }
        repeat(|| self.transport.commit()).map_err(|failure| (Step::Commit, failure))?;
        Ok((parts, footers))
    }

    /// The transaction is committed: what was kept is true.
    fn settle(&mut self, parts: Vec<Part>, footers: &[(TaskId, Offset)]) -> Result<(), Stop> {
        if self.transport.is_suspect() && holds(Rule::SuspectProducerReplaced) {
            self.needs_producer = true;
        }
        for Part { task, footer, prepared } in parts {
            let task = self.tasks.get_mut(&task).expect("its epoch was sent");
            task.sequence = footer.sequence;
            task.digest.settle(prepared);
            write_store(task, &footer, footers)?;
            let Some(Kept { epoch, .. }) = task.kept.take() else { continue };
            let mut outputs = [0; Role::ALL.len()];
            for output in &epoch.outputs {
                outputs[output.role as usize] += 1;
            }
            let bytes =
                |change: &crate::flow::Change| change.key.len() + change.row.as_ref().map_or(0, Vec::len);
            self.watch.notice(Notice::Committed {
                task: task.id,
                next: footer.next,
                epoch: &epoch,
                outputs,
                changelog_bytes: epoch.changes.iter().map(bytes).sum::<usize>() as u64,
                rows: task.digest.rows(),
            });
        }
        Ok(())
    }

    fn recover(&mut self, step: Step, failure: &Failure) -> Result<(), Stop> {
        let (recovery, reason) = recovery(step, failure);
        self.watch.notice(Notice::Aborted { reason });
        tracing::debug!(worker = self.name, %failure, reason, "transaction not committed");
        if let Failure::Fenced(detail) = failure {
            if self.fenced {
                return Err(Stop::Fenced(detail.clone()));
            }
            self.fenced = true;
        }
        if recovery == Recovery::Ask {
            self.needs_producer = true;
            self.restore_all();
            return Ok(());
        }
        // After an abort that failed only a new producer is sure to have ended the transaction. And an abort that was
        // asked for twice may arrive once more: it would take away the first half of the next transaction.
        let failed = self.transport.abort().is_err();
        let suspect = self.transport.is_suspect() && holds(Rule::SuspectProducerReplaced);
        if failed || suspect || recovery == Recovery::SendAgainAnew {
            self.needs_producer = true;
        }
        match recovery {
            Recovery::SendAgain | Recovery::SendAgainAnew => {
                if !holds(Rule::EpochKeptUntilCommitted) {
                    self.tasks.values_mut().for_each(|task| task.kept = None);
                }
            }
            Recovery::SendWithoutLargest => {
                if !self.leave_out_largest() {
                    let detail = format!("{failure}: raise max.message.bytes of the changelog");
                    return Err(Stop::Log(detail));
                }
            }
            Recovery::Leave => self.drop_all(),
            Recovery::Ask => {}
        }
        Ok(())
    }

    /// The largest output that is still to be sent goes to the rejected topic, shortened; `false` if there is none left, so
    /// that it must be a learned row which is too large.
    fn leave_out_largest(&mut self) -> bool {
        let outputs = self.tasks.values_mut().filter_map(|task| task.kept.as_mut()).filter_map(|kept| {
            let Kept { epoch, too_large } = kept;
            let sizes: Vec<(usize, usize)> = epoch
                .outputs
                .iter()
                .enumerate()
                .filter(|(at, _)| !too_large.contains(at))
                .map(|(at, output)| (output.value.len(), at))
                .collect();
            sizes.into_iter().max().map(|(size, at)| (size, at, too_large))
        });
        let Some((size, at, too_large)) = outputs.max_by_key(|(size, _, _)| *size) else { return false };
        tracing::warn!(
            size,
            "a record is larger than the broker takes and goes to the rejected topic, shortened"
        );
        too_large.push(at);
        true
    }
}

/// Repeats a call that may succeed then.
fn repeat(mut call: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    let mut outcome = call();
    for _ in 0..REPEATS {
        match outcome {
            Err(Failure::Retriable(_)) => outcome = call(),
            _ => return outcome,
        }
    }
    outcome
}

/// Brings the local store to the epoch that was committed.
fn write_store<S: Store>(
    task: &mut Task<S>,
    footer: &Footer,
    footers: &[(TaskId, Offset)],
) -> Result<(), Stop> {
    let (Some(store), Some(kept)) = (&mut task.store, &task.kept) else { return Ok(()) };
    let at = footers.iter().find(|(of, _)| *of == task.id).map_or(Offset(0), |(_, at)| Offset(at.0 + 1));
    let local = LocalFooter { footer: footer.clone(), changelog_next: at };
    store.apply(&kept.epoch.changes, &local.to_bytes())?;
    Ok(())
}

/// How long ago something was.
pub(super) fn since(earlier: Duration, now: Duration) -> Duration {
    now.saturating_sub(earlier)
}
