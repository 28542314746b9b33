//! A server made by hand, so that it can do what no library would let it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::*;
use crate::edge::web::Key;
use crate::flow::Flow;
use crate::flow::advise::Advise;
use crate::flow::advise::settings::AdviseSettings;
use crate::flow::record::{Extent, Format, Offset, Origin, RawRecord};
use crate::flow::sink::report::Report;
use crate::flow::task::FlowName;

/// What a server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Does {
    /// Answers with a status, headers and a body.
    Says(u16, String, Vec<u8>),
    /// Answers so, in pieces of a byte with that pause.
    Drips(Vec<u8>, Duration),
    /// Says nothing for so long.
    Hangs(Duration),
    /// Closes the connection in the middle of its answer.
    BreaksOff,
}

impl Does {
    /// A completion with that text.
    pub(super) fn completes(text: &str) -> Does {
        Does::completes_so(text, "stop")
    }

    pub(super) fn completes_so(text: &str, finish: &str) -> Does {
        let body = json!({"id": "x", "choices": [{"index": 0, "finish_reason": finish,
            "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20}});
        Does::Says(200, String::new(), body.to_string().into_bytes())
    }

    pub(super) fn refuses(status: u16, message: &str) -> Does {
        let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
        Does::Says(status, String::new(), body.to_string().into_bytes())
    }
}

/// A server that does the same, or as a function of the request says.
pub(super) struct Server {
    pub(super) base_url: String,
    requests: Arc<Mutex<Vec<Value>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn new(does: impl Fn(usize, &Value) -> Does + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (requests, heads) = (Arc::default(), Arc::default());
        let server = Server { base_url, requests: Arc::clone(&requests), heads: Arc::clone(&heads) };
        let does = Arc::new(does);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (requests, heads, does) = (Arc::clone(&requests), Arc::clone(&heads), Arc::clone(&does));
                thread::spawn(move || serve(stream.unwrap(), &requests, &heads, &*does));
            }
        });
        server
    }

    pub(super) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<Value>>,
    heads: &Mutex<Vec<String>>,
    does: &(dyn Fn(usize, &Value) -> Does + Send + Sync),
) {
    let Some((head, body)) = read(&mut stream) else { return };
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push(body.clone());
        heads.lock().unwrap().push(head);
        requests.len() - 1
    };
    let head = |status: u16, headers: &str, length: usize| {
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n")
    };
    // Who has asked may have gone: that is what is tested.
    let _ = match does(number, &body) {
        Does::Says(status, headers, body) => stream
            .write_all(head(status, &headers, body.len()).as_bytes())
            .and_then(|()| stream.write_all(&body)),
        Does::Drips(body, pause) => {
            let mut written = stream.write_all(head(200, "", body.len()).as_bytes());
            for byte in body {
                if written.is_err() {
                    break;
                }
                wait(pause);
                written = stream.write_all(&[byte]);
            }
            written
        }
        Does::Hangs(long) => {
            wait(long);
            Ok(())
        }
        Does::BreaksOff => {
            stream.write_all(head(200, "", 1000).as_bytes()).and_then(|()| stream.write_all(b"{\"cho"))
        }
    };
}

/// Nothing is ever sent: the time-out is the wait.
fn wait(long: Duration) {
    let (_sender, receiver): (_, Receiver<()>) = channel();
    let _ = receiver.recv_timeout(long);
}

fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
        }
    }
}

/// The right answer to a request: a recommendation for its first target.
pub(super) fn right(request: &Value) -> String {
    let user = request["messages"][1]["content"].as_str().unwrap_or_default();
    let data: Value =
        user.lines().nth(1).and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    json!({"recommendations": [{"id": "rec-001", "action": "Restart the largest process in turn",
        "target": data["targets"][0], "parameters": {"drain": "yes"}, "benefit_estimate": "frees memory"}]})
    .to_string()
}

/// Short pauses, so that tests are quick; patience for machines that are busy.
pub(super) fn settings(base_url: &str) -> LlmSettings {
    LlmSettings {
        deadline: Duration::from_secs(20),
        first_pause: Duration::from_millis(5),
        ..LlmSettings::new(base_url, "test-model", Some(Key::new(SECRET)))
    }
}

/// Must never be seen.
pub(super) const SECRET: &str = "sk-a-very-secret-key-0123456789";

/// The finding of a host whose memory is full.
pub(super) fn finding(entity: &str) -> Vec<u8> {
    json!({"timestamp": "2026-01-01T00:05:00Z", "entity": entity,
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:05:00Z", "readings": 30},
        "insights": {"average_latency_ms": 1.0, "max_cpu_usage": 2.0, "max_memory_usage": 98.0, "error_rate": 0.0,
            "uptime_seconds": 1},
        "anomalies": [{"metric": "memory_usage", "value": 98.0, "threshold": 80.0, "severity": "high",
            "description": "memory_usage deviates", "timestamp": "2026-01-01T00:04:00Z", "entity": entity,
            "detector": "z-score", "score": 0.99, "expected": {"low": 40.0, "high": 80.0},
            "contributions": [{"metric": "memory_usage", "share": 1.0}]}],
        "recommendations": [],
        "incident": {"id": format!("{entity}-1"), "state": "opened", "since": "2026-01-01T00:00:00Z"},
        "service_status_summary": {"online": ["cache"], "degraded": [], "offline": ["database"]}})
    .to_string()
    .into_bytes()
}

/// The reports on findings, through flow and model, and what was counted.
pub(super) fn reports(settings: LlmSettings, findings: &[Vec<u8>]) -> (Vec<Report>, Counted) {
    let llm = Llm::start(settings).unwrap();
    let reports = reports_by(&llm, findings);
    (reports, llm.counted())
}

pub(super) fn reports_by(llm: &Llm, findings: &[Vec<u8>]) -> Vec<Report> {
    let model = Some("test-model".to_owned());
    let mut flow = Advise::with(AdviseSettings { model, ..AdviseSettings::runbook(true) });
    let (mut advisor, task) = (llm.advisor(), TaskId { flow: FlowName::Advise, partition: 0 });
    for (at, value) in findings.iter().enumerate() {
        flow.process(&[RawRecord {
            offset: Offset(at as u64),
            origin: Origin::default(),
            key: None,
            value,
            format: Format::Json,
            extent: Extent::Whole,
        }]);
    }
    let mut open = 0;
    loop {
        for question in flow.questions() {
            advisor.ask(task, question);
            open += 1;
        }
        if open == 0 {
            break;
        }
        for (_, answer) in advisor.answers(Duration::from_mins(1)) {
            flow.answer(answer);
            open -= 1;
        }
    }
    let outputs = flow.epoch(Offset(findings.len() as u64)).outputs;
    assert_eq!(outputs.len(), findings.len(), "nothing is lost");
    outputs.iter().map(|output| serde_json::from_slice(&output.value).unwrap()).collect()
}
