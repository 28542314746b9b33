//! `tidewatch feedback FILE`: tells a running application what people think of its findings.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::kafka::{self, KafkaFlags};
use super::settings::Environment;
use super::{Exit, TopologyChoice};
use crate::edge::kafka::{KafkaError, KafkaSettings, Writer};
use crate::edge::ports::Unheard;
use crate::flow::feedback;
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::source::{Decoded, Decoder};
use crate::run::screen::Ear;
use crate::topology::Topology;

/// Lines of a file; more are hardly what people think.
const MOST_LINES: usize = 100_000;
/// Bytes of a line.
const MOST_BYTES: usize = 1 << 20;
/// How long brokers may take to acknowledge what was said.
const ANSWER: Duration = Duration::from_mins(1);
/// The same where somebody waits in front of a page.
const PROMPT_ANSWER: Duration = Duration::from_secs(5);

/// What is thought of the findings in a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mark {
    /// They are as it should be: nothing like them is told any more
    Expected,
    /// They were worth telling
    Confirmed,
}

/// The flags of `feedback`.
#[derive(Debug, Args)]
pub(super) struct FeedbackFlags {
    /// Lines of JSON: feedback, or reports as `consume` prints them, whose findings are marked; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to mark the findings of reports as
    #[arg(long, value_name = "MARK", value_enum, default_value = "expected")]
    mark: Mark,
    /// In your words, kept with the marks of reports
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    choice: TopologyChoice,
    #[command(flatten)]
    kafka: KafkaFlags,
}

/// Feedback that can be used: the entity, and the object.
type Said = (String, Vec<u8>);

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{path}: {source}")]
    Input { path: String, source: io::Error },
    #[error("{path}, line {line}: {what}; nothing was sent")]
    Line { path: String, line: usize, what: String },
    #[error("{path}: more than {MOST_LINES} lines; nothing was sent")]
    TooMany { path: String },
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// Sends all of a file, or nothing.
pub(super) fn run(flags: &FeedbackFlags, environment: &Environment) -> Exit {
    let (topology, kafka) = match kafka::load(&flags.choice, &flags.kafka, environment) {
        Ok(prepared) => prepared,
        Err(problem) => return Exit::configuration(&problem),
    };
    match read_all(flags, &topology)
        .and_then(|said| Ok((said.len(), send(&kafka, &topology, &said, ANSWER)?)))
    {
        Ok((0, ())) => {
            eprintln!("nothing is said there");
            Exit::NoUsableRecord
        }
        Ok((count, ())) => {
            eprintln!("{count} marks sent to {}", topology.source.topic);
            Exit::Done
        }
        Err(error @ Problem::Line { .. }) => {
            Exit::failed(&error);
            Exit::NoUsableRecord
        }
        Err(error) => Exit::failed(&error),
    }
}

fn read_all(flags: &FeedbackFlags, topology: &Topology) -> Result<Vec<Said>, Problem> {
    let path = flags.file.display().to_string();
    let failed = |source| Problem::Input { path: path.clone(), source };
    let input: Box<dyn Read> = if path == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&flags.file).map_err(failed)?)
    };
    let mut said = Vec::new();
    for (at, line) in BufReader::new(input).lines().enumerate() {
        let line = line.map_err(failed)?;
        if at >= MOST_LINES {
            return Err(Problem::TooMany { path });
        }
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |what| Problem::Line { path: path.clone(), line: at + 1, what };
        for object in objects(&line, flags).map_err(wrong)? {
            said.push(checked(&object, topology).map_err(wrong)?);
        }
    }
    Ok(said)
}

/// The feedback of a line: itself, or one for each finding of a report.
fn objects(line: &str, flags: &FeedbackFlags) -> Result<Vec<Vec<u8>>, String> {
    if line.len() > MOST_BYTES {
        return Err(format!("more than {MOST_BYTES} bytes"));
    }
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if value.get(feedback::NAME).is_some() {
        return Ok(vec![line.as_bytes().to_vec()]);
    }
    let Some(findings) = value.get("anomalies").and_then(Value::as_array) else {
        return Err(format!(
            "neither feedback, which has {:?}, nor a report, which has \"anomalies\"",
            feedback::NAME
        ));
    };
    let word = match flags.mark {
        Mark::Expected => "expected",
        Mark::Confirmed => "confirmed",
    };
    let one = |finding: &Value| {
        let mut object = Map::new();
        object.insert(feedback::NAME.into(), word.into());
        let entity = finding.get("entity").or(value.get("entity"));
        let incident = value.get("incident").and_then(|incident| incident.get("id"));
        let note = flags.note.as_ref().map(|note| json!(note));
        for (name, value) in [("entity", entity), ("incident", incident), ("note", note.as_ref())] {
            object.extend(value.map(|value| (name.to_owned(), value.clone())));
        }
        object.insert("finding".into(), finding.clone());
        Value::Object(object).to_string().into_bytes()
    };
    Ok(findings.iter().map(one).collect())
}

/// The entity that feedback is about, as the flow will understand it, or why it will not.
fn checked(object: &[u8], topology: &Topology) -> Result<Said, String> {
    let record = RawRecord {
        offset: Offset(0),
        origin: Origin::default(),
        key: None,
        value: object,
        format: Format::Json,
        extent: Extent::Whole,
    };
    let mut decoder = Decoder::new(topology.schema.clone(), topology.source.max_payload_bytes);
    let mut found = Err("a reading, no feedback".to_owned());
    decoder.decode(&record, |decoded| match decoded {
        Decoded::Feedback { entity, .. } => found = Ok((entity.to_owned(), object.to_vec())),
        Decoded::Rejected { rejection, .. } => found = Err(rejection.detail),
        Decoded::Reading { .. } => {}
    });
    found
}

fn send(
    kafka: &KafkaSettings,
    topology: &Topology,
    said: &[Said],
    patience: Duration,
) -> Result<(), Problem> {
    if said.is_empty() {
        return Ok(());
    }
    let mut writer = Writer::new(kafka, &topology.source.topic)?;
    for (entity, object) in said {
        writer.send(None, Some(entity.as_bytes()), object, None)?;
    }
    writer.finish(patience)?;
    Ok(())
}

/// Takes what is said on the page into the input topic; one after the other, so that clicks cost no more than a producer.
pub(super) fn ear(kafka: KafkaSettings, topology: Topology) -> Ear {
    let turn = Mutex::new(());
    Box::new(move |object| {
        let said = checked(object, &topology).map_err(Unheard::Wrong)?;
        let Ok(_turn) = turn.try_lock() else {
            return Err(Unheard::Away("somebody else is speaking".to_owned()));
        };
        send(&kafka, &topology, &[said], PROMPT_ANSWER).map_err(|error| Unheard::Away(error.to_string()))
    })
}

/// Takes what is said on the page into a flow in memory.
pub(super) fn ear_in_memory(topology: Topology, words: std::sync::mpsc::SyncSender<Vec<u8>>) -> Ear {
    Box::new(move |object| {
        let (_, object) = checked(object, &topology).map_err(Unheard::Wrong)?;
        words
            .try_send(object)
            .map_err(|_| Unheard::Away("too much was said at once, or all is over".to_owned()))
    })
}
