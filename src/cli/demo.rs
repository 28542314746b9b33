//! `tidewatch demo`: a simulated fleet through the topology, in memory, and what it finds as it finds it.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;

use super::advice::{self, AdviceFlags};
use super::settings::{self, Environment};
use super::table::{Table, line};
use super::{Exit, TopologyChoice, feedback, page};
use crate::edge::ports::Advisor;
use crate::edge::web::Key;
use crate::flow::chain::Chain;
use crate::flow::detection::{DetectionSettings, Keeping};
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord, Role};
use crate::flow::sink::report::Report;
use crate::flow::{Counts, Flow};
use crate::run;
use crate::run::screen::Screen;
use crate::simulate::write::{Encoder, Format as Written};
use crate::simulate::{Fleet, FleetSettings};
use crate::topology::Topology;

/// The flags of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoFlags {
    /// How many hosts
    #[arg(long, default_value_t = 20)]
    entities: usize,
    /// How many simulated hours
    #[arg(long, default_value_t = 24.0)]
    hours: f64,
    /// How many incidents
    #[arg(long, default_value_t = 8)]
    incidents: usize,
    /// Of everything random
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Simulated seconds a second, or max: a day in two and a half minutes
    #[arg(long, default_value = "600")]
    speed: String,
    /// Where the live page is [default: 127.0.0.1:8600, or any free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Keep the page up after the end, until Ctrl-C [default: where stdout is a terminal]
    #[arg(long)]
    stay: bool,
    #[command(flatten)]
    advice: AdviceFlags,
    #[command(flatten)]
    choice: TopologyChoice,
}

/// Shows.
pub(super) fn run(flags: &DemoFlags, environment: &Environment) -> Exit {
    let topology = match settings::load(&flags.choice, environment) {
        Ok(topology) => topology,
        Err(problem) => return Exit::configuration(&problem),
    };
    let pace = match flags.speed.as_str() {
        "max" => None,
        text => match text.parse::<f64>() {
            Ok(speed) if speed > 0.0 => Some(speed),
            _ => return Exit::usage(&format!("--speed {text} is neither a number above 0 nor max")),
        },
    };
    let duration_ms = (flags.hours * 3_600_000.0) as i64;
    let fleet = match Fleet::new(FleetSettings::of(flags.entities, duration_ms, flags.incidents, flags.seed))
    {
        Ok(fleet) => fleet,
        Err(error) => return Exit::usage(&error),
    };
    let mut adviser = match advice::prepare(&topology, &flags.choice, &flags.advice, environment) {
        Ok(adviser) => adviser,
        Err(problem) => return Exit::configuration(&problem),
    };
    let advisor = adviser.advisor.take();
    let token = page::token(environment);
    let (screen, address) = match open_page(flags.listen.as_deref(), &topology, token) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let detection = DetectionSettings { glances: true, ..topology.detection(false, Keeping::Nothing) };
    let flow = Chain::new(&detection, adviser.settings.clone());
    let (table, counts) = (Table::default(), Counts::default());
    let stays = flags.stay || io::stdout().is_terminal();
    let (words, said) = mpsc::sync_channel(64);
    screen.listen(feedback::ear_in_memory(topology, words));
    match (Demo { fleet, flow, advisor, pace, table, counts, screen, address, said }).run() {
        Ok(()) if stays => {
            println!("\nThe page stays at http://{address}/ until Ctrl-C.");
            page::stay()
        }
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => Exit::failed(&error),
    }
}

/// The page at the usual place, or, where another program has it, at any.
fn open_page(
    listen: Option<&str>,
    topology: &Topology,
    token: Option<Key>,
) -> Result<(Arc<Screen>, SocketAddr), Exit> {
    let free = |listen: &str| std::net::TcpListener::bind(listen).is_ok();
    let listen = listen.unwrap_or(if free(page::LISTEN) { page::LISTEN } else { "127.0.0.1:0" });
    let about = page::about(topology, "demo", topology.advise.enabled);
    page::open(listen, about, &topology.schema, token)
}

struct Demo {
    fleet: Fleet,
    flow: Chain,
    advisor: Option<Box<dyn Advisor>>,
    /// Simulated seconds a second.
    pace: Option<f64>,
    table: Table,
    counts: Counts,
    screen: Arc<Screen>,
    address: SocketAddr,
    /// What people say on the page.
    said: mpsc::Receiver<Vec<u8>>,
}

impl Demo {
    fn run(mut self) -> io::Result<()> {
        let labels = self.fleet.labels().len();
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "A simulated fleet with {labels} incidents. Detectors learn first; findings follow. Live page: http://{}/\n",
            self.address
        )?;
        out.flush()?;
        writeln!(out, "{}", super::table::HEADER)?;
        let (mut encoder, mut bytes) = (Encoder::new(Written::Ndjson), Vec::new());
        let (mut offset, mut minute) = (0, None);
        while let Some(reading) = self.fleet.next_reading() {
            let now = reading.time.as_ms().div_euclid(60_000);
            bytes.clear();
            encoder.reading(&reading, &mut bytes);
            self.take(&mut offset, bytes.trim_ascii_end());
            while let Ok(words) = self.said.try_recv() {
                self.take(&mut offset, &words);
            }
            if minute.is_none_or(|minute| now > minute) {
                minute = Some(now);
                self.show(offset, &mut out)?;
                self.wait();
            }
        }
        self.flow.finish();
        self.show(offset, &mut out)?;
        writeln!(out, "\n{}", self.table.text(&self.counts, None))
    }

    fn take(&mut self, offset: &mut u64, value: &[u8]) {
        let (format, extent) = (Format::Json, Extent::Whole);
        let origin = Origin::default();
        self.flow.process(&[RawRecord { offset: Offset(*offset), origin, key: None, value, format, extent }]);
        *offset += 1;
    }

    /// Prints what was found since the last time.
    fn show(&mut self, next: u64, out: &mut impl Write) -> io::Result<()> {
        if let Some(advisor) = &mut self.advisor {
            self.flow.pull(Offset(next));
            run::advise::settle(&mut self.flow, &mut **advisor);
        }
        let epoch = self.flow.epoch(Offset(next));
        self.counts.add(&epoch.counts);
        self.screen.saw(&epoch);
        for output in epoch.outputs.iter().filter(|output| output.role == Role::Reports) {
            let Ok(report) = serde_json::from_slice::<Report>(&output.value) else { continue };
            if let Some((text, _, _)) = line(&report) {
                writeln!(out, "{text}")?;
                for advice in report.recommendations.iter().take(1) {
                    writeln!(out, "{:20} ↳ {}", "", advice.action)?;
                }
            }
            self.table.count(&report);
        }
        out.flush()
    }

    /// Lets a simulated minute pass.
    fn wait(&self) {
        if let Some(pace) = self.pace {
            // Nothing is ever sent: the time-out is the wait.
            let (_sender, receiver) = mpsc::channel::<()>();
            let _ = receiver.recv_timeout(Duration::from_secs_f64((60.0 / pace).min(60.0)));
        }
    }
}
