//! Readings in an object: `{"data": […]}`.

use super::elements::Elements;
use super::fields::Fields;
use super::json::{check_syntax, text_of};
use crate::flow::record::{Reason, Rejection};

/// An object that is no reading but holds some.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// The readings.
    pub(super) elements: Elements<'a>,
    /// What stands behind the array; `None` where the array is cut.
    behind: Option<&'a [u8]>,
}

impl<'a> Envelope<'a> {
    /// The envelope that an object is by its structure: it has a `data` array and, not being a reading, no timestamp,
    /// be it behind the array. So the array is walked to its end before the first element is used.
    ///
    /// # Errors
    /// `data` stands twice.
    pub(super) fn open(object: &'a [u8]) -> Result<Option<Envelope<'a>>, Rejection> {
        let (mut found, mut data_keys) = (None, 0);
        let mut fields = Fields::new(object);
        while let Some(key) = fields.key() {
            let name = text_of(&object[key]);
            match name.as_deref() {
                Some("timestamp") => return Ok(None),
                Some("data") => data_keys += 1,
                _ => {}
            }
            let before = object.len() - fields.ahead().len();
            match fields.ahead() {
                [b'[', array @ ..] if found.is_none() && name.as_deref() == Some("data") => {
                    let behind = end_of(array);
                    found = Some((before, Envelope { elements: Elements::new(array), behind }));
                    match behind {
                        Some(rest) => fields.resume(rest),
                        None => break,
                    }
                }
                _ if fields.value().is_none() => break,
                _ => {}
            }
        }
        match found {
            Some(_) if data_keys > 1 => Err(Rejection::new(Reason::DuplicateField, "\"data\" stands twice")),
            // With a bad beginning the object is no envelope, and then no JSON either.
            Some((before, envelope)) => {
                let beginning = [&object[..before], b"[]}"].concat();
                Ok(check_syntax(&beginning).is_ok().then_some(envelope))
            }
            None => Ok(None),
        }
    }

    /// What is wrong behind the array, with its bytes.
    pub(super) fn problem_behind(&self) -> Option<(&'a [u8], Rejection)> {
        let behind = self.behind?;
        let ending = [br#"{"data":[]"#, behind].concat();
        check_syntax(&ending).err().map(|rejection| (behind, rejection))
    }
}

fn end_of(array: &[u8]) -> Option<&[u8]> {
    let mut elements = Elements::new(array);
    elements.by_ref().for_each(drop);
    elements.behind()
}
