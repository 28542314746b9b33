//! The structure of JSON text without its meaning: where a value ends.
//!
//! Nothing here checks syntax, and nothing recurses: one bad element must not cost its neighbours, nor deep nesting the
//! stack. An object ends where its braces balance, an array where its brackets do, whatever stands between.

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter};

/// The bytes without a leading byte order mark and without white space around.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)))
}

/// The bytes from the first that is no white space.
#[inline]
pub(super) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// The bytes up to the last that is no white space.
#[inline]
pub(super) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Where the value ends that `bytes` begin with; `None` where they end before it. A byte that begins no value counts as
/// one of its own.
pub(super) fn value_end(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_end(bytes),
        b'{' => balanced_end(bytes, b'{', b'}'),
        b'[' => balanced_end(bytes, b'[', b']'),
        _ => bytes.iter().position(|byte| b",]}:\"{[ \t\r\n".contains(byte)).map(|end| end.max(1)),
    }
}

/// Where the string ends that `bytes` begin with, behind its closing quote.
pub(super) fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// As long as no backslash has been seen, a brace is structure when an even number of quotes stands before it.
fn balanced_end(bytes: &[u8], open: u8, close: u8) -> Option<usize> {
    let (mut depth, mut quoted, mut from) = (0_usize, false, 0);
    for at in memchr2_iter(open, close, bytes) {
        let between = bytes.get(from..at)?;
        if memchr(b'\\', between).is_some() {
            return balanced_end_bytewise(bytes, (open, close), from, depth, quoted);
        }
        quoted ^= memchr_iter(b'"', between).count() % 2 == 1;
        from = at;
        if !quoted && bytes.get(at) == Some(&open) {
            depth += 1;
        } else if !quoted {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

/// Goes on at `from`, a bracket that `depth` and `quoted` already count, or the start.
fn balanced_end_bytewise(
    bytes: &[u8],
    (open, close): (u8, u8),
    from: usize,
    mut depth: usize,
    mut quoted: bool,
) -> Option<usize> {
    let mut at = from + 1;
    loop {
        let byte = *bytes.get(at)?;
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ if byte == open => depth += 1,
            _ if byte == close => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_levels_are_no_recursion() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert_eq!(value_end(deep.as_bytes()), Some(20_000));
        assert_eq!(value_end(r#"{"\\":"#.repeat(10_000).as_bytes()), None);
    }
}
