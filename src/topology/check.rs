//! From what is written to what is known and right, one key at a time; everything wrong is collected.

use std::collections::{BTreeMap, BTreeSet};

use super::elsewhere;
use super::file::{Entry, Node, Value, read_value};
use super::keys::{KEYS, Key, SECTIONS, Section, find, section_of, split, without_number};
use super::problem::{Place, Problem, nearest};
use super::takes::Setting;
use crate::flow::model::MAX_METRICS;

/// What a topology says, key by key.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// By path, `detect.0.threshold`; only what is right.
    settings: BTreeMap<String, (Place, Setting)>,
    /// The paths of what is not: their keys are not missing.
    wrong: BTreeSet<String>,
    /// The tables that are there, `window` or `detect.0`.
    tables: BTreeMap<String, Place>,
    /// Settings of the Kafka client.
    pub kafka_client: BTreeMap<String, String>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

impl Said {
    /// Checks every key by itself.
    pub(super) fn read(entries: &[Entry]) -> Said {
        let mut said = Said::default();
        for entry in entries {
            match section_of(&entry.key) {
                Some(section) => said.read_section(section, entry),
                None => said.read_key("", "", entry),
            }
        }
        said
    }

    /// The setting of a path, where one was given and right.
    pub(super) fn given(&self, path: &str) -> Option<&Setting> {
        self.settings.get(path).map(|(_, setting)| setting)
    }

    /// The setting of a path, or its default.
    pub(super) fn setting(&self, path: &str) -> Setting {
        self.given(path).cloned().unwrap_or_else(|| {
            let key = find(&without_number(path)).expect("callers name keys of the table");
            let name = match self.given("name") {
                Some(Setting::Text(name)) => name,
                _ => "unnamed",
            };
            let written = read_value(&key.default.replace("<name>", name), &Place::Unsaid);
            key.takes.read(&written).expect("a test reads every default")
        })
    }

    /// Whether a path was given, right or wrong.
    pub(super) fn has(&self, path: &str) -> bool {
        self.settings.contains_key(path) || self.wrong.contains(path)
    }

    /// Whether a path was given, but wrong.
    pub(super) fn is_wrong(&self, path: &str) -> bool {
        self.wrong.contains(path)
    }

    /// Whether a table is there.
    pub(super) fn has_table(&self, path: &str) -> bool {
        self.tables.contains_key(path)
    }

    /// How many of `[[name]]` there are.
    pub(super) fn count(&self, name: &str) -> usize {
        (0..MAX_METRICS).take_while(|number| self.tables.contains_key(&format!("{name}.{number}"))).count()
    }

    /// Adds a problem where the path, or else its table, was said.
    pub(super) fn problem(&mut self, path: &str, message: impl Into<String>) {
        let problem = Problem::new(&self.place(path), path, message);
        self.problems.push(problem);
    }

    /// Adds a warning where the path was said.
    pub(super) fn warn(&mut self, path: &str, message: impl Into<String>) {
        let warning = Problem::new(&self.place(path), path, message);
        self.warnings.push(warning);
    }

    fn place(&self, path: &str) -> Place {
        let setting = self.settings.get(path).map(|(place, _)| place);
        let table = || self.tables.get(path).or_else(|| self.tables.get(split(path).0));
        setting.or_else(table).cloned().unwrap_or(Place::Unsaid)
    }

    fn read_section(&mut self, section: &Section, entry: &Entry) {
        match (section.most, &entry.node.value) {
            (None, Value::Table(_)) if section.name == "kafka" => self.read_kafka("kafka", &entry.node),
            (None, Value::Table(entries)) => {
                self.read_table(section.name, section.name, &entry.place, entries);
            }
            (None, other) => {
                let message = format!("must be a table, [{}], not {}", section.name, other.described());
                self.refuse(&entry.place, section.name, message);
            }
            (Some(most), Value::List(items)) => self.read_tables(section.name, most, &entry.place, items),
            (Some(_), other) => {
                let written = other.described();
                let message = format!("is a list of tables, [[{}]], not {written}", section.name);
                self.refuse(&entry.place, section.name, message);
            }
        }
    }

    fn read_tables(&mut self, name: &str, most: usize, place: &Place, items: &[Node]) {
        if items.len() > most {
            self.refuse(place, name, format!("must be at most {most}, not {}", items.len()));
        }
        if items.is_empty() {
            self.refuse(place, name, "must not be empty");
        }
        for (number, item) in items.iter().enumerate().take(most) {
            let path = format!("{name}.{number}");
            match &item.value {
                Value::Table(entries) => self.read_table(&path, name, &item.place, entries),
                other => {
                    self.refuse(&item.place, &path, format!("must be a table, not {}", other.described()));
                }
            }
        }
    }

