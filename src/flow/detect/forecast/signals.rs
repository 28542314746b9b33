//! What the errors of a forecast can show: a value too high or too low, a shift, a burst, a calm, a value that stays.

use serde::{Deserialize, Serialize};

use super::extremes::Extremes;

/// The signals, in the order of their handicaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Higher than expected.
    Up,
    /// Off in one direction for a while.
    Shift,
    /// Lower than expected.
    Down,
    /// Errors larger than usual for a while.
    Burst,
    /// Errors smaller than usual for a while.
    Calm,
    /// The same value again and again.
    Run,
}

/// How many there are.
pub const SIGNALS: usize = 6;
const ALL: [Signal; SIGNALS] =
    [Signal::Up, Signal::Shift, Signal::Down, Signal::Burst, Signal::Calm, Signal::Run];
/// How much a score must exceed to count.
const HANDICAPS: [f64; SIGNALS] = [1.0, 1.2, 1.0, 0.7, 0.5, 1.5];
const SHIFT_RATE: f64 = 0.1;
const BURST_RATE: f64 = 0.025;
const CALM_RATE: f64 = 0.01;
const USUAL_RATE: f64 = 0.0005;
const CHANGE_RATE: f64 = 0.002;
/// The rate of the scale that errors are measured in.
const SCALE_RATE: f64 = 0.01;
/// Below this share of rows that differ from the one before, errors say little.
const FEWEST_CHANGES: f64 = 0.3;
/// Runs are told from this length on.
const SHORTEST_RUN: u32 = 4;
/// Errors in scales are held within: beyond, a square would overflow and nothing be said.
const GREATEST: f64 = 1e9;
/// Scales of the maxima are not taken for smaller.
const LEAST_SPREAD: [f64; SIGNALS] = [0.05, 0.05, 0.05, 0.05, 0.05, 0.3];

/// What is known of the errors of a view: 160 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    shift: f32,
    burst: f32,
    calm: f32,
    /// The usual log of a squared error.
    usual: f32,
    extremes: [Extremes; SIGNALS],
}

/// What is known of values that stay, whatever the view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// One less the share of rows that differ from the one before: it starts at 0.
    unchanged: f32,
    length: u32,
    last: f64,
}

/// What a row does to the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// The logarithm of the run's length, where it is worth a look.
    length: Option<f64>,
    /// The logarithm of the run that ended with this row.
    ended: Option<f64>,
    /// Whether values change often enough for errors to say something.
    changes: bool,
}

impl Runs {
    /// Takes a row; `number` counts from 1.
    pub fn step(&mut self, value: f64, number: u32) -> Running {
        let same = number > 1 && value == self.last;
        self.last = value;
        let unchanged = f64::from(self.unchanged);
        if number > 1 {
            self.unchanged = (unchanged + CHANGE_RATE * (f64::from(u8::from(same)) - unchanged)) as f32;
        }
        let logarithm = |length: u32| libm::log(f64::from(length));
        let ended = (!same && self.length > 0).then(|| logarithm(self.length));
        self.length = if same { self.length.saturating_add(1) } else { 1 };
        let length = (self.length >= SHORTEST_RUN).then(|| logarithm(self.length));
        Running { length, ended, changes: 1.0 - f64::from(self.unchanged) > FEWEST_CHANGES }
    }
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// The signals' values; none while too little was seen.
    values: [Option<f64>; SIGNALS],
    running: Running,
    log_square: f64,
    /// By how much the strongest signal exceeds its handicap; 0 if none does.
    pub strength: f64,
    /// Which it is.
    pub signal: Signal,
    scores: [f64; SIGNALS],
}

impl Signals {
    /// Judges a row by its error in scales, where there is a scale; `number` counts rows from 1.
    pub fn judge(&mut self, running: Running, error: Option<f64>, number: u32) -> Shown {
        let rows = f64::from(number);
        let error = error.unwrap_or(0.0).clamp(-GREATEST, GREATEST);
        let log_square = libm::log(error * error + 0.01);
        let mean = |mean: &mut f32, rate: f64, value: f64| {
            let old = f64::from(*mean);
            let new = old + rate.max(1.0 / rows) * (value - old);
            *mean = new as f32;
            new
        };
        let shift = mean(&mut self.shift, SHIFT_RATE, error.clamp(-6.0, 6.0));
        let burst = mean(&mut self.burst, BURST_RATE, log_square);
        let calm = mean(&mut self.calm, CALM_RATE, log_square);
        let usual = f64::from(self.usual);
        let after = |rate: f64, weight: f64, value: f64| (rows * rate > weight).then_some(value);
        let values = [
            after(SCALE_RATE, 1.0, error),
            after(SHIFT_RATE, 3.0, shift.abs()),
            after(SCALE_RATE, 1.0, -error),
            after(BURST_RATE, 3.0, burst - usual),
            after(CALM_RATE, 3.0, usual - calm),
            running.length,
        ];
        self.weigh(values, running, log_square)
    }

    fn weigh(&self, values: [Option<f64>; SIGNALS], running: Running, log_square: f64) -> Shown {
        let scores = [0.0; SIGNALS];
        let mut shown = Shown { values, running, log_square, strength: 0.0, signal: Signal::Up, scores };
        for (at, signal) in ALL.into_iter().enumerate() {
            let says = running.changes || signal == Signal::Run;
            let Some(value) = values[at].filter(|_| says) else { continue };
            let score = self.extremes[at].score(value, LEAST_SPREAD[at]);
            shown.scores[at] = score;
            let strength = score - self.extremes[at].distrust() - HANDICAPS[at];
            if strength > shown.strength {
                (shown.strength, shown.signal) = (strength, signal);
            }
        }
        shown
    }

    /// Learns a row that was judged. Held, only runs are learned.
    pub fn learn(&mut self, shown: &Shown, number: u32, held: bool) {
        if !held {
            let rate = USUAL_RATE.max(1.0 / f64::from(number));
            let usual = f64::from(self.usual);
            self.usual = (usual + rate * (shown.log_square - usual)) as f32;
        }
        for (at, extremes) in self.extremes.iter_mut().enumerate() {
            let is_run = ALL[at] == Signal::Run;
            if is_run || !held {
                let learned = if is_run { shown.running.ended } else { shown.values[at] };
                if let Some(value) = learned {
                    extremes.learn(value);
                }
            }
            if !held {
                extremes.note(shown.scores[at]);
            }
            extremes.end_row(number);
        }
    }

    /// The errors are another view's from now on.
    pub fn unsettle(&mut self) {
        self.extremes.iter_mut().for_each(Extremes::unsettle);
    }

    /// How far a value may be off in scales, down and up, before it is as strong as that.
    pub fn reach(&self, strength: f64) -> Option<(f64, f64)> {
        let at = |signal: Signal| {
            let extremes = &self.extremes[signal as usize];
            let score = strength + HANDICAPS[signal as usize] + extremes.distrust();
            extremes.value_of(score, LEAST_SPREAD[signal as usize]).map(|value| value.max(0.0))
        };
        at(Signal::Down).zip(at(Signal::Up))
    }
}
