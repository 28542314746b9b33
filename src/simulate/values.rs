//! The numbers of one reading, by their places in the native schema.

/// As many as the native schema has.
pub(super) const METRICS: usize = 13;

/// A number per metric, in the order of the native schema.
pub(super) type Values = [f64; METRICS];

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

/// The services that a reading speaks of, in the order of the native schema.
pub(super) const SERVICES: [&str; 3] = ["database", "api_gateway", "cache"];

/// Brings numbers into the ranges of the native schema, and counts to whole numbers.
pub(super) fn keep_valid(values: &mut Values) {
    for percent in [CPU, MEMORY, DISK, IO_WAIT, ERRORS] {
        values[percent] = values[percent].clamp(0.0, 100.0);
    }
    for amount in [LATENCY, NETWORK_IN, NETWORK_OUT, POWER, UPTIME] {
        values[amount] = values[amount].max(0.0);
    }
    values[THREADS] = values[THREADS].round().max(1.0);
    values[CONNECTIONS] = values[CONNECTIONS].round().max(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::model::{Schema, Services};

    #[test]
    fn places_and_services_are_those_of_the_native_schema() {
        let schema = Schema::native();
        assert_eq!(schema.metrics.len(), METRICS);
        for (name, place) in
            [("cpu_usage", CPU), ("io_wait", IO_WAIT), ("error_rate", ERRORS), ("uptime_seconds", UPTIME)]
        {
            assert_eq!(schema.index_of(name), Some(place));
        }
        assert_eq!(
            schema.services,
            Services::Named { names: SERVICES.map(String::from).to_vec(), required: true }
        );
    }

    #[test]
    fn whatever_the_numbers_were_they_become_valid() {
        for wild in [-1e9, -0.4, 0.0, 3.7, 1e9] {
            let mut values = [wild; METRICS];
            keep_valid(&mut values);
            for (value, metric) in values.iter().zip(&Schema::native().metrics) {
                assert!(metric.range.contains(*value), "{} is {value}", metric.name);
            }
        }
    }
}
