//! One host: its load over day and week, and the metrics that follow it.

use std::sync::LazyLock;

use super::incidents::Incident;
use super::random::Random;
use crate::flow::model::{Status, Statuses};
use crate::flow::time::EventTime;

/// As many as the native schema has.
pub(super) const METRICS: usize = 13;
pub(super) const CPU: usize = 0;
pub(super) const MEMORY: usize = 1;
pub(super) const LATENCY: usize = 2;
pub(super) const DISK: usize = 3;
pub(super) const NETWORK_IN: usize = 4;
pub(super) const NETWORK_OUT: usize = 5;
pub(super) const IO_WAIT: usize = 6;
pub(super) const THREADS: usize = 7;
pub(super) const CONNECTIONS: usize = 8;
pub(super) const ERRORS: usize = 9;
pub(super) const TEMPERATURE: usize = 10;
pub(super) const POWER: usize = 11;
pub(super) const UPTIME: usize = 12;

/// What a host is for, which sets its levels: cpu, memory, latency, disk, network, connections.
const ROLES: [[f64; 6]; 4] = [
    [18.0, 45.0, 90.0, 35.0, 1800.0, 220.0],
    [25.0, 68.0, 30.0, 60.0, 900.0, 120.0],
    [12.0, 75.0, 8.0, 25.0, 1400.0, 300.0],
    [35.0, 50.0, 250.0, 45.0, 500.0, 40.0],
];

const MINUTES: usize = 1440;

/// The load of each minute of a day: least at 4, greatest at 16 o'clock.
static DAY: LazyLock<[f64; MINUTES]> = LazyLock::new(|| {
    std::array::from_fn(|minute| {
        let turn = (minute as f64 - 240.0) / MINUTES as f64 * std::f64::consts::TAU;
        0.5 - 0.5 * libm::cos(turn)
    })
});

/// A host.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) values: [f64; METRICS],
    /// Numbers of its incidents.
    pub(super) incidents: Vec<usize>,
    random: Random,
    levels: [f64; 6],
    shift_minutes: i64,
    uptime_seconds: i64,
    /// Slow noise of load and of memory.
    slow: [f64; 2],
    /// The values as they were when a flat line began.
    frozen: Option<(usize, [f64; METRICS])>,
}

impl Host {
    pub(super) fn new(seed: u64, number: usize) -> Host {
        let mut random = Random::new(seed, number as u64);
        let role = ROLES[number % ROLES.len()];
        let levels = role.map(|level| level * (0.85 + 0.3 * random.unit()));
        Host {
            name: format!("host-{number:05}"),
            values: [0.0; METRICS],
            incidents: Vec::new(),
            shift_minutes: random.below(120) as i64,
            uptime_seconds: 10_000 + random.below(5_000_000) as i64,
            random,
            levels,
            slow: [0.0; 2],
            frozen: None,
        }
    }

    /// An even number in [0, 1) of the host's own.
    pub(super) fn chance(&mut self) -> f64 {
        self.random.unit()
    }

    /// Takes a sample. Draws the same random numbers whether something is wrong or not.
    pub(super) fn advance(&mut self, time: EventTime, elapsed_ms: i64, all: &[Incident]) -> Statuses {
        let minute = time.as_ms().div_euclid(60_000) + self.shift_minutes;
        let weekday = (minute.div_euclid(MINUTES as i64) + 3).rem_euclid(7);
        let weekend = if weekday >= 5 { 0.6 } else { 1.0 };
        let rhythm = DAY[minute.rem_euclid(MINUTES as i64) as usize] * weekend;
        for slow in &mut self.slow {
            *slow = 0.97 * *slow + 0.243 * self.random.normal();
        }
        let load = (rhythm + 0.05 * self.slow[0]).clamp(0.0, 1.2);
        self.follow(load, elapsed_ms);
        let mut statuses = Statuses::default();
        (0..3).for_each(|service| statuses.set(service, Status::Online));
        for at in 0..self.incidents.len() {
            let number = self.incidents[at];
            let incident = &all[number];
            if (incident.start..incident.end).contains(&time) {
                if self.frozen.is_none_or(|(of, _)| of != number) {
                    self.frozen = Some((number, self.values));
                }
                let frozen = self.frozen.map_or(self.values, |(_, values)| values);
                incident.spoil(time, &frozen, &mut self.values, &mut statuses);
            }
        }
        self.keep_valid();
        statuses
    }

    fn follow(&mut self, load: f64, elapsed_ms: i64) {
        let [cpu, memory, latency, disk, network, connections] = self.levels;
        let mut noise = [0.0; METRICS];
        noise.fill_with(|| self.random.normal());
        let days = elapsed_ms as f64 / 86_400_000.0;
        let v = &mut self.values;
        v[CPU] = cpu + 40.0 * load + 1.5 * noise[CPU];
        v[MEMORY] = memory + 8.0 * load + self.slow[1] + 0.4 * noise[MEMORY];
        v[LATENCY] = latency * (1.0 + 0.6 * load * load + 0.04 * noise[LATENCY]);
        v[DISK] = disk + 0.3 * days + 0.05 * noise[DISK];
        v[NETWORK_IN] = network * (0.4 + load + 0.03 * noise[NETWORK_IN]);
        v[NETWORK_OUT] = 0.8 * v[NETWORK_IN] + 0.02 * network * noise[NETWORK_OUT];
        v[IO_WAIT] = 2.0 + 5.0 * load + 0.4 * noise[IO_WAIT];
        v[THREADS] = (120.0 + 60.0 * load + 2.0 * noise[THREADS]).round();
        v[CONNECTIONS] = (connections * (0.3 + load + 0.03 * noise[CONNECTIONS])).round();
        v[ERRORS] = 0.05 + 0.05 * load + 0.008 * noise[ERRORS];
        v[TEMPERATURE] = 38.0 + 0.35 * v[CPU] + 0.4 * noise[TEMPERATURE];
        v[POWER] = 110.0 + 2.1 * v[CPU] + 2.0 * noise[POWER];
        v[UPTIME] = (self.uptime_seconds + elapsed_ms / 1000) as f64;
    }

    fn keep_valid(&mut self) {
        for percent in [CPU, MEMORY, DISK, IO_WAIT, ERRORS] {
            self.values[percent] = self.values[percent].clamp(0.0, 100.0);
        }
        for positive in [LATENCY, NETWORK_IN, NETWORK_OUT, CONNECTIONS, POWER] {
            self.values[positive] = self.values[positive].max(0.0);
        }
        self.values[THREADS] = self.values[THREADS].max(1.0);
    }
}
