//! `tidewatch produce FILE`: sends a file's readings to the input topic.

use std::borrow::Cow;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::kafka::{self, KafkaFlags};
use super::settings::Environment;
use super::{Exit, TopologyChoice};
use crate::edge::files::{Bounds, InputError, Inputs, Progress};
use crate::edge::kafka::{KafkaError, KafkaSettings, Topics, Wanted, Writer};
use crate::flow::model::{Reading, Schema, Statuses};
use crate::flow::record::{Format, RawRecord};
use crate::flow::samples::SampleFormat;
use crate::flow::source::{Decoded, Decoder};
use crate::topology::Topology;

/// Records taken from the file at a time.
const BATCH_RECORDS: usize = 1024;
/// How long the brokers may take to acknowledge the last records.
const LAST_RECORDS: Duration = Duration::from_mins(1);
/// How long they may take to say which topics there are.
const ANSWER: Duration = Duration::from_secs(10);

/// The flags of `produce`.
#[derive(Debug, Args)]
pub(super) struct ProduceFlags {
    /// Files of readings, as `replay` takes them; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    choice: TopologyChoice,
    #[command(flatten)]
    kafka: KafkaFlags,
    /// Readings a second, at most
    #[arg(long, value_name = "READINGS")]
    rate: Option<f64>,
    /// Put so many readings into one record, an array without key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    array: Option<u32>,
    /// Begin again at the end of the files, until stopped
    #[arg(long = "loop")]
    again: bool,
    /// Send to this partition only
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    /// Partitions of the input topic, where it has to be made
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    partitions: u32,
}

/// Why sending stopped.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(
        "topology {0} takes {1} next to Kafka, and a CSV file is sent as readings of our own, which it would reject: replay the \
             file, or send what it takes as JSON"
    )]
    Csv(String, &'static str),
}

/// Sends.
pub(super) fn run(flags: &ProduceFlags, environment: &Environment) -> Exit {
    let (topology, kafka) = match kafka::load(&flags.choice, &flags.kafka, environment) {
        Ok(prepared) => prepared,
        Err(problem) => return Exit::configuration(&problem),
    };
    match send_all(flags, &topology, &kafka) {
        Ok((readings, records)) => {
            eprintln!("{readings} readings sent to {} in {records} records", topology.source.topic);
            if readings == 0 { Exit::NoUsableRecord } else { Exit::Done }
        }
        Err(error @ Broken::Csv(..)) => Exit::configuration(&error),
        Err(error) => Exit::failed(&error),
    }
}

fn send_all(flags: &ProduceFlags, topology: &Topology, kafka: &KafkaSettings) -> Result<(u64, u64), Broken> {
    let topic = &topology.source.topic;
    let topics = Topics::new(kafka)?;
    if !topics.partitions(ANSWER)?.contains_key(topic) {
        topics.create(&Wanted { name: topic.clone(), partitions: flags.partitions, config: Vec::new() })?;
        eprintln!("topic {topic} made with {} partitions", flags.partitions);
    }
    let mut sender = Sender {
        writer: Writer::new(kafka, topic)?,
        partition: flags.partition,
        array: flags.array.map(|size| size as usize),
        gathered: Vec::new(),
        pace: Pace::new(flags.rate),
        readings: 0,
    };
    loop {
        send_once(flags, topology, &mut sender)?;
        if !flags.again || sender.readings == 0 {
            break;
        }
    }
    sender.flush()?;
    let readings = sender.readings;
    Ok((readings, sender.writer.finish(LAST_RECORDS)?))
}

fn send_once(flags: &ProduceFlags, topology: &Topology, sender: &mut Sender) -> Result<(), Broken> {
    let bounds = Bounds { record_bytes: topology.source.max_payload_bytes, ..Bounds::default() };
    let mut inputs = Inputs::open(&flags.files, Progress::default(), bounds)?;
    let mut decoder = Decoder::new(topology.schema.clone(), topology.source.max_payload_bytes);
    loop {
        let batch = inputs.next_batch(BATCH_RECORDS, &mut |_| None)?;
        if batch.is_empty() {
            return Ok(());
        }
        for record in batch.iter() {
            match record.format {
                Format::Json => sender.send(record.value)?,
                Format::Csv { .. } => {
                    // A mapped column may be a path in JSON, which no line of CSV says.
                    if let Some(sampling) = &topology.schema.sampling
                        && sampling.format != SampleFormat::Native
                    {
                        return Err(Broken::Csv(topology.name.clone(), sampling.format.name()));
                    }
                    for value in as_json(&mut decoder, &topology.schema, &record) {
                        sender.send(&value)?;
                    }
                }
            }
        }
    }
}

