//! Who advises: the runbook, a model that the environment names, or the answers in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::TopologyChoice;
use super::settings::{Environment, Problem, problems};
use crate::edge::llm::{self, Counted, Limits, Llm, LlmSettings};
use crate::edge::ports::Advisor;
use crate::edge::recorded::{Recorded, Recording};
use crate::edge::web::Key;
use crate::flow::advise::notes::{MAX_SECTIONS, Notes};
use crate::flow::advise::runbook::Runbook;
use crate::flow::advise::settings::AdviseSettings;
use crate::topology::{BudgetSettings, Topology};

/// A larger file is no runbook.
const MAX_FILE_BYTES: u64 = 1 << 20;
pub(super) const KEYS: [&str; 4] =
    ["TIDEWATCH_LLM_API_KEY", "TIDEWATCH_OPENAI_API_KEY", "LLM_API_KEY", "OPENAI_API_KEY"];
pub(super) const BASE_URLS: [&str; 2] = ["TIDEWATCH_LLM_BASE_URL", "LLM_BASE_URL"];
pub(super) const MODELS: [&str; 2] = ["TIDEWATCH_LLM_MODEL", "LLM_MODEL"];

/// The flags of commands that give advice.
#[derive(Clone, Debug, Args)]
pub(super) struct AdviceFlags {
    /// Give no recommendations
    #[arg(long)]
    no_advice: bool,
    /// Ask no model: take its answers from this file, as --advice-to wrote it
    #[arg(long, value_name = "FILE", conflicts_with = "no_advice")]
    advice_from: Option<PathBuf>,
    /// Write what a model answers to this file
    #[arg(long, value_name = "FILE", conflicts_with = "no_advice")]
    advice_to: Option<PathBuf>,
}

/// What the flow `advise` is made of, and who answers its questions.
pub(super) struct Adviser {
    pub(super) settings: AdviseSettings,
    pub(super) advisor: Option<Box<dyn Advisor>>,
    counted: Option<Box<dyn Fn() -> Counted>>,
}

impl Adviser {
    /// What happened to a model's questions, where one was asked.
    pub(super) fn counted(&self) -> Option<Counted> {
        self.counted.as_ref().map(|counted| counted())
    }
}

/// Reads what the topology names, and starts what the environment names.
pub(super) fn prepare(
    topology: &Topology,
    choice: &TopologyChoice,
    flags: &AdviceFlags,
    environment: &Environment,
) -> Result<Adviser, Problem> {
    let mut settings = settings(topology, choice, environment)?;
    settings.enabled &= !flags.no_advice;
    let mut adviser = Adviser { settings, advisor: None, counted: None };
    if !adviser.settings.enabled {
        return Ok(adviser);
    }
    if let Some(file) = &flags.advice_from {
        let recorded = Recorded::open(file).map_err(|error| told(&error))?;
        adviser.settings.model = Some(recorded.model().unwrap_or("recorded").to_owned());
        adviser.advisor = Some(Box::new(recorded));
        return Ok(adviser);
    }
    let Some(model) = model(topology, environment)? else {
        if flags.advice_to.is_some() {
            let names = [KEYS[0], BASE_URLS[0]].join(" nor ");
            return Err(Problem(format!("--advice-to: no model is asked: neither {names} is set")));
        }
        return Ok(adviser);
    };
    adviser.settings.model = Some(model.model.clone());
    let llm = Llm::start(model).map_err(|error| told(&error))?;
    adviser.counted = Some(Box::new(llm.counter()));
    adviser.advisor = Some(match &flags.advice_to {
        None => Box::new(llm.advisor()),
        Some(file) => Box::new(Recording::new(llm.advisor(), file).map_err(|error| told(&error))?),
    });
    Ok(adviser)
}

