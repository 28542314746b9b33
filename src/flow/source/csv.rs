//! Lines of CSV files. A column is what its header says; columns that nobody named are ignored.

use std::borrow::Cow;

use super::draft::{Draft, missing};
use super::number;
use super::value::{Value, quote};
use crate::flow::model::{Schema, Services};
use crate::flow::record::{Reason, Rejection};
use crate::flow::time::EventTime;

/// Time columns, the best first: where a header has several, the others are ignored.
const TIME_COLUMNS: [&str; 4] = ["timestamp", "time", "datetime", "date"];
/// What service columns begin with, unless the topology names the services.
const STATUS_PREFIX: &str = "service_status.";
/// How many headers are kept: as many files may be merged without reading a header twice.
const MAX_TABLES: usize = 8;

/// The tables whose lines have come lately, the latest first.
#[derive(Debug, Default)]
pub(super) struct Tables(Vec<Table>);

impl Tables {
    /// The table under that header.
    pub(super) fn of(&mut self, header: &[u8], schema: &Schema) -> &mut Table {
        let place = self.0.iter().position(|table| table.header == header).unwrap_or_else(|| {
            self.0.truncate(MAX_TABLES - 1);
            self.0.push(Table::new(header, schema));
            self.0.len() - 1
        });
        self.0[..=place].rotate_right(1);
        &mut self.0[0]
    }
}

/// A header, understood.
#[derive(Debug)]
pub(super) struct Table {
    header: Vec<u8>,
    delimiter: u8,
    columns: Vec<Column>,
    /// Why no line under it can be used.
    problem: Option<Rejection>,
    cells: Cells,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Ignored,
    Time,
    Entity,
    Metric(usize),
    Service(String),
}

impl Table {
    fn new(header: &[u8], schema: &Schema) -> Table {
        let text = header.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(header).trim_ascii();
        let semicolons = memchr::memchr_iter(b';', text).count() > memchr::memchr_iter(b',', text).count();
        let delimiter = if semicolons { b';' } else { b',' };
        let mut cells = Cells::default();
        let split = cells.split(text, delimiter);
        let names: Vec<String> =
            cells.iter(text).map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let time = TIME_COLUMNS.iter().find(|time| names.iter().any(|name| name.eq_ignore_ascii_case(time)));
        let column = |name: &String| column(name, time.copied(), schema);
        let columns: Vec<Column> = names.iter().map(column).collect();
        let problem = split.err().or_else(|| problem_of(&columns, &names, schema));
        Table { header: header.to_vec(), delimiter, columns, problem, cells }
    }

    /// The entity of the reading that a line is; the draft fills in the reading.
    pub(super) fn read<'v>(
        &'v mut self,
        line: &'v [u8],
        mut draft: Draft<'_, 'v>,
        key: Option<&'v [u8]>,
    ) -> Result<Cow<'v, str>, Rejection> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            return Err(Rejection::new(Reason::Malformed, "empty"));
        }
        self.cells.split(line, self.delimiter)?;
        if self.cells.ends.len() != self.columns.len() {
            let detail = format!("{} cells under {} columns", self.cells.ends.len(), self.columns.len());
            return Err(Rejection::new(Reason::Malformed, detail));
        }
        for (column, cell) in self.columns.iter().zip(self.cells.iter(line)) {
            match column {
                Column::Ignored => {}
                Column::Time => draft.time(&time_of(cell)),
                Column::Entity => draft.entity(text_of(cell)),
                Column::Metric(index) => draft.metric(*index, &number_of(cell)),
                Column::Service(name) => match text_of(cell) {
                    Value::Absent => {}
                    status => draft.service(name, &status),
                },
            }
        }
        draft.finish(key)
    }
}

fn column(name: &str, time: Option<&str>, schema: &Schema) -> Column {
    if time.is_some_and(|time| name.eq_ignore_ascii_case(time)) {
        return Column::Time;
    }
    if let Some(index) = schema.index_of(name) {
        return Column::Metric(index);
    }
    let prefixed = name.strip_prefix(STATUS_PREFIX);
    match &schema.services {
        _ if name == "entity" => Column::Entity,
        Services::Named { names, .. } => {
            let service = prefixed.unwrap_or(name);
            let known = names.iter().any(|known| known == service);
            if known { Column::Service(service.to_owned()) } else { Column::Ignored }
        }
        Services::Any => prefixed.map_or(Column::Ignored, |service| Column::Service(service.to_owned())),
    }
}

