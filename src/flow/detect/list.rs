//! The list of detectors: adding one is a line here and in [`Kind`].

use super::settings::{Baseline, Kind, Settings};
use super::{ClosedWindow, Detector, Scores, Verdict};
use crate::flow::Change;
use crate::flow::table::Table;

macro_rules! detectors {
    ($($kind:ident => $detector:ty, $make:expr;)*) => {
        /// A detector together with what it has learned of every entity.
        #[derive(Debug)]
        enum Instance { $($kind($detector, Table<<$detector as Detector>::Memory>),)* }

        impl Instance {
            fn new(settings: &Settings, table: u8) -> Instance {
                match settings.kind { $(Kind::$kind => Instance::$kind($make(settings), Table::new(table)),)* }
            }

            fn judge(&mut self, learns: bool, id: u32, window: &ClosedWindow<'_>, scores: &mut Scores) -> Verdict {
                match self { $(Instance::$kind(detector, table) => {
                    if learns {
                        detector.judge(window, table.row(id), scores)
                    } else {
                        detector.judge(window, &mut Default::default(), scores)
                    }
                })* }
            }

            fn written(&self, id: u32, name: &str, before: &[u8]) -> Option<Change> {
                match self { $(Instance::$kind(_, table) => table.written(id, name, before),)* }
            }

            fn restore(&mut self, id: u32, bytes: &[u8]) -> bool {
                match self { $(Instance::$kind(_, table) => table.restore(id, bytes),)* }
            }
        }
    };
}

detectors! {
    ZScore => super::z_score::ZScore, super::z_score::ZScore::new;
    IsolationForest => super::isolation_forest::IsolationForest, super::isolation_forest::IsolationForest::new;
    Clusters => super::clusters::Clusters, super::clusters::Clusters::new;
    PcaMahalanobis => super::pca_mahalanobis::PcaMahalanobis, super::pca_mahalanobis::PcaMahalanobis::new;
    Status => super::status::ServiceStatus, |_: &Settings| super::status::ServiceStatus;
}

/// One `[[detect]]` of a topology at work.
#[derive(Debug)]
pub struct Bench {
    kind: Kind,
    learns: bool,
    instance: Instance,
}

impl Bench {
    /// The detector with those settings; what it learns goes into the table of that number.
    pub fn new(settings: &Settings, table: u8) -> Bench {
        let learns = settings.baseline == Baseline::History && settings.kind != Kind::Status;
        Bench { kind: settings.kind, learns, instance: Instance::new(settings, table) }
    }

    /// The detector's name in reports.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether it remembers anything of an entity.
    pub fn learns(&self) -> bool {
        self.learns
    }

    /// Judges a window of the entity with that number, then learns from it.
    pub fn judge(&mut self, id: u32, window: &ClosedWindow<'_>, scores: &mut Scores) -> Verdict {
        self.instance.judge(self.learns, id, window, scores)
    }

    /// What was learned of the entity with that number, with something put before it, if anything was.
    pub fn written(&self, id: u32, name: &str, before: &[u8]) -> Option<Change> {
        if self.learns { self.instance.written(id, name, before) } else { None }
    }

    /// Takes back what was learned; `false` where the bytes are not that.
    #[must_use]
    pub fn restore(&mut self, id: u32, bytes: &[u8]) -> bool {
        self.instance.restore(id, bytes)
    }
}
