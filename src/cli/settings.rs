//! Flags before environment before `.env` before topology file before defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::flow::detect::settings::{Baseline, Kind};
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

    /// Everything whose name begins so, without that beginning; the environment before `.env`.
    pub(super) fn with_prefix(&self, prefix: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let set = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        for (name, value) in self.dot_env.clone().into_iter().chain(set) {
            if let Some(rest) = name.strip_prefix(prefix).filter(|rest| !rest.is_empty())
                && !value.is_empty()
            {
                found.insert(rest.to_owned(), value);
            }
        }
        found
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
    let kind = chosen_kind(choice, environment)?;
    let mut overrides = from_environment(environment);
    for override_ in &choice.overrides {
        let (path, value) = override_
            .split_once('=')
            .ok_or_else(|| Problem(format!("--set {override_}: expected PATH=VALUE, e.g. window.size=1h")))?;
        overrides.push((path.trim().to_owned(), value.to_owned()));
    }
    if let Some(kind) = kind {
        overrides = among_kept(&text, kind, overrides)?;
    }
    let mut topology =
        topology::with_overrides(&text, &overrides).map_err(|found| problems(&name, &found))?;
    if let Some(kind) = kind {
        topology.keep_only(kind);
    }
    for warning in &topology.warnings {
        tracing::warn!(topology = name, "{warning}");
    }
    adjust(&mut topology, choice, environment)?;
    Ok(topology)
}

/// Where what is learned next to Kafka is kept: as the flag or the environment says, else below the working directory.
pub(super) fn state_dir(flag: Option<&PathBuf>, environment: &Environment, topology: &Topology) -> PathBuf {
    let said = flag.cloned().or_else(|| environment.get("TIDEWATCH_STATE").map(PathBuf::from));
    said.unwrap_or_else(|| PathBuf::from("state").join(&topology.name))
}

pub(super) fn problems(name: &str, found: &[topology::Problem]) -> Problem {
    let lines: Vec<String> = found.iter().map(|problem| format!("\n  {problem}")).collect();
    Problem(format!("topology {name} has {} {}:{}", lines.len(), plural(lines.len()), lines.concat()))
}

/// The kind that `--detector` names.
fn chosen_kind(choice: &TopologyChoice, environment: &Environment) -> Result<Option<Kind>, Problem> {
    let Some(name) = choice.detector.clone().or_else(|| environment.get("TIDEWATCH_DETECTOR")) else {
        return Ok(None);
    };
    let kind = Kind::ALL.iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        Problem(format!("--detector {name} is not known; there are {}", names.join(", ")))
    })?;
    Ok(Some(*kind))
}

/// With `--detector`, `detect.0` in `--set` is the first of the detectors that are kept, which is what a user sees.
fn among_kept(
    text: &str,
    kind: Kind,
    overrides: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, Problem> {
    // What is wrong with the text itself is told when it is read with the overrides.
    let Ok(topology) = topology::parse(text) else { return Ok(overrides) };
    let mut kept: Vec<usize> = Vec::new();
    kept.extend((0..topology.detectors.len()).filter(|at| topology.detectors[*at].kind == kind));
    let mut rewritten = Vec::new();
    let chooses_one = overrides.iter().any(|(path, _)| path.starts_with("detect."));
    if kept.is_empty() && chooses_one {
        let added = topology.detectors.len();
        let baseline = match topology.detectors.first().map(|first| first.baseline) {
            Some(Baseline::Window) => "window",
            Some(Baseline::History) | None => "history",
        };
        rewritten.push((format!("detect.{added}.kind"), kind.name().to_owned()));
        rewritten.push((format!("detect.{added}.baseline"), baseline.to_owned()));
        kept.push(added);
    }
    for (path, value) in overrides {
        let place = path.strip_prefix("detect.").and_then(|rest| rest.split_once('.'));
        let Some((number, key)) = place.and_then(|(at, key)| Some((at.parse::<usize>().ok()?, key))) else {
            rewritten.push((path, value));
            continue;
        };
        let Some(at) = kept.get(number) else {
            let count = kept.len();
            let name = kind.name();
            return Err(Problem(format!(
                "--set {path}: with --detector {name} there are {count} detectors, from 0"
            )));
        };
        rewritten.push((format!("detect.{at}.{key}"), value));
    }
    Ok(rewritten)
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

/// `--threshold`, `--contamination`, and what stands for them in the environment.
fn adjust(
    topology: &mut Topology,
    choice: &TopologyChoice,
    environment: &Environment,
) -> Result<(), Problem> {
    let problem = |source: &str, problem: &dyn fmt::Display| Problem(format!("{source}: {problem}"));
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
