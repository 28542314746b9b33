//! What a replay shows while it runs, and keeps for the end.

use std::io::{self, Write};
use std::sync::Arc;

use super::{Format, ReplayFlags};
use crate::cli::progress::Progress;
use crate::cli::table::Table;
use crate::cli::{Exit, page};
use crate::flow::Epoch;
use crate::flow::record::Role;
use crate::flow::sink::report::Report;
use crate::run::Replay;
use crate::run::screen::Screen;
use crate::topology::Topology;
use crate::view::Fleet;

/// Prints as epochs come, and remembers for the end.
pub(super) struct Watch {
    format: Format,
    pub(super) table: Table,
    pub(super) progress: Option<Progress>,
    /// The live page.
    screen: Option<Arc<Screen>>,
    /// What `report.html` is made of.
    pub(super) fleet: Option<Fleet>,
}

impl Watch {
    /// Opens the page where one is wanted.
    pub(super) fn new(flags: &ReplayFlags, topology: &Topology, advises: bool) -> Result<Watch, Exit> {
        let mut screen = None;
        if let Some(listen) = &flags.listen {
            let about = page::about(topology, "replay", advises);
            let (opened, address) = page::open(listen, about, &topology.schema, None)?;
            tracing::info!(%address, "the live page");
            screen = Some(opened);
        }
        let fleet = flags.out.as_ref().map(|_| Fleet::new(&topology.schema));
        Ok(Watch { format: flags.format, table: Table::default(), progress: None, screen, fleet })
    }

    /// Sees an epoch of files.
    pub(super) fn see(&mut self, epoch: &Epoch, replay: &Replay) -> io::Result<()> {
        if let Some(progress) = &mut self.progress {
            progress.advance(replay, &epoch.counts);
        }
        self.print(epoch)
    }

    /// Sees an epoch.
    pub(super) fn print(&mut self, epoch: &Epoch) -> io::Result<()> {
        if let Some(screen) = &self.screen {
            screen.saw(epoch);
        }
        if let Some(fleet) = &mut self.fleet {
            fleet.take(Some(&epoch.counts), &epoch.glances, &epoch.outputs);
        }
        let reports =
            epoch.outputs.iter().filter(|output| matches!(output.role, Role::Reports | Role::Findings));
        let mut lines = Vec::new();
        for output in reports {
            if self.format == Format::Ndjson {
                lines.extend_from_slice(&output.value);
                lines.push(b'\n');
            }
            if let Ok(report) = serde_json::from_slice::<Report>(&output.value) {
                self.table.add(&report);
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(&lines)?;
        out.flush()
    }
}
