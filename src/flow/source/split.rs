//! Where the elements of an array lie, without understanding them: so that a bad one spoils nothing but itself.

/// What comes next in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element<'a> {
    /// An element, without blanks around it.
    Whole(&'a [u8]),
    /// The bytes end inside this element, or before the array's end.
    Cut(&'a [u8]),
    /// The array's end, and what is behind it.
    End(&'a [u8]),
}

/// Walks over an array's bytes from behind its `[`.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    first: bool,
}

impl<'a> Elements<'a> {
    /// The elements of the array whose `[` is just before these bytes.
    pub(super) fn after_bracket(rest: &'a [u8]) -> Elements<'a> {
        Elements { rest, first: true }
    }

    /// The next element. Nothing follows `Cut` or `End`.
    pub(super) fn step(&mut self) -> Element<'a> {
        self.rest = self.rest.trim_ascii_start();
        if let (Some(after), true) = (self.rest.strip_prefix(b"]"), self.first) {
            return Element::End(after);
        }
        self.first = false;
        let Some(end) = end_of_element(self.rest) else { return Element::Cut(self.rest) };
        let (element, after) = self.rest.split_at(end);
        self.rest = &after[1..];
        if after[0] == b']' {
            if element.trim_ascii().is_empty() {
                return Element::End(self.rest);
            }
            // The end is told by the next step.
            self.rest = after;
            self.first = true;
        }
        Element::Whole(element.trim_ascii_end())
    }
}

/// The first `,` or `]` outside of strings, objects and arrays.
fn end_of_element(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match bytes.get(at)? {
            b'"' => at = end_of_string(bytes, at + 1)?,
            b'{' | b'[' => depth += 1,
            b',' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
}

/// The closing quote of the string that `from` lies in.
fn end_of_string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(array: &str, expected: &str) {
        let mut elements = Elements::after_bracket(&array.as_bytes()[1..]);
        let mut seen = Vec::new();
        loop {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            match elements.step() {
                Element::Whole(bytes) => seen.push(text(bytes)),
                Element::Cut(bytes) => break seen.push(format!("cut {}", text(bytes))),
                Element::End(bytes) => break seen.push(format!("end {}", text(bytes))),
            }
        }
        assert_eq!(seen.join(" | "), expected, "{array}");
    }

    #[test]
    fn elements_are_told_apart_whatever_is_in_them() {
        check("[]", "end ");
        check("[ ] x", "end  x");
        check("[1, 2 ,3]", "1 | 2 | 3 | end ");
        check(r#"[{"a":[1,2]},"x,]\"",[]]"#, r#"{"a":[1,2]} | "x,]\"" | [] | end "#);
        check("[1,2", "1 | cut 2");
        check("[1,", "1 | cut ");
        check(r#"[{"a":"b"#, r#"cut {"a":"b"#);
        check("[,1]", " | 1 | end ");
    }
}
