//! What is kept between runs beside the learned rows, and how a flow comes back to it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ReplaySettings, RunError};
use crate::edge::files::Progress;
use crate::edge::outbox::Lengths;
use crate::edge::ports::Store;
use crate::edge::sled::Sled;
use crate::flow::Flow;
use crate::flow::chain::Chain;

/// What belongs to the learned rows: where the input and the outputs were when they were that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Footer {
    /// The application.
    pub name: String,
    /// The fingerprint of its topology.
    pub topology: String,
    /// How many epochs were committed.
    pub sequence: u64,
    /// The flow's own position.
    pub position: Vec<u8>,
    /// How far the inputs had been read.
    pub progress: Progress,
    /// The output directory and how long its files were.
    pub out: Option<(String, Lengths)>,
}

impl Footer {
    /// The footer as the store keeps it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a footer is plain data")
    }
}

/// Opens a state directory and reads its footer, if it has one.
pub fn open_state(dir: &Path) -> Result<(Sled, Option<Footer>), RunError> {
    let opened = Sled::open(dir)?;
    if let Some(aside) = opened.set_aside {
        tracing::warn!(
            state = %dir.display(), moved_to = %aside.display(),
            "the state directory was damaged and is set aside; what was learned is learned again"
        );
    }
    let footer = match opened.store.footer()? {
        Some(bytes) => {
            let unreadable = |_| RunError::Unreadable { path: dir.into() };
            Some(postcard::from_bytes(&bytes).map_err(unreadable)?)
        }
        None => None,
    };
    Ok((opened.store, footer))
}

/// Gives a flow what it had learned when the footer was written.
pub fn restore(
    settings: &ReplaySettings,
    dir: &Path,
    store: &Sled,
    footer: &Footer,
    flow: &mut Chain,
) -> Result<(), RunError> {
    if (&footer.name, &footer.topology) != (&settings.name, &settings.topology) {
        return Err(RunError::OtherTopology {
            path: dir.into(),
            found: format!("{} {}", footer.name, footer.topology),
            wanted: format!("{} {}", settings.name, settings.topology),
        });
    }
    let mut rows = Vec::new();
    store.rows(&mut |table, key, row| rows.push((table, key.to_vec(), row.to_vec())))?;
    flow.restore(&footer.position, &rows).map_err(|_| RunError::Unreadable { path: dir.into() })
}