/// What is wrong with all lines: a column twice, else a column that is missing.
fn problem_of(columns: &[Column], names: &[String], schema: &Schema) -> Option<Rejection> {
    let mut before = columns.iter().enumerate().filter(|(_, column)| **column != Column::Ignored);
    if let Some((place, _)) = before.find(|(place, column)| columns[..*place].contains(column)) {
        let detail = format!("column {} stands twice", quote(names[place].as_bytes()));
        return Some(Rejection::new(Reason::DuplicateField, detail));
    }
    let absent = |column: &Column| !columns.contains(column);
    if absent(&Column::Time) {
        return Some(missing("column timestamp"));
    }
    let metrics = schema.metrics.iter().enumerate();
    let mut metrics = metrics.filter(|(index, metric)| !metric.optional && absent(&Column::Metric(*index)));
    if let Some((_, metric)) = metrics.next() {
        return Some(missing(&format!("column {}", metric.name)));
    }
    let Services::Named { names, required: true } = &schema.services else { return None };
    let service = names.iter().find(|name| absent(&Column::Service((*name).clone())))?;
    Some(missing(&format!("column {service}")))
}

fn time_of(cell: &[u8]) -> Value<'_> {
    match number::parse(cell) {
        Some(number) if EventTime::parse(cell).is_none() => Value::Number(number, cell),
        _ => text_of(cell),
    }
}

/// `NaN` and `inf` are numbers without a place in any range; other words are no numbers.
fn number_of(cell: &[u8]) -> Value<'_> {
    let unsigned = cell.strip_prefix(b"-").unwrap_or(cell);
    let not_finite =
        || [&b"nan"[..], b"inf", b"infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    match number::parse(cell) {
        Some(number) => Value::Number(number, cell),
        None if not_finite() => Value::Number(f64::NAN, cell),
        None => text_of(cell),
    }
}

fn text_of(cell: &[u8]) -> Value<'_> {
    match std::str::from_utf8(cell) {
        Ok("") => Value::Absent,
        Ok(text) => Value::Text(Cow::Borrowed(text)),
        Err(_) => Value::Other("not UTF-8"),
    }
}

/// The cells of one line; the memory serves the next.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Where each ends: in the line, or in `unquoted`.
    ends: Vec<usize>,
    /// The cells without their quotes, one behind the other, where the line has quotes.
    unquoted: Vec<u8>,
    quoted: bool,
}

impl Cells {
    pub(super) fn split(&mut self, line: &[u8], delimiter: u8) -> Result<(), Rejection> {
        self.quoted = memchr::memchr3(b'"', b'\n', b'\r', line).is_some();
        self.ends.clear();
        if !self.quoted {
            self.ends.extend(memchr::memchr_iter(delimiter, line).chain([line.len()]));
            return Ok(());
        }
        // The reader wants room for one more byte and cell than there can be.
        self.unquoted.resize(line.len() + 1, 0);
        self.ends.resize(line.len() + 2, 0);
        let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let (_, read, written, found) = reader.read_record(line, &mut self.unquoted, &mut self.ends);
        if read < line.len() {
            return Err(Rejection::new(Reason::Malformed, "a line end within the line"));
        }
        // An empty input tells the reader that the line is over.
        let (_, _, _, last) = reader.read_record(&[], &mut self.unquoted[written..], &mut self.ends[found..]);
        self.ends.truncate(found + last);
        Ok(())
    }

    /// The cells of the line that was split, without white space around.
    pub(super) fn iter<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let (text, gap) = if self.quoted { (&*self.unquoted, 0) } else { (line, 1) };
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let cell = text.get(start..*end).unwrap_or_default();
            start = end + gap;
            cell.trim_ascii()
        })
    }
}
