//! Laws of the whole fleet.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::write::{Encoder, Format};
use super::*;
use crate::flow::model::{Schema, Status};

const HOUR_MS: i64 = 3_600_000;

/// A run without losses or delays.
fn clean(entities: usize, hours: i64, incidents: usize, seed: u64) -> FleetSettings {
    let settings = FleetSettings::of(entities, hours * HOUR_MS, incidents, seed);
    FleetSettings { missing_share: 0.0, late_share: 0.0, ..settings }
}

/// Entity, time, values and statuses, in the order of arrival.
type Row = (String, EventTime, [f64; METRICS], u64);

fn readings(settings: &FleetSettings) -> Vec<Row> {
    let mut fleet = Fleet::new(settings.clone()).unwrap();
    let mut rows = Vec::new();
    while let Some(reading) = fleet.next_reading() {
        rows.push((reading.entity.to_owned(), reading.time, *reading.values, reading.statuses.to_bits()));
    }
    rows
}

fn bytes(settings: &FleetSettings, format: Format) -> Vec<u8> {
    let (mut fleet, mut encoder, mut out) =
        (Fleet::new(settings.clone()).unwrap(), Encoder::new(format), Vec::new());
    encoder.head(&mut out);
    while let Some(reading) = fleet.next_reading() {
        encoder.reading(&reading, &mut out);
    }
    encoder.foot(&mut out);
    out
}

fn check_valid(rows: &[Row]) {
    let schema = Schema::native();
    for (entity, time, values, statuses) in rows {
        for (value, metric) in values.iter().zip(&schema.metrics) {
            assert!(metric.range.contains(*value), "{} of {entity} at {time} is {value}", metric.name);
        }
        let statuses = Statuses::from_bits(*statuses);
        assert!((0..3).all(|service| statuses.get(service).is_some()) && statuses.get(3).is_none());
    }
}

#[test]
fn the_same_seed_makes_the_same_bytes_and_another_seed_others() {
    let settings = FleetSettings::of(5, HOUR_MS, 3, 7);
    for format in [Format::Ndjson, Format::Csv, Format::Json] {
        assert_eq!(bytes(&settings, format), bytes(&settings, format));
        assert_ne!(bytes(&settings, format), bytes(&FleetSettings { seed: 8, ..settings.clone() }, format));
    }
}

/// Fails where another machine computes other bits, and wherever the fleet is made differently: then take the new sum.
#[test]
fn every_machine_makes_the_same_bytes() {
    let sum = bytes(&FleetSettings::of(20, 6 * HOUR_MS, 9, 7), Format::Ndjson)
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(sum, 0x6882_b1a4_0685_7591, "FNV-1a of all bytes: {sum:#x}");
}

#[test]
fn every_reading_of_two_weeks_is_valid() {
    for seed in 0..3 {
        let settings =
            FleetSettings { interval_ms: 300_000, ..FleetSettings::of(10, 14 * 24 * HOUR_MS, 40, seed) };
        check_valid(&readings(&settings));
    }
}

#[test]
fn a_hosts_readings_do_not_depend_on_how_many_others_there_are() {
    let of_host_1 = |entities| {
        let settings = FleetSettings {
            missing_share: 0.1,
            late_share: 0.1,
            ..FleetSettings::of(entities, HOUR_MS, 0, 7)
        };
        let mut rows = readings(&settings);
        rows.retain(|(entity, ..)| entity == "host-00001");
        rows
    };
    assert!(of_host_1(2).len() > 200);
    assert_eq!(of_host_1(2), of_host_1(50));
}

#[test]
fn nothing_but_its_incidents_tells_a_run_from_a_quiet_one() {
    let settings = clean(5, 12, 10, 3);
    let fleet = Fleet::new(settings.clone()).unwrap();
    let quiet = readings(&FleetSettings { incidents: 0, ..settings.clone() });
    for (quiet, loud) in quiet.iter().zip(&readings(&settings)) {
        let struck = fleet
            .labels()
            .iter()
            .any(|label| label.entity == quiet.0 && label.start <= quiet.1 && quiet.1 < label.end);
        assert!(struck || quiet == loud, "{} at {}", quiet.0, quiet.1);
    }
}

#[test]
fn the_metrics_of_an_incident_differ_visibly_while_it_lasts() {
    for seed in 0..6 {
        let settings = clean(10, 6, 16, seed);
        let labels = Fleet::new(settings.clone()).unwrap().labels().to_vec();
        let (quiet, loud) =
            (readings(&FleetSettings { incidents: 0, ..settings.clone() }), readings(&settings));
        for label in &labels {
            for metric in &label.metrics {
                check_visible(label, metric, &quiet, &loud);
            }
        }
    }
}

