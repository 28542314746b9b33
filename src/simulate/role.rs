//! What a host is for, and the levels that its metrics have because of it.

use super::random::Random;
use super::values::{CONNECTIONS, CPU, DISK, ERRORS, IO_WAIT, LATENCY, MEMORY, NETWORK_IN, NETWORK_OUT};
use super::values::{POWER, TEMPERATURE, THREADS, Values};

/// What a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Serves pages.
    Web,
    /// Keeps rows.
    Database,
    /// Keeps answers.
    Cache,
    /// Works off jobs.
    Worker,
}

impl Role {
    /// In the order of their discriminants.
    pub(super) const ALL: [Role; 4] = [Role::Web, Role::Database, Role::Cache, Role::Worker];

    /// The role of a host: two in five serve pages.
    pub(super) fn of(number: u64) -> Role {
        match number % 5 {
            0 | 2 => Role::Web,
            1 => Role::Database,
            3 => Role::Cache,
            _ => Role::Worker,
        }
    }

    fn levels(self) -> Levels {
        match self {
            Role::Web => Levels {
                cpu: Slope(6.0, 72.0),
                memory: Slope(42.0, 9.0),
                latency: 62.0,
                disk: 36.0,
                network: 2600.0,
                answer: 2.4,
                io_wait: 2.2,
                threads: Slope(96.0, 150.0),
                connections: 640.0,
                errors: 0.16,
                watts: 105.0,
            },
            Role::Database => Levels {
                cpu: Slope(9.0, 62.0),
                memory: Slope(70.0, 6.0),
                latency: 14.0,
                disk: 58.0,
                network: 3400.0,
                answer: 1.5,
                io_wait: 11.0,
                threads: Slope(72.0, 60.0),
                connections: 260.0,
                errors: 0.05,
                watts: 150.0,
            },
            Role::Cache => Levels {
                cpu: Slope(4.0, 48.0),
                memory: Slope(72.0, 5.0),
                latency: 4.6,
                disk: 21.0,
                network: 6800.0,
                answer: 1.9,
                io_wait: 1.6,
                threads: Slope(24.0, 18.0),
                connections: 1400.0,
                errors: 0.04,
                watts: 95.0,
            },
            Role::Worker => Levels {
                cpu: Slope(5.0, 88.0),
                memory: Slope(48.0, 16.0),
                latency: 240.0,
                disk: 47.0,
                network: 1500.0,
                answer: 0.7,
                io_wait: 6.0,
                threads: Slope(48.0, 80.0),
                connections: 70.0,
                errors: 0.22,
                watts: 125.0,
            },
        }
    }
}

/// A level when idle, and what full load adds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slope(f64, pub(super) f64);

impl Slope {
    fn at(self, load: f64) -> f64 {
        self.0 + self.1 * load
    }
}

/// The levels of one host.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    pub(super) cpu: Slope,
    memory: Slope,
    /// Milliseconds when idle.
    latency: f64,
    /// Percent after a clean-up.
    disk: f64,
    /// Inwards at full load.
    network: f64,
    /// How much goes out for each that comes in.
    answer: f64,
    io_wait: f64,
    threads: Slope,
    connections: f64,
    errors: f64,
    /// When idle.
    watts: f64,
}

/// Watts that a percent of CPU takes.
pub(super) const WATTS_A_PERCENT: f64 = 1.9;
/// Degrees that a percent of CPU heats in the long run.
pub(super) const DEGREES_A_PERCENT: f64 = 0.3;

impl Levels {
    /// The levels of a role, as they are on one host: no two hosts are quite the same.
    pub(super) fn draw(role: Role, random: &mut Random) -> Levels {
        let mut levels = role.levels();
        let Levels {
            cpu,
            memory,
            latency,
            disk,
            network,
            answer,
            io_wait,
            threads,
            connections,
            errors,
            watts,
        } = &mut levels;
        for narrow in [&mut cpu.1, &mut memory.0, disk, watts] {
            *narrow *= random.between(0.93, 1.07);
        }
        for wide in [&mut cpu.0, &mut memory.1, &mut threads.0, answer, errors] {
            *wide *= random.between(0.85, 1.15);
        }
        for wider in [latency, network, io_wait, connections, &mut threads.1] {
            *wider *= random.between(0.8, 1.2);
        }
        levels
    }

    /// CPU without noise.
    pub(super) fn cpu_at(&self, load: f64) -> f64 {
        self.cpu.at(load)
    }

    /// All metrics but uptime under a load. `noise` is in percent, degrees and watts where metrics are, else in shares.
    pub(super) fn follow(&self, load: f64, noise: &[f64], warmth: f64, filled: f64, values: &mut Values) {
        let spread = |metric: usize| 1.0 + noise[metric];
        values[CPU] = self.cpu_at(load) + noise[CPU];
        values[MEMORY] = self.memory.at(load) + noise[MEMORY];
        // Waiting grows as 1 / (1 - utilisation) does in a queue (M/M/1).
        values[LATENCY] = self.latency / (1.0 - 0.6 * load) * spread(LATENCY);
        values[DISK] = self.disk + filled + noise[DISK];
        values[NETWORK_IN] = self.network * (0.08 + load) * spread(NETWORK_IN);
        values[NETWORK_OUT] = self.answer * values[NETWORK_IN] * spread(NETWORK_OUT);
        values[IO_WAIT] = self.io_wait * (0.25 + load) * spread(IO_WAIT);
        values[THREADS] = self.threads.at(load) * spread(THREADS);
        values[CONNECTIONS] = self.connections * (0.06 + load) * spread(CONNECTIONS);
        values[ERRORS] = self.errors * (0.3 + load * load) * spread(ERRORS);
        values[TEMPERATURE] = 34.0 + DEGREES_A_PERCENT * warmth + noise[TEMPERATURE];
        values[POWER] = self.watts + WATTS_A_PERCENT * values[CPU] + noise[POWER];
    }
}
