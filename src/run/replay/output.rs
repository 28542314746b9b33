//! The output files of a replay: which there are, and what goes into each.

use std::path::Path;

use super::state::Footer;
use super::{ReplaySettings, identity};
use crate::edge::outbox::{Durability, Lengths, OutFile, Outbox, OutboxError};
use crate::flow::Epoch;
use crate::flow::record::Role;
use crate::flow::sink::{refused, scores};

/// The files, open for appending.
#[derive(Debug)]
pub(in crate::run) struct OutputFiles(Outbox);

impl OutputFiles {
    /// Opens them: cut back to where a run goes on, empty where one begins.
    pub(in crate::run) fn open(
        dir: &Path,
        settings: &ReplaySettings,
        footer: Option<&Footer>,
    ) -> Result<OutputFiles, OutboxError> {
        let mut wanted = vec![OutFile::Reports, OutFile::Rejected, OutFile::Late];
        if settings.detection.scores {
            wanted.push(OutFile::Scores);
        }
        std::fs::create_dir_all(dir).map_err(|source| OutboxError::Open { path: dir.into(), source })?;
        let known =
            footer.and_then(|footer| footer.out.as_ref()).filter(|(known, _)| *known == identity(dir));
        let mut outbox = Outbox::open(dir, &wanted, Durability::Process, known.map(|(_, lengths)| lengths))?;
        if outbox.length_bytes(OutFile::Scores) == Some(0) {
            outbox.append(OutFile::Scores, scores::HEADER.as_bytes())?;
        }
        Ok(OutputFiles(outbox))
    }

    /// Writes what leaves; `name` tells what an input is called. How long the files are then.
    pub(in crate::run) fn write(
        &mut self,
        epoch: &Epoch,
        name: &dyn Fn(u32) -> String,
    ) -> Result<Lengths, OutboxError> {
        let outbox = &mut self.0;
        for output in &epoch.outputs {
            let from = |output: &crate::flow::record::Output| {
                let input = output.refused.as_ref().map_or(0, |(_, origin)| origin.input);
                name(input)
            };
            match output.role {
                Role::Reports | Role::Findings | Role::Readings => {
                    outbox.append(OutFile::Reports, &output.value)?;
                    outbox.append(OutFile::Reports, b"\n")?;
                }
                Role::Rejected => outbox.append(OutFile::Rejected, &refused::line(output, &from(output)))?,
                Role::Late => outbox.append(OutFile::Late, &refused::line(output, &from(output)))?,
            }
        }
        outbox.append(OutFile::Scores, &epoch.scores)?;
        outbox.commit()
    }
}
