//! How an incident shows in the numbers of a host.

use super::incidents::{Course, Incident, Kind};
use super::role::{DEGREES_A_PERCENT, WATTS_A_PERCENT};
use super::values::{
    CONNECTIONS, CPU, DISK, ERRORS, IO_WAIT, LATENCY, MEMORY, NETWORK_IN, NETWORK_OUT, POWER, TEMPERATURE,
    THREADS, Values,
};
use crate::flow::model::{Status, Statuses};
use crate::flow::time::EventTime;

/// What an incident meets.
pub(super) struct Scene<'a> {
    pub(super) incident: &'a Incident,
    pub(super) time: EventTime,
    /// The CPU between here and the other end of the host's rhythm.
    pub(super) swing: f64,
    /// What a sensor said that hangs since the incident began.
    pub(super) stuck: &'a Values,
}

/// Changes a healthy sample into what it is during the incident.
pub(super) fn show(scene: &Scene<'_>, values: &mut Values, statuses: &mut Statuses) {
    let Scene { incident, time, .. } = scene;
    let (done, strength) = (incident.done(*time), incident.strength);
    match (incident.kind, incident.course) {
        (Kind::Spike, Course::Machine) => {
            let busy = values[CPU] + (96.0 - values[CPU]) * (0.8 * strength);
            heat(values, busy, 0.4);
            values[LATENCY] *= 2.8 * strength;
        }
        (Kind::Spike, Course::Traffic) => flood(values, strength),
        (Kind::LevelShift, Course::Machine) => {
            let busy = (values[CPU] + 32.0 * strength).min(97.0);
            heat(values, busy, 0.9);
        }
        (Kind::LevelShift, Course::Traffic) => {
            values[LATENCY] *= 2.4 * strength;
            values[THREADS] *= 1.5 * strength;
            values[ERRORS] += 0.9 * strength;
        }
        (Kind::Drift, Course::Machine) => values[TEMPERATURE] += 28.0 * strength * done,
        (Kind::Drift, Course::Traffic) => {
            values[DISK] += (97.0 - values[DISK]) * 0.85 * strength * done;
            values[IO_WAIT] *= 1.0 + 3.0 * strength * done;
        }
        (Kind::MemoryLeak, _) => leak(values, done, strength),
        (Kind::FlatLine, course) => {
            for &metric in incident.kind.metrics(course) {
                values[metric] = scene.stuck[metric];
            }
        }
        (Kind::CorrelationBreak, _) => {
            let parted = values[CPU] + scene.swing * strength;
            values[POWER] += WATTS_A_PERCENT * (parted - values[CPU]);
            values[CPU] = parted;
        }
        (Kind::ServiceOutage, _) => {
            let status = if (0.15..0.9).contains(&done) { Status::Offline } else { Status::Degraded };
            statuses.set(incident.service, status);
            values[ERRORS] += 14.0 * strength;
            values[LATENCY] *= 2.6 * strength;
            values[CONNECTIONS] *= 0.55;
        }
    }
}

/// A busier CPU draws more power at once, and heats as far as the chassis has come.
fn heat(values: &mut Values, busy: f64, warmed: f64) {
    let more = busy - values[CPU];
    values[CPU] = busy;
    values[POWER] += WATTS_A_PERCENT * more;
    values[TEMPERATURE] += DEGREES_A_PERCENT * warmed * more;
}

/// Requests by the thousand.
fn flood(values: &mut Values, strength: f64) {
    let busy = values[CPU] + (92.0 - values[CPU]) * 0.4;
    heat(values, busy, 0.4);
    values[NETWORK_IN] *= 4.0 * strength;
    values[NETWORK_OUT] *= 3.2 * strength;
    values[CONNECTIONS] *= 3.5 * strength;
    values[LATENCY] *= 2.5 * strength;
}

/// Memory goes towards full; the machine swaps before the end.
fn leak(values: &mut Values, done: f64, strength: f64) {
    values[MEMORY] += (98.0 - values[MEMORY]) * (done * (0.85 + 0.1 * strength));
    values[THREADS] *= 1.0 + 0.7 * strength * done;
    values[IO_WAIT] += 40.0 * (done - 0.75).max(0.0);
}
