//! What people say of findings, next to a broker: by command and by page.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::broker::shared;
use super::instance::{App, Instance, until};

const TOPOLOGY: &str = r#"
name = "said"
[source]
topic = "said-in"
[window]
size = "1m"
grace = "0s"
[[metric]]
name = "cpu"
[services]
required = false
[[detect]]
kind = "z-score"
baseline = "history"
warm_up = 30
threshold = 6
[sink]
topic = "said-out"
"#;

/// Readings of two hosts in those minutes; in the minutes named cpu is high.
fn minutes(range: std::ops::Range<u64>, high: &[u64]) -> String {
    let mut lines = Vec::new();
    for (minute, part, host) in range
        .flat_map(|minute| (0..12).map(move |part| (minute, part / 2, ["web-1", "web-2"][part as usize % 2])))
    {
        let second = minute * 60 + part * 10;
        let cpu = if high.contains(&minute) && part == 3 { 97 } else { 40 + (second * 7 / 10) % 5 };
        lines.push(json!({"timestamp": 1_767_225_600 + second, "entity": host, "cpu": cpu}).to_string());
    }
    lines.join("\n")
}

fn post(instance: &Instance, body: &Value) -> String {
    let log = instance.log();
    let port =
        log.split("address=127.0.0.1:").nth(1).unwrap().split(|c: char| !c.is_ascii_digit()).next().unwrap();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let body = body.to_string();
    let head = "POST /api/feedback HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_was_said_by_command_and_by_page_holds_and_can_be_audited() {
    let Some(cluster) = shared() else { return };
    let mut app = App::new(&cluster.servers(), "said", "");
    app.folder.write("t.toml", TOPOLOGY);
    app.flags = "--topology t.toml".to_owned();
    app.folder.write("first.ndjson", minutes(0..30, &[20]));
    app.run("produce first.ndjson --partitions 2").fine();
    let mut instance = app.start("s", "");
    instance.wait_done();
    let findings = || app.run("consume findings").fine().reports();
    until("both hosts are told of", || findings().len() == 2);

    // The finding on one host is marked by command, the other host is muted by page.
    let of_web_1: Vec<Value> = findings().into_iter().filter(|report| report["entity"] == "web-1").collect();
    app.folder.write("said.ndjson", of_web_1[0].to_string());
    let ran = app.run("feedback said.ndjson --note backup").fine();
    assert!(ran.err.contains("1 marks sent to said-in"), "{}", ran.err);
    let mute = json!({"tidewatch": "mute", "entity": "web-2", "until": "2026-01-01T00:45:00Z"});
    let answer = post(&instance, &mute);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    until("both were heard", || instance.metric("tidewatch_feedback_total") == Some(2.0));
    let answer = post(&instance, &json!({"tidewatch": "mute", "untill": 5}));
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("untill"), "{answer}");

    app.folder.write("then.ndjson", minutes(30..60, &[40, 50]));
    app.run("produce then.ndjson").fine();
    // Of web-2 once the mute has ended, of web-1 no more.
    until("the muted host is told of again", || findings().len() == 3);
    until("what is expected is counted", || {
        instance.metric("tidewatch_anomalies_untold_total").is_some_and(|count| count >= 3.0)
    });
    let last: Vec<Value> = findings()
        .into_iter()
        .filter(|report| report["timestamp"].as_str() > Some("2026-01-01T00:30"))
        .collect();
    assert_eq!((last.len(), &last[0]["entity"]), (1, &json!("web-2")));
    assert_eq!(last[0]["window"]["start"], "2026-01-01T00:50:00Z");
    instance.stop();
    app.audit().fine();
}

#[test]
fn a_file_with_one_line_that_cannot_be_used_sends_nothing() {
    let Some(cluster) = shared() else { return };
    let mut app = App::new(&cluster.servers(), "unsaid", "");
    app.flags = "--set source.topic=unsaid-in".to_owned();
    for (text, words) in [
        ("{\"tidewatch\":\"mute\",\"entity\":\"a\"}\n{\"entity\":\"a\"}", "line 2: neither feedback"),
        ("{\"tidewatch\":\"hush\",\"entity\":\"a\"}", "line 1: feedback: unknown variant `hush`"),
        ("{\"tidewatch\":\"mute\",\"entity\":\"\"}", "line 1: feedback: entity is \"\""),
        ("nonsense", "line 1: expected ident"),
        ("", "nothing is said there"),
    ] {
        app.folder.write("said", text);
        let ran = app.run("feedback said");
        assert!(ran.code == 65 && ran.err.contains(words), "{text}: {} {}", ran.code, ran.err);
    }
    let ran = app.run("feedback missing");
    assert!(ran.code == 1 && ran.err.contains("missing: No such file"), "{}", ran.err);
}
