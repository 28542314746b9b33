//! Small inputs with everything in them: several entities, disorder, late and broken records, arrays, bad clocks, faults.

use std::time::Duration;

use super::super::blueprint::{BelowRetention, Blueprint, Pace};
use super::random::Random;
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::alert::{Alerts, Rule};
use crate::flow::detect::settings::{Baseline, Kind, Settings};
use crate::flow::detection::{DetectionSettings, Keeping};
use crate::flow::incident::IncidentSettings;
use crate::flow::model::{Metric, Range, Schema, Services};
use crate::flow::samples::{SampleFormat, Sampled, Sampling, Selector};
use crate::flow::task::FlowName;
use crate::flow::window::settings::{TimeScope, WindowKind, WindowSettings};

pub(super) const START_SECOND: u64 = 1_767_225_600;

/// A key and a value.
pub(super) type Line = (Option<Vec<u8>>, Vec<u8>);

fn reading(random: &mut Random, second: u64) -> String {
    let entity = random.pick(&["a", "b", "c"]);
    let odd = random.one_in(9);
    let cpu = if odd { 97 } else { 40 + random.below(5) };
    let load = random.below(7);
    let service = if random.one_in(11) { "offline" } else { "online" };
    let time = START_SECOND + 100 + second;
    format!(
        r#"{{"timestamp":{time},"entity":"{entity}","cpu":{cpu},"load":{load}.5,"service_status":{{"db":"{service}"}}}}"#
    )
}

