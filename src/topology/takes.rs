//! What a key takes: the type of its value, its limits, and how a refusal is worded.

use super::file::{Node, Value};
use super::problem::nearest;
use super::units::{size_bytes, span_ms, write_size, write_span};
use crate::flow::detect::settings::Kind;
use crate::flow::model::MAX_SERVICES;

/// The longest name Kafka allows for a topic.
pub(super) const MAX_TOPIC_BYTES: usize = 249;
/// Leaves room in a topic's name for `-changelog` and the like.
pub(super) const MAX_NAME_BYTES: usize = 200;

/// The type of a key's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// The application's name: what begins topics and groups.
    Name,
    /// A Kafka topic.
    Topic,
    /// Any text but none.
    Text { high_bytes: usize },
    /// Any text.
    Label { high_bytes: usize },
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A kind of detector.
    Detector,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number(Bounds),
    /// A whole number.
    Integer { low: i64, high: i64 },
    /// A duration.
    Span { low_ms: i64, high_ms: i64 },
    /// A duration above 0, or `"off"`.
    SpanOrOff { high_ms: i64 },
    /// A duration above 0, or a number of readings.
    SpanOrCount { high_ms: i64, high_count: i64 },
    /// A number of bytes, with or without unit.
    Size { high_bytes: usize },
    /// A list of names.
    Names,
    /// `[low, high]`.
    Range,
}

/// What numbers are allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub low: f64,
    pub high: f64,
    /// Whether `high` itself is outside; `low` always is.
    pub below_high: bool,
}

impl Bounds {
    pub(super) const ABOVE_0: Bounds = Bounds { low: 0.0, high: f64::INFINITY, below_high: true };
    pub(super) const ABOVE_0_TO_HALF: Bounds = Bounds { low: 0.0, high: 0.5, below_high: false };
    pub(super) const ABOVE_0_TO_1: Bounds = Bounds { low: 0.0, high: 1.0, below_high: false };
    pub(super) const BETWEEN_0_AND_1: Bounds = Bounds { low: 0.0, high: 1.0, below_high: true };

    /// The number, or why not.
    pub(super) fn admit(self, number: f64) -> Result<f64, String> {
        let fits_high = if self.below_high { number < self.high } else { number <= self.high };
        if number > self.low && fits_high {
            return Ok(number);
        }
        let high = match (self.high.is_finite(), self.below_high) {
            (false, _) => String::new(),
            (true, false) => format!(" and at most {}", self.high),
            (true, true) => format!(" and below {}", self.high),
        };
        Err(format!("must be above {}{high}, not {number}", self.low))
    }
}

/// A value that was found right.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setting {
    Text(String),
    Kind(Kind),
    Boolean(bool),
    Number(f64),
    Integer(i64),
    Span(i64),
    Off,
    Bytes(usize),
    Names(Vec<String>),
    Range(f64, f64),
}

impl Takes {
    /// Whether a value on the command line is meant as it stands, even where it looks like a number.
    pub(super) fn is_text(self) -> bool {
        match self {
            Takes::Name | Takes::Topic | Takes::Text { .. } | Takes::Label { .. } => true,
            Takes::Word(_)
            | Takes::Detector
            | Takes::Boolean
            | Takes::Number(_)
            | Takes::Integer { .. }
            | Takes::Span { .. }
            | Takes::SpanOrOff { .. }
            | Takes::SpanOrCount { .. }
            | Takes::Size { .. }
            | Takes::Names
            | Takes::Range => false,
        }
    }

    /// The setting that a node makes, or what is wrong with it in words that continue its path.
    pub(super) fn read(self, node: &Node) -> Result<Setting, String> {
        let wrong = |wanted: &str| Err(format!("must be {wanted}, not {}", node.value.described()));
        match (self, &node.value) {
            (Takes::Name, Value::Text(text)) => admit_name(text, MAX_NAME_BYTES),
            (Takes::Topic, Value::Text(text)) => admit_name(text, MAX_TOPIC_BYTES),
            (Takes::Text { .. }, Value::Text(text)) if text.is_empty() => Err("must not be empty".into()),
            (Takes::Text { high_bytes } | Takes::Label { high_bytes }, Value::Text(text)) => {
                admit_text(text, high_bytes)
            }
            (Takes::Word(words), Value::Text(text)) => admit_word(text, words),
            (Takes::Detector, Value::Text(text)) => admit_kind(text),
            (Takes::Boolean, Value::Boolean(flag)) => Ok(Setting::Boolean(*flag)),
            (Takes::Number(bounds), Value::Integer(number)) => {
                bounds.admit(*number as f64).map(Setting::Number)
            }
            (Takes::Number(bounds), Value::Float(number)) => bounds.admit(*number).map(Setting::Number),
            (Takes::Integer { low, high }, Value::Integer(number)) => admit_integer(*number, low, high),
            (Takes::Span { low_ms, high_ms }, Value::Text(text)) => admit_span(text, low_ms, high_ms),
            (Takes::SpanOrOff { .. }, Value::Text(text)) if text == "off" => Ok(Setting::Off),
            (Takes::SpanOrOff { high_ms } | Takes::SpanOrCount { high_ms, .. }, Value::Text(text)) => {
                admit_span(text, 1, high_ms)
            }
            (Takes::SpanOrCount { high_count, .. }, Value::Integer(count)) => {
                admit_integer(*count, 1, high_count)
            }
            (Takes::Size { high_bytes }, Value::Text(text)) => {
                admit_size(size_bytes(text).map_err(|error| error.to_string())?, high_bytes)
            }
            (Takes::Size { high_bytes }, Value::Integer(bytes)) => {
                admit_size(usize::try_from(*bytes).unwrap_or(0), high_bytes)
            }
            (Takes::Names, Value::List(items)) => read_names(items),
            (Takes::Range, Value::List(items)) => read_range(items),
            (Takes::Name | Takes::Topic | Takes::Text { .. } | Takes::Label { .. }, _) => wrong("text"),
            (Takes::Word(words), _) => wrong(&one_of(words)),
            (Takes::Detector, _) => wrong(&one_of(&kind_names())),
            (Takes::Boolean, _) => wrong("true or false"),
            (Takes::Number(_), _) => wrong("a number"),
            (Takes::Integer { .. }, _) => wrong("a whole number"),
            (Takes::Span { .. }, _) => wrong("a duration such as \"30s\""),
            (Takes::SpanOrOff { .. }, _) => wrong("a duration such as \"30s\", or \"off\""),
            (Takes::SpanOrCount { .. }, _) => wrong("a duration such as \"5m\" or a number of readings"),
            (Takes::Size { .. }, _) => wrong("a size such as \"16MiB\""),
            (Takes::Names, _) => wrong("a list of names"),
            (Takes::Range, _) => wrong("two numbers, [low, high]"),
        }
    }
}