/// The same for a run, in which many ask one model.
pub(super) fn prepare_run(
    topology: &Topology,
    choice: &TopologyChoice,
    no_advice: bool,
    environment: &Environment,
) -> Result<(AdviseSettings, Option<Llm>), Problem> {
    let mut settings = settings(topology, choice, environment)?;
    settings.enabled &= !no_advice;
    let Some(model) = model(topology, environment)?.filter(|_| settings.enabled) else {
        return Ok((settings, None));
    };
    settings.model = Some(model.model.clone());
    Ok((settings, Some(Llm::start(model).map_err(|error| told(&error))?)))
}

/// The flow's settings, without a model: what `topology check` looks at as well.
pub(super) fn settings(
    topology: &Topology,
    choice: &TopologyChoice,
    environment: &Environment,
) -> Result<AdviseSettings, Problem> {
    let said = &topology.advise;
    let beside = choice.topology.clone().or_else(|| environment.get("TIDEWATCH_TOPOLOGY"));
    let folder = beside.as_deref().map(Path::new).filter(|path| path.is_file()).and_then(Path::parent);
    let path = |name: &str| folder.unwrap_or(Path::new("")).join(name);
    let runbook = match &said.runbook {
        None => Runbook::built_in(),
        Some(name) => {
            let text = read(&path(name), "advise.runbook")?;
            Arc::new(topology.runbook(name, &text).map_err(|found| problems(&topology.name, &found))?)
        }
    };
    let notes = said.notes.as_ref().map_or(Ok(Notes::default()), |name| notes(&path(name)))?;
    Ok(AdviseSettings {
        runbook,
        notes: Arc::new(notes),
        pseudonyms: said.pseudonyms,
        max_open: said.open,
        ..AdviseSettings::runbook(said.enabled)
    })
}

/// The sections of every Markdown file of a folder, in the order of their names.
fn notes(folder: &Path) -> Result<Notes, Problem> {
    let problem = |error| Problem(format!("advise.notes: read {}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path.extension().is_some_and(|ending| ending == "md") {
            files.push(path);
        }
    }
    files.sort();
    let mut notes = Notes::default();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        notes.add(&name, &read(&file, "advise.notes")?);
    }
    if notes.len() == MAX_SECTIONS {
        tracing::warn!(folder = %folder.display(), "only the first {MAX_SECTIONS} sections of notes are used");
    }
    Ok(notes)
}

fn read(path: &Path, key: &str) -> Result<String, Problem> {
    let problem = |what: &dyn std::fmt::Display| Problem(format!("{key}: read {}: {what}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| problem(&error))?.len();
    if length > MAX_FILE_BYTES {
        return Err(problem(&format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| problem(&error))
}

/// The model that the environment names, if it does: by a key or an address.
fn model(topology: &Topology, environment: &Environment) -> Result<Option<LlmSettings>, Problem> {
    let key = key(environment)?;
    let base_url = environment.first(&BASE_URLS).map(|(_, url)| url);
    if key.is_none() && base_url.is_none() {
        return Ok(None);
    }
    let name = environment.first(&MODELS).map_or_else(|| llm::DEFAULT_MODEL.to_owned(), |(_, name)| name);
    let base_url = base_url.as_deref().unwrap_or(llm::DEFAULT_BASE_URL);
    let said = &topology.advise;
    let BudgetSettings { calls_an_hour, calls_a_day, tokens_an_hour, tokens_a_day } = said.budget;
    Ok(Some(LlmSettings {
        deadline: Duration::from_millis(said.deadline_ms.unsigned_abs()),
        concurrency: said.concurrency,
        limits: Limits { calls_an_hour, calls_a_day, tokens_an_hour, tokens_a_day },
        ..LlmSettings::new(base_url, &name, key)
    }))
}

/// The key, from the environment or from the file that it names.
fn key(environment: &Environment) -> Result<Option<Key>, Problem> {
    for name in KEYS {
        if let Some(key) = environment.get(name) {
            return Ok(Some(Key::new(&key)));
        }
        let file = format!("{name}_FILE");
        if let Some(path) = environment.get(&file) {
            return read(Path::new(&path), &file).map(|text| Some(Key::new(&text)));
        }
    }
    Ok(None)
}

fn told(error: &dyn std::error::Error) -> Problem {
    let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
    Problem(format!("{error}{cause}"))
}
