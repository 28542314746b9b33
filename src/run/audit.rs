//! Whether a stream was exact: its input is replayed, and compared with the findings it committed, partition by partition.
//!
//! ```text
//! judged topic, partition p ─▶ detect, from nothing, idle where the changelog says so ─▶ what must be there
//! findings topic, partition p, read-committed ─────────────────────────────────────────▶ what is there
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::edge::kafka::{KafkaError, KafkaSettings, ReadEvent, Reader, Since};
use crate::flow::detection::{Detection, DetectionSettings, IDLE_MARKS};
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord, Role};
use crate::flow::task::{FlowName, TaskId};
use crate::flow::{Counts, Flow};
use crate::run::stream::footer::{FOOTER_KEY, Footer, ROW_TAG};

/// Records taken at a time.
const BATCH_RECORDS: usize = 4096;
/// How long a poll waits for records that are on their way.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is to be audited.
#[derive(Clone, Debug)]
pub struct Audit {
    /// How to reach Kafka.
    pub kafka: KafkaSettings,
    /// The application.
    pub application: String,
    /// The flow that judged.
    pub detection: DetectionSettings,
    /// The topic that it read.
    pub judged: String,
    /// The topic that it wrote.
    pub findings: String,
    /// Its changelog.
    pub changelog: String,
}

/// What an audit found in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was committed there.
    Untouched,
    /// What is there is what must be there.
    Exact {
        /// How many findings.
        findings: u64,
        /// How many findings of the beginning the topic does not hold any more.
        gone: u64,
        /// What happened to the input.
        counts: Box<Counts>,
        /// The input before this record was judged.
        next: u64,
    },
    /// The first difference.
    Differs {
        /// The number of the finding, from 0.
        number: u64,
        /// Where it lies, if it is there.
        offset: Option<u64>,
        /// What must be there.
        expected: Option<String>,
        /// What is there.
        found: Option<String>,
    },
    /// It cannot be told.
    Unknown(String),
}

/// A finding as it lies in Kafka.
#[derive(Debug)]
struct Found {
    offset: u64,
    id: String,
    value: Vec<u8>,
}

impl Audit {
    /// The partitions there are to audit.
    pub fn partitions(&self) -> Result<Vec<u32>, KafkaError> {
        let whole = (Since::Beginning, Since::Now);
        Ok(Reader::open(&self.kafka, &self.judged, None, whole, false)?.partitions())
    }

    /// Audits one of them.
    pub fn partition(&self, partition: u32) -> Result<Verdict, KafkaError> {
        let Some((next, marks)) = self.committed(partition)? else { return Ok(Verdict::Untouched) };
        let mut input = self.reader(&self.judged, partition)?;
        let first = input.begins(partition).unwrap_or_default();
        if first > 0 {
            return Ok(Verdict::Unknown(format!(
                "the topic {} begins at record {first} now: what was learned from the records before cannot be learned again",
                self.judged
            )));
        }
        let mut found = self.found(partition)?;
        let task = TaskId { flow: FlowName::Detect, partition };
        let prefix = format!("{}-{task}-{}-", self.application, Role::Findings.name());
        let number =
            |found: &Found| found.id.strip_prefix(&prefix).and_then(|number| number.parse::<u64>().ok());
        // Before a reset others may have been written: the last beginning counts.
        if let Some(begin) = found.iter().rposition(|one| number(one) == Some(0)) {
            found.drain(..begin);
        }
        let gone = found.front().and_then(number).unwrap_or(0);
        let (mut expected, mut at) = (Expected::new(&self.detection, marks, next), 0);
        let mut check = |expected: &mut Expected| -> Option<Verdict> {
            while let Some(value) = expected.outputs.pop_front() {
                let wanted = at;
                at += 1;
                if wanted < gone {
                    continue;
                }
                let is = found.pop_front();
                let fits = is.as_ref().is_some_and(|is| is.value == value && number(is) == Some(wanted));
                if !fits {
                    return Some(Verdict::Differs {
                        number: wanted,
                        offset: is.as_ref().map(|is| is.offset),
                        expected: Some(String::from_utf8_lossy(&value).into_owned()),
                        found: is.map(|is| format!("{} {}", is.id, String::from_utf8_lossy(&is.value))),
                    });
                }
            }
            None
        };
        while !input.is_done() {
            input.poll(PATIENCE, BATCH_RECORDS, &mut |event| {
                if let ReadEvent::Record(record) = event {
                    expected.take(
                        partition,
                        record.offset(),
                        record.key(),
                        record.value().unwrap_or_default(),
                    );
                }
            })?;
            expected.gather();
            if let Some(differs) = check(&mut expected) {
                return Ok(differs);
            }
        }
        expected.finish();
        if let Some(differs) = check(&mut expected) {
            return Ok(differs);
        }
        if let Some(more) = found.pop_front() {
            let found = Some(format!("{} {}", more.id, String::from_utf8_lossy(&more.value)));
            return Ok(Verdict::Differs { number: at, offset: Some(more.offset), expected: None, found });
        }
        Ok(Verdict::Exact { findings: at, gone, counts: Box::new(expected.counts), next })
    }

