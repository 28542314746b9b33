//! A line of `rejected.ndjson` or `late.ndjson`: the original bytes, why, and where they lay.

use std::fmt::Write;

use serde::Serialize;

use crate::flow::record::Output;

#[derive(Serialize)]
struct Line<'a> {
    reason: &'a str,
    detail: &'a str,
    source: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    /// Bytes that are no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    byte: u64,
    line: u64,
}

/// The line of a rejected or late output that came from the file of that name, with its line end.
pub fn line(output: &Output, file: &str) -> Vec<u8> {
    let Some((rejection, origin)) = &output.refused else { return Vec::new() };
    let text = std::str::from_utf8(&output.value).ok();
    let line = Line {
        reason: rejection.reason.label(),
        detail: &rejection.detail,
        source: Place { file, byte: origin.position, line: origin.line },
        key: output.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
        value: text,
        value_hex: text.is_none().then(|| hex(&output.value)),
    };
    let mut bytes = serde_json::to_vec(&line).expect("text and numbers are JSON");
    bytes.push(b'\n');
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
        text
    })
}
