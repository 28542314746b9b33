//! What judges a window: `[[detect]]`.

use crate::flow::detect::settings::{Baseline, ClusterModel, Kind, Settings, Size};
use crate::topology::check::Said;
use crate::topology::keys::KEYS;
use crate::topology::takes::Setting;

impl Said {
    pub(super) fn detectors(&mut self) -> Vec<Settings> {
        if self.count("detect") == 0 && !self.is_wrong("detect") && !self.is_wrong("detect.0") {
            self.problem("detect", "is missing: at least one [[detect]] with a kind is needed");
        }
        let mut detectors = Vec::new();
        for number in 0..self.count("detect") {
            let path = format!("detect.{number}.kind");
            match self.given(&path) {
                Some(Setting::Kind(kind)) => {
                    let kind = *kind;
                    detectors.push(self.detector(number, kind));
                }
                _ if self.is_wrong(&path) => {}
                _ => self.problem(&path, "is missing"),
            }
        }
        detectors
    }

    fn detector(&mut self, number: usize, kind: Kind) -> Settings {
        let mut settings = Settings::of(kind);
        for key in KEYS {
            let Some(name) = key.path.strip_prefix("detect.") else { continue };
            let path = format!("detect.{number}.{name}");
            if let Some(setting) = self.given(&path) {
                set(&mut settings, name, setting);
                if !key.kinds.is_empty() && !key.kinds.contains(&kind) {
                    self.warn(&path, does_not_apply(name, kind));
                }
            }
        }
        settings
    }
}

fn does_not_apply(name: &str, kind: Kind) -> String {
    match (name, kind) {
        ("threshold", Kind::IsolationForest) => {
            "does not apply to isolation-forest, which is set by contamination".into()
        }
        _ => format!("does not apply to {}", kind.name()),
    }
}

/// Puts a checked `[[detect]]` key into the settings.
fn set(settings: &mut Settings, name: &str, setting: &Setting) {
    match (name, setting) {
        ("kind", Setting::Kind(_)) => {}
        ("baseline", Setting::Text(word)) => {
            settings.baseline = if word == "window" { Baseline::Window } else { Baseline::History };
        }
        ("threshold", Setting::Number(number)) => settings.threshold = Some(*number),
        ("false_alarms", Setting::Number(number)) => settings.false_alarms = Some(*number),
        ("agree", Setting::Integer(number)) => settings.agree = *number as u32,
        ("learn_for", Setting::Span(ms)) => settings.learn_for_ms = *ms,
        ("after", Setting::Span(ms)) => settings.after_ms = *ms,
        ("contamination", Setting::Number(number)) => settings.contamination = *number,
        ("warm_up", Setting::Integer(number)) => settings.warm_up = *number as u64,
        ("seed", Setting::Integer(number)) => settings.seed = *number as u64,
        ("trees", Setting::Integer(number)) => settings.trees = *number as usize,
        ("samples", Setting::Integer(number)) => settings.samples = *number as usize,
        ("refit_every", Setting::Integer(number)) => settings.refit_every = *number as u64,
        ("reservoir", Setting::Integer(number)) => settings.reservoir = *number as usize,
        ("variance", Setting::Number(number)) => settings.variance = *number,
        ("quantile", Setting::Number(number)) => settings.quantile = *number,
        ("clusters", Setting::Integer(number)) => settings.clusters = *number as usize,
        ("model", Setting::Text(word)) => {
            settings.model =
                if word == "gaussian-mixture" { ClusterModel::GaussianMixture } else { ClusterModel::KMeans };
        }
        ("size", Setting::Text(word)) => {
            settings.size = if word == "small" { Size::Small } else { Size::Normal };
        }
        ("relearn_after", Setting::Integer(number)) => settings.relearn_after = *number as u32,
        (name, setting) => unreachable!("detect.{name} = {setting:?}: a test sets every key"),
    }
}
