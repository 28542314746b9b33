//! `tidewatch run` as a child process.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::broker::get;
use crate::support::{Folder, Ran};

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Ends of partitions are noted this often, and seen twice at least in a time that is longer.
const LOOK_AROUND_MS: &str = "200";
const LOOKS_APART: Duration = Duration::from_millis(700);

/// Waits until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// An application: a folder, brokers, a topology with names of its own.
pub struct App {
    pub folder: Folder,
    pub servers: String,
    /// What every command gets.
    pub flags: String,
    /// What `produce`, `run` and the others find in their environment.
    pub environment: Vec<(String, String)>,
}

impl App {
    /// Readings keyed by entity are judged by a z-score against their own window.
    pub fn new(servers: &str, name: &str, more: &str) -> App {
        let folder = Folder::new();
        folder.write(
            "t.toml",
            format!(
                "name = \"{name}\"\n[source]\ntopic = \"{name}-in\"\n[window]\nsize = \"1m\"\ngrace = \"10s\"\n\
                 [[detect]]\nkind = \"z-score\"\nwarm_up = 30\n[sink]\ntopic = \"{name}-out\"\n"
            ),
        );
        let flags = format!("--topology t.toml {more}");
        App { folder, servers: servers.to_owned(), flags, environment: Vec::new() }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = self.folder.command(&format!("{words} {}", self.flags));
        command.env("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS", &self.servers);
        command.env("TIDEWATCH_KAFKA_CLIENT_STATISTICS_INTERVAL_MS", LOOK_AROUND_MS);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &str) -> Ran {
        Ran::of(&self.command(words).output().unwrap())
    }

    /// Starts an instance with a state directory of that name.
    pub fn start(&self, state: &str, more: &str) -> Instance {
        let log = self.folder.file(&format!("{state}-{}.log", self.folder.count()));
        let file = std::fs::File::create(&log).unwrap();
        let mut command = self.command(&format!("run --state {state} --listen 127.0.0.1:0 {more}"));
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Instance { child, log, port: None }
    }

    /// Starts an instance that cannot go on, and gives how it ended.
    pub fn refused(&self, state: &str, more: &str) -> Ran {
        let mut instance = self.start(state, more);
        let code = instance.wait().code().unwrap_or(-1);
        Ran { code, out: String::new(), err: instance.log() }
    }

    /// Creates the input with so many partitions and fills it.
    pub fn fill(&self, lines: &[String], partitions: u32) {
        self.folder.write("input.ndjson", lines.join("\n") + "\n");
        self.run(&format!("produce input.ndjson --partitions {partitions}")).fine();
    }

    /// What an audit says.
    pub fn audit(&self) -> Ran {
        self.run("audit")
    }
}

/// The same texts in the same order; where not, the first that differs is told, and not all of them.
pub fn assert_same<A: AsRef<str>, B: AsRef<str>>(found: &[A], expected: &[B], what: &str) {
    let differs = found.iter().zip(expected).position(|(a, b)| a.as_ref() != b.as_ref());
    if let Some(at) = differs {
        panic!("{what}: {at} is {} and must be {}", found[at].as_ref(), expected[at].as_ref());
    }
    assert_eq!(found.len(), expected.len(), "{what}: too many or too few");
}

/// A process.
pub struct Instance {
    child: Child,
    log: std::path::PathBuf,
    port: Option<u16>,
}

impl Instance {
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn port(&mut self) -> Option<u16> {
        if self.port.is_none() {
            let log = self.log();
            let address = log.split("address=127.0.0.1:").nth(1)?;
            self.port = address.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        }
        self.port
    }

    pub fn get(&mut self, path: &str) -> Option<(u16, String)> {
        get(self.port()?, path)
    }

    pub fn is_ready(&mut self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status == 200)
    }

    pub fn wait_ready(&mut self) {
        let begun = Instant::now();
        while !self.is_ready() {
            let ended = self.has_ended();
            assert!(
                !ended && begun.elapsed() < PATIENCE,
                "not ready: {:?} {}",
                self.get("/readyz"),
                self.log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Whether everything that the input holds is committed: by all flows, and it stays so.
    pub fn is_done(&mut self) -> bool {
        let mut look = || {
            let tasks = self.metric("tidewatch_task_live").filter(|_| self.is_ready())?;
            let known = self.series("tidewatch_lag_records")?;
            let none_left = self.metric("tidewatch_lag_records") == Some(0.0);
            (none_left && known.len() as f64 >= tasks).then(|| self.metric("tidewatch_position_records"))?
        };
        let first = look();
        if first.is_some() {
            sleep(LOOKS_APART);
        }
        first.is_some() && first == look()
    }

    /// Waits until it is done.
    pub fn wait_done(&mut self) {
        let begun = Instant::now();
        while !self.is_done() {
            let ended = self.has_ended();
            assert!(
                !ended && begun.elapsed() < PATIENCE,
                "not done: {:?} {}",
                self.get("/readyz"),
                self.log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    fn series(&mut self, name: &str) -> Option<Vec<f64>> {
        let (_, text) = self.get("/metrics")?;
        let of = |line: &str| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ']))?;
            rest.rsplit(' ').next()?.parse::<f64>().ok()
        };
        Some(text.lines().filter_map(of).collect())
    }

    /// The sum over all series of a metric.
    pub fn metric(&mut self, name: &str) -> Option<f64> {
        Some(self.series(name)?.iter().sum())
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the end of the process", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }

    /// SIGTERM, and how long it took to end well.
    pub fn stop(&mut self) -> Duration {
        let begun = Instant::now();
        self.signal("-TERM");
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        begun.elapsed()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