/// What somebody says of an entity, not always in words that are known.
fn feedback(random: &mut Random, second: u64) -> String {
    let entity = random.pick(&["a", "b", "c", "d"]);
    let finding = r#"{"metric":"cpu","value":97,"expected":{"low":40,"high":44},"contributions":[]}"#;
    let until = START_SECOND + 100 + second + random.below(60);
    let said = match random.below(7) {
        0 => format!(r#""expected","finding":{finding},"note":"a backup""#),
        2 => r#""expected","finding":{"metric":"service_status.db","value":2}"#.to_owned(),
        3 => r#""confirmed","incident":"1""#.to_owned(),
        4 if random.one_in(2) => format!(r#""mute","metric":"cpu","until":{until}"#),
        1 | 4 => format!(r#""mute","until":{until}"#),
        5 => r#""unmute""#.to_owned(),
        _ => r#""mute","untill":1"#.to_owned(),
    };
    format!(r#"{{"tidewatch":{said},"entity":"{entity}"}}"#)
}

/// What one partition gets.
pub(super) fn lines(seed: u64, count: usize) -> Vec<Line> {
    let mut lines = samples(seed, count);
    if seed.is_multiple_of(3) {
        let mut random = Random::new(!seed);
        for (at, line) in lines.iter_mut().enumerate() {
            if random.one_in(6) {
                line.1 = feedback(&mut random, 2 * at as u64).into_bytes();
            } else if random.one_in(2) {
                // So that there is something to be expected or muted.
                line.1 = String::from_utf8_lossy(&line.1).replace("online", "offline").into_bytes();
            }
        }
    }
    lines
}

/// What comes of machines.
fn samples(seed: u64, count: usize) -> Vec<Line> {
    let mut random = Random::new(seed);
    let mut second = 0;
    let mut lines = Vec::new();
    while lines.len() < count {
        second += random.below(4);
        let value = match random.below(16) {
            0 => "{".to_owned(),
            1 => r#"{"entity":"a","cpu":1}"#.to_owned(),
            2 => reading(&mut random, second.saturating_sub(40)),
            3 => reading(&mut random, second.saturating_sub(7)),
            4 => reading(&mut random, second + 500),
            5 | 6 => {
                let (first, then) = (second.saturating_sub(3), second + 2);
                format!("[{},{},7]", reading(&mut random, first), reading(&mut random, then))
            }
            7 => {
                second += 12;
                reading(&mut random, second)
            }
            _ => reading(&mut random, second),
        };
        let key = random.one_in(2).then(|| b"k".to_vec());
        lines.push((key, value.into_bytes()));
    }
    lines
}

fn schema(variant: u64) -> Schema {
    let metric = |name: &str| Metric {
        name: name.into(),
        unit: String::new(),
        range: Range::ANY,
        judged: true,
        optional: false,
    };
    Schema {
        metrics: vec![metric("cpu"), metric("load")],
        services: Services::Any,
        default_entity: "e".into(),
        // In some variants readings are gathered and `load` is a counter, which often goes back.
        sampling: matches!(variant % 6, 1 | 5).then(|| {
            let sampled = |rate| Sampled { from: Selector::plain("x"), scale: 1.0, rate };
            let metrics = vec![sampled(false), sampled(true)];
            let format = SampleFormat::Native;
            let (entity, time, series, interval_ms) = (None, None, None, Some(5_000));
            Box::new(Sampling { format, entity, time, series, interval_ms, metrics })
        }),
    }
}

/// The variant that learns next to nothing.
const FORGETFUL: u64 = 9;

/// Windows and detectors to try, by number.
pub(super) fn detection(variant: u64) -> DetectionSettings {
    let z_score =
        Settings { warm_up: 3, threshold: Some(2.5), relearn_after: 2, ..Settings::of(Kind::ZScore) };
    let forest = Settings {
        warm_up: 4,
        trees: 3,
        samples: 8,
        reservoir: 8,
        refit_every: 5,
        ..Settings::of(Kind::IsolationForest)
    };
    let status = Settings::of(Kind::Status);
    let (kind, grace_ms, max_jump_ms) = match variant % 4 {
        0 | 1 => (WindowKind::Tumbling { size_ms: 10_000 }, 4_000, Some(60_000)),
        2 => (WindowKind::Count { size: 3, max_age_ms: 20_000 }, 0, Some(60_000)),
        // Windows longer than the jump that is doubted.
        _ => (WindowKind::Tumbling { size_ms: 20_000 }, 0, Some(10_000)),
    };
    DetectionSettings {
        schema: schema(variant),
        max_payload_bytes: 1 << 16,
        alerts: if variant.is_multiple_of(2) {
            let looks_back =
                Rule { of_readings: Some((2, 4)), cool_down_ms: Some(15_000), ..Rule::default() };
            Alerts::new(vec![looks_back])
        } else {
            Alerts::default()
        },
        window: WindowSettings {
            kind,
            grace_ms,
            time: TimeScope::Partition,
            per_entity: true,
            max_jump_ms,
            max_entities: 100,
            // Some are forgotten now and then, and some soon.
            forget_ms: match variant % 4 {
                0 => Some(30_000),
                1 => Some(12_000),
                _ => None,
            },
        },
        detectors: match variant {
            FORGETFUL => vec![Settings { baseline: Baseline::Window, ..z_score }, status],
            variant if variant.is_multiple_of(2) => {
                let silence = Settings { after_ms: 25_000, ..Settings::of(Kind::Silence) };
                vec![z_score, status, silence]
            }
            _ => vec![z_score, status, forest],
        },
        incident: Some(IncidentSettings { resolve_after_ms: 10_000, reopen_within_ms: 5_000 }),
        emit_all: !variant.is_multiple_of(3),
        scores: false,
        // Some windows' worth of input for one row, so that much is learned again.
        keeping: if variant % 8 < 4 { Keeping::Everything } else { Keeping::Checkpoints { share: 0.02 } },
        glances: false,
    }
}

/// What workers need to know.
pub(super) fn blueprint(variant: u64) -> Blueprint {
    Blueprint {
        application: "app".into(),
        topology: "0123abcd".into(),
        detection: detection(variant),
        advise: AdviseSettings::runbook(true),
        inputs: vec![
            (FlowName::Route, "input".into()),
            (FlowName::Detect, "readings".into()),
            (FlowName::Advise, "findings".into()),
        ],
        partitions: u32::MAX,
        pace: Pace {
            commit_every: Duration::from_millis(8),
            uncommitted_records: 5,
            idle: None,
            changelog_patience: Duration::from_secs(3),
        },
        below_retention: BelowRetention::Stop,
    }
}

/// What all feedback has.
const FEEDBACK: &[u8] = b"\"tidewatch\"";

/// How many readings, usable or not, a line has.
pub(super) fn elements(line: &[u8]) -> u64 {
    let said = line.windows(FEEDBACK.len()).any(|part| part == FEEDBACK);
    // What people say is no reading, but where it cannot be read.
    if said {
        return u64::from(line.windows(6).any(|part| part == b"untill"));
    }
    let in_array = line.starts_with(b"[").then(|| line.split(|byte| *byte == b'}').count() as u64 / 2 + 1);
    in_array.unwrap_or(1)
}
