//! Topics and groups, as an administrator sees them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::executor::block_on;
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;

use super::context::PlainContext;
use super::settings::{KafkaError, KafkaSettings};

/// How long the brokers may take for an administrator's question.
const ANSWER: Duration = Duration::from_secs(10);

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: u32,
    /// Its settings.
    pub config: Vec<(&'static str, String)>,
}

/// A handle on the cluster.
pub struct Topics {
    servers: String,
    client: AdminClient<PlainContext>,
    options: AdminOptions,
}

impl Topics {
    /// Makes a client; nothing is asked yet.
    pub fn new(settings: &KafkaSettings) -> Result<Topics, KafkaError> {
        let client = AdminClient::from_config_and_context(&settings.admin(), PlainContext::default())
            .map_err(|error| KafkaError::new("create client", error))?;
        let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
        Ok(Topics { servers: settings.bootstrap_servers.clone(), client, options })
    }

    /// How many partitions each topic has. Asks for all topics, as a question for one may create it.
    pub fn partitions(&self, patience: Duration) -> Result<BTreeMap<String, u32>, KafkaError> {
        let metadata = self.client.inner().fetch_metadata(None, patience);
        let asking = |error| KafkaError::asking(&self.servers, "ask which topics there are", &error);
        let metadata = metadata.map_err(asking)?;
        let topics = metadata.topics().iter();
        Ok(topics.map(|topic| (topic.name().to_owned(), topic.partitions().len() as u32)).collect())
    }

    /// The addresses of the brokers.
    pub fn brokers(&self, patience: Duration) -> Result<Vec<String>, KafkaError> {
        let metadata = self.client.inner().fetch_metadata(None, patience);
        let metadata =
            metadata.map_err(|error| KafkaError::asking(&self.servers, "ask for the brokers", &error))?;
        Ok(metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port())).collect())
    }

    /// The settings of a topic.
    pub fn config(&self, topic: &str) -> Result<BTreeMap<String, String>, KafkaError> {
        let doing = format!("ask for the settings of {topic}");
        let asked = block_on(self.client.describe_configs([&ResourceSpecifier::Topic(topic)], &self.options));
        let mut answers = asked.map_err(|error| KafkaError::new(&doing, error))?;
        let answer = answers.pop().ok_or_else(|| KafkaError::new(&doing, "no answer"))?;
        let answer = answer.map_err(|code| KafkaError::answered(&doing, code))?;
        Ok(answer.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
    }

    /// Makes a topic, with the cluster's own replication. One that is there already is left as it is.
    pub fn create(&self, wanted: &Wanted) -> Result<(), KafkaError> {
        let doing = format!("create topic {} with {} partitions", wanted.name, wanted.partitions);
        // −1 asks for what the cluster is set to.
        let mut topic = NewTopic::new(&wanted.name, wanted.partitions as i32, TopicReplication::Fixed(-1));
        for (name, value) in &wanted.config {
            topic = topic.set(name, value);
        }
        let made = block_on(self.client.create_topics([&topic], &self.options));
        match made.map_err(|error| KafkaError::new(&doing, error))?.pop() {
            Some(Err((_, code))) if code != Code::TopicAlreadyExists => {
                Err(KafkaError::answered(&doing, code))
            }
            _ => Ok(()),
        }
    }

    /// Deletes topics; those that are not there do not matter.
    pub fn delete(&self, topics: &[&str]) -> Result<(), KafkaError> {
        if topics.is_empty() {
            return Ok(());
        }
        let doing = format!("delete topics {}", topics.join(", "));
        let done = block_on(self.client.delete_topics(topics, &self.options));
        for one in done.map_err(|error| KafkaError::new(&doing, error))? {
            if let Err((topic, code)) = one
                && code != Code::UnknownTopicOrPartition
            {
                return Err(KafkaError::answered(format!("delete topic {topic}"), code));
            }
        }
        Ok(())
    }

    /// Deletes consumer groups; those that are not there do not matter.
    pub fn forget_groups(&self, groups: &[&str]) -> Result<(), KafkaError> {
        let doing = format!("delete consumer groups {}", groups.join(", "));
        let done = block_on(self.client.delete_groups(groups, &self.options));
        for one in done.map_err(|error| KafkaError::new(&doing, error))? {
            if let Err((group, code)) = one
                && code != Code::GroupIdNotFound
            {
                return Err(KafkaError::answered(format!("delete consumer group {group}"), code));
            }
        }
        Ok(())
    }

    /// How many members a group has.
    pub fn members(&self, group: &str) -> Result<usize, KafkaError> {
        let asked = self.client.inner().fetch_group_list(Some(group), ANSWER);
        let list =
            asked.map_err(|error| KafkaError::new(format!("ask for consumer group {group}"), error))?;
        Ok(list.groups().iter().map(|group| group.members().len()).sum())
    }

    /// Asks for the position of a group in a topic: a list of groups leaves those out that this user may not see.
    pub fn try_group(settings: &KafkaSettings, group: &str, topic: &str) -> Result<(), KafkaError> {
        let doing = format!("ask for the position of consumer group {group}");
        let reader: BaseConsumer<PlainContext> =
            BaseConsumer::from_config_and_context(&settings.reader(group), PlainContext::default())
                .map_err(|error| KafkaError::new("create consumer", error))?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, 0);
        reader.committed_offsets(asked, ANSWER).map(|_| ()).map_err(|error| KafkaError::new(doing, error))
    }
}
