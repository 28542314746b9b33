//! Every kind of rejection: what it means, what provokes it, what to do about it.

use std::fmt::Write;

use serde_json::{Value, json};
use tidewatch::flow::record::Reason;

use super::errors::{cell, documented, means};
use crate::support::{Folder, lines, reading};

/// What to do about a rejection.
fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => {
            "look at the bytes at the place that is named; is `source.format` that of the producer?"
        }
        Reason::Truncated => "something cut the record or the file off: send it again",
        Reason::NotAReading => "send objects, arrays of objects, or `{\"data\": […]}`",
        Reason::TooLarge => {
            "smaller records, or a larger `source.max_payload`; a finding that the broker does not take: a larger \
                             `max.message.bytes` of its topic"
        }
        Reason::MissingField => {
            "send it, or say `optional = true` of the metric; `tidewatch schema reading` prints what must be there"
        }
        Reason::DuplicateField => "the producer writes a name twice: which one counts is not for us to guess",
        Reason::WrongType => "numbers are numbers, not texts",
        Reason::OutOfRange => "mend the producer, or widen `metric.range`",
        Reason::BadTimestamp => {
            "RFC 3339, or seconds or milliseconds since 1970; `YYYY-MM-DD HH:MM:SS` in CSV is UTC"
        }
        Reason::UnknownService => "name it in `[services] names`, or set `any = true`",
        Reason::UnknownStatus => "a status is `online`, `degraded` or `offline`",
        Reason::BadEntity => "a text of 1 to 256 bytes in the field `entity`, or as the record's key",
        Reason::TooFarAhead => "set the clock of who sends it; or a larger `window.max_jump`",
        Reason::Late => {
            "a larger `window.grace`, if it comes late as a rule; it lies in the late topic, or `late.ndjson`"
        }
        Reason::TooManyEntities => {
            "a larger `window.max_entities`, or more partitions; is something that changes, such as a request's id, \
                                    taken for the entity?"
        }
    }
}

/// What provokes a rejection: flags and lines.
fn provocation(reason: Reason) -> (&'static str, Vec<String>) {
    let fine = |second| reading("host-1", second, &[]);
    let odd = |name: &str, value: Value| vec![reading("host-1", 0, &[(name, value)])];
    match reason {
        Reason::Malformed => ("", vec!["{\"timestamp\" 1}".to_owned(), fine(0)]),
        Reason::Truncated => ("", vec![fine(0), "{\"timestamp\":".to_owned()]),
        Reason::NotAReading => ("", vec!["\"hello\"".to_owned()]),
        Reason::TooLarge => ("--set source.max_payload=1kB", odd("note", json!("x".repeat(1000)))),
        Reason::MissingField => ("", odd("cpu_usage", json!("(missing)"))),
        Reason::DuplicateField => ("", vec![fine(0).replacen('{', "{\"cpu_usage\":1,", 1)]),
        Reason::WrongType => ("", odd("cpu_usage", json!("12"))),
        Reason::OutOfRange => ("", odd("cpu_usage", json!(500))),
        Reason::BadTimestamp => ("", odd("timestamp", json!("yesterday"))),
        Reason::UnknownService => (
            "",
            odd(
                "service_status",
                json!({"database": "online", "api_gateway": "online",
            "cache": "online", "mail": "online"}),
            ),
        ),
        Reason::UnknownStatus => (
            "",
            odd(
                "service_status",
                json!({"database": "up", "api_gateway": "online",
            "cache": "online"}),
            ),
        ),
        Reason::BadEntity => ("", odd("entity", json!(""))),
        Reason::TooFarAhead => ("", [0, 10, 400_000, 20, 30, 40, 50].map(fine).to_vec()),
        Reason::Late => ("", [0, 1000, 10].map(fine).to_vec()),
        Reason::TooManyEntities => (
            "--set window.max_entities=1",
            vec![fine(0), reading("host-2", 0, &[]), reading("host-3", 1, &[])],
        ),
    }
}

/// What the program says when it happens.
fn detail(reason: Reason) -> String {
    let folder = Folder::new();
    let (flags, records) = provocation(reason);
    folder.write("in.ndjson", records.join("\n") + "\n");
    folder.run(&format!("replay in.ndjson --out out {flags}"));
    let refused = folder.read("out/rejected.ndjson") + &folder.read("out/late.ndjson");
    let found = lines(&refused).into_iter().find(|one| one["reason"] == reason.label());
    let found = found.unwrap_or_else(|| panic!("nothing was {}: {refused}", reason.label()));
    found["detail"].as_str().unwrap().to_owned()
}

pub fn rejections(text: &mut String) {
    let said = documented("src/flow/record.rs");
    text.push_str(
        "\n## Why something was rejected\n\nWhat cannot be used is not lost. Next to Kafka it goes to the topic `<name>-rejected` \
         (`<name>-late`) with its bytes as they came and the headers `tidewatch-reason`, `tidewatch-detail` and \
         `tidewatch-source`: `tidewatch consume rejected --headers` prints them. `replay --out DIR` writes `rejected.ndjson` and \
         `late.ndjson`. `tidewatch_rejected_total` counts by reason.\n\n| reason | means | for example | what to do |\n|---|---|---|---|\n",
    );
    for reason in Reason::ALL {
        let name = format!("{reason:?}");
        let (means, detail) = (means(&said, &name), detail(*reason));
        let _ =
            writeln!(text, "| `{}` | {means} | {} | {} |", reason.label(), cell(&detail), remedy(*reason));
    }
}