    fn read_table(&mut self, path: &str, section: &str, place: &Place, entries: &[Entry]) {
        self.tables.insert(path.into(), place.clone());
        for entry in entries {
            self.read_key(path, section, entry);
        }
    }

    fn read_key(&mut self, table: &str, section: &str, entry: &Entry) {
        let path = join(table, &entry.key);
        let Some(key) = find(&join(section, &entry.key)) else {
            return self.refuse_unknown(&path, section, entry);
        };
        match key.takes.read(&entry.node) {
            Ok(setting) => {
                self.settings.insert(path, (entry.place.clone(), setting));
            }
            Err(message) => self.refuse(&entry.place, &path, message),
        }
    }

    /// Takes every setting below `[kafka]`, dotted or nested, with or without `client`.
    fn read_kafka(&mut self, path: &str, node: &Node) {
        let (text, place) = match &node.value {
            Value::Table(entries) => {
                for entry in entries {
                    self.read_kafka(&join(path, &entry.key), &entry.node);
                }
                return;
            }
            Value::Text(text) => (text.clone(), &node.place),
            Value::Integer(number) => (number.to_string(), &node.place),
            Value::Float(number) => (number.to_string(), &node.place),
            Value::Boolean(flag) => (flag.to_string(), &node.place),
            Value::Date(_) | Value::Huge(_) | Value::List(_) => {
                let message =
                    format!("must be text, a number or true or false, not {}", node.value.described());
                return self.refuse(&node.place, path, message);
            }
        };
        if let Some(message) = elsewhere::message(path) {
            return self.refuse(place, path, message);
        }
        let setting = path.strip_prefix("kafka.client.").or_else(|| path.strip_prefix("kafka."));
        self.kafka_client.insert(setting.unwrap_or(path).into(), text);
    }

    fn refuse(&mut self, place: &Place, path: &str, message: impl Into<String>) {
        self.wrong.insert(path.into());
        self.problems.push(Problem::new(place, path, message));
    }

    /// An unknown key; if secrets or addresses are in it, those are what is told of.
    fn refuse_unknown(&mut self, path: &str, section: &str, entry: &Entry) {
        let mut leaves = Vec::new();
        collect_leaves(path, &entry.place, &entry.node, &mut leaves);
        let before = self.problems.len();
        for (leaf, place) in leaves {
            if let Some(message) = elsewhere::message(&leaf) {
                self.refuse(&place, &leaf, message);
            }
        }
        if self.problems.len() == before {
            let message = match meant(path, section, &entry.key) {
                Some(meant) => {
                    let message = format!("is not known; did you mean {meant}?");
                    // Told once is enough: what was meant is not missing as well.
                    self.wrong.insert(meant);
                    message
                }
                None => format!("is not known; {}", what_there_is(section)),
            };
            self.refuse(&entry.place, path, message);
        }
    }
}

fn join(table: &str, key: &str) -> String {
    if table.is_empty() { key.into() } else { format!("{table}.{key}") }
}

fn collect_leaves(path: &str, place: &Place, node: &Node, leaves: &mut Vec<(String, Place)>) {
    match &node.value {
        Value::Table(entries) => {
            for one in entries {
                collect_leaves(&join(path, &one.key), &one.place, &one.node, leaves);
            }
        }
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))) => {
            for (number, item) in items.iter().enumerate() {
                collect_leaves(&format!("{path}.{number}"), &item.place, item, leaves);
            }
        }
        _ => leaves.push((path.into(), place.clone())),
    }
}

/// The known path that an unknown one was likely meant to be: a slip in the same table, else the key of another.
fn meant(path: &str, section: &str, word: &str) -> Option<String> {
    let here = || keys_of(section).map(|key| split(key.path).1);
    let tables = SECTIONS.iter().map(|section| section.name).filter(|_| section.is_empty());
    if let Some(near) = nearest(word, here().chain(tables)) {
        return Some(join(path.strip_suffix(word).unwrap_or_default().trim_end_matches('.'), near));
    }
    KEYS.iter().find(|key| split(key.path).1 == word).map(|key| key.path.to_owned())
}

fn keys_of(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| split(key.path).0 == section)
}

fn what_there_is(section: &str) -> String {
    let keys: Vec<&str> = keys_of(section).map(|key| split(key.path).1).collect();
    if section.is_empty() {
        let tables: Vec<&str> = SECTIONS.iter().map(|section| section.name).collect();
        return format!("there is {}, and the tables {}", keys.join(", "), tables.join(", "));
    }
    format!("{section} has {}", keys.join(", "))
}
