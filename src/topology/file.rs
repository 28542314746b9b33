//! A topology as it is written: TOML whose every key and value knows its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem};

/// A value and where it was said.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

/// What TOML can say.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// A date or time: nothing in a topology is one, so only how it was written is kept.
    Date(String),
    /// A number that no number of ours can hold.
    Huge(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    /// Where the key stands; for a table, where it is first spoken of.
    pub place: Place,
    pub node: Node,
}

impl Value {
    /// For messages: `the number 5`, `the text "5m"`.
    pub(super) fn described(&self) -> String {
        match self {
            Value::Text(text) => format!("the text {text:?}"),
            Value::Integer(number) => format!("the number {number}"),
            Value::Float(number) => format!("the number {number:?}"),
            Value::Boolean(flag) => format!("{flag}"),
            Value::Date(text) => format!("the date {text}"),
            Value::Huge(text) => format!("the number {text}"),
            Value::List(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        }
    }
}

/// Reads a whole file; on failure every syntax error with its line.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let place = |span: &Range<usize>| place_of(text, span.start);
    if errors.is_empty() {
        return Ok(entries(table.into_inner(), &place));
    }
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| {
            let at = error.span().map_or(Place::Unsaid, |span| place(&span));
            Problem::new(&at, "", format!("not TOML: {}", error.message()))
        })
        .collect();
    problems.sort();
    problems.dedup_by(|later, earlier| later.line() == earlier.line());
    Err(problems)
}

/// Reads the VALUE of `--set PATH=VALUE`: as TOML if it is a number, a boolean, a list, a table or quoted, else as text.
pub(super) fn read_value(text: &str, place: &Place) -> Node {
    let value = match DeValue::parse(text) {
        Ok(value) if !value.get_ref().is_datetime() => convert(value.into_inner(), &|_| place.clone()),
        Ok(_) | Err(_) => Value::Text(text.into()),
    };
    Node { place: place.clone(), value }
}

type Places<'a> = &'a dyn Fn(&Range<usize>) -> Place;

fn entries(table: DeTable<'_>, places: Places<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| {
            let place = places(&key.span());
            Entry { key: key.into_inner().into_owned(), place, node: node(value, places) }
        })
        .collect();
    entries.sort_by(|one, other| one.place.cmp(&other.place));
    entries
}

fn node(value: Spanned<DeValue<'_>>, places: Places<'_>) -> Node {
    Node { place: places(&value.span()), value: convert(value.into_inner(), places) }
}

fn convert(value: DeValue<'_>, places: Places<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Huge(number.to_string()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::Huge(number.to_string()), Value::Float)
        }
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(list) => Value::List(list.into_iter().map(|item| node(item, places)).collect()),
        DeValue::Table(table) => Value::Table(entries(table, places)),
    }
}

fn place_of(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place::Line { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_know_their_line_and_column_in_the_order_of_the_file() {
        let entries = read("zebra = 1\n\n  ant = \"ä\"").unwrap();
        let places: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), &entry.place)).collect();
        assert_eq!(
            places,
            [("zebra", &Place::Line { line: 1, column: 1 }), ("ant", &Place::Line { line: 3, column: 3 })]
        );
    }

    #[test]
    fn text_that_is_not_toml_is_told_line_by_line() {
        let problems = read("name = \"x\"\n[window\nsize = = 5\n").unwrap_err();
        let lines: Vec<_> = problems.iter().map(Problem::line).collect();
        assert_eq!(lines, [Some(2), Some(3)]);
        assert!(problems[0].to_string().starts_with("line 2: not TOML: "), "{}", problems[0]);
    }

    #[test]
    fn a_value_on_the_command_line_needs_no_quotes() {
        let read = |text| read_value(text, &Place::Unsaid).value.described();
        assert_eq!(read("5"), "the number 5");
        assert_eq!(read("true"), "true");
        assert_eq!(read("5m"), "the text \"5m\"");
        assert_eq!(read("\"5\""), "the text \"5\"");
        assert_eq!(read("[1, 2]"), "a list");
        assert_eq!(read("2026-01-01"), "the text \"2026-01-01\"");
        assert_eq!(read("x = 1"), "the text \"x = 1\"");
    }
}
