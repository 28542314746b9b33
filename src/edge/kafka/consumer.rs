//! A member of the consumer group: records in batches by task, rebalances as answers, positions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::KafkaError as LibraryError;
use rdkafka::topic_partition_list::{Offset as LibraryOffset, TopicPartitionList};

use super::context::{Called, KnownEnd, MemberContext};
use super::errors::reading;
use super::settings::{KafkaError, KafkaSettings};
use crate::edge::ports::{Committed, Lost};
use crate::flow::record::Offset;
use crate::flow::task::{FlowName, TaskId};

/// How long the group or a partition's leader may take to answer a question.
pub(super) const ANSWER: Duration = Duration::from_secs(1);

/// Fenced twice in such a time, a member gives way.
const FENCED_AGAIN: Duration = Duration::from_mins(1);

fn subscribed(
    config: &ClientConfig,
    topics: &[(String, FlowName)],
) -> Result<BaseConsumer<MemberContext>, KafkaError> {
    let consumer = BaseConsumer::from_config_and_context(config, MemberContext::default())
        .map_err(|error| KafkaError::new("create consumer", error))?;
    let names: Vec<&str> = topics.iter().map(|(name, _)| name.as_str()).collect();
    consumer
        .subscribe(&names)
        .map_err(|error| KafkaError::new(format!("subscribe to {}", names.join(", ")), error))?;
    Ok(consumer)
}

/// A member of the group.
pub(super) struct Member {
    config: ClientConfig,
    fenced_at: Option<Instant>,
    pub(super) consumer: BaseConsumer<MemberContext>,
    /// The flow that reads a topic.
    pub(super) topics: Vec<(String, FlowName)>,
    begins_at_end: bool,
    pub(super) joined: bool,
    /// What the group said it has committed, for those that have not asked yet.
    pub(super) committed: BTreeMap<TaskId, Option<Committed>>,
    /// Partitions that the group gave this member.
    owned: BTreeSet<TaskId>,
    /// Those of them that are read, for finding out which of them the log does not hold.
    pub(super) started: BTreeSet<TaskId>,
    pub(super) away_since: Option<Instant>,
    pub(super) offset_refused: bool,
}

impl Member {
    /// Joins the group, to read these topics.
    pub(super) fn join(
        settings: &KafkaSettings,
        group: &str,
        instance: &str,
        topics: Vec<(String, FlowName)>,
    ) -> Result<Member, KafkaError> {
        let config = settings.member(group, instance);
        let consumer = subscribed(&config, &topics)?;
        Ok(Member {
            config,
            fenced_at: None,
            consumer,
            topics,
            begins_at_end: settings.begins_at_end(),
            joined: false,
            committed: BTreeMap::new(),
            owned: BTreeSet::new(),
            started: BTreeSet::new(),
            away_since: None,
            offset_refused: false,
        })
    }

    pub(super) fn topic(&self, flow: FlowName) -> &str {
        self.topics.iter().find(|(_, of)| *of == flow).map_or("", |(name, _)| name)
    }

    /// Joins the group anew, under the same instance id, after the brokers have forgotten which member has it: a join whose
    /// answer is lost with a broker does that. Fenced again soon, it is another process that has the id.
    pub(super) fn join_again(&mut self) -> Result<Vec<TaskId>, Lost> {
        let again = self.fenced_at.is_some_and(|at| at.elapsed() < FENCED_AGAIN);
        self.fenced_at = Some(now());
        if again {
            return Err(Lost::Fatal(
                "another process joined the group under this one's instance id: is the state directory a copy? Each \
                 instance needs its own"
                    .to_owned(),
            ));
        }
        self.answer_all();
        let consumer =
            subscribed(&self.config, &self.topics).map_err(|error| Lost::Fatal(error.to_string()))?;
        self.consumer = consumer;
        (self.joined, self.offset_refused, self.away_since) = (false, false, None);
        self.committed.clear();
        self.started.clear();
        Ok(std::mem::take(&mut self.owned).into_iter().collect())
    }

    fn list(&self, tasks: impl IntoIterator<Item = TaskId>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for task in tasks {
            list.add_partition(self.topic(task.flow), task.partition as i32);
        }
        list
    }

