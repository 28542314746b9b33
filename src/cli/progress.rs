//! The progress bar of a replay: how far, how fast, how long still. On a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

use super::replay::stderr_is_a_terminal;
use crate::flow::Counts;
use crate::run::Replay;

/// A bar on stderr, or nothing.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    readings: u64,
}

impl Progress {
    /// A bar for that replay, where stderr is a terminal.
    pub(super) fn new(replay: &Replay) -> Progress {
        let bar = stderr_is_a_terminal().then(|| match replay.bytes().1 {
            Some(total) => ProgressBar::new(total)
                .with_style(style("{bar:30} {percent:>3} %  {bytes_per_sec}  {msg} readings  {eta} left")),
            None => ProgressBar::new_spinner()
                .with_style(style("{spinner} {bytes} {bytes_per_sec}  {msg} readings")),
        });
        Progress { bar, readings: 0 }
    }

    /// Shows how far it is.
    pub(super) fn advance(&mut self, replay: &Replay, counts: &Counts) {
        self.readings += counts.windowed + counts.late;
        if let Some(bar) = &self.bar {
            bar.set_position(replay.bytes().0);
            bar.set_message(self.readings.to_string());
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
