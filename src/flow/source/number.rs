//! Numbers as JSON writes them, exact to the last bit.

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Reads a number in JSON's grammar at the start of `bytes`: its value and its length. The value may be infinite.
///
/// Where digits and exponent are few, one exact multiplication or division rounds correctly (W. D. Clinger, "How to
/// read floating point numbers accurately", 1990); the standard library reads the others.
pub(super) fn scan(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let (mut mantissa, mut at) = (0_u64, start);
    at += digits(bytes.get(start..)?, &mut mantissa);
    let whole = at - start;
    if whole == 0 || (whole > 1 && bytes[start] == b'0') {
        return None;
    }
    let (mut count, mut exponent) = (whole, 0_i32);
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(&bytes[at + 1..], &mut mantissa);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
        count += fraction;
        exponent = -i32::try_from(fraction).ok()?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let signed = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let length = bytes[signed..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return None;
        }
        at = signed + length;
        count = usize::MAX;
    }
    if count <= 15 && exponent >= -22 {
        let value = mantissa as f64 / EXACT_POWERS[exponent.unsigned_abs() as usize];
        // Minus zero is zero: a reading has one of them.
        return Some((if negative && mantissa != 0 { -value } else { value }, at));
    }
    let value: f64 = std::str::from_utf8(&bytes[..at]).ok()?.parse().ok()?;
    Some((value + 0.0, at))
}

/// Adds the digits at the start to the mantissa (which wraps where they are too many); how many there are.
fn digits(bytes: &[u8], mantissa: &mut u64) -> usize {
    let mut count = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<f64>) {
        let value = scan(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(value, _)| value);
        assert_eq!(value.map(f64::to_bits), expected.map(f64::to_bits), "{text}");
    }

    #[test]
    fn numbers_are_those_of_json() {
        check("0", Some(0.0));
        check("-0", Some(0.0));
        check("-0.0", Some(0.0));
        check("48.20", Some(48.2));
        check("-17", Some(-17.0));
        check("1e3", Some(1000.0));
        check("1E-400", Some(0.0));
        check("1e999", Some(f64::INFINITY));
        check("123456789012345678901234567890", Some(123_456_789_012_345_678_901_234_567_890.0));
        for text in ["", "-", ".5", "5.", "01", "-01", "1e", "1e+", "+1", "0x1", "NaN", "--1"] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_the_standard_library_reads_it(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let text = format!("{value}");
            prop_assert_eq!(scan(text.as_bytes()), Some((value + 0.0, text.len())));
        }

        #[test]
        fn every_short_decimal_is_rounded_correctly(mantissa in 0_u64..1_000_000_000_000_000_000, places in 1_usize..18) {
            let digits = format!("{mantissa:020}");
            let (whole, fraction) = digits.split_at(20 - places);
            let whole = whole.trim_start_matches('0');
            let text = format!("{}.{fraction}", if whole.is_empty() { "0" } else { whole });
            let expected: f64 = text.parse().unwrap();
            prop_assert_eq!(scan(text.as_bytes()).map(|(value, _)| value.to_bits()), Some(expected.to_bits()));
        }
    }
}
