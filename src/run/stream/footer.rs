//! What belongs to an epoch beside its rows: the footer in changelog and store, and the mark among the group's offsets.

use serde::{Deserialize, Serialize};

use crate::edge::ports::Committed;
use crate::flow::record::Offset;

/// The key of the footer in the changelog.
pub const FOOTER_KEY: &[u8] = &[0];
/// The first byte of a row's key in the changelog; table and key follow.
pub const ROW_TAG: u8 = 1;

/// Ends an epoch in the changelog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// The application.
    pub application: String,
    /// The fingerprint of its topology.
    pub topology: String,
    /// How many epochs the task has committed, this one included.
    pub sequence: u64,
    /// The next record to read.
    pub next: Offset,
    /// The oldest record that open windows need.
    pub replay_from: Offset,
    /// The flow's own position.
    pub position: Vec<u8>,
    /// The sum over all live rows.
    pub digest: u128,
}

/// A footer as the local store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalFooter {
    /// The footer.
    pub footer: Footer,
    /// Where the changelog goes on after it.
    pub changelog_next: Offset,
}

/// The bytes are no footer or mark of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Footer {
    /// The footer as the changelog carries it.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a footer is plain data")
    }

    /// A footer from the changelog.
    pub fn from_bytes(bytes: &[u8]) -> Result<Footer, Unreadable> {
        postcard::from_bytes(bytes).map_err(|_| Unreadable)
    }
}

impl LocalFooter {
    /// The footer as the store keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a footer is plain data")
    }

    /// A footer from the store.
    pub fn from_bytes(bytes: &[u8]) -> Result<LocalFooter, Unreadable> {
        postcard::from_bytes(bytes).map_err(|_| Unreadable)
    }
}

/// What is committed with the group's offset: enough to know the one state that belongs to it. JSON, for those who look
/// at it with Kafka's own tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The version of this format.
    tidewatch: u32,
    /// As in [`Footer`].
    pub sequence: u64,
    /// As in [`Footer`].
    pub replay_from: u64,
    /// As in [`Footer`].
    pub topology: String,
    /// As in [`Footer`], in hexadecimal.
    pub digest: String,
    /// As in [`Footer`], in hexadecimal, of a flow that has no changelog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
}

const MARK_VERSION: u32 = 1;

/// What the group's committed offset says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// Nothing was committed.
    Nothing,
    /// An offset that this program did not commit.
    ByHand(Offset),
    /// An epoch.
    Epoch(Offset, Mark),
}

impl Mark {
    /// The mark of a footer; with the flow's position where no changelog carries it.
    pub fn of(footer: &Footer, with_position: bool) -> Mark {
        Mark {
            tidewatch: MARK_VERSION,
            sequence: footer.sequence,
            replay_from: footer.replay_from.0,
            topology: footer.topology.clone(),
            digest: format!("{:032x}", footer.digest),
            position: with_position.then(|| hexadecimal(&footer.position)),
        }
    }

    /// The mark as metadata.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a mark is plain data")
    }

    /// The flow's position, where the mark carries one.
    pub fn position(&self) -> Option<Vec<u8>> {
        from_hexadecimal(self.position.as_deref()?)
    }

    /// Whether this is the mark of that footer.
    pub fn fits(&self, next: Offset, footer: &Footer) -> bool {
        let Footer { sequence, topology, digest, replay_from, .. } = footer;
        self.sequence == *sequence
            && next == footer.next
            && self.replay_from == replay_from.0
            && self.topology == *topology
            && self.digest == format!("{digest:032x}")
    }
}

impl Marked {
    /// Reads what the group has committed.
    pub fn read(committed: Option<Committed>) -> Marked {
        let Some(Committed { next, metadata }) = committed else { return Marked::Nothing };
        match serde_json::from_str::<Mark>(&metadata) {
            Ok(mark) if mark.tidewatch == MARK_VERSION => Marked::Epoch(next, mark),
            _ => Marked::ByHand(next),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footer() -> Footer {
        Footer {
            application: "app".into(),
            topology: "0123".into(),
            sequence: 7,
            next: Offset(100),
            replay_from: Offset(90),
            position: vec![0, 255, 16],
            digest: u128::MAX - 5,
        }
    }

    #[test]
    fn a_mark_comes_back_from_its_text_and_fits_its_own_footer_only() {
        let mark = Mark::of(&footer(), true);
        let committed = Committed { next: Offset(100), metadata: mark.to_text() };
        let Marked::Epoch(next, back) = Marked::read(Some(committed)) else { panic!("no mark") };
        assert_eq!(back.position(), Some(vec![0, 255, 16]));
        assert!(back.fits(next, &footer()));
        for other in [
            Footer { sequence: 8, ..footer() },
            Footer { next: Offset(101), ..footer() },
            Footer { replay_from: Offset(91), ..footer() },
            Footer { digest: 1, ..footer() },
            Footer { topology: "other".into(), ..footer() },
        ] {
            assert!(!back.fits(next, &other), "{other:?}");
        }
    }

    #[test]
    fn an_offset_with_other_metadata_was_set_by_hand() {
        for metadata in ["", "{}", "NONE", r#"{"tidewatch":99}"#] {
            let committed = Committed { next: Offset(3), metadata: metadata.to_owned() };
            assert_eq!(Marked::read(Some(committed)), Marked::ByHand(Offset(3)));
        }
        assert_eq!(Marked::read(None), Marked::Nothing);
    }

    #[test]
    fn a_mark_stays_far_below_what_a_broker_takes() {
        let footer =
            Footer { sequence: u64::MAX, replay_from: Offset(u64::MAX), position: vec![255; 64], ..footer() };
        assert!(Mark::of(&footer, true).to_text().len() < 512);
    }
}
