//! Where a JSON value ends, told from its brackets and quotes alone.

use memchr::{memchr_iter, memchr2_iter, memchr3, memchr3_iter};

/// Looks for the end of a value, and goes on where it stopped when there are more bytes.
#[derive(Debug, Default)]
pub(super) struct ValueScan {
    /// Bytes of the value seen so far.
    seen: usize,
    depth: usize,
    in_string: bool,
}

impl ValueScan {
    /// The length of the value at the beginning of `bytes`; `None` when it does not end in them, and is then to be asked
    /// again with more of the same bytes. Only the value's own kind of bracket is counted: whether the rest makes
    /// sense is the decoder's question.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = match bytes.first()? {
            b'{' => self.bracketed(bytes, b'{', b'}'),
            b'[' => self.bracketed(bytes, b'[', b']'),
            b'"' => self.string(bytes),
            _ => self.scalar(bytes),
        }?;
        *self = ValueScan::default();
        Some(end)
    }

    fn bracketed(&mut self, bytes: &[u8], open: u8, close: u8) -> Option<usize> {
        let base = self.seen;
        for hit in memchr3_iter(open, close, b'\\', &bytes[base..]) {
            let at = base + hit;
            if at < self.seen {
                continue; // escaped
            }
            self.in_string ^= has_odd_quotes(&bytes[self.seen..at]);
            self.seen = at + 1;
            if bytes[at] == b'\\' {
                if self.seen == bytes.len() {
                    self.seen = at;
                    return None;
                }
                self.seen += 1;
            } else if !self.in_string {
                self.depth = if bytes[at] == open { self.depth + 1 } else { self.depth - 1 };
                if self.depth == 0 {
                    return Some(self.seen);
                }
            }
        }
        self.in_string ^= has_odd_quotes(&bytes[self.seen..]);
        self.seen = bytes.len();
        None
    }

    fn string(&mut self, bytes: &[u8]) -> Option<usize> {
        self.seen = self.seen.max(1);
        let base = self.seen;
        for hit in memchr2_iter(b'"', b'\\', &bytes[base..]) {
            let at = base + hit;
            if at < self.seen {
                continue; // escaped
            }
            if bytes[at] == b'"' {
                return Some(at + 1);
            }
            if at + 1 == bytes.len() {
                self.seen = at;
                return None;
            }
            self.seen = at + 2;
        }
        self.seen = bytes.len();
        None
    }

    /// A number, a word, or garbage: all up to what could end it, without blanks behind it.
    fn scalar(&mut self, bytes: &[u8]) -> Option<usize> {
        let hit = memchr3(b',', b']', b'}', &bytes[self.seen..]);
        let end = hit.map(|hit| bytes[..self.seen + hit].trim_ascii_end().len());
        self.seen = bytes.len();
        end
    }
}

fn has_odd_quotes(bytes: &[u8]) -> bool {
    memchr_iter(b'"', bytes).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let whole = ValueScan::default().end(text.as_bytes());
        assert_eq!(whole.map(|end| &text[..end]), expected, "{text}");
        let mut scan = ValueScan::default();
        let stepwise = (1..=text.len()).find_map(|length| scan.end(&text.as_bytes()[..length]));
        assert_eq!(stepwise, whole, "byte by byte: {text}");
    }

    #[test]
    fn a_value_ends_where_its_brackets_do() {
        check(r#"{"a":{"b":[1]}},"#, Some(r#"{"a":{"b":[1]}}"#));
        check(r#"[[1,"]"],2] ]"#, Some(r#"[[1,"]"],2]"#));
        check(r#"{"a":1"#, None);
    }

    #[test]
    fn brackets_and_escaped_quotes_in_strings_do_not_count() {
        check(r#"{"a":"}{\"}"}]"#, Some(r#"{"a":"}{\"}"}"#));
        check(r#"{"a\\":"\\\""}}"#, Some(r#"{"a\\":"\\\""}"#));
        check(r#"{"a":"}\"#, None);
        check(r#""a\"b\\","#, Some(r#""a\"b\\""#));
    }

    #[test]
    fn a_scalar_ends_before_what_follows_it() {
        check("12.5 , 3", Some("12.5"));
        check("null]", Some("null"));
        check(", 3", Some(""));
        check("tru", None);
    }
}
