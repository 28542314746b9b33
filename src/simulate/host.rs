//! One host: its load, and the metrics that follow it, each with noise of its own.

use super::effects::{self, Scene};
use super::incidents::Incident;
use super::random::Random;
use super::rhythm::{Rhythm, opposite};
use super::role::{Levels, Role};
use super::values::{METRICS, SERVICES, UPTIME, Values, keep_valid};
use crate::flow::model::{Status, Statuses};
use crate::flow::time::EventTime;

const HOUR_MS: f64 = 3_600_000.0;
const DAY_MS: f64 = 24.0 * HOUR_MS;
const WEEK_MS: i64 = 7 * 86_400_000;

/// Each metric but uptime, then slow and quick noise of the load itself.
const NOISES: usize = METRICS + 1;
const SLOW: usize = METRICS - 1;
const QUICK: usize = METRICS;

/// Deviation, and seconds that noise remembers, by place: first-order autoregression.
const NOISE: [(f64, f64); NOISES] = [
    (1.3, 15.0),    // cpu, percent
    (0.5, 600.0),   // memory, percent
    (0.05, 12.0),   // latency
    (0.02, 60.0),   // disk, percent
    (0.05, 20.0),   // network in
    (0.04, 20.0),   // network out
    (0.12, 20.0),   // io wait
    (0.012, 90.0),  // threads
    (0.03, 30.0),   // connections
    (0.12, 30.0),   // errors
    (0.25, 40.0),   // temperature, degrees
    (1.8, 8.0),     // power, watts
    (0.06, 1200.0), // slow load
    (0.04, 40.0),   // quick load
];
/// Seconds that a chassis takes to warm up or cool down.
const CHASSIS_SECONDS: f64 = 240.0;

/// What one interval does to noise and warmth.
#[derive(Debug)]
pub(super) struct Pace {
    keeps: [f64; NOISES],
    adds: [f64; NOISES],
    warms: f64,
}

impl Pace {
    /// Of readings so far apart.
    pub(super) fn new(interval_ms: i64) -> Pace {
        let seconds = interval_ms as f64 / 1000.0;
        let keeps = NOISE.map(|(_, memory_seconds)| libm::exp(-seconds / memory_seconds));
        let adds = std::array::from_fn(|at| NOISE[at].0 * (1.0 - keeps[at] * keeps[at]).max(0.0).sqrt());
        Pace { keeps, adds, warms: 1.0 - libm::exp(-seconds / CHASSIS_SECONDS) }
    }
}

/// A host at some time.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    /// When in each tick it reports.
    pub(super) stagger_ms: i64,
    /// Numbers of the incidents that are not over, the next one last.
    pub(super) incidents: Vec<usize>,
    /// Where the fates of its readings come from.
    pub(super) delivery: Random,
    random: Random,
    role: Role,
    levels: Levels,
    /// How much of the role's load it bears.
    share: f64,
    /// How far its day is off the others'.
    shift_ms: i64,
    /// Between two reboots, and since the last one at time 0.
    boot_cycle_ms: i64,
    booted_ms: i64,
    /// Points of disk that a week fills until it is cleaned up.
    weekly_fill: f64,
    noise: [f64; NOISES],
    /// CPU as the chassis feels it.
    warmth: f64,
    /// What stuck sensors say.
    stuck: Option<Box<Values>>,
}

impl Host {
    /// A host that has been running for a while. What it draws depends on its number alone.
    pub(super) fn new(seed: u64, number: u64, interval_ms: i64) -> Host {
        let mut random = Random::new(seed, 2 * number);
        let role = Role::of(number);
        let levels = Levels::draw(role, &mut random);
        // Agents that report each so many seconds do so on whole seconds.
        let step_ms = whole_seconds(interval_ms);
        Host {
            name: name(number),
            stagger_ms: random.below((interval_ms / step_ms) as u64) as i64 * step_ms,
            incidents: Vec::new(),
            delivery: Random::new(seed, 2 * number + 1),
            role,
            levels,
            share: random.between(0.9, 1.1),
            shift_ms: random.between(-HOUR_MS, HOUR_MS) as i64,
            boot_cycle_ms: random.between(20.0 * DAY_MS, 60.0 * DAY_MS) as i64,
            booted_ms: random.between(0.0, 60.0 * DAY_MS) as i64,
            weekly_fill: random.between(0.5, 2.5),
            noise: std::array::from_fn(|at| NOISE[at].0 * random.normal()),
            warmth: f64::NAN,
            stuck: None,
            random,
        }
    }

    /// Takes the sample that comes next in time. Draws the same numbers whether something is wrong or not.
    pub(super) fn sample(
        &mut self,
        time: EventTime,
        rhythm: &Rhythm,
        pace: &Pace,
        all: &[Incident],
        values: &mut Values,
    ) -> Statuses {
        let time_ms = time.as_ms() + self.shift_ms;
        for ((noise, keeps), adds) in self.noise.iter_mut().zip(&pace.keeps).zip(&pace.adds) {
            *noise = keeps * *noise + adds * self.random.normal();
        }
        let unrest = 1.0 + self.noise[SLOW] + self.noise[QUICK];
        let load = (rhythm.load(self.role, time_ms) * self.share * unrest).clamp(0.01, 1.2);
        let cpu = self.levels.cpu_at(load);
        self.warmth = if self.warmth.is_nan() { cpu } else { self.warmth + pace.warms * (cpu - self.warmth) };
        let filled = self.weekly_fill * (time_ms.rem_euclid(WEEK_MS) as f64 / WEEK_MS as f64);
        self.levels.follow(load, &self.noise, self.warmth, filled, values);
        // A reboot is planned and quick: it shows in the uptime alone, so that all that is strange is labelled.
        values[UPTIME] = ((time.as_ms() + self.booted_ms).rem_euclid(self.boot_cycle_ms) / 1000) as f64;
        let mut statuses = Statuses::default();
        (0..SERVICES.len()).for_each(|service| statuses.set(service, Status::Online));
        if let Some(incident) = self.incident_at(time, all) {
            let swing = self.levels.cpu.1 * (opposite(self.role, load) - load);
            let stuck = self.stuck.get_or_insert_with(|| Box::new(*values));
            effects::show(&Scene { incident, time, swing, stuck }, values, &mut statuses);
        }
        keep_valid(values);
        statuses
    }

    fn incident_at<'a>(&mut self, time: EventTime, all: &'a [Incident]) -> Option<&'a Incident> {
        while let Some(incident) = self.incidents.last().map(|&number| &all[number]) {
            if time < incident.end {
                return (incident.start <= time).then_some(incident);
            }
            self.incidents.pop();
            self.stuck = None;
        }
        None
    }
}

/// The name of a host.
pub(super) fn name(number: u64) -> String {
    format!("host-{number:05}")
}

/// A second where the interval is made of whole ones, else a millisecond.
pub(super) fn whole_seconds(interval_ms: i64) -> i64 {
    if interval_ms % 1000 == 0 { 1000 } else { 1 }
}
