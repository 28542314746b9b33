//! Running the program as a user does, in a folder of its own.

pub mod model;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A folder that is removed when the test is over.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tidewatch-test-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The program with these words (split at blanks) as arguments, run in the folder, with nothing of our environment.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
        command.args(words.split_whitespace()).current_dir(&self.0).env_clear();
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, words: &str) -> Ran {
        Ran::of(&self.command(words).output().unwrap())
    }

    pub fn run_with_input(&self, words: &str, input: &[u8]) -> Ran {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeding = std::thread::spawn(move || {
            // The program may have stopped reading: its exit code tells.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap();
        Ran::of(&output)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: &Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test unless the run ended well.
    pub fn fine(self) -> Ran {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// The reports on stdout.
    pub fn reports(&self) -> Vec<Value> {
        lines(&self.out)
    }
}

/// JSON values, one a line.
pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// A file of the golden folder.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A reading of the native schema as JSON: everything usual but what is given.
pub fn reading(entity: &str, second: u64, changes: &[(&str, Value)]) -> String {
    let (hour, minute, rest) = (second / 3600, second / 60 % 60, second % 60);
    let day = 1 + hour / 24;
    let mut reading = serde_json::json!({
        "timestamp": format!("2026-01-{day:02}T{:02}:{minute:02}:{rest:02}Z", hour % 24), "entity": entity,
        "cpu_usage": 40.0 + (second * 7 % 11) as f64, "memory_usage": 60.0 + (second * 3 % 7) as f64,
        "latency_ms": 100.0 + (second * 5 % 13) as f64, "disk_usage": 50.0 + (second % 3) as f64,
        "network_in_kbps": 1000.0 + (second * 11 % 17) as f64, "network_out_kbps": 900.0 + (second * 13 % 19) as f64,
        "io_wait": 5.0 + (second % 2) as f64, "thread_count": 140 + second * 17 % 5,
        "active_connections": 80 + second * 19 % 23, "error_rate": 0.1 + (second * 23 % 29) as f64 / 1000.0,
        "uptime_seconds": 1000 + second, "temperature_celsius": 55.0 + (second * 29 % 31) as f64 / 10.0,
        "power_consumption_watts": 200.0 + (second * 31 % 37) as f64,
        "service_status": {"database": "online", "api_gateway": "online", "cache": "online"}
    });
    for (name, value) in changes {
        match value {
            Value::String(text) if text == "(missing)" => {
                reading.as_object_mut().unwrap().remove(*name);
            }
            value => reading[*name] = value.clone(),
        }
    }
    reading.to_string()
}