/// The names of the detectors there are.
pub(super) fn kind_names() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.name()).collect()
}

fn admit_name(text: &str, high_bytes: usize) -> Result<Setting, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > high_bytes || !text.bytes().all(allowed) || text == "." || text == ".."
    {
        return Err(format!("must be 1 to {high_bytes} of the characters A-Z a-z 0-9 . _ -, not {text:?}"));
    }
    Ok(Setting::Text(text.into()))
}

fn admit_text(text: &str, high_bytes: usize) -> Result<Setting, String> {
    if text.len() > high_bytes {
        return Err(format!("must be at most {high_bytes} bytes long, not {}", text.len()));
    }
    Ok(Setting::Text(text.into()))
}

fn admit_word(text: &str, words: &[&str]) -> Result<Setting, String> {
    if words.contains(&text) {
        return Ok(Setting::Text(text.into()));
    }
    Err(match nearest(text, words.iter().copied()) {
        Some(word) => format!("{text:?} is not known; did you mean {word:?}?"),
        None => format!("{text:?} is not known; it is {}", one_of(words)),
    })
}

fn admit_kind(text: &str) -> Result<Setting, String> {
    if let Some(kind) = Kind::ALL.iter().find(|kind| kind.name() == text) {
        return Ok(Setting::Kind(*kind));
    }
    admit_word(text, &kind_names())
}

fn admit_integer(number: i64, low: i64, high: i64) -> Result<Setting, String> {
    if (low..=high).contains(&number) {
        return Ok(Setting::Integer(number));
    }
    let limits = if high == i64::MAX { format!("{low} or more") } else { format!("from {low} to {high}") };
    Err(format!("must be {limits}, not {number}"))
}

fn admit_span(text: &str, low_ms: i64, high_ms: i64) -> Result<Setting, String> {
    let span = span_ms(text).map_err(|error| error.to_string())?;
    if span < low_ms {
        return Err(format!("must be above 0, not {text:?}"));
    }
    if span > high_ms {
        return Err(format!("must be at most {:?}, not {text:?}", write_span(high_ms)));
    }
    Ok(Setting::Span(span))
}

fn admit_size(bytes: usize, high_bytes: usize) -> Result<Setting, String> {
    if bytes == 0 || bytes > high_bytes {
        return Err(format!("must be above 0 and at most {:?}", write_size(high_bytes)));
    }
    Ok(Setting::Bytes(bytes))
}

fn read_names(items: &[Node]) -> Result<Setting, String> {
    if items.len() > MAX_SERVICES {
        return Err(format!("must be at most {MAX_SERVICES} names, not {}", items.len()));
    }
    let mut names: Vec<String> = Vec::new();
    for item in items {
        match &item.value {
            Value::Text(name) if name.is_empty() || names.contains(name) => {
                return Err(format!("must be names, each once: {name:?} is not"));
            }
            Value::Text(name) => names.push(name.clone()),
            other => return Err(format!("must be a list of names, without {}", other.described())),
        }
    }
    Ok(Setting::Names(names))
}

fn read_range(items: &[Node]) -> Result<Setting, String> {
    let number = |node: &Node| match &node.value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) if !number.is_nan() => Some(*number),
        _ => None,
    };
    let numbers: Vec<f64> = items.iter().filter_map(number).collect();
    match numbers[..] {
        [low, high] if items.len() == 2 && low < high => Ok(Setting::Range(low, high)),
        [low, high] if items.len() == 2 => {
            Err(format!("must be [low, high] with low below high, not [{low}, {high}]"))
        }
        _ => Err("must be two numbers, [low, high]".into()),
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
