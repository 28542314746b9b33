//! JSON readings, the general path: `serde_json` checks the syntax, then the fields are walked by structure. It alone
//! decides what is refused; the [shapes](super::shape) of earlier readings only make the usual case fast.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::draft::Draft;
use super::fields::Fields;
use super::number;
use super::value::{Value, quote};
use crate::flow::record::{Reason, Rejection};

/// Fills the draft with the fields of an object; the draft keeps what is wrong with them.
///
/// # Errors
/// What is no JSON object.
pub(super) fn read<'v>(object: &'v [u8], draft: &mut Draft<'_, 'v>) -> Result<(), Rejection> {
    if object.is_empty() {
        return Err(Rejection::new(Reason::Malformed, "empty"));
    }
    check_syntax(object)?;
    if !object.starts_with(b"{") {
        return Err(Rejection::new(Reason::NotAReading, format!("{} is no reading", quote(object))));
    }
    for field in Fields::new(object) {
        let Some(name) = text_of(&object[field.key]) else {
            draft.refuse(Reason::Malformed, || "a name has an unpaired surrogate".into());
            continue;
        };
        let value = &object[field.value];
        match name.as_ref() {
            "timestamp" => draft.time(&value_of(value)),
            "entity" => draft.entity(value_of(value)),
            "service_status" => read_services(value, draft),
            name => {
                if let Some(index) = draft.schema.index_of(name) {
                    draft.metric(index, &value_of(value));
                }
            }
        }
    }
    Ok(())
}

fn read_services<'v>(value: &'v [u8], draft: &mut Draft<'_, 'v>) {
    draft.service_status();
    match value.first() {
        Some(b'n') => {}
        Some(b'{') => {
            for field in Fields::new(value) {
                match text_of(&value[field.key]) {
                    Some(name) => draft.service(&name, &value_of(&value[field.value])),
                    None => draft.refuse(Reason::Malformed, || "a name has an unpaired surrogate".into()),
                }
            }
        }
        _ => draft.refuse(Reason::WrongType, || {
            format!("service_status is {}, not an object", value_of(value).kind())
        }),
    }
}

/// Refuses what is not one JSON value. Depth is no matter: nothing is built, so nothing recurses.
pub(super) fn check_syntax(bytes: &[u8]) -> Result<(), Rejection> {
    let text = std::str::from_utf8(bytes).map_err(|error| match error.error_len() {
        Some(_) => Rejection::new(Reason::Malformed, error.to_string()),
        None => Rejection::new(Reason::Truncated, "the bytes end inside of a character"),
    })?;
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| {
        let reason = if error.is_eof() { Reason::Truncated } else { Reason::Malformed };
        Rejection::new(reason, error.to_string())
    })
}

/// What a string says, its quotes given; `None` where an escape means nothing.
pub(super) fn text_of(string: &[u8]) -> Option<Cow<'_, str>> {
    if string.contains(&b'\\') {
        return serde_json::from_slice::<String>(string).ok().map(Cow::Owned);
    }
    let inner = string.get(1..string.len().checked_sub(1)?)?;
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

fn value_of(value: &[u8]) -> Value<'_> {
    match value.first() {
        Some(b'"') => text_of(value).map_or(Value::Other("a string with an unpaired surrogate"), Value::Text),
        Some(b'n') => Value::Absent,
        Some(b't' | b'f') => Value::Other("a boolean"),
        Some(b'{') => Value::Other("an object"),
        Some(b'[') => Value::Other("an array"),
        _ => Value::Number(number::parse(value).unwrap_or(f64::NAN), value),
    }
}
