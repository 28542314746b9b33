//! Values of fields, and an input's own text in messages.

use std::borrow::Cow;

use crate::flow::model::MAX_ENTITY_BYTES;

/// The most bytes of an input's own text that a rejection repeats.
const MAX_SHOWN_BYTES: usize = 48;

/// The value of a field.
#[derive(Debug)]
pub(super) enum Value<'v> {
    /// Nothing, or null.
    Absent,
    /// A number and its text. It is not finite where `f64` ends, or where the text says so.
    Number(f64, &'v [u8]),
    /// A string.
    Text(Cow<'v, str>),
    /// Anything else, by its name.
    Other(&'static str),
}

impl Value<'_> {
    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Absent => "nothing",
            Value::Number(..) => "a number",
            Value::Text(_) => "a string",
            Value::Other(kind) => kind,
        }
    }
}

/// The name that a record's key is.
pub(super) fn name_in(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key).ok().filter(|name| is_name(name))
}

/// Whether a text can name an entity or a service: neither empty nor too long, no control characters.
#[inline]
pub(super) fn is_name(text: &str) -> bool {
    let plain = |byte: &u8| (0x20..0x7F).contains(byte);
    !text.is_empty()
        && text.len() <= MAX_ENTITY_BYTES
        && (text.as_bytes().iter().all(plain) || !text.chars().any(char::is_control))
}

/// An input's own text as a rejection repeats it, short whatever the input.
pub(super) fn excerpt(text: &[u8]) -> String {
    match text.get(..MAX_SHOWN_BYTES) {
        Some(head) if head.len() < text.len() => format!("{}…", String::from_utf8_lossy(head)),
        _ => String::from_utf8_lossy(text).into_owned(),
    }
}

/// An [`excerpt`] in quotes, control characters escaped.
pub(super) fn quote(text: &[u8]) -> String {
    format!("{:?}", excerpt(text))
}
