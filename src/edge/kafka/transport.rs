//! Kafka as one worker sees it: a group member, a transactional producer, and a reader of changelogs.

use std::time::Duration;

use rdkafka::consumer::ConsumerGroupMetadata;

use super::changelog::Changelog;
use super::consumer::Member;
use super::producer::Transactions;
use super::settings::{KafkaError, KafkaSettings};
use crate::edge::ports::{
    Committed, EachBatch, EachChange, Failure, Lost, Outgoing, Position, Rebalance, Topic, Transport,
};
use crate::flow::record::{Offset, Role};
use crate::flow::task::{FlowName, TaskId};

/// Who a worker is, and which topics it reads and writes.
#[derive(Clone, Debug)]
pub struct Names {
    /// The consumer group.
    pub group: String,
    /// This worker among all: the instance id of its membership, and its transactional id.
    pub member: String,
    /// The topics it reads, and which flow reads each.
    pub inputs: Vec<(FlowName, String)>,
    /// The topic of each role.
    pub outputs: Vec<(Role, String)>,
    /// The topic that carries a flow's learned rows, for those that learn.
    pub changelogs: Vec<(FlowName, String)>,
}

impl Names {
    fn topic(&self, topic: Topic) -> Result<&str, Failure> {
        let found = match topic {
            Topic::Output(role) => self.outputs.iter().find(|(of, _)| *of == role).map(|(_, name)| name),
            Topic::Changelog(flow) => {
                self.changelogs.iter().find(|(of, _)| *of == flow).map(|(_, name)| name)
            }
        };
        let named = found.map(String::as_str);
        named.ok_or_else(|| Failure::Spoilt(format!("no topic is named for {topic:?}")))
    }
}

/// Kafka, as one worker sees it.
pub struct Kafka {
    names: Names,
    member: Member,
    changelogs: Vec<(FlowName, Changelog)>,
    transactions: Transactions,
    /// Tasks whose footers are in the transaction, in the order of their numbers.
    footers: Vec<TaskId>,
}

impl Kafka {
    /// Joins the group.
    pub fn join(settings: &KafkaSettings, names: Names) -> Result<Kafka, KafkaError> {
        let topics = names.inputs.iter().map(|(flow, topic)| (topic.clone(), *flow)).collect();
        let member = Member::join(settings, &names.group, &names.member, topics)?;
        let group = format!("{}-restore", names.group);
        let changelogs = names.changelogs.iter();
        let changelogs = changelogs
            .map(|(flow, topic)| (*flow, Changelog::new(settings, group.clone(), *flow, topic.clone())))
            .collect();
        let transactions = Transactions::new(settings, names.member.clone());
        Ok(Kafka { names, member, changelogs, transactions, footers: Vec::new() })
    }

    /// Leaves the group, so that others take over at once.
    pub fn leave(self, patience: Duration) {
        self.member.leave(patience);
    }

    fn changelog(&mut self, flow: FlowName) -> Option<&mut Changelog> {
        self.changelogs.iter_mut().find(|(of, _)| *of == flow).map(|(_, changelog)| changelog)
    }
}

impl Transport for Kafka {
    type Membership = ConsumerGroupMetadata;

    fn poll(&mut self, patience: Duration, each: EachBatch<'_>) -> Result<Vec<Rebalance>, Lost> {
        self.member.poll(patience, each)
    }

    fn assign(&mut self, tasks: &[TaskId]) {
        self.member.assign(tasks);
    }

    fn unassign(&mut self, tasks: &[TaskId]) {
        self.member.unassign(tasks);
    }

    fn start(&mut self, task: TaskId, from: Offset) -> Result<(), Lost> {
        self.member.start(task, from)
    }

    fn pause(&mut self, task: TaskId) {
        self.member.stop(task);
    }

    fn extent(&mut self, task: TaskId) -> Result<(Offset, Offset), Lost> {
        let (first, end) = self.member.watermarks(task)?;
        Ok((Offset(first as u64), Offset(end as u64)))
    }

    fn ends(&mut self) -> Vec<(TaskId, Option<Offset>)> {
        self.member.ends()
    }

    fn beginning(&mut self, task: TaskId) -> Result<Offset, Lost> {
        self.member.beginning(task)
    }

    fn committed(&mut self, task: TaskId) -> Result<Option<Committed>, Lost> {
        self.member.committed(task)
    }

    fn read_changelog(&mut self, task: TaskId, from: Offset) -> Result<(), Lost> {
        match self.changelog(task.flow) {
            Some(changelog) => changelog.open(task, from),
            None => Err(Lost::Fatal(format!("{task} has no changelog"))),
        }
    }

    fn poll_changelog(&mut self, patience: Duration, each: EachChange<'_>) -> Result<(), Lost> {
        self.changelogs.iter_mut().try_for_each(|(_, changelog)| changelog.poll(patience, each))
    }

    fn close_changelog(&mut self, task: TaskId) {
        if let Some(changelog) = self.changelog(task.flow) {
            changelog.close(task);
        }
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.footers.clear();
        self.transactions.begin()
    }

    fn send(&mut self, record: Outgoing<'_>) -> Result<(), Failure> {
        let topic = self.names.topic(record.topic)?;
        self.transactions.send(topic, record.partition, (record.key, record.value), record.headers, None)
    }

    fn send_footer(&mut self, task: TaskId, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.footers.push(task);
        let (topic, number) = (self.names.topic(Topic::Changelog(task.flow))?, self.footers.len());
        let what = (Some(key), Some(value));
        self.transactions.send(topic, Some(task.partition), what, &[], Some(number))
    }

    fn delivered(&mut self) -> Result<Vec<(TaskId, Offset)>, Failure> {
        let arrived = self.transactions.delivered()?;
        let at = |(number, offset): (usize, i64)| {
            let task = self.footers.get(number.checked_sub(1)?)?;
            Some((*task, Offset(offset as u64)))
        };
        Ok(arrived.into_iter().filter_map(at).collect())
    }

    fn membership(&mut self) -> Option<ConsumerGroupMetadata> {
        self.member.membership()
    }

    fn owns_its_partitions(&mut self) -> bool {
        self.member.owns_its_partitions()
    }

    fn send_positions(
        &mut self,
        positions: &[Position],
        member: &ConsumerGroupMetadata,
    ) -> Result<(), Failure> {
        let list = self.member.positions(positions);
        self.transactions.send_offsets(&list, member)
    }

    fn commit(&mut self) -> Result<(), Failure> {
        self.transactions.commit()
    }

    fn abort(&mut self) -> Result<(), Failure> {
        self.transactions.abort()
    }

    fn renew(&mut self) -> Result<(), Failure> {
        self.transactions.renew()
    }

    fn is_suspect(&self) -> bool {
        self.transactions.is_suspect()
    }
}
