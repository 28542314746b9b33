//! The elements of a JSON array, each for itself: whatever is wrong with one, the next is found.

use super::split::{trim_end, trim_start, value_end};

/// An element of an array.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Element<'a> {
    /// Its bytes, without white space around.
    Whole(&'a [u8]),
    /// The bytes end before the array does: what is left of them.
    Cut(&'a [u8]),
}

/// The elements of an array, found by structure alone.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// An element or the end comes next.
    Opened,
    /// A comma came before.
    Within,
    /// The bytes have ended, the array has not.
    Cut,
    /// The array is over.
    Closed,
}

impl<'a> Elements<'a> {
    /// Of the array whose opening bracket `bytes` begin behind.
    pub(super) fn new(bytes: &'a [u8]) -> Elements<'a> {
        Elements { rest: bytes, state: State::Opened }
    }

    /// The bytes from the next element on; none when the array is over.
    #[inline]
    pub(super) fn ahead(&self) -> &'a [u8] {
        trim_start(self.rest)
    }

    /// Steps over an element of that many bytes, where a comma or the end of the array follows it.
    #[inline]
    pub(super) fn step(&mut self, element_bytes: usize) -> bool {
        let after = self.ahead().get(element_bytes..).map_or(&[][..], trim_start);
        match after {
            [b',', rest @ ..] => *self = Elements { rest, state: State::Within },
            [b']', rest @ ..] => *self = Elements { rest, state: State::Closed },
            _ => return false,
        }
        true
    }

    /// What stands behind the array, once it has been walked to its end; `None` when it was cut.
    pub(super) fn behind(&self) -> Option<&'a [u8]> {
        (self.state == State::Closed).then_some(self.rest)
    }

    fn cut(&mut self, left: &'a [u8]) -> Element<'a> {
        *self = Elements { rest: &[], state: State::Cut };
        Element::Cut(left)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let bytes = self.ahead();
        match (self.state, bytes) {
            (State::Cut | State::Closed, _) => return None,
            (State::Opened, [b']', rest @ ..]) => {
                *self = Elements { rest, state: State::Closed };
                return None;
            }
            (State::Opened | State::Within, []) => return Some(self.cut(bytes)),
            (State::Opened | State::Within, _) => {}
        }
        let Some(end) = element_end(bytes) else { return Some(self.cut(bytes)) };
        let (element, behind) = bytes.split_at(end);
        *self = match behind {
            [b']', rest @ ..] => Elements { rest, state: State::Closed },
            [_comma, rest @ ..] => Elements { rest, state: State::Within },
            [] => Elements { rest: behind, state: State::Within },
        };
        Some(Element::Whole(trim_end(element)))
    }
}

/// Up to the comma or bracket behind the first element, or to the end of the bytes when they end behind a whole value.
fn element_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at..)? {
            [b',' | b']', ..] | [] => return Some(at),
            [b' ' | b'\t' | b'\n' | b'\r', ..] => at += 1,
            rest => at += value_end(rest)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` lists the elements, `|` before each, `!` before a cut one, and `>` before what stands behind.
    fn check(array: &str, expected: &str) {
        let mut elements = Elements::new(array.strip_prefix('[').unwrap().as_bytes());
        let mut found = String::new();
        for element in elements.by_ref() {
            let (mark, bytes) = match element {
                Element::Whole(bytes) => ('|', bytes),
                Element::Cut(bytes) => ('!', bytes),
            };
            found.push(mark);
            found.push_str(std::str::from_utf8(bytes).unwrap());
        }
        if let Some(behind) = elements.behind() {
            found.push('>');
            found.push_str(std::str::from_utf8(behind).unwrap());
        }
        assert_eq!(found, expected, "{array}");
    }

    #[test]
    fn an_element_ends_where_its_braces_balance() {
        check("[]", ">");
        check("[ ] x", "> x");
        check(r#"[{"a":1}, {"b":{"c":[2,3]}} ]"#, r#"|{"a":1}|{"b":{"c":[2,3]}}>"#);
        check(r"[1,tru,[2,[3]],-]", r"|1|tru|[2,[3]]|->");
    }

    #[test]
    fn brackets_within_strings_are_text() {
        check(r#"["a]","}{",{"k}":"]"}]"#, r#"|"a]"|"}{"|{"k}":"]"}>"#);
        check(
            r#"[{"a":"\\"},{"b":"\"}"},{"c":{"\\\"}":{}}}]"#,
            r#"|{"a":"\\"}|{"b":"\"}"}|{"c":{"\\\"}":{}}}>"#,
        );
    }

    #[test]
    fn a_bad_element_does_not_spoil_the_next() {
        check(r#"[{"a":[1,2},{"b":2}]"#, r#"|{"a":[1,2}|{"b":2}>"#);
        check("[{} {},}:,{}]", "|{} {}|}:|{}>");
        check("[1,,2,]", "|1||2|>");
    }

    #[test]
    fn a_cut_array_keeps_the_elements_before_the_cut() {
        check("[", "!");
        check("[1,{}", "|1|{}!");
        check("[{}, ", "|{}!");
        check(r#"[{},{"a":"}"#, r#"|{}!{"a":"}"#);
        check("[{},tr", "|{}!tr");
    }
}
