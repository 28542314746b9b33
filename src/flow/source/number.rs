//! Number text to `f64`, correctly rounded, by JSON's grammar: no `+`, no leading zeros, digits on both sides of a point.

/// Powers of ten, each exact in `f64`: a number of [`DIGITS`] digits has fewer behind its point.
const POWERS: [f64; DIGITS] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];
/// Whole numbers up to here are exact in `f64`.
const EXACT: u64 = 1 << 53;
/// That many decimal digits always fit 64 bits.
const DIGITS: usize = 19;

/// The number that `bytes` begin with, and what follows it. It is infinite where `f64` ends.
///
/// A mantissa and a power of ten that are both exact give the nearest number by one division (W. D. Clinger, "How to
/// read floating point numbers accurately"); all others go to the standard library.
#[expect(clippy::inline_always, reason = "a call for each number costs a reading 6 % of its time")]
#[inline(always)]
pub(super) fn scan(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    let (mut mantissa, mut rest) = read_digits(0, digits);
    let mut count = digits.len() - rest.len();
    if count == 0 || (count > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    let mut places = 0;
    if let [b'.', fraction @ ..] = rest {
        (mantissa, rest) = read_digits(mantissa, fraction);
        places = fraction.len() - rest.len();
        if places == 0 {
            return None;
        }
        count += places;
    }
    if count > DIGITS || mantissa > EXACT || matches!(rest, [b'e' | b'E', ..]) {
        return scan_slowly(bytes, rest);
    }
    // The cast through `i64` is one instruction, that from `u64` is not.
    let number = mantissa as i64 as f64 / POWERS.get(places)?;
    Some((if negative { -number } else { number }, rest))
}

/// The number that `text` is as a whole.
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    scan(text).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
}

#[inline]
fn read_digits(mut number: u64, mut rest: &[u8]) -> (u64, &[u8]) {
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = after;
    }
    (number, rest)
}

/// `rest` is what follows the mantissa, whose grammar has been checked.
#[cold]
fn scan_slowly<'a>(bytes: &'a [u8], rest: &'a [u8]) -> Option<(f64, &'a [u8])> {
    let mut end = rest;
    if let [b'e' | b'E', exponent @ ..] = rest {
        let digits = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
        end = read_digits(0, digits).1;
        if end.len() == digits.len() {
            return None;
        }
    }
    let text = bytes.get(..bytes.len() - end.len())?;
    let number = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some((number, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn check(text: &str) {
        let expected: f64 = text.parse().unwrap();
        let (number, rest) = scan(text.as_bytes()).unwrap();
        assert_eq!(number.to_bits(), expected.to_bits(), "{text}");
        assert!(rest.is_empty(), "{text}");
    }

    #[test]
    fn every_shape_of_number_is_the_nearest_double() {
        for text in
            ["0", "-0", "0.1", "93", "-12.5", "9007199254740993", "18446744073709551616", "1e22", "1E+23"]
        {
            check(text);
        }
        check("123456789012345678901234567890.5");
        check("0.0000000000000000000000000001");
        check("2.2250738585072011e-308");
        check("1e999");
        check("-1e-999");
    }

    #[test]
    fn what_the_grammar_lacks_is_no_number() {
        for text in
            ["", "-", "+1", ".5", "5.", "01", "1e", "1e+", "NaN", "inf", "0x10", "1.e5", "1_000", " 1"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(7),
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_number_written_is_read_to_the_same_bits(text in "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?") {
            check(&text);
        }

        #[test]
        fn a_double_displayed_is_read_to_the_same_bits(bits: u64) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                check(&number.to_string());
                check(&format!("{number:e}"));
            }
        }
    }
}
