//! `tidewatch generate`: a simulated fleet on stdout.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Exit;
use crate::simulate::write::{Encoder, Format};
use crate::simulate::{Fleet, FleetSettings, labels_json};
use crate::topology::units;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// The flags of `generate`.
#[derive(Debug, Args)]
pub(super) struct GenerateFlags {
    /// How many hosts
    #[arg(long, default_value_t = 100)]
    entities: usize,
    /// How many hours
    #[arg(long, default_value_t = 2.5)]
    hours: f64,
    /// Between two readings of a host
    #[arg(long, default_value = "10s")]
    interval: String,
    /// How many incidents
    #[arg(long, default_value_t = 0)]
    incidents: usize,
    /// Of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to write readings
    #[arg(long, value_enum, default_value = "ndjson")]
    format: FormatName,
    /// Write what goes wrong, when and where, to this file
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    Ndjson,
    Csv,
    Json,
}

/// Generates.
pub(super) fn run(flags: &GenerateFlags) -> Exit {
    let interval_ms = match units::span_ms(&flags.interval) {
        Ok(interval_ms) => interval_ms,
        Err(error) => return Exit::usage(&format!("--interval {}: {error}", flags.interval)),
    };
    let duration_ms = (flags.hours * 3_600_000.0) as i64;
    let settings = FleetSettings {
        interval_ms,
        ..FleetSettings::of(flags.entities, duration_ms, flags.incidents, flags.seed)
    };
    let fleet = match Fleet::new(settings) {
        Ok(fleet) => fleet,
        Err(error) => return Exit::usage(&error),
    };
    if let Some(path) = &flags.labels
        && let Err(error) = std::fs::write(path, labels_json(fleet.labels()))
    {
        return Exit::usage(&format!("write labels to {}: {error}", path.display()));
    }
    match write(fleet, flags.format) {
        Ok(()) => Exit::Done,
        // Whoever reads our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => Exit::failed(&error),
    }
}

fn write(mut fleet: Fleet, format: FormatName) -> io::Result<()> {
    let mut encoder = Encoder::new(match format {
        FormatName::Ndjson => Format::Ndjson,
        FormatName::Csv => Format::Csv,
        FormatName::Json => Format::Json,
    });
    let mut out = io::stdout().lock();
    let mut bytes = Vec::with_capacity(BUFFER_BYTES + 1024);
    encoder.head(&mut bytes);
    while let Some(reading) = fleet.next_reading() {
        encoder.reading(&reading, &mut bytes);
        if bytes.len() >= BUFFER_BYTES {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    encoder.foot(&mut bytes);
    out.write_all(&bytes)?;
    out.flush()
}
