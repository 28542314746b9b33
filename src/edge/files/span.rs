//! Where a record lies: in a buffer, and in its file.

use super::progress::Mark;
use crate::flow::record::Extent;

/// A record that was found, without its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Its place in the bytes it came with.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The byte of the file where it begins.
    pub(super) position: u64,
    /// The line of that byte, from 0.
    pub(super) line: u64,
    /// Where reading goes on behind it.
    pub(super) after: Mark,
    /// Its reader among those merged.
    pub(super) reader: u32,
    pub(super) extent: Extent,
}
