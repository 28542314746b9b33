//! `--set PATH=VALUE`: keys of the file set from outside, before anything is checked.

use super::file::{Entry, Node, Value, read_value};
use super::keys::{find, section_of, without_number};
use super::problem::{Place, Problem};

/// Sets every path, a later one over an earlier one; returns those that lead nowhere.
pub(super) fn apply(entries: &mut Vec<Entry>, overrides: &[(String, String)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, value) in overrides {
        let place = Place::Flag(path.clone());
        let node = value_of(path, value, &place);
        let parts: Vec<&str> = path.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            problems.push(Problem::new(&place, "", "is no path such as window.size"));
        } else if let Err(message) = set(entries, &parts, node, &place) {
            problems.push(Problem::new(&place, "", message));
        }
    }
    problems
}

/// The value as its key takes it: what takes text is not tried as TOML, unless it is quoted.
fn value_of(path: &str, value: &str, place: &Place) -> Node {
    let quoted = value.starts_with(['"', '\'']);
    match find(&without_number(path)) {
        Some(key) if key.takes.is_text() && !quoted => {
            Node { place: place.clone(), value: Value::Text(value.into()) }
        }
        Some(_) | None => read_value(value, place),
    }
}

fn set(entries: &mut Vec<Entry>, parts: &[&str], node: Node, place: &Place) -> Result<(), String> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    let at = entries.iter().position(|entry| entry.key == *first).unwrap_or_else(|| {
        let is_list = section_of(first).is_some_and(|section| section.most.is_some());
        let empty = if is_list { Value::List(Vec::new()) } else { Value::Table(Vec::new()) };
        let node = Node { place: place.clone(), value: empty };
        entries.push(Entry { key: (*first).into(), place: place.clone(), node });
        entries.len() - 1
    });
    let entry = &mut entries[at];
    if rest.is_empty() {
        entry.place = place.clone();
        entry.node = node;
        return Ok(());
    }
    match &mut entry.node.value {
        Value::Table(inner) => set(inner, rest, node, place),
        Value::List(items) => set_in_list(first, items, rest, node, place),
        other => Err(format!("{first} is {}, there is nothing in it to set", other.described())),
    }
}

fn set_in_list(
    name: &str,
    items: &mut Vec<Node>,
    parts: &[&str],
    node: Node,
    place: &Place,
) -> Result<(), String> {
    let Some((number, rest)) = parts.split_first() else { return Ok(()) };
    let Ok(number) = number.parse::<usize>() else {
        return Err(format!("{name} is a list: name one by its number, {name}.0.{}", parts.join(".")));
    };
    if number > items.len() {
        return Err(format!("{name} has {} entries, the next is {name}.{}", items.len(), items.len()));
    }
    if number == items.len() {
        items.push(Node { place: place.clone(), value: Value::Table(Vec::new()) });
    }
    let item = &mut items[number];
    match &mut item.value {
        _ if rest.is_empty() => {
            *item = node;
            Ok(())
        }
        Value::Table(inner) => set(inner, rest, node, place),
        other => Err(format!("{name}.{number} is {}, there is nothing in it to set", other.described())),
    }
}
