//! The list of detectors: adding one is a line here and in [`Kind`].

use super::per_metric::{self, Opinion, PerMetric};
use super::settings::{Baseline, Kind, Settings};
use super::{ClosedWindow, Detector, Score, Scores, Verdict};
use crate::flow::Change;
use crate::flow::table::Table;

macro_rules! detectors {
    ($($kind:ident => $detector:ty, $make:expr;)*) => {
        /// A detector together with what it has learned of every entity.
        #[derive(Debug)]
        enum Instance { $($kind($detector, Table<<$detector as Detector>::Memory>),)* }

        impl Instance {
            fn new(settings: &Settings, table: u8) -> Instance {
                match settings.kind {
                    $(Kind::$kind => Instance::$kind($make(settings), Table::new(table)),)*
                    Kind::Novelty | Kind::Forecast | Kind::Silence => {
                        unreachable!("these share a bench of their own, or judge no window")
                    }
                }
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

            fn forget(&mut self, id: u32, name: &str) -> Option<Change> {
                match self { $(Instance::$kind(_, table) => table.forget(id).then(|| table.deleted(name)),)* }
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

/// One `[[detect]]` of a topology at work, or those that judge together: `novelty` and `forecast`.
#[derive(Debug)]
pub struct Bench {
    table: u8,
    judges: Judges,
}

#[derive(Debug)]
enum Judges {
    One { kind: Kind, learns: bool, instance: Instance },
    Together(PerMetric, Table<per_metric::Memory>),
}

/// What a detector says of a window.
#[derive(Debug)]
pub struct Said {
    /// Which detector.
    pub detector: &'static str,
    /// What it found.
    pub verdict: Verdict,
    /// A score a judged value, where wanted.
    pub scores: Vec<Score>,
}

impl Bench {
    /// The detectors with those settings; what the first of them learns goes into the table of that number, and so on.
    pub fn all(settings: &[Settings], first_table: u8) -> Vec<Bench> {
        let together = |settings: &Settings| matches!(settings.kind, Kind::Novelty | Kind::Forecast);
        let mut benches = Vec::new();
        let mut taken: Vec<usize> = Vec::new();
        for (at, one) in settings.iter().enumerate() {
            // Silence is what no window shows.
            if taken.contains(&at) || one.kind == Kind::Silence {
                continue;
            }
            let table = first_table + at as u8;
            let judges = if together(one) {
                // The first of the other kind, wherever it stands, sits on this bench.
                let other = (settings.iter().enumerate().skip(at))
                    .find(|(_, other)| together(other) && other.kind != one.kind);
                taken.extend(other.map(|(at, _)| at));
                let asked: Vec<Settings> =
                    [Some(one), other.map(|(_, other)| other)].into_iter().flatten().cloned().collect();
                Judges::Together(PerMetric::new(&asked), Table::new(table))
            } else {
                let learns = one.baseline == Baseline::History && one.kind != Kind::Status;
                Judges::One { kind: one.kind, learns, instance: Instance::new(one, table) }
            };
            benches.push(Bench { table, judges });
        }
        benches
    }

    /// The number of the table that its memory goes into.
    pub fn table(&self) -> u8 {
        self.table
    }

    /// Whether it remembers anything of an entity.
    pub fn learns(&self) -> bool {
        match &self.judges {
            Judges::One { learns, .. } => *learns,
            Judges::Together(..) => true,
        }
    }

    /// Judges a window of the entity with that number, then learns from it.
    pub fn judge(&mut self, id: u32, window: &ClosedWindow<'_>, wanted: bool, say: &mut impl FnMut(Said)) {
        match &mut self.judges {
            Judges::One { kind, learns, instance } => {
                let mut scores = if wanted { Scores::wanted() } else { Scores::unwanted() };
                let verdict = instance.judge(*learns, id, window, &mut scores);
                say(Said { detector: kind.name(), verdict, scores: scores.take() });
            }
            Judges::Together(detector, table) => {
                for Opinion { kind, verdict, mut scores } in detector.judge(window, table.row(id), wanted) {
                    say(Said { detector: kind.name(), verdict, scores: scores.take() });
                }
            }
        }
    }

    /// What was learned of the entity with that number, with something put before it, if anything was.
    pub fn written(&self, id: u32, name: &str, before: &[u8]) -> Option<Change> {
        match &self.judges {
            Judges::One { learns: false, .. } => None,
            Judges::One { instance, .. } => instance.written(id, name, before),
            Judges::Together(_, table) => table.written(id, name, before),
        }
    }

    /// Forgets the entity; the change that deletes its row, where there may be one.
    pub fn forget(&mut self, id: u32, name: &str) -> Option<Change> {
        match &mut self.judges {
            Judges::One { instance, .. } => instance.forget(id, name),
            Judges::Together(_, table) => table.forget(id).then(|| table.deleted(name)),
        }
    }

    /// Takes back what was learned; `false` where the bytes are not that.
    #[must_use]
    pub fn restore(&mut self, id: u32, bytes: &[u8]) -> bool {
        match &mut self.judges {
            Judges::One { instance, .. } => instance.restore(id, bytes),
            Judges::Together(_, table) => table.restore(id, bytes),
        }
    }
}
