//! Lines of a CSV file, by the names in its header row. A cell may be quoted, but not go on in the next line.

use std::borrow::Cow;

use super::number;
use super::reading::{Builder, missing};
use crate::flow::model::{Services, Status};
use crate::flow::record::{Reason, Rejection};
use crate::flow::time::EventTime;

/// The names of a time column.
const TIME_NAMES: [&str; 4] = ["timestamp", "time", "datetime", "date"];

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Time,
    Entity,
    Metric(usize),
    Service(String),
    Ignored,
}

/// The columns of the header row seen last.
#[derive(Debug, Default)]
pub(super) struct Layout {
    header: Vec<u8>,
    delimiter: u8,
    columns: Vec<Column>,
}

impl Layout {
    /// Reads a line into the builder.
    pub(super) fn read(
        &mut self,
        header: &[u8],
        line: &[u8],
        builder: &mut Builder,
    ) -> Result<(), Rejection> {
        if self.columns.is_empty() || self.header != header {
            self.understand(header, builder)?;
        }
        builder.begin();
        let mut count = 0;
        for cell in cells(line, self.delimiter) {
            let cell = cell?;
            let text = cell.trim_ascii();
            match self.columns.get(count) {
                None | Some(Column::Ignored) => {}
                Some(Column::Time) => builder.time(time(text)?)?,
                Some(Column::Entity | Column::Service(_)) if text.is_empty() => {}
                Some(Column::Entity) => builder.entity(name(text)?)?,
                Some(Column::Service(service)) => builder.service(service, status(service, text)?)?,
                Some(Column::Metric(metric)) => {
                    let value = value(text, *metric, builder)?;
                    builder.metric(*metric, value)?;
                }
            }
            count += 1;
        }
        if count != self.columns.len() {
            let detail = format!("{count} cells under {} columns", self.columns.len());
            return Err(Rejection::new(Reason::Malformed, detail));
        }
        builder.complete()
    }

    fn understand(&mut self, header: &[u8], builder: &Builder) -> Result<(), Rejection> {
        let bare = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let count = |wanted: u8| memchr::memchr_iter(wanted, bare).count();
        self.delimiter = if count(b';') > count(b',') { b';' } else { b',' };
        let mut columns = Vec::new();
        for cell in cells(bare, self.delimiter) {
            let name = String::from_utf8_lossy(&cell?).trim().to_owned();
            columns.push(column(&name, builder));
        }
        if !columns.contains(&Column::Time) {
            return Err(missing("the time column (timestamp, time, datetime or date)"));
        }
        self.columns = columns;
        self.header = header.to_vec();
        Ok(())
    }
}

fn column(name: &str, builder: &Builder) -> Column {
    if let Some(metric) = builder.schema().index_of(name) {
        return Column::Metric(metric);
    }
    if let Some(service) = name.strip_prefix("service_status.") {
        return Column::Service(service.to_owned());
    }
    if let Services::Named { names, .. } = &builder.schema().services
        && names.iter().any(|service| service == name)
    {
        return Column::Service(name.to_owned());
    }
    match name.to_ascii_lowercase() {
        name if TIME_NAMES.contains(&name.as_str()) => Column::Time,
        name if name == "entity" => Column::Entity,
        _ => Column::Ignored,
    }
}

/// The cells of a line.
fn cells(line: &[u8], delimiter: u8) -> Box<dyn Iterator<Item = Result<Cow<'_, [u8]>, Rejection>> + '_> {
    if !line.contains(&b'"') {
        return Box::new(line.split(move |byte| *byte == delimiter).map(|cell| Ok(Cow::Borrowed(cell))));
    }
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut out, mut ends) = (vec![0; line.len() + 1], vec![0; line.len() + 2]);
    let (_, read, written, some) = reader.read_record(line, &mut out, &mut ends);
    let (result, _, _, more) = reader.read_record(&line[read..], &mut out[written..], &mut ends[some..]);
    if result != csv_core::ReadRecordResult::Record && some + more == 0 {
        let rejection = Rejection::new(Reason::Malformed, "a quote is not closed");
        return Box::new(std::iter::once(Err(rejection)));
    }
    let mut start = 0;
    let cells: Vec<Vec<u8>> = ends[..some + more]
        .iter()
        .map(|&end| {
            let cell = out[start..end].to_vec();
            start = end;
            cell
        })
        .collect();
    Box::new(cells.into_iter().map(|cell| Ok(Cow::Owned(cell))))
}

fn time(text: &[u8]) -> Result<EventTime, Rejection> {
    if text.is_empty() {
        return Err(missing("the time"));
    }
    let epoch = || number::scan(text).filter(|(_, length)| *length == text.len()).map(|(number, _)| number);
    EventTime::parse(text).or_else(|| epoch().and_then(EventTime::from_epoch_number)).ok_or_else(|| {
        Rejection::new(
            Reason::BadTimestamp,
            format!("timestamp {} is no time", String::from_utf8_lossy(text)),
        )
    })
}

fn name(text: &[u8]) -> Result<&str, Rejection> {
    std::str::from_utf8(text).map_err(|_| Rejection::new(Reason::BadEntity, "entity is no text"))
}

fn status(service: &str, text: &[u8]) -> Result<Status, Rejection> {
    Status::parse(text).ok_or_else(|| {
        let detail = format!(
            "service {service} is {}, not online, degraded or offline",
            String::from_utf8_lossy(text)
        );
        Rejection::new(Reason::UnknownStatus, detail)
    })
}

/// A cell's number; an empty cell has none. Besides JSON's numbers, `.5`, `5.` and `+5` are understood.
fn value(text: &[u8], metric: usize, builder: &Builder) -> Result<Option<f64>, Rejection> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some((value, _)) = number::scan(text).filter(|(_, length)| *length == text.len()) {
        return Ok(Some(value));
    }
    let text = String::from_utf8_lossy(text);
    let decimal = text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    let name = &builder.schema().metrics[metric].name;
    match text.parse::<f64>() {
        Ok(value) if decimal => Ok(Some(value + 0.0)),
        Ok(value) => Err(Rejection::new(Reason::OutOfRange, format!("{name} is {value}"))),
        Err(_) => Err(Rejection::new(Reason::WrongType, format!("{name} is {text}, not a number"))),
    }
}
