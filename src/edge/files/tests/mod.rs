//! Reading files whole, in steps, and again.

mod broken;
mod formats;
mod merging;
mod resuming;

use std::path::PathBuf;

use super::{Bounds, Inputs, Progress};
use crate::flow::record::{Extent, Format, Offset, RawRecord};
use crate::flow::time::EventTime;

/// A record that outlives its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    offset: u64,
    input: u32,
    position: u64,
    line: u64,
    header: Option<String>,
    extent: Extent,
    value: String,
}

impl Row {
    fn of(record: &RawRecord<'_>) -> Row {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let header = match record.format {
            Format::Json => None,
            Format::Csv { header } => Some(text(header)),
        };
        Row {
            offset: record.offset.0,
            input: record.origin.input,
            position: record.origin.position,
            line: record.origin.line,
            header,
            extent: record.extent,
            value: text(record.value),
        }
    }
}

/// The number behind `"t":`, in milliseconds.
fn time(record: &RawRecord<'_>) -> Option<EventTime> {
    let text = std::str::from_utf8(record.value).ok()?;
    let digits = text.split_once("\"t\":")?.1;
    let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
    EventTime::from_ms(digits[..end].parse().ok()?)
}

fn small() -> Bounds {
    Bounds { buffer_bytes: 16, record_bytes: 1000 }
}

fn rest(inputs: &mut Inputs, max_records: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let batch = inputs.next_batch(max_records, &mut time).unwrap();
        assert!(batch.len() <= max_records);
        if batch.is_empty() {
            return rows;
        }
        assert_eq!(
            batch.first().0,
            rows.first().map_or(batch.first().0, |row: &Row| row.offset + rows.len() as u64)
        );
        rows.extend(batch.iter().map(|record| Row::of(&record)));
    }
}

/// All records from there on, and what to store after them.
fn read(paths: &[PathBuf], progress: Progress, bounds: Bounds) -> (Vec<Row>, Progress, Vec<String>) {
    let mut inputs = Inputs::open(paths, progress, bounds).unwrap();
    let rows = rest(&mut inputs, 3);
    let broken = inputs.broken().iter().map(|broken| format!("{}: {}", broken.byte, broken.why)).collect();
    (rows, inputs.progress(inputs.next(), inputs.next()), broken)
}

fn values(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.value.as_str()).collect()
}

fn offset(number: usize) -> Offset {
    Offset(number as u64)
}
