//! Unexpected here and now: anomalies inside the range that a series has shown already.
//!
//! A value is seen in three views (as it is, less its time of day, less its hour of the week too), each with a
//! predictor. The errors of the best one, in units of what they usually are, show six signals, each scored next to its
//! own maxima. While something is abnormal what is known stands still, but for the level: a new level is told once.

pub mod extremes;
pub mod predictor;
pub mod profile;
pub mod signals;

use serde::{Deserialize, Serialize};

pub use self::extremes::LEARNING_ROWS;
use self::predictor::Predictor;
pub use self::profile::Moment;
use self::profile::{Profile, VIEWS};
pub use self::signals::Signal;
use self::signals::{Runs, Shown, Signals};
use super::Band;
use super::settings::Size;

/// Rows before views compete.
const SETTLED: u32 = 300;
/// A view must be better than the current one by this factor to take its place.
const BETTER: f64 = 0.95;
/// From this strength on a row is held to be abnormal, and what is known stands still for so many rows.
const HOLD_FROM: f64 = 1.0;
const HOLD_ROWS: u8 = 10;
/// Held rows are paid for with tokens: nothing stands still for ever.
const FIRST_TOKENS: f32 = 200.0;
const TOKENS_A_FREE_ROW: f32 = 0.4;
const MOST_TOKENS: f32 = 1000.0;

/// Strengths above this one grow with their logarithm: some fifty maxima bear out no more than a few powers of ten.
const BORNE_OUT: f64 = 1.8;
const BEYOND: f64 = 0.5;

fn saturated(strength: f64) -> f64 {
    let beyond = (strength - BORNE_OUT).max(0.0);
    strength.min(BORNE_OUT) + BEYOND * libm::log10(1.0 + beyond)
}

/// The strength that [`saturated`] makes this one of.
fn unsaturated(strength: f64) -> f64 {
    let beyond = (strength - BORNE_OUT).max(0.0) / BEYOND;
    strength.min(BORNE_OUT) + libm::exp10(beyond.min(300.0)) - 1.0
}

/// What is known of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    rows: u32,
    view: u8,
    /// Rows since the last abnormal one, as far as it matters.
    quiet: u8,
    tokens: f32,
    profile: Profile,
    predictors: [Predictor; VIEWS],
    signals: Signals,
    runs: Runs,
}

/// What a row is next to what was expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// By how many powers of ten it is rarer than what counts.
    pub strength: f64,
    /// What shows it.
    pub signal: Signal,
    /// The value that was expected.
    pub expected: f64,
    /// What errors usually were, before this row.
    pub scale: f64,
}

impl Forecast {
    /// Nothing known yet.
    pub fn of_size(size: Size) -> Forecast {
        Forecast {
            rows: 0,
            view: 0,
            quiet: HOLD_ROWS,
            tokens: FIRST_TOKENS,
            profile: Profile::of_size(size),
            predictors: [Predictor::default(); VIEWS],
            signals: Signals::default(),
            runs: Runs::default(),
        }
    }

    /// Judges a row, then learns it; `value` is counted from the series' first one. `days_known` is whether a day has been
    /// seen: before, what a time of day takes off changes with every quarter of an hour that is seen for the first time.
    pub fn step(&mut self, value: f64, moment: Moment, days_known: bool) -> Outlook {
        self.rows = self.rows.saturating_add(1);
        let views = self.profile.views(moment, value);
        let running = self.runs.step(value, self.rows);
        let view = usize::from(self.view);
        let predictor = &self.predictors[view];
        let error = if self.rows == 1 { 0.0 } else { views[view] - predictor.expected() };
        let scale = predictor.scale();
        let shown = self.signals.judge(running, (scale > 0.0).then(|| error / scale), self.rows);
        let held = self.hold(shown.strength);
        self.signals.learn(&shown, self.rows, held);
        let number = f64::from(self.rows);
        for (predictor, value) in self.predictors.iter_mut().zip(views) {
            predictor.learn(value, number, held);
        }
        if !held {
            self.profile.learn(moment, value, scale);
            if days_known {
                self.choose_view();
            }
        }
        let Shown { strength, signal, .. } = shown;
        Outlook { strength: saturated(strength), signal, expected: value - error, scale }
    }

    /// Whether what is known stands still in this row.
    fn hold(&mut self, strength: f64) -> bool {
        self.quiet = if strength > HOLD_FROM { 0 } else { self.quiet.saturating_add(1) };
        let held = self.quiet < HOLD_ROWS && self.tokens >= 1.0;
        self.tokens =
            if held { self.tokens - 1.0 } else { (self.tokens + TOKENS_A_FREE_ROW).min(MOST_TOKENS) };
        held
    }

    fn choose_view(&mut self) {
        if self.rows <= SETTLED {
            return;
        }
        let error = |view: usize| self.predictors[view].error();
        let best = (0..VIEWS).fold(0, |best, view| if error(view) < error(best) { view } else { best });
        if error(best) < BETTER * error(usize::from(self.view)) {
            self.view = best as u8;
            self.signals.unsettle();
        }
    }

    /// The values around what was expected that are less strong than this; none while too little was seen.
    pub fn band(&self, outlook: &Outlook, strength: f64) -> Option<Band> {
        let (down, up) = self.signals.reach(unsaturated(strength))?;
        let (low, high) = (outlook.expected - down * outlook.scale, outlook.expected + up * outlook.scale);
        Some(Band { low, high })
    }

    /// Bytes beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.profile.heap_bytes()
    }
}