    pub(super) fn tasks(&self, list: &TopicPartitionList) -> Vec<TaskId> {
        let elements = list.elements();
        let task = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let (_, flow) = self.topics.iter().find(|(name, _)| name == element.topic())?;
            Some(TaskId { flow: *flow, partition: element.partition() as u32 })
        };
        elements.iter().filter_map(task).collect()
    }

    /// Accepts partitions. The library reads nothing of them yet: each is handed to it with the place to begin at once
    /// that is known. Seeking in a paused partition instead was seen to lose its place to a question for its end.
    pub(super) fn assign(&mut self, tasks: &[TaskId]) {
        self.owned.extend(tasks);
        self.started.retain(|task| !tasks.contains(task));
        note("accept partitions", self.consumer.incremental_assign(&TopicPartitionList::new()));
    }

    pub(super) fn unassign(&mut self, tasks: &[TaskId]) {
        let read = self.list(tasks.iter().copied().filter(|task| self.started.contains(task)));
        self.owned.retain(|task| !tasks.contains(task));
        self.started.retain(|task| !tasks.contains(task));
        note("let go of partitions", self.consumer.incremental_unassign(&read));
    }

    pub(super) fn start(&mut self, task: TaskId, from: Offset) -> Result<(), Lost> {
        self.stop(task);
        let (topic, position) = (self.topic(task.flow), LibraryOffset::Offset(from.0 as i64));
        let doing = || format!("read {topic}/{} from {}", task.partition, from.0);
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(topic, task.partition as i32, position);
        added
            .and_then(|()| self.consumer.incremental_assign(&list))
            .map_err(|error| reading(&doing(), &error))?;
        self.started.insert(task);
        Ok(())
    }

    /// Reads nothing more of a partition, which stays this member's.
    pub(super) fn stop(&mut self, task: TaskId) {
        if self.started.remove(&task) {
            note("stop reading a partition", self.consumer.incremental_unassign(&self.list([task])));
        }
    }

    pub(super) fn watermarks(&self, task: TaskId) -> Result<(i64, i64), Lost> {
        let topic = self.topic(task.flow);
        let asked = self.consumer.fetch_watermarks(topic, task.partition as i32, ANSWER);
        asked.map_err(|error| reading(&format!("ask for the extent of {topic}/{}", task.partition), &error))
    }

    pub(super) fn beginning(&self, task: TaskId) -> Result<Offset, Lost> {
        let (low, high) = self.watermarks(task)?;
        Ok(Offset(if self.begins_at_end { high } else { low } as u64))
    }

    /// Asks for all that are not read yet at once: whoever asks next has the answer.
    pub(super) fn committed(&mut self, task: TaskId) -> Result<Option<Committed>, Lost> {
        if let Some(known) = self.committed.remove(&task) {
            return Ok(known);
        }
        let mut waiting: Vec<TaskId> = self.owned.difference(&self.started).copied().collect();
        if !waiting.contains(&task) {
            waiting.push(task);
        }
        let list = self.list(waiting.iter().copied());
        let doing = "ask what the group has committed";
        let answer = self.consumer.committed_offsets(list, ANSWER).map_err(|error| reading(doing, &error))?;
        for of in waiting {
            let element = answer.find_partition(self.topic(of.flow), of.partition as i32);
            let Some(element) = element else { return Err(Lost::NotYet(doing.to_owned())) };
            element.error().map_err(|error| reading(doing, &error))?;
            let committed = match element.offset() {
                LibraryOffset::Offset(next) => {
                    Some(Committed { next: Offset(next as u64), metadata: element.metadata().to_owned() })
                }
                _ => None,
            };
            self.committed.insert(of, committed);
        }
        Ok(self.committed.remove(&task).flatten())
    }

    /// Where partitions end, if that was noted since the last call; `None` where every record was handed over.
    pub(super) fn ends(&self) -> Vec<(TaskId, Option<Offset>)> {
        let ends = self.consumer.context().take_ends().into_iter();
        let of_task = |known: KnownEnd| {
            let (_, flow) = self.topics.iter().find(|(name, _)| *name == known.topic)?;
            let task = TaskId { flow: *flow, partition: known.partition as u32 };
            Some((task, known.end.map(|end| Offset(end as u64))))
        };
        ends.filter_map(of_task).collect()
    }

    /// `None` before the group was joined: what the library gives then would overwrite offsets.
    pub(super) fn membership(&self) -> Option<ConsumerGroupMetadata> {
        if self.joined { self.consumer.group_metadata() } else { None }
    }

    pub(super) fn owns_its_partitions(&self) -> bool {
        self.joined && !self.consumer.assignment_lost()
    }

    /// Positions as the producer sends them.
    pub(super) fn positions(&self, of: &[crate::edge::ports::Position]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for position in of {
            let (task, next) = (position.task, LibraryOffset::Offset(position.next.0 as i64));
            let mut element = list.add_partition(self.topic(task.flow), task.partition as i32);
            note("name a position", element.set_offset(next));
            element.set_metadata(&position.metadata);
        }
        list
    }

    /// From now on rebalances are answered as they come.
    fn answer_all(&self) {
        let context = self.consumer.context();
        context.close();
        for called in context.take_called() {
            let answered = match called {
                Called::Assign(_) => self.consumer.incremental_assign(&TopicPartitionList::new()),
                Called::Revoke { .. } => self.let_go_of_all(),
            };
            note("leave", answered);
        }
    }

    fn let_go_of_all(&self) -> Result<(), LibraryError> {
        self.consumer.incremental_unassign(&self.consumer.assignment()?)
    }

    /// Leaves the group, so that others take over at once.
    pub(super) fn leave(self, patience: Duration) {
        let begun = now();
        self.answer_all();
        self.consumer.unsubscribe();
        while begun.elapsed() < patience && self.consumer.assignment().is_ok_and(|left| left.count() > 0) {
            let _ = self.consumer.poll(Duration::from_millis(10));
        }
    }
}

impl Drop for Member {
    /// The library leaves the group when its consumer is dropped, and waits for rebalances to be answered.
    fn drop(&mut self) {
        self.answer_all();
    }
}

fn note(doing: &str, done: Result<(), LibraryError>) {
    if let Err(error) = done {
        tracing::debug!(%error, doing, "the group will say it again");
    }
}

#[expect(clippy::disallowed_methods, reason = "deadlines of this edge's own, which no output depends on")]
pub(super) fn now() -> Instant {
    Instant::now()
}
