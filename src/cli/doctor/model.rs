//! Whether the model that is to advise can be asked: one question about a made-up incident, as a run would ask it.

use std::time::{Duration, Instant};

use super::Findings;
use crate::cli::TopologyChoice;
use crate::cli::advice::{self, BASE_URLS, KEYS, MODELS};
use crate::cli::settings::Environment;
use crate::edge::llm::Llm;
use crate::edge::ports::Advisor;
use crate::flow::Flow;
use crate::flow::advise::Advise;
use crate::flow::advise::question::{Outcome, Question};
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::task::{FlowName, TaskId};
use crate::topology::{BudgetSettings, Topology};

/// The answer comes within the deadline; this is for a machine that is busy.
const SLACK: Duration = Duration::from_secs(5);

/// A host whose memory is full, which nobody has.
const MADE_UP: &str = r#"{"timestamp":"2026-01-01T00:05:00Z","entity":"host-1",
"window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:05:00Z","readings":30},
"insights":{"average_latency_ms":120.0,"max_cpu_usage":45.0,"max_memory_usage":98.0,"error_rate":0.1,"uptime_seconds":1},
"anomalies":[{"metric":"memory_usage","value":98.0,"threshold":80.0,"severity":"high",
"description":"memory_usage deviates","timestamp":"2026-01-01T00:04:00Z","entity":"host-1","detector":"z-score",
"score":0.99,"expected":{"low":40.0,"high":80.0},"contributions":[{"metric":"memory_usage","share":1.0}]}],
"recommendations":[],"incident":{"id":"host-1-1","state":"opened","since":"2026-01-01T00:04:00Z"},
"service_status_summary":{"online":["cache"],"degraded":[],"offline":[]}}"#;

/// Asks it, where one is configured, and says what to do when it does not answer as it should.
pub(super) fn look_at(
    topology: &Topology,
    choice: &TopologyChoice,
    environment: &Environment,
    found: &mut Findings,
) {
    let (settings, model) = match advice::prepare_run(topology, choice, false, environment) {
        Ok(prepared) => prepared,
        Err(problem) => return found.wrong("advice", &problem.0),
    };
    let Some(model) = model else {
        let why = if settings.enabled {
            format!("from the runbook: neither {} nor {} names a model", KEYS[0], BASE_URLS[0])
        } else {
            "none: advise.enabled = false".to_owned()
        };
        return found.good("advice", &why);
    };
    let name = settings.model.clone().unwrap_or_default();
    let deadline = Duration::from_millis(topology.advise.deadline_ms.unsigned_abs());
    let Some(question) = question(settings) else {
        return found.wrong("model", "no question could be made: this is a mistake in this program");
    };
    let begun = now();
    let mut advisor = model.advisor();
    advisor.ask(TaskId { flow: FlowName::Advise, partition: 0 }, question);
    let answers = advisor.answers(deadline + SLACK);
    let took = begun.elapsed().as_secs_f64();
    match answers.first().map(|(_, answer)| (&answer.outcome, answer.usage)) {
        Some((Outcome::Advised { tries, .. }, usage)) => found.good(
            "model",
            &format!(
                "{name} is reached and advises: asked by {}, right at try {tries}, {} tokens, {took:.1} s of \
                 the {} s that it has",
                model.way_of_asking(),
                usage.tokens(),
                deadline.as_secs_f64()
            ),
        ),
        Some((Outcome::Failed(reason), _)) => found.wrong("model", &what_to_do(&name, reason, &model)),
        None => found.wrong("model", &format!("{name} has not answered within {took:.1} s")),
    }
    say_budget(topology.advise.budget, found);
}

fn question(settings: AdviseSettings) -> Option<Question> {
    let mut flow = Advise::with(settings);
    flow.process(&[RawRecord {
        offset: Offset(0),
        origin: Origin::default(),
        key: None,
        value: MADE_UP.as_bytes(),
        format: Format::Json,
        extent: Extent::Whole,
    }]);
    flow.questions().pop()
}

fn what_to_do(name: &str, reason: &str, model: &Llm) -> String {
    let contains = |part: &str| reason.contains(part);
    let (key, url, named) = (KEYS[0], BASE_URLS[0], MODELS[0]);
    let todo = if contains("take the key") {
        format!("set {key}, or the file that {key}_FILE names, to a key of that server")
    } else if contains("have the model") {
        format!("set {named} to a model that the server has")
    } else if contains("cannot be reached") {
        format!("is {url} right, is the server up, does a proxy or a firewall stand between?")
    } else if contains("answers 404") {
        format!("{url} must be what comes before /chat/completions, most often it ends with /v1")
    } else if contains("has not answered within") {
        "raise advise.deadline, or take a model that is quicker".to_owned()
    } else if contains("broke the rules") {
        format!(
            "it is reached (asked by {}), but too small or too free to keep to the form: take a larger one",
            model.way_of_asking()
        )
    } else if contains("used up") {
        "raise advise.budget: one question takes more than it allows".to_owned()
    } else {
        "--log-level debug shows what the server says".to_owned()
    };
    format!("{name}: {reason}: {todo}. Until then reports have the runbook's advice, with this reason")
}

fn say_budget(budget: BudgetSettings, found: &mut Findings) {
    let BudgetSettings { calls_an_hour, calls_a_day, tokens_an_hour, tokens_a_day } = budget;
    let limits = [
        (calls_an_hour, "calls/hour"),
        (calls_a_day, "calls/day"),
        (tokens_an_hour, "tokens/hour"),
        (tokens_a_day, "tokens/day"),
    ];
    let said: Vec<String> =
        limits.iter().filter_map(|(limit, of)| Some(format!("{} {of}", (*limit)?))).collect();
    if said.is_empty() {
        found.note(
            "budget",
            "there is none: advise.budget = [\"60 calls/hour\"] bounds what a model may cost",
        );
    } else {
        found.good("budget", &format!("{} for each process", said.join(", ")));
    }
}

#[expect(clippy::disallowed_methods, reason = "what is told is how long somebody waits")]
fn now() -> Instant {
    Instant::now()
}
