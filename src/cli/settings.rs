//! Flags before environment before `.env` before topology file before defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::flow::detect::settings::Kind;
use crate::topology::{self, Topology};

use super::TopologyChoice;

/// What is wrong with the configuration, for people.
#[derive(Clone, Debug)]
pub(super) struct Problem(pub(super) String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The environment, and behind it the `.env` file of the working directory.
#[derive(Debug, Default)]
pub(super) struct Environment {
    dot_env: BTreeMap<String, String>,
}

impl Environment {
    /// Reads `.env` where there is one.
    pub(super) fn read() -> Result<Environment, Problem> {
        let mut dot_env = BTreeMap::new();
        if Path::new(".env").is_file() {
            let lines =
                dotenvy::from_path_iter(".env").map_err(|error| Problem(format!("read .env: {error}")))?;
            for line in lines {
                let (name, value) = line.map_err(|error| Problem(format!("read .env: {error}")))?;
                dot_env.insert(name, value);
            }
        }
        Ok(Environment { dot_env })
    }

    /// The value of a name, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        #[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
        let set = std::env::var(name).ok();
        set.or_else(|| self.dot_env.get(name).cloned()).filter(|value| !value.is_empty())
    }

    /// The first of these names that is set, with its value.
    pub(super) fn first<'a>(&self, names: &[&'a str]) -> Option<(&'a str, String)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        f64::from_str(text.trim()).map(Some).map_err(|_| Problem(format!("{name} is {text}, not a number")))
    }
}

/// The topology that the flags and the environment choose.
pub(super) fn load(choice: &TopologyChoice, environment: &Environment) -> Result<Topology, Problem> {
    let name = choice.topology.clone().or_else(|| environment.get("TIDEWATCH_TOPOLOGY"));
    let name = name.unwrap_or_else(|| "infrastructure".to_owned());
    let text = text_of(&name)?;
    let mut overrides = from_environment(environment);
    for override_ in &choice.overrides {
        let (path, value) = override_
            .split_once('=')
            .ok_or_else(|| Problem(format!("--set {override_}: expected PATH=VALUE, e.g. window.size=1h")))?;
        overrides.push((path.trim().to_owned(), value.to_owned()));
    }
    let mut topology = topology::with_overrides(&text, &overrides).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        Problem(format!("topology {name} has {} {}:{}", lines.len(), plural(lines.len()), lines.concat()))
    })?;
    for warning in &topology.warnings {
        tracing::warn!(topology = name, "{warning}");
    }
    adjust(&mut topology, choice, environment)?;
    Ok(topology)
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "problem" } else { "problems" }
}

fn from_environment(environment: &Environment) -> Vec<(String, String)> {
    let names: [(&str, &[&str]); 2] = [
        ("source.topic", &["TIDEWATCH_KAFKA_INPUT_TOPIC", "KAFKA_INPUT_TOPIC"]),
        ("sink.topic", &["TIDEWATCH_KAFKA_OUTPUT_TOPIC", "KAFKA_OUTPUT_TOPIC"]),
    ];
    names.iter().filter_map(|(path, names)| Some(((*path).to_owned(), environment.first(names)?.1))).collect()
}

/// `--detector`, `--threshold`, `--contamination`, and what stands for them in the environment.
fn adjust(
    topology: &mut Topology,
    choice: &TopologyChoice,
    environment: &Environment,
) -> Result<(), Problem> {
    let problem = |source: &str, problem: &dyn fmt::Display| Problem(format!("{source}: {problem}"));
    if let Some(name) = choice.detector.clone().or_else(|| environment.get("TIDEWATCH_DETECTOR")) {
        let kind = Kind::ALL.iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            Problem(format!("--detector {name} is not known; there are {}", names.join(", ")))
        })?;
        topology.keep_only(*kind);
    }
    // The predecessor's threshold was that of its z-score alone, whatever strategy ran.
    if let Some(threshold) = environment.number("ANOMALY_THRESHOLD")? {
        topology.set_z_score_threshold(threshold).map_err(|error| problem("ANOMALY_THRESHOLD", &error))?;
    }
    if let Some(threshold) = environment.number("TIDEWATCH_THRESHOLD")? {
        topology.set_threshold(threshold).map_err(|error| problem("TIDEWATCH_THRESHOLD", &error))?;
    }
    if let Some(threshold) = choice.threshold {
        topology.set_threshold(threshold).map_err(|error| problem("--threshold", &error))?;
    }
    for name in ["CONTAMINATION_RATE", "TIDEWATCH_CONTAMINATION"] {
        if let Some(share) = environment.number(name)? {
            topology.set_contamination(share).map_err(|error| problem(name, &error))?;
        }
    }
    if let Some(share) = choice.contamination {
        topology.set_contamination(share).map_err(|error| problem("--contamination", &error))?;
    }
    Ok(())
}

/// The text of a built-in topology or of a file.
pub(super) fn text_of(name: &str) -> Result<String, Problem> {
    if let Some(text) = topology::builtin(name) {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(name).map_err(|error| {
        let names = topology::BUILTIN_NAMES.join(", ");
        Problem(format!("read topology {name}: {error} (built in are {names})"))
    })
}
