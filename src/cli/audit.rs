//! `tidewatch audit`: whether what was committed is what the input must give.

use clap::Args;

use super::kafka::{self, KafkaFlags};
use super::run::topics::Roles;
use super::settings::Environment;
use super::{Exit, TopologyChoice, replay};
use crate::flow::detection::Keeping;
use crate::run::audit::{Audit, Verdict};
use crate::topology::KeyedBy;

/// Of a finding that differs, so much is shown.
const SHOWN_BYTES: usize = 400;

/// The flags of `audit`.
#[derive(Debug, Args)]
pub(super) struct AuditFlags {
    #[command(flatten)]
    choice: TopologyChoice,
    #[command(flatten)]
    kafka: KafkaFlags,
}

/// Audits every partition.
pub(super) fn run(flags: &AuditFlags, environment: &Environment) -> Exit {
    let (topology, kafka) = match kafka::load(&flags.choice, &flags.kafka, environment) {
        Ok(prepared) => prepared,
        Err(problem) => return Exit::configuration(&problem),
    };
    let roles = Roles::of(&topology, false);
    let audit = Audit {
        kafka,
        application: topology.name.clone(),
        detection: match topology.source.keyed_by {
            KeyedBy::Entity => topology.detection(false, Keeping::Nothing),
            KeyedBy::Anything => topology.detection_of_routed(false, Keeping::Nothing),
        },
        judged: roles.judged,
        findings: roles.findings,
        changelog: roles.changelog,
    };
    let partitions = match audit.partitions() {
        Ok(partitions) => partitions,
        Err(error) => return Exit::failed(&error),
    };
    let heading =
        format!("{} judged by {}, compared with {}\n", audit.judged, audit.application, audit.findings);
    if replay::print(heading.as_bytes()) == Exit::Failed {
        return Exit::Failed;
    }
    let mut exact = true;
    for partition in partitions {
        match audit.partition(partition) {
            Ok(verdict) => {
                exact &= matches!(verdict, Verdict::Exact { .. } | Verdict::Untouched);
                let line = format!("partition {partition}: {}\n", words(&verdict));
                if replay::print(line.as_bytes()) == Exit::Failed {
                    return Exit::Failed;
                }
            }
            Err(error) => return Exit::failed(&error),
        }
    }
    if exact { Exit::Done } else { Exit::Failed }
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Untouched => "nothing was committed yet".to_owned(),
        Verdict::Exact { findings, gone, counts, next } => {
            let gone = if *gone > 0 {
                format!(", the first {gone} of them gone with their retention")
            } else {
                String::new()
            };
            format!(
                "exact: {findings} findings{gone}; before record {next}, {} readings were put into windows, {} were late, \
                 {} rejected",
                counts.windowed,
                counts.late,
                counts.rejected_in_all()
            )
        }
        Verdict::Differs { number, offset, expected, found } => {
            let offset = offset.map_or_else(|| "missing".to_owned(), |offset| format!("at offset {offset}"));
            format!(
                "DIFFERS at finding {number} ({offset})\n  must be {}\n  is      {}",
                shown(expected.as_deref()),
                shown(found.as_deref())
            )
        }
        Verdict::Unknown(why) => format!("cannot be told: {why}"),
    }
}

fn shown(text: Option<&str>) -> String {
    match text {
        None => "nothing".to_owned(),
        Some(text) if text.len() <= SHOWN_BYTES => text.to_owned(),
        Some(text) => {
            let end = (0..=SHOWN_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            format!("{}…", text.get(..end).unwrap_or_default())
        }
    }
}
