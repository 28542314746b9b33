//! JSON and CSV of any kind, by paths (`host.name`, `readings.0.value`) and columns. With `series` and `value` a record is
//! one sample, and a metric is the name that stands at the path `series`.

use serde_json::Value;

use super::refused;
use super::room::{Amount, Room};
use super::stamp::Stamp;
use crate::flow::record::{Reason, Rejection};
use crate::flow::source::csv::Cells;
use crate::flow::source::value::quote;

/// The value at a path.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, part| match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// What finds the text of a path or column.
trait Places {
    fn text(&self, path: &str) -> Result<Option<String>, &'static str>;
    fn stamp(&self, path: &str) -> Stamp;
    fn amount(&self, path: &str) -> Amount;
}

impl Places for Value {
    fn text(&self, path: &str) -> Result<Option<String>, &'static str> {
        match at(self, path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(_)) => Err("a boolean"),
            Some(Value::Array(_)) => Err("an array"),
            Some(Value::Object(_)) => Err("an object"),
        }
    }

    fn stamp(&self, path: &str) -> Stamp {
        Stamp::of(at(self, path))
    }

    fn amount(&self, path: &str) -> Amount {
        at(self, path).map_or(Amount::Absent, Amount::of)
    }
}

pub(super) fn read(bytes: &[u8], room: &mut Room) -> Result<(), Rejection> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| refused(&error))?;
    if !value.is_object() {
        return Err(Rejection::new(Reason::NotAReading, format!("{} is no object", quote(bytes))));
    }
    take(&value, room)
}

fn take(record: &impl Places, room: &mut Room) -> Result<(), Rejection> {
    let named = room.sampling.entity.as_deref().map(|path| (path.to_owned(), record.text(path)));
    let entity = match named {
        None => None,
        Some((_, Ok(entity))) => entity,
        Some((path, Err(kind))) => {
            return Err(Rejection::new(Reason::BadEntity, format!("{path} is {kind}, not a name")));
        }
    };
    let stamp = room.sampling.time.as_deref().map_or(Stamp::Missing, |path| record.stamp(path));
    let Some((series, value)) = room.sampling.series.clone() else {
        for metric in 0..room.sampling.metrics.len() {
            let amount = record.amount(&room.sampling.metrics[metric].from.name);
            room.put(metric, entity.clone(), &stamp, amount);
        }
        return Ok(());
    };
    let name = record.text(&series).ok().flatten();
    let name = name.ok_or_else(|| Rejection::new(Reason::MissingField, format!("{series} is missing")))?;
    let wanted = room.sampling.metrics.iter().position(|metric| metric.from.name == name);
    if let Some(metric) = wanted {
        room.put(metric, entity, &stamp, record.amount(&value));
    }
    Ok(())
}

/// The header that CSV lines came under last, and the cells of a line.
#[derive(Debug, Default)]
pub(in crate::flow::source) struct Columns {
    header: Vec<u8>,
    names: Vec<String>,
    delimiter: u8,
    cells: Cells,
}

impl Columns {
    pub(super) fn read(&mut self, header: &[u8], line: &[u8], room: &mut Room) -> Result<(), Rejection> {
        if self.header != header || self.names.is_empty() {
            self.understand(header)?;
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            return Err(Rejection::new(Reason::Malformed, "empty"));
        }
        self.cells.split(line, self.delimiter)?;
        let cells: Vec<&[u8]> = self.cells.iter(line).collect();
        if cells.len() != self.names.len() {
            let detail = format!("{} cells under {} columns", cells.len(), self.names.len());
            return Err(Rejection::new(Reason::Malformed, detail));
        }
        take(&Line { names: &self.names, cells }, room)
    }

    fn understand(&mut self, header: &[u8]) -> Result<(), Rejection> {
        let text = header.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(header).trim_ascii();
        let semicolons = memchr::memchr_iter(b';', text).count() > memchr::memchr_iter(b',', text).count();
        self.delimiter = if semicolons { b';' } else { b',' };
        self.cells.split(text, self.delimiter)?;
        self.names =
            self.cells.iter(text).map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        self.header = header.to_vec();
        Ok(())
    }
}

/// A line under its header.
struct Line<'l> {
    names: &'l [String],
    cells: Vec<&'l [u8]>,
}

impl Line<'_> {
    /// The cell of the first column of that name; `None` where it is empty.
    fn cell(&self, column: &str) -> Option<&[u8]> {
        let at = self.names.iter().position(|name| name == column)?;
        self.cells.get(at).copied().filter(|cell| !cell.is_empty())
    }
}

impl Places for Line<'_> {
    fn text(&self, path: &str) -> Result<Option<String>, &'static str> {
        self.cell(path).map(|cell| String::from_utf8(cell.to_vec()).map_err(|_| "not UTF-8")).transpose()
    }

    fn stamp(&self, path: &str) -> Stamp {
        match self.text(path) {
            Ok(text) => text.map_or(Stamp::Missing, |text| Stamp::of_text(&text)),
            Err(kind) => Stamp::Bad(kind.to_owned()),
        }
    }

    fn amount(&self, path: &str) -> Amount {
        match self.text(path) {
            Ok(None) => Amount::Absent,
            Ok(Some(text)) => text.parse().map_or(Amount::Wrong("a text"), Amount::Number),
            Err(kind) => Amount::Wrong(kind),
        }
    }
}
