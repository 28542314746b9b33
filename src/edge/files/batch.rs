//! Records handed over together.

use super::reader::Reader;
use super::span::Span;
use crate::flow::record::{Offset, RawRecord};

/// Records with consecutive numbers, in the memory they were read into.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    pub(super) first: Offset,
    pub(super) spans: &'a [Span],
    pub(super) bytes: &'a [u8],
    pub(super) readers: &'a [Reader],
}

impl<'a> Batch<'a> {
    /// The number of the first record.
    pub fn first(&self) -> Offset {
        self.first
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether the input is at its end.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The records, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RawRecord<'a>> + use<'a> {
        let Batch { first, spans, bytes, readers } = *self;
        spans.iter().enumerate().map(move |(place, span)| {
            readers[span.reader as usize].record(span, bytes, Offset(first.0 + place as u64))
        })
    }
}
