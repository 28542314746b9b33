//! The bytes between the values of a shape.

/// The bytes of a literal that are compared at once.
const BLOCK: usize = 32;

/// Bytes that are expected.
#[derive(Debug)]
pub(super) struct Literal {
    bytes: Box<[u8]>,
    /// The bytes again, with zeros behind, and which of these count: a comparison without a loop or a call.
    block: [u8; BLOCK],
    mask: [u8; BLOCK],
}

impl Literal {
    /// These bytes.
    pub(super) fn new(bytes: &[u8]) -> Literal {
        let (mut block, mut mask) = ([0; BLOCK], [0; BLOCK]);
        for (place, byte) in bytes.iter().enumerate().take(BLOCK) {
            (block[place], mask[place]) = (*byte, 0xFF);
        }
        Literal { bytes: bytes.into(), block, mask }
    }

    /// What follows the literal, if `rest` begins with it.
    #[inline]
    pub(super) fn skip<'v>(&self, rest: &'v [u8]) -> Option<&'v [u8]> {
        let Some(head) = rest.first_chunk::<BLOCK>() else { return rest.strip_prefix(&*self.bytes) };
        let expected = self.block.iter().zip(&self.mask);
        let differing =
            head.iter().zip(expected).fold(0, |all, (byte, (wanted, mask))| all | ((byte ^ wanted) & mask));
        if differing != 0 {
            return None;
        }
        match self.bytes.get(BLOCK..) {
            Some(more @ [_, ..]) => rest.get(BLOCK..)?.strip_prefix(more),
            _ => rest.get(self.bytes.len()..),
        }
    }
}
