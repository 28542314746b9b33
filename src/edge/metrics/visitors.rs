//! Who looks at the page, and what it cost them or us.

use prometheus::{IntCounter, IntGauge, Registry};

use super::Metrics;
use super::made::{counter, gauge};
use crate::edge::ports::Visit;

/// What is counted of visits.
pub(super) struct Visitors {
    viewers: IntGauge,
    refused: IntCounter,
    stalled: IntCounter,
    dropped: IntCounter,
}

impl Visitors {
    pub(super) fn new(r: &Registry) -> Visitors {
        Visitors {
            viewers: gauge(r, "tidewatch_page_viewers", "Viewers who follow the live page."),
            refused: counter(
                r,
                "tidewatch_page_refused_total",
                "Connections and viewers more than there may be, turned away.",
            ),
            stalled: counter(
                r,
                "tidewatch_page_stalled_total",
                "Connections closed because nothing moved on them.",
            ),
            dropped: counter(
                r,
                "tidewatch_page_epochs_dropped_total",
                "Epochs that the live page does not show because it was behind; the flow is not concerned.",
            ),
        }
    }
}

impl Metrics {
    /// Takes note of a visit.
    pub fn visit(&self, visit: Visit) {
        match visit {
            Visit::Came => self.visitors.viewers.inc(),
            Visit::Left => self.visitors.viewers.dec(),
            Visit::Refused => self.visitors.refused.inc(),
            Visit::Stalled => self.visitors.stalled.inc(),
        }
    }

    /// The page was behind, and an epoch is not shown.
    pub fn note_dropped(&self) {
        self.visitors.dropped.inc();
    }
}
