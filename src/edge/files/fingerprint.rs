//! By what a file is known again: its first bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How much of a file a fingerprint looks at.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// A hash of a file's first bytes, and how many they were. It is stored, so the hash must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    hash: [u64; 2],
    bytes: u32,
}

/// The first bytes of a file as it is now.
#[derive(Debug)]
pub(super) struct Head {
    bytes: Vec<u8>,
    hashes: BTreeMap<u32, [u64; 2]>,
}

impl Head {
    pub(super) fn new(bytes: Vec<u8>) -> Head {
        Head { bytes, hashes: BTreeMap::new() }
    }

    /// The fingerprint to remember; `None` of an empty file, which is like any other.
    ///
    /// A short file's closing brackets are left out: they are overwritten when an array grows.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        let closing = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b']' | b'}');
        let covered = if self.bytes.len() < HEAD_BYTES {
            let last = self.bytes.iter().rposition(|byte| !closing(byte))?;
            &self.bytes[..=last]
        } else {
            &self.bytes[..HEAD_BYTES]
        };
        Some(Fingerprint { hash: hash(covered), bytes: covered.len() as u32 })
    }

    /// How many bytes agree, when the file begins as the one with that fingerprint did.
    pub(super) fn agreement(&mut self, known: Fingerprint) -> Option<u32> {
        let covered = self.bytes.get(..known.bytes as usize)?;
        let hash = *self.hashes.entry(known.bytes).or_insert_with(|| hash(covered));
        (hash == known.hash).then_some(known.bytes)
    }
}

/// FNV-1a (Fowler, Noll, Vo) of 64 bits, twice: from its own basis, and from another with the length mixed in.
fn hash(bytes: &[u8]) -> [u64; 2] {
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let start = [0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15 ^ bytes.len() as u64];
    bytes.iter().fold(start, |[one, two], byte| {
        let byte = u64::from(*byte);
        [(one ^ byte).wrapping_mul(PRIME), (two.rotate_left(5) ^ byte).wrapping_mul(PRIME)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(known: &[u8], now: &[u8]) -> bool {
        let known = Head::new(known.to_vec()).fingerprint();
        known.is_some_and(|known| Head::new(now.to_vec()).agreement(known).is_some())
    }

    #[test]
    fn the_hash_of_a_file_is_the_same_for_ever() {
        assert_eq!(hash(b"")[0], 0xCBF2_9CE4_8422_2325);
        assert_eq!(hash(b"foobar"), [0x8594_4171_F739_67E8, hash(b"foobar")[1]]);
        assert_ne!(hash(b"foobar")[1], hash(b"foobas")[1]);
    }

    #[test]
    fn a_file_that_grew_is_known_and_another_is_not() {
        assert!(agree(b"{}\n{\"a\":1}\n", b"{}\n{\"a\":1}\n{\"a\":2}\n"));
        assert!(agree(b"[{\"a\":1}\n]\n", b"[{\"a\":1},\n{\"a\":2}]"));
        assert!(!agree(b"{\"a\":1}\n", b"{\"b\":1}\n{\"a\":1}\n"));
        assert!(!agree(b"{\"a\":1}\n", b"{\"a\""));
        assert!(!agree(b"", b"{\"a\":1}"));
    }
}