/// At its worst an incident is further from the quiet run than that run's readings are from each other; a hanging
/// sensor says one thing only.
fn check_visible(label: &Incident, metric: &str, quiet: &[Row], loud: &[Row]) {
    let of_incident = |rows: &[Row]| -> Vec<(f64, u64)> {
        let inside =
            rows.iter().filter(|row| row.0 == label.entity && (label.start..label.end).contains(&row.1));
        let place = Schema::native().index_of(metric);
        inside.map(|row| (place.map_or(0.0, |place| row.2[place]), row.3)).collect()
    };
    let (quiet, loud) = (of_incident(quiet), of_incident(loud));
    if let Some(service) = metric.strip_prefix("service_status.") {
        let place = values::SERVICES.iter().position(|name| *name == service).unwrap();
        let offline =
            loud.iter().filter(|row| Statuses::from_bits(row.1).get(place) == Some(Status::Offline));
        assert!(offline.count() * 2 > loud.len(), "{label:?}");
        return;
    }
    if label.kind == Kind::FlatLine {
        assert!(loud.iter().all(|row| row.0 == loud[0].0), "{metric}: {label:?}");
        assert!(quiet.iter().any(|row| row.0 != quiet[0].0), "{metric}: {label:?}");
        return;
    }
    let mean = quiet.iter().map(|row| row.0).sum::<f64>() / quiet.len() as f64;
    let variance = quiet.iter().map(|row| (row.0 - mean).powi(2)).sum::<f64>() / quiet.len() as f64;
    let worst = quiet.iter().zip(&loud).map(|(quiet, loud)| (quiet.0 - loud.0).abs()).fold(0.0, f64::max);
    let deviations = worst / variance.sqrt();
    assert!(deviations > 4.0, "{metric} differs by {deviations:.1} deviations: {label:?}");
}

#[test]
fn lost_and_late_readings_are_as_many_as_asked_for() {
    let settings =
        FleetSettings { missing_share: 0.1, late_share: 0.05, ..FleetSettings::of(50, HOUR_MS, 0, 1) };
    let rows = readings(&settings);
    let share = rows.len() as f64 / (50.0 * 360.0);
    assert!((0.89..0.91).contains(&share), "{share} of all readings arrived");
    let (mut latest, mut late) = (settings.start, 0);
    for (_, time, ..) in &rows {
        late += u32::from(*time < latest);
        latest = latest.max(*time);
    }
    let share = f64::from(late) / (50.0 * 360.0);
    assert!((0.043..0.057).contains(&share), "{share} of all readings came out of order");
}

#[test]
fn without_losses_every_host_reports_once_an_interval_in_order() {
    let rows = readings(&clean(20, 1, 0, 5));
    assert_eq!(rows.len(), 20 * 360);
    assert!(rows.windows(2).all(|two| two[0].1 <= two[1].1));
    let mut last: BTreeMap<&str, EventTime> = BTreeMap::new();
    for (entity, time, ..) in &rows {
        if let Some(before) = last.insert(entity, *time) {
            assert_eq!(time.as_ms() - before.as_ms(), 10_000);
        }
    }
}

#[test]
fn uptime_grows_and_starts_again_at_a_reboot() {
    let settings = FleetSettings { interval_ms: HOUR_MS, ..clean(4, 24 * 90, 0, 2) };
    for host in ["host-00000", "host-00003"] {
        let rows = readings(&settings);
        let uptimes: Vec<f64> =
            rows.iter().filter(|row| row.0 == host).map(|row| row.2[values::UPTIME]).collect();
        let reboots = uptimes.windows(2).filter(|two| two[1] < two[0]).count();
        let grows = uptimes.windows(2).filter(|two| two[1] - two[0] == 3600.0).count();
        assert!((1..=5).contains(&reboots), "{reboots} reboots");
        assert_eq!(grows + reboots + 1, uptimes.len());
    }
}

#[test]
fn cpu_latency_power_and_heat_go_with_traffic_whatever_a_host_is_for() {
    let rows = readings(&clean(5, 48, 0, 4));
    for host in 0..5 {
        let of_host = || rows.iter().filter(|row| row.0 == host::name(host));
        let column = |metric: usize| -> Vec<f64> { of_host().map(|row| row.2[metric]).collect() };
        let traffic = column(values::CONNECTIONS);
        for metric in [values::CPU, values::LATENCY, values::NETWORK_IN, values::POWER, values::TEMPERATURE] {
            let together = correlation(&traffic, &column(metric));
            assert!(together > 0.85, "metric {metric} of host {host} correlates by {together:.2}");
        }
    }
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &[f64], mean_x: f64, y: &[f64], mean_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum()
    };
    product(a, mean_a, b, mean_b) / (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_the_settings_readings_are_valid_and_labels_lie_inside_the_run(
        entities in 1..8_usize,
        interval_ms in prop_oneof![1..3_000_i64, (1..400_i64).prop_map(|s| s * 1000)],
        intervals in 1..300_i64,
        rest in 0.0..1.0_f64,
        incidents in 0..12_usize,
        seed: u64,
        missing_share in 0.0..0.5_f64,
        late_share in 0.0..0.5_f64,
    ) {
        let duration_ms = intervals * interval_ms + (rest * interval_ms as f64) as i64;
        let settings = FleetSettings {
            interval_ms, missing_share, late_share, ..FleetSettings::of(entities, duration_ms, incidents, seed)
        };
        let fleet = match Fleet::new(settings.clone()) {
            Ok(fleet) => fleet,
            Err(error) => {
                let no_room = matches!(error, FleetError::Incidents { room, .. } if room < incidents);
                prop_assert!(no_room, "{error}");
                return Ok(());
            }
        };
        let end = settings.start.plus_ms(duration_ms);
        prop_assert_eq!(fleet.labels().len(), incidents);
        for label in fleet.labels() {
            prop_assert!(settings.start <= label.start && label.start < label.end && label.end <= end);
        }
        let rows = readings(&settings);
        check_valid(&rows);
        prop_assert!(rows.iter().all(|row| settings.start <= row.1 && row.1 < end));
    }
}
