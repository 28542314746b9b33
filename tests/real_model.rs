//! A real model on this machine: a small one and llama.cpp's server, as `tests/model/fetch` gets them, or those that
//! `TIDEWATCH_TEST_LLAMA_SERVER` and `TIDEWATCH_TEST_MODEL` (a GGUF file) name. Without them the tests say that they skip; with
//! `TIDEWATCH_TEST_REQUIRE=all` that is a failure, unless `TIDEWATCH_TEST_WITHOUT=model` says that none can be had.
//!
//! How often its answers are right is counted by
//! `cargo test --test suite real_model::how_often -- --ignored --nocapture`.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;

use tidewatch::edge::llm::{Llm, LlmSettings};
use tidewatch::edge::ports::Advisor;
use tidewatch::flow::Flow;
use tidewatch::flow::advise::Advise;
use tidewatch::flow::advise::question::Outcome;
use tidewatch::flow::advise::settings::AdviseSettings;
use tidewatch::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use tidewatch::flow::task::{FlowName, TaskId};

use crate::support::Folder;

struct LlamaServer {
    child: Child,
    port: u16,
}

impl LlamaServer {
    /// Starts it, or says why there is none.
    fn start() -> Option<LlamaServer> {
        let (server, model) = found()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(&server)
            .args([
                "--host",
                "127.0.0.1",
                "-c",
                "4096",
                "-t",
                "2",
                "-np",
                "1",
                "--port",
                &port.to_string(),
                "-m",
            ])
            .arg(model)
            .env("LD_LIBRARY_PATH", Path::new(&server).parent().unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut started = LlamaServer { child, port };
        started.wait_until_ready();
        Some(started)
    }

    fn wait_until_ready(&mut self) {
        let (_sender, receiver) = channel::<()>();
        for _ in 0..600 {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended: {status}");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            let _ = receiver.recv_timeout(Duration::from_millis(100));
        }
        panic!("the server is not ready after a minute");
    }
}

/// The server and the model.
fn found() -> Option<(PathBuf, PathBuf)> {
    let named = |name| std::env::var_os(name).map(PathBuf::from);
    if let (Some(server), Some(model)) = (named("TIDEWATCH_TEST_LLAMA_SERVER"), named("TIDEWATCH_TEST_MODEL"))
    {
        return Some((server, model));
    }
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    let fetched = cache.join("tidewatch-test/model-1");
    if fetched.join("complete").exists() {
        return Some((fetched.join("server/llama-server"), fetched.join("model.gguf")));
    }
    let why = "this needs a model, as tests/model/fetch gets it";
    let says = |name, what: &str| std::env::var_os(name).is_some_and(|said| said == what);
    let is_required = says("TIDEWATCH_TEST_REQUIRE", "all") && !says("TIDEWATCH_TEST_WITHOUT", "model");
    assert!(!is_required, "{why}");
    eprintln!("skipped: {why}");
    None
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_incident_is_detected_and_a_real_model_advises_on_it() {
    let Some(server) = LlamaServer::start() else { return };
    let folder = Folder::new();
    let fleet = folder.run("generate --entities 3 --hours 2 --incidents 1 --seed 3").fine().out;
    folder.write("fleet.ndjson", fleet);
    let words = "replay fleet.ndjson --format ndjson --set detect.0.warm_up=200 --set advise.deadline=3m";
    let mut command = folder.command(words);
    let url = format!("http://127.0.0.1:{}/v1", server.port);
    command.env("LLM_BASE_URL", url).env("LLM_MODEL", "local");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let reports: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let schema: Value = serde_json::from_str(&folder.run("schema report").fine().out).unwrap();
    let advised = |source: &str| reports.iter().filter(|report| report["advice"]["source"] == source).count();
    eprintln!("llm {}, cache {}, rules {}", advised("llm"), advised("cache"), advised("rules"));
    assert!(advised("llm") > 0, "{text}");
    for report in &reports {
        assert!(jsonschema::is_valid(&schema, report), "{report}");
        let targets = ["host-00000", "host-00001", "host-00002", "database", "api_gateway", "cache"];
        for one in report["recommendations"].as_array().unwrap() {
            assert!(targets.contains(&one["target"].as_str().unwrap()), "{one}");
        }
    }
}

/// The first finding of each incident of a simulated fleet.
fn incidents(count: usize) -> Vec<String> {
    let folder = Folder::new();
    let fleet = folder.run("generate --entities 80 --hours 4 --incidents 240 --seed 7").fine().out;
    folder.write("fleet.ndjson", fleet);
    let found =
        folder.run("replay fleet.ndjson --no-advice --format ndjson --set detect.0.warm_up=200").fine();
    let opened = found.out.lines().filter(|line| line.contains("\"state\":\"opened\""));
    opened.take(count).map(str::to_owned).collect()
}

/// Asks about one incident as if it were the first one ever.
fn ask(model: &Llm, finding: &str) -> Option<Outcome> {
    let settings = AdviseSettings { model: Some("local".to_owned()), ..AdviseSettings::runbook(true) };
    let mut flow = Advise::with(settings);
    flow.process(&[RawRecord {
        offset: Offset(0),
        origin: Origin::default(),
        key: None,
        value: finding.as_bytes(),
        format: Format::Json,
        extent: Extent::Whole,
    }]);
    let mut advisor = model.advisor();
    advisor.ask(TaskId { flow: FlowName::Advise, partition: 0 }, flow.questions().pop()?);
    Some(advisor.answers(Duration::from_hours(1)).pop()?.1.outcome)
}

/// `TIDEWATCH_TEST_INCIDENTS` says of how many incidents (200), `TIDEWATCH_TEST_MINUTES` for how long at most (no limit).
#[test]
#[ignore = "it takes minutes, and counts instead of judging"]
#[expect(clippy::disallowed_methods, reason = "it is stopped by the clock")]
fn how_often_a_real_models_answers_are_right() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let Some(server) = LlamaServer::start() else { return };
    let incidents = incidents(number("TIDEWATCH_TEST_INCIDENTS").unwrap_or(200) as usize);
    let limit =
        number("TIDEWATCH_TEST_MINUTES").map_or(Duration::MAX, |minutes| Duration::from_secs(minutes * 60));
    let settings = LlmSettings::new(&format!("http://127.0.0.1:{}/v1", server.port), "local", None);
    let model = Llm::start(LlmSettings { deadline: Duration::from_mins(5), ..settings }).unwrap();
    let (begun, mut tries, mut reasons) = (std::time::Instant::now(), [0_usize; 3], Vec::new());
    let mut asked = 0_u32;
    for finding in &incidents {
        if begun.elapsed() > limit {
            break;
        }
        let Some(outcome) = ask(&model, finding) else { continue };
        asked += 1;
        match outcome {
            Outcome::Advised { tries: at, .. } => tries[at as usize - 1] += 1,
            Outcome::Failed(reason) => reasons.push(reason),
        }
        if asked.is_multiple_of(5) {
            eprintln!("{asked} asked: right at try 1, 2, 3: {tries:?}; {} by the runbook", reasons.len());
        }
    }
    reasons.sort();
    let counted = model.counted();
    eprintln!(
        "{asked} incidents, {:.1} s each: right at try 1, 2, 3: {tries:?}, by the runbook {}: {reasons:?}",
        begun.elapsed().as_secs_f64() / f64::from(asked.max(1)),
        reasons.len()
    );
    eprintln!("{counted:?}");
    assert!(asked > 0 && tries.iter().sum::<usize>() + reasons.len() == asked as usize);
}
