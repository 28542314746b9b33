//! A replay over what Kafka still holds of a topic: read-committed, without a group, nothing committed.
//!
//! Where producers key by entity each partition is replayed by itself, as the stream judges it, one after the other.
//! Otherwise an entity's readings lie in several partitions: these are merged by event time first, as files are.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use super::advise;
use super::replay::{OutputFiles, ReplaySettings, RunError};
use crate::edge::kafka::{KafkaSettings, ReadEvent, Reader, Since};
use crate::edge::ports::Advisor;
use crate::flow::chain::Chain;
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::source::Decoder;
use crate::flow::window::settings::WindowKind;
use crate::flow::{Counts, Epoch, Flow};

/// Records taken at a time.
const BATCH_RECORDS: usize = 4096;
/// How long a poll waits for records that are on their way.
const PATIENCE: Duration = Duration::from_millis(100);

/// Which records of a topic.
#[derive(Clone, Debug)]
pub struct TopicInput {
    /// How to reach Kafka.
    pub kafka: KafkaSettings,
    /// The topic.
    pub topic: String,
    /// Some of its partitions only.
    pub partitions: Option<Vec<u32>>,
    /// Where it begins.
    pub since: Since,
    /// Where it ends.
    pub until: Since,
    /// Whether records are keyed by entity, so that partitions stand alone.
    pub keyed_by_entity: bool,
}

/// A record that was read.
#[derive(Debug)]
struct Owned {
    offset: u64,
    key: Option<Vec<u8>>,
    value: Vec<u8>,
}

/// A partition being read.
struct Lane {
    partition: u32,
    reader: Reader,
    queue: VecDeque<Owned>,
    first: u64,
}

impl Lane {
    fn open(input: &TopicInput, partition: u32) -> Result<Lane, RunError> {
        let only = [partition];
        let span = (input.since, input.until);
        let reader = Reader::open(&input.kafka, &input.topic, Some(&only), span, false)?;
        let first = reader.begins(partition).unwrap_or_default();
        Ok(Lane { partition, reader, queue: VecDeque::new(), first })
    }

    /// Has a record, if any is left.
    fn fill(&mut self) -> Result<bool, RunError> {
        while self.queue.is_empty() && !self.reader.is_done() {
            let queue = &mut self.queue;
            self.reader.poll(PATIENCE, BATCH_RECORDS, &mut |event| {
                if let ReadEvent::Record(record) = event {
                    queue.push_back(Owned {
                        offset: record.offset(),
                        key: record.key().map(<[u8]>::to_vec),
                        value: record.value().unwrap_or_default().to_vec(),
                    });
                }
            })?;
        }
        Ok(!self.queue.is_empty())
    }
}

fn raw(partition: u32, number: u64, owned: &Owned) -> RawRecord<'_> {
    RawRecord {
        offset: Offset(number),
        origin: Origin { input: partition, position: owned.offset, line: 0 },
        key: owned.key.as_deref(),
        value: &owned.value,
        format: Format::Json,
        extent: Extent::Whole,
    }
}

/// Where epochs go.
struct Leaving<'a> {
    advisor: Option<&'a mut (dyn Advisor + 'static)>,
    files: Option<OutputFiles>,
    topic: &'a str,
    counts: Counts,
    observe: &'a mut dyn FnMut(&Epoch) -> io::Result<()>,
}

impl Leaving<'_> {
    /// Takes what a flow did before that record.
    fn take(&mut self, flow: &mut Chain, next: u64) -> Result<(), RunError> {
        let next = Offset(next);
        if let Some(advisor) = self.advisor.as_deref_mut() {
            flow.pull(next);
            advise::settle(flow, advisor);
        }
        let epoch = &flow.epoch(next);
        self.counts.add(&epoch.counts);
        (self.observe)(epoch).map_err(RunError::Observer)?;
        let topic = self.topic;
        if let Some(files) = &mut self.files {
            files.write(epoch, &|partition| format!("{topic}/{partition}"))?;
        }
        Ok(())
    }
}

/// Replays a topic to where it ended when this began. `observe` sees every epoch. What happened, in all.
pub fn replay(
    input: &TopicInput,
    settings: &ReplaySettings,
    advisor: Option<&mut (dyn Advisor + 'static)>,
    observe: &mut dyn FnMut(&Epoch) -> io::Result<()>,
) -> Result<Counts, RunError> {
    let only = input.partitions.as_deref();
    let whole = Reader::open(&input.kafka, &input.topic, only, (input.since, input.until), false)?;
    let partitions = whole.partitions();
    drop(whole);
    let files = settings.out.as_ref().map(|dir| OutputFiles::open(dir, settings, None)).transpose()?;
    let mut leaving = Leaving { advisor, files, topic: &input.topic, counts: Counts::default(), observe };
    let stands_alone = input.keyed_by_entity || settings.detection.window.kind == WindowKind::Message;
    if stands_alone {
        for partition in partitions {
            alone(Lane::open(input, partition)?, settings, &mut leaving)?;
        }
    } else {
        let lanes = partitions.into_iter().map(|partition| Lane::open(input, partition));
        merged(lanes.collect::<Result<_, _>>()?, settings, &mut leaving)?;
    }
    Ok(leaving.counts)
}

fn alone(mut lane: Lane, settings: &ReplaySettings, leaving: &mut Leaving<'_>) -> Result<(), RunError> {
    let mut flow = Chain::new(&settings.detection, settings.advise.clone());
    let mut next = lane.first;
    while lane.fill()? {
        let records: Vec<RawRecord<'_>> =
            lane.queue.iter().map(|owned| raw(lane.partition, owned.offset, owned)).collect();
        flow.process(&records);
        next = records.last().map_or(next, |record| record.offset.0 + 1);
        lane.queue.clear();
        leaving.take(&mut flow, next)?;
    }
    if !settings.leave_open {
        flow.finish();
    }
    leaving.take(&mut flow, next)
}

fn merged(
    mut lanes: Vec<Lane>,
    settings: &ReplaySettings,
    leaving: &mut Leaving<'_>,
) -> Result<(), RunError> {
    let mut flow = Chain::new(&settings.detection, settings.advise.clone());
    let mut times = Decoder::new(settings.detection.schema.clone(), settings.detection.max_payload_bytes);
    let (mut number, mut since_epoch) = (0, 0);
    loop {
        let mut earliest: Option<(Option<_>, usize)> = None;
        for (at, lane) in lanes.iter_mut().enumerate() {
            if !lane.fill()? {
                continue;
            }
            let Some(head) = lane.queue.front() else { continue };
            // Without a time a record is rejected whenever it comes.
            let time = times.first_time(&raw(lane.partition, number, head));
            if earliest.is_none_or(|(other, _)| time < other) {
                earliest = Some((time, at));
            }
        }
        let Some((_, at)) = earliest else { break };
        let Some(lane) = lanes.get_mut(at) else { break };
        if let Some(owned) = lane.queue.pop_front() {
            flow.process(&[raw(lane.partition, number, &owned)]);
        }
        number += 1;
        since_epoch += 1;
        if since_epoch == BATCH_RECORDS {
            since_epoch = 0;
            leaving.take(&mut flow, number)?;
        }
    }
    if !settings.leave_open {
        flow.finish();
    }
    leaving.take(&mut flow, number)
}
