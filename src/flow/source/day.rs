//! Timestamps, of which one mostly has the day of the one before.

use super::shape::scan_text;
use crate::flow::time::EventTime;

/// The day of the last timestamp: the next one mostly has the same, and then only its hours are read.
#[derive(Debug)]
pub(super) struct Day {
    /// `2026-01-01T`
    text: [u8; 11],
    start: EventTime,
}

impl Default for Day {
    fn default() -> Day {
        Day { text: *b"1970-01-01T", start: EventTime::from_ms(0).expect("1970 is representable") }
    }
}

impl Day {
    /// The time that `rest` begin with, up to the closing quote.
    #[inline]
    pub(super) fn scan<'v>(&mut self, rest: &'v [u8]) -> Option<(EventTime, &'v [u8])> {
        let (day, after) = rest.split_first_chunk::<11>()?;
        if let Some((clock, after)) = after.split_first_chunk::<9>()
            && *day == self.text
            && let Some(span_ms) = scan_clock(*clock)
        {
            return Some((self.start.plus_ms(span_ms), after));
        }
        let (text, after) = scan_text(rest)?;
        let time = EventTime::parse(text.as_bytes())?;
        if let Some(clock) = text.as_bytes().get(11..).and_then(|clock| <[u8; 9]>::try_from(clock).ok())
            && let Some(span_ms) = scan_clock(clock)
        {
            *self = Day { text: *day, start: time.plus_ms(-span_ms) };
        }
        Some((time, after))
    }
}

/// The milliseconds since midnight of `12:34:56Z`. A leap second is none of a day's.
#[inline]
fn scan_clock(clock: [u8; 9]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, b'Z'] = clock else { return None };
    let two = |tens: u8, ones: u8, below: i64| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        let number = i64::from(tens) * 10 + i64::from(ones);
        (tens < 10 && ones < 10 && number < below).then_some(number)
    };
    Some(((two(h1, h2, 24)? * 60 + two(m1, m2, 60)?) * 60 + two(s1, s2, 60)?) * 1000)
}
