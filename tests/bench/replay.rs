//! What a replay costs, as a table: `cargo bench --bench replay`. Everything in it is measured in the same minutes, in turn,
//! on one core, from an NDJSON file to reports that nobody writes. With TIDEWATCH_BENCH_LONG=1 also the memory that ten million
//! readings take.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use tidewatch::flow::advise::settings::AdviseSettings;
use tidewatch::flow::detection::Keeping;
use tidewatch::run::{Replay, ReplaySettings};
use tidewatch::simulate::write::{Encoder, Format};
use tidewatch::simulate::{Fleet, FleetSettings};
use tidewatch::topology;

const ROUNDS: usize = 3;

/// A topology's keys and their values.
type Keys = &'static [(&'static str, &'static str)];

/// What is measured: a name, the target in readings a second, and the topology's keys.
const RUNS: &[(&str, &str, Keys)] = &[
    ("z-score, window", "1,000,000", &[("detect.0.kind", "z-score"), ("detect.0.baseline", "window")]),
    ("z-score, history", "", &[("detect.0.kind", "z-score")]),
    (
        "pca-mahalanobis, window",
        "700,000",
        &[("detect.0.kind", "pca-mahalanobis"), ("detect.0.baseline", "window")],
    ),
    (
        "pca-mahalanobis, history",
        "700,000",
        &[("detect.0.kind", "pca-mahalanobis"), ("detect.0.refit_every", "30")],
    ),
    ("clusters, history", "", &[("detect.0.kind", "clusters")]),
];
/// A forest is fitted once on a day of readings; what that takes, by a replay of that day alone, is not counted.
const FOREST: Keys = &[
    ("detect.0.kind", "isolation-forest"),
    ("detect.0.warm_up", "8600"),
    ("detect.0.refit_every", "100000000"),
];
const FOREST_ENTITIES: usize = 20;
const READINGS_A_DAY: u64 = 8640;

struct Input {
    path: PathBuf,
    readings: u64,
}

impl Drop for Input {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A simulated fleet as NDJSON.
fn input(entities: usize, readings: u64) -> Input {
    let path =
        std::env::temp_dir().join(format!("tidewatch-bench-{}-{entities}-{readings}", std::process::id()));
    let ticks = readings.div_ceil(entities as u64) as i64;
    let mut fleet = Fleet::new(FleetSettings::of(entities, ticks * 10_000, 0, 7)).unwrap();
    let mut file = std::io::BufWriter::with_capacity(1 << 20, fs::File::create(&path).unwrap());
    let (mut encoder, mut line, mut count) = (Encoder::new(Format::Ndjson), Vec::new(), 0);
    while let Some(reading) = fleet.next_reading() {
        line.clear();
        encoder.reading(&reading, &mut line);
        file.write_all(&line).unwrap();
        count += 1;
    }
    file.flush().unwrap();
    Input { path, readings: count }
}

/// Seconds from file to reports.
fn replay(input: &Input, keys: &[(&str, &str)]) -> f64 {
    let keys: Vec<(String, String)> =
        keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let bare = "name = \"bench\"\n[window]\nsize = \"5m\"\n";
    let topology = topology::with_overrides(bare, &keys).unwrap_or_else(|problems| panic!("{problems:?}"));
    let settings = ReplaySettings {
        name: topology.name.clone(),
        topology: topology.fingerprint(),
        detection: topology.detection(false, Keeping::Nothing),
        advise: AdviseSettings::runbook(true),
        files: vec![input.path.clone()],
        state: None,
        out: None,
        leave_open: false,
        commit_every_records: 200_000,
    };
    let start = Instant::now();
    let ended = Replay::open(settings, None).unwrap().run(&mut |_, _| Ok(())).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(ended.counts.windowed + ended.counts.late, input.readings);
    seconds
}

/// Seconds of `json.loads` over the lines, without reading the file; none where there is no Python.
fn python(input: &Input) -> Option<f64> {
    let program = "import json,sys,time\nlines=open(sys.argv[1],'rb').read().splitlines()\nstart=time.perf_counter()\n\
                   for line in lines: json.loads(line)\nprint(time.perf_counter()-start)";
    let output = Command::new("python3").args(["-c", program]).arg(&input.path).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The greatest resident memory of a replay by the program itself, in MiB (Linux).
fn memory_mib(path: &Path) -> Option<u64> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidewatch"))
        .arg("replay")
        .arg(path)
        .stdout(Stdio::null())
        .spawn()
        .ok()?;
    let mut greatest = None;
    while child.try_wait().ok()?.is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        greatest = greatest.max(kib.map(|kib| kib / 1024));
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    greatest
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

fn main() {
    let fleet = input(1000, 1_000_000);
    let day = input(FOREST_ENTITIES, FOREST_ENTITIES as u64 * READINGS_A_DAY);
    let days = input(FOREST_ENTITIES, FOREST_ENTITIES as u64 * READINGS_A_DAY * 4);
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); RUNS.len() + 1];
    let mut loads = Vec::new();
    for _ in 0..ROUNDS {
        for (times, (_, _, keys)) in seconds.iter_mut().zip(RUNS) {
            times.push(replay(&fleet, keys));
        }
        seconds[RUNS.len()].push(replay(&days, FOREST) - replay(&day, FOREST));
        loads.extend(python(&fleet));
    }
    let python_rate = (!loads.is_empty()).then(|| fleet.readings as f64 / median(&mut loads));
    println!("| file to reports, one core | readings/s | at least | times `json.loads` |\n|---|---|---|---|");
    let forest = ("isolation-forest, history, fitted once, scoring", "200,000", FOREST);
    for ((name, target, _), times) in RUNS.iter().copied().chain([forest]).zip(&mut seconds) {
        let readings =
            if name.starts_with("isolation") { days.readings - day.readings } else { fleet.readings };
        let rate = readings as f64 / median(times);
        let ratio = python_rate.map_or("no python3".to_owned(), |python| format!("{:.1}", rate / python));
        println!("| {name} | {} | {target} | {ratio} |", grouped(rate));
    }
    if let Some(rate) = python_rate {
        println!("| Python's `json.loads` alone | {} | | 1 |", grouped(rate));
    }
    println!("\n| entities | ns a reading (z-score, window, 3 million readings) |\n|---|---|");
    for entities in [100, 10_000, 100_000] {
        let fleet = input(entities, 3_000_000);
        let mut times: Vec<f64> = (0..ROUNDS).map(|_| replay(&fleet, RUNS[0].2)).collect();
        println!(
            "| {} | {:.0} |",
            grouped(entities as f64),
            median(&mut times) / fleet.readings as f64 * 1e9
        );
    }
    let long = std::env::var_os("TIDEWATCH_BENCH_LONG").is_some();
    let large = input(1000, if long { 10_000_000 } else { 1_000_000 });
    if let Some(mib) = memory_mib(&large.path) {
        println!(
            "\n{} readings of 1,000 entities, default topology: {mib} MiB",
            grouped(large.readings as f64)
        );
    }
}
