//! Advice as a user gets it: a model named by the environment, answers written down and given again, rules of one's own.

use std::io::Read;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::model::{Does, Model, SECRET};
use crate::support::{Folder, reading};

/// Hosts whose database is offline, one after the other.
fn outages(hosts: usize) -> String {
    let down = json!({"database": "offline", "api_gateway": "online", "cache": "online"});
    let lines: Vec<String> = (0..hosts)
        .map(|at| reading(&format!("web-{at}"), at as u64 * 10, &[("service_status", down.clone())]))
        .collect();
    lines.join("\n")
}

#[test]
fn a_model_named_by_the_environment_advises_and_its_key_is_shown_nowhere() {
    let folder = Folder::new();
    folder.write("in.ndjson", outages(20));
    for takes_the_key in [true, false] {
        let does = if takes_the_key { Does::Advises } else { Does::Refuses };
        let model = Model::new(move |_| does);
        let words =
            "--log-level trace replay in.ndjson --format ndjson --out out --state state --advice-to answers";
        let ran = model.run(&folder, words).fine();
        let source = if takes_the_key { "llm" } else { "rules" };
        assert_eq!(ran.reports()[0]["advice"]["source"], source, "{}", ran.out);
        assert_eq!((ran.reports().len(), model.calls()), (20, 1), "like incidents are one call");
        let files = ["out/reports.ndjson", "out/summary.json", "answers"].map(|name| folder.read(name));
        for text in files.iter().chain([&ran.out, &ran.err]) {
            assert!(!text.is_empty() && !text.contains(SECRET), "{text}");
        }
        std::fs::remove_dir_all(folder.file("state")).unwrap();
        std::fs::remove_dir_all(folder.file("out")).unwrap();
    }
}

#[test]
fn answers_that_were_written_down_repeat_a_replay_byte_for_byte() {
    let (folder, model) = (Folder::new(), Model::new(|_| Does::Advises));
    folder.write("in.ndjson", outages(5));
    let asked = model.run(&folder, "replay in.ndjson --format ndjson --advice-to answers").fine();
    let again = folder.run("replay in.ndjson --format ndjson --advice-from answers").fine();
    assert_eq!(asked.out, again.out);
    assert!(asked.out.contains("\"source\":\"llm\",\"model\":\"test-model\""));
    let none = model.run(&folder, "replay in.ndjson --format ndjson --no-advice").fine();
    assert!(!none.out.contains("\"advice\""));
    assert_eq!(model.calls(), 1);
    assert_eq!(folder.run("replay in.ndjson --advice-to answers").code, 78, "there is no model to ask");
    folder.write("answers", "{\"question\": 7}\n");
    assert_eq!(folder.run("replay in.ndjson --advice-from answers").code, 78);
}

#[test]
fn what_was_answered_before_a_restart_is_not_asked_again() {
    let (folder, model) = (Folder::new(), Model::new(|_| Does::Advises));
    folder.write("in.ndjson", outages(3));
    model.run(&folder, "replay in.ndjson --state s --format ndjson").fine();
    folder.write("more.ndjson", outages(9));
    let more = model.run(&folder, "replay more.ndjson --state s --format ndjson --set window.time=entity");
    assert_eq!(more.code, 78, "another topology has another state");
    let more = model.run(&folder, "replay more.ndjson --state s --format ndjson").fine();
    assert_eq!(model.calls(), 1, "{}", more.out);
    assert!(folder.run("state list s").fine().out.contains("advise answers"));
    folder.run("state verify s").fine();
}

#[test]
fn rules_of_ones_own_are_used_and_checked_with_the_topology() {
    let folder = Folder::new();
    folder.write("in.ndjson", outages(1));
    folder
        .write("own.toml", "name = \"own\"\n[[detect]]\nkind = \"status\"\n[advise]\nrunbook = \"rules\"\n");
    folder.write(
        "rules",
        "service_status.database offline | low | Call {entity}'s owner | they know | phone=7",
    );
    folder.run("topology check own.toml").fine();
    let report =
        folder.run("replay in.ndjson --topology own.toml --format ndjson").fine().reports().remove(0);
    let advice = &report["recommendations"][0];
    assert_eq!(
        (&advice["action"], &advice["parameters"]["phone"]),
        (&json!("Call web-0's owner"), &json!(7))
    );
    folder.write(
        "rules",
        "service_status.database down | low | Call somebody | they know\ncpu above | low | Look now | x",
    );
    let checked = folder.run("topology check own.toml");
    assert_eq!(checked.code, 78);
    assert!(checked.err.contains("rules line 1: a service is offline, degraded"), "{}", checked.err);
    std::fs::remove_file(folder.file("rules")).unwrap();
    assert!(folder.run("topology check own.toml").err.contains("advise.runbook: read"));
}

#[test]
fn notes_are_told_where_they_fit_and_the_key_may_be_in_a_file() {
    let folder = Folder::new();
    folder.write("in.ndjson", outages(1));
    folder.write("key", format!("{SECRET}\n"));
    std::fs::create_dir(folder.file("notes")).unwrap();
    folder.write("notes/storage.md", "# Database\nFail over with dbctl.\n# Printer\nTurn it off and on.\n");
    let seen = Arc::new(Mutex::new(String::new()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let told = Arc::clone(&seen);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut piece = [0; 8192];
        while !told.lock().unwrap().contains("END DATA") {
            let read = stream.read(&mut piece).unwrap();
            told.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..read]));
        }
    });
    let mut command = folder.command("replay in.ndjson --set advise.notes=notes --set advise.deadline=1s");
    command.env("TIDEWATCH_LLM_BASE_URL", url).env("TIDEWATCH_LLM_API_KEY_FILE", "key");
    assert!(command.output().unwrap().status.success());
    server.join().unwrap();
    let told = seen.lock().unwrap();
    assert!(told.contains("Fail over with dbctl") && !told.contains("Printer"), "{told}");
    assert!(told.to_lowercase().contains(&format!("authorization: bearer {SECRET}")));
}