    fn reader(&self, topic: &str, partition: u32) -> Result<Reader, KafkaError> {
        Reader::open(&self.kafka, topic, Some(&[partition]), (Since::Beginning, Since::Now), false)
    }

    /// Up to which record the application has committed, and before which records it closed idle windows.
    fn committed(&self, partition: u32) -> Result<Option<(u64, Vec<u64>)>, KafkaError> {
        let (mut next, mut marks) = (None, BTreeMap::new());
        let mut changelog = self.reader(&self.changelog, partition)?;
        while !changelog.is_done() {
            changelog.poll(PATIENCE, BATCH_RECORDS, &mut |event| {
                let ReadEvent::Record(record) = event else { return };
                match (record.key(), record.value()) {
                    (Some(FOOTER_KEY), Some(value)) => {
                        next = Footer::from_bytes(value).ok().map(|footer| footer.next.0).or(next);
                    }
                    (Some([ROW_TAG, IDLE_MARKS, key @ ..]), row) => {
                        if let Ok(key) = <[u8; 8]>::try_from(key) {
                            marks.insert(u64::from_be_bytes(key), row.is_some());
                        }
                    }
                    _ => {}
                }
            })?;
        }
        let marks = marks.into_iter().filter(|(_, set)| *set).map(|(at, _)| at).collect();
        Ok(next.map(|next| (next, marks)))
    }

    fn found(&self, partition: u32) -> Result<VecDeque<Found>, KafkaError> {
        let mut found = VecDeque::new();
        let mut findings = self.reader(&self.findings, partition)?;
        while !findings.is_done() {
            findings.poll(PATIENCE, BATCH_RECORDS, &mut |event| {
                if let ReadEvent::Record(record) = event {
                    let headers = record.headers();
                    let id =
                        headers.iter().find(|(name, _)| *name == "tidewatch-id").map_or("", |(_, id)| *id);
                    found.push_back(Found {
                        offset: record.offset(),
                        id: id.to_owned(),
                        value: record.value().unwrap_or_default().to_vec(),
                    });
                }
            })?;
        }
        Ok(found)
    }
}

/// The flow that makes what must be there.
struct Expected {
    flow: Detection,
    marks: VecDeque<u64>,
    /// Records from here on were not committed.
    next: u64,
    outputs: VecDeque<Vec<u8>>,
    counts: Counts,
}

impl Expected {
    fn new(settings: &DetectionSettings, marks: Vec<u64>, next: u64) -> Expected {
        Expected {
            flow: Detection::new(settings),
            marks: marks.into(),
            next,
            outputs: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    fn take(&mut self, partition: u32, offset: u64, key: Option<&[u8]>, value: &[u8]) {
        if offset >= self.next {
            return;
        }
        self.idle_before(offset);
        let origin = Origin { input: partition, position: offset, line: 0 };
        let (format, extent) = (Format::Json, Extent::Whole);
        self.flow.process(&[RawRecord { offset: Offset(offset), origin, key, value, format, extent }]);
    }

    fn idle_before(&mut self, offset: u64) {
        while self.marks.front().is_some_and(|mark| *mark <= offset) {
            if let Some(mark) = self.marks.pop_front() {
                self.flow.idle(Offset(mark));
            }
        }
    }

    fn finish(&mut self) {
        self.idle_before(self.next);
        self.gather();
    }

    fn gather(&mut self) {
        let epoch = self.flow.epoch(Offset(self.next));
        self.counts.add(&epoch.counts);
        let findings = epoch.outputs.into_iter().filter(|output| output.role == Role::Findings);
        self.outputs.extend(findings.map(|output| output.value));
    }
}
