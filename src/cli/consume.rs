//! `tidewatch consume`: prints what comes out, read-committed.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use super::kafka::{self, KafkaFlags};
use super::settings::Environment;
use super::{Exit, TopologyChoice, when};
use crate::edge::kafka::{ReadEvent, ReadRecord, Reader, Since};
use crate::topology::Topology;

/// Records taken at a time.
const BATCH_RECORDS: usize = 1024;
/// How long a poll waits for records.
const PATIENCE: Duration = Duration::from_millis(200);

/// The flags of `consume`.
#[derive(Debug, Args)]
pub(super) struct ConsumeFlags {
    /// What to print: output, findings, rejected, late, readings, input, changelog, or the name of any topic
    #[arg(value_name = "TOPIC", default_value = "output")]
    topic: String,
    #[command(flatten)]
    choice: TopologyChoice,
    #[command(flatten)]
    kafka: KafkaFlags,
    /// Where to begin: beginning, now, a span such as 24h, or a time such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "beginning")]
    since: String,
    /// Go on with what comes, until stopped
    #[arg(long)]
    follow: bool,
    /// Print at most so many records
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print partition, offset, key and headers before each value
    #[arg(long)]
    headers: bool,
}

/// Prints.
pub(super) fn run(flags: &ConsumeFlags, environment: &Environment) -> Exit {
    let prepared = kafka::load(&flags.choice, &flags.kafka, environment)
        .and_then(|(topology, kafka)| Ok((topology, kafka, when::since(&flags.since)?)));
    let (topology, kafka, since) = match prepared {
        Ok(prepared) => prepared,
        Err(problem) => return Exit::configuration(&problem),
    };
    let topic = named(&topology, &flags.topic);
    let mut reader = match Reader::open(&kafka, topic, None, (since, Since::Now), flags.follow) {
        Ok(reader) => reader,
        Err(error) => return Exit::failed(&error),
    };
    let (mut left, mut written) = (flags.count.unwrap_or(u64::MAX), Ok(()));
    let mut out = io::BufWriter::new(io::stdout().lock());
    while left > 0 && written.is_ok() && !reader.is_done() {
        let polled = reader.poll(PATIENCE, BATCH_RECORDS, &mut |event| {
            if let ReadEvent::Record(record) = event
                && left > 0
                && written.is_ok()
            {
                left -= 1;
                written = print(&mut out, record, flags.headers);
            }
        });
        if let Err(error) = polled {
            return Exit::failed(&error);
        }
        written = written.and_then(|()| out.flush());
    }
    match written.and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        // Whoever reads this has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => Exit::failed(&error),
    }
}

/// The topic of a role, or the name as it stands.
fn named<'a>(topology: &'a Topology, name: &'a str) -> &'a str {
    match name {
        "output" => &topology.sink.topic,
        "findings" => &topology.sink.findings,
        "rejected" => &topology.sink.rejected,
        "late" => &topology.sink.late,
        "readings" => &topology.sink.readings,
        "changelog" => &topology.sink.changelog,
        "input" => &topology.source.topic,
        other => other,
    }
}

fn print(out: &mut impl Write, record: ReadRecord<'_>, headers: bool) -> io::Result<()> {
    if headers {
        let key = record.key().map(String::from_utf8_lossy).unwrap_or_default();
        write!(out, "{}/{} {key:?}", record.partition(), record.offset())?;
        for (name, value) in record.headers() {
            write!(out, " {name}={value:?}")?;
        }
        out.write_all(b"\t")?;
    }
    out.write_all(record.value().unwrap_or_default())?;
    out.write_all(b"\n")
}
