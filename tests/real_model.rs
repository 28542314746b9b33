//! A real model on this machine: `TIDEWATCH_TEST_LLAMA_SERVER` names llama.cpp's `llama-server`, `TIDEWATCH_TEST_MODEL` a
//! GGUF file. Without them the test says that it skips; with `TIDEWATCH_TEST_REQUIRE=all` that is a failure.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;

use crate::support::Folder;

struct LlamaServer {
    child: Child,
    port: u16,
}

impl LlamaServer {
    /// Starts it, or says why there is none.
    fn start() -> Option<LlamaServer> {
        let named = |name| std::env::var_os(name);
        let found = (named("TIDEWATCH_TEST_LLAMA_SERVER"), named("TIDEWATCH_TEST_MODEL"));
        let (Some(server), Some(model)) = found else {
            let why = "TIDEWATCH_TEST_LLAMA_SERVER and TIDEWATCH_TEST_MODEL do not name a server and a model";
            assert!(named("TIDEWATCH_TEST_REQUIRE").is_none_or(|all| all != "all"), "{why}");
            eprintln!("skipped: {why}");
            return None;
        };
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
