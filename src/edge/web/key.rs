//! The key to a server: sent, and shown nowhere.

use std::fmt;

/// A shorter one is not looked for in texts: it could be an ordinary word.
const MIN_SCRUBBED_BYTES: usize = 6;
/// What stands in its place.
const HIDDEN: &str = "[key]";

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key in a text, which may end in a newline as files do.
    pub fn new(text: &str) -> Key {
        Key(text.trim().to_owned())
    }

    /// For the header of a request and nothing else.
    pub(super) fn secret(&self) -> &str {
        &self.0
    }

    /// Whether a text is the key; how long that takes tells nothing of where they differ.
    pub fn is(&self, text: &str) -> bool {
        let differ = self.0.bytes().zip(text.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
        self.0.len() == text.len() && differ == 0 && !self.0.is_empty()
    }

    /// The text without the key, should it be in it: servers quote what they refuse.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.len() < MIN_SCRUBBED_BYTES {
            return text.to_owned();
        }
        text.replace(&self.0, HIDDEN)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_neither_shown_nor_left_in_a_text() {
        let key = Key::new("sk-12345678\n");
        assert_eq!(format!("{key:?}"), "[key]");
        assert_eq!(key.scrub("wrong key sk-12345678!"), "wrong key [key]!");
        assert_eq!(key.secret(), "sk-12345678");
    }
}
