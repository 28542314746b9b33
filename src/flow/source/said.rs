//! Feedback among records: whose it is, as of readings.

use std::borrow::Cow;

use memchr::memmem;

use super::Decoded;
use super::fields::Fields;
use super::json::text_of;
use super::value::{is_name, name_in, quote};
use crate::flow::feedback::{self, Feedback};
use crate::flow::record::{Reason, Rejection};

/// Feedback with the entity it is about, or why it cannot be used.
#[derive(Debug)]
pub(super) struct Said<'v> {
    value: &'v [u8],
    read: Result<(Feedback, Cow<'v, str>), Rejection>,
}

/// Whether an object is feedback, or means to be: wherever the name stands in it.
pub(super) fn is_feedback(object: &[u8]) -> bool {
    let may_be = object.starts_with(b"{") && memmem::find(object, feedback::NAME.as_bytes()).is_some();
    let is = |key: &[u8]| text_of(key).is_some_and(|name| name == feedback::NAME);
    may_be && Fields::new(object).any(|field| is(&object[field.key]))
}

impl<'v> Said<'v> {
    /// Reads an object that is feedback. `value` is what a rejection gives back.
    pub(super) fn read(
        object: &[u8],
        value: &'v [u8],
        key: Option<&'v [u8]>,
        default_entity: &'v str,
    ) -> Said<'v> {
        let read = Feedback::read(object).and_then(|(feedback, entity)| {
            let entity = match (entity, key) {
                (Some(entity), _) if is_name(&entity) => Cow::Owned(entity),
                (Some(entity), _) => return Err(bad("entity", entity.as_bytes())),
                (None, Some(key)) => Cow::Borrowed(name_in(key).ok_or_else(|| bad("the record's key", key))?),
                (None, None) => Cow::Borrowed(default_entity),
            };
            Ok((feedback, entity))
        });
        Said { value, read }
    }

    /// As decoders hand things over.
    pub(super) fn decoded(&self) -> Decoded<'_> {
        let value = self.value;
        match &self.read {
            Ok((feedback, entity)) => Decoded::Feedback { entity, feedback, value },
            Err(rejection) => Decoded::Rejected { value, rejection: rejection.clone() },
        }
    }
}

fn bad(what: &str, name: &[u8]) -> Rejection {
    Rejection::new(Reason::BadEntity, format!("feedback: {what} is {}", quote(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_is_told_from_readings_by_a_name_on_top() {
        for (text, is) in [
            (r#"{"tidewatch":"mute"}"#, true),
            ("{ \n\"entity\":\"a\", \"tidewatch\" : 5}", true),
            (r#"{"tidewatch_host":1}"#, false),
            (r#"{"name":"tidewatch","tags":{"tidewatch":"x"}}"#, false),
            (r#"["tidewatch"]"#, false),
            ("", false),
            ("{", false),
            (r#"{"tidewatch"#, false),
        ] {
            assert_eq!(is_feedback(text.as_bytes()), is, "{text}");
        }
    }
}
