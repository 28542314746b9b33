//! What the flow `advise` is made of.

use std::sync::Arc;

use super::notes::Notes;
use super::runbook::Runbook;

/// Findings that may wait for an answer at a time, unless set.
pub const MAX_OPEN: usize = 8;

/// The `[advise]` of a topology, as the flow needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct AdviseSettings {
    /// Whether findings get recommendations at all.
    pub enabled: bool,
    /// The model that is asked, if one is; its name is part of what answers are remembered by.
    pub model: Option<String>,
    /// What holds without a model.
    pub runbook: Arc<Runbook>,
    /// What the fleet's people have written down.
    pub notes: Arc<Notes>,
    /// Whether names are hidden from the model.
    pub pseudonyms: bool,
    /// Questions that are open at a time.
    pub max_open: usize,
    /// How many bytes of notes a question has at most.
    pub notes_bytes: usize,
    /// Whether somebody keeps learned rows, so that epochs must carry the changed ones.
    pub keep_changes: bool,
}

impl AdviseSettings {
    /// The built-in runbook and no model; not `enabled`, findings pass as they are.
    pub fn runbook(enabled: bool) -> AdviseSettings {
        AdviseSettings {
            enabled,
            model: None,
            runbook: Runbook::built_in(),
            notes: Arc::default(),
            pseudonyms: false,
            max_open: MAX_OPEN,
            notes_bytes: 2000,
            keep_changes: true,
        }
    }
}