/// A CSV line as a JSON reading; one that is no reading is left out, and said.
fn as_json(decoder: &mut Decoder, schema: &Schema, record: &RawRecord<'_>) -> Vec<Vec<u8>> {
    let (mut found, mut refused) = (Vec::new(), None);
    decoder.decode(record, |decoded| match decoded {
        Decoded::Reading { entity, reading, .. } => found.push((entity.to_owned(), reading.clone())),
        Decoded::Feedback { .. } => {}
        Decoded::Rejected { rejection, .. } => refused = Some(rejection),
    });
    if let Some(refused) = refused {
        tracing::warn!(line = record.origin.line, detail = refused.detail, "left out: not a reading");
    }
    found
        .into_iter()
        .map(|(entity, reading)| written(schema, decoder.services(), &entity, &reading))
        .collect()
}

fn written(schema: &Schema, services: &[String], entity: &str, reading: &Reading) -> Vec<u8> {
    let mut object = Map::new();
    object.insert("timestamp".to_owned(), reading.time.to_string().into());
    object.insert("entity".to_owned(), entity.into());
    for (at, (metric, value)) in schema.metrics.iter().zip(&reading.values).enumerate() {
        if reading.present >> at & 1 == 1 {
            object.insert(metric.name.clone(), Value::from(*value));
        }
    }
    let statuses = said(reading.statuses, services);
    if !statuses.is_empty() {
        object.insert("service_status".to_owned(), Value::Object(statuses));
    }
    Value::Object(object).to_string().into_bytes()
}

fn said(statuses: Statuses, services: &[String]) -> Map<String, Value> {
    let name = |(at, name): (usize, &String)| Some((name.clone(), statuses.get(at)?.name().into()));
    services.iter().enumerate().filter_map(name).collect()
}

/// Sends one by one, or gathered.
struct Sender {
    writer: Writer,
    partition: Option<u32>,
    array: Option<usize>,
    gathered: Vec<Vec<u8>>,
    pace: Pace,
    readings: u64,
}

/// Of a reading, what its record's key is.
#[derive(Deserialize)]
struct Keyed<'a> {
    #[serde(borrow)]
    entity: Option<Cow<'a, str>>,
}

impl Sender {
    fn send(&mut self, value: &[u8]) -> Result<(), KafkaError> {
        self.readings += 1;
        self.pace.wait(self.readings);
        let Some(size) = self.array else {
            let keyed = serde_json::from_slice::<Keyed<'_>>(value).ok();
            let entity = keyed.as_ref().and_then(|keyed| keyed.entity.as_deref());
            return self.writer.send(self.partition, entity.map(str::as_bytes), value, None);
        };
        self.gathered.push(value.to_vec());
        if self.gathered.len() >= size { self.flush() } else { Ok(()) }
    }

    /// What was gathered goes, however little it is.
    fn flush(&mut self) -> Result<(), KafkaError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let array = [b"[".as_slice(), &self.gathered.join(b",".as_slice()), b"]"].concat();
        self.gathered.clear();
        self.writer.send(self.partition, None, &array, None)
    }
}

/// So many readings a second.
struct Pace {
    rate: Option<f64>,
    begun: Instant,
}

impl Pace {
    #[expect(clippy::disallowed_methods, reason = "the rate is by the clock")]
    fn new(rate: Option<f64>) -> Pace {
        Pace { rate: rate.filter(|rate| *rate > 0.0), begun: Instant::now() }
    }

    #[expect(clippy::disallowed_methods, reason = "the rate is by the clock")]
    fn wait(&self, sent: u64) {
        let Some(rate) = self.rate else { return };
        let due = Duration::from_secs_f64(sent as f64 / rate);
        let ahead = due.saturating_sub(self.begun.elapsed());
        if ahead > Duration::from_millis(2) {
            thread::sleep(ahead);
        }
    }
}
