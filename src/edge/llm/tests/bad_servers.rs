//! Whatever a server does, a report leaves within the deadline, with advice and where it came from.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::*;
use super::server::{Does, SECRET, Server, finding, reports, right, settings};
use crate::flow::sink::report::{AdviceSource, Report};

/// More than the deadline, for machines that are busy.
const SLACK: Duration = Duration::from_secs(10);

/// One finding and a server of that kind: the runbook's advice with this reason.
fn check_rules(settings: LlmSettings, reason: &str) -> Counted {
    let (deadline, begun) = (settings.deadline, now());
    let (all, counted) = reports(settings, &[finding("web-1")]);
    assert!(begun.elapsed() < deadline + SLACK, "{reason}: {:?}", begun.elapsed());
    let advice = all[0].advice.as_ref().unwrap();
    assert_eq!(advice.source, AdviceSource::Rules, "{advice:?}");
    assert!(advice.reason.contains(reason), "{advice:?} lacks {reason}");
    check_valid(&all[0]);
    counted
}

/// One finding and a server of that kind: the model's advice.
fn check_advised(does: impl Fn(usize, &Value) -> Does + Send + Sync + 'static) -> (Server, Counted) {
    let server = Server::new(does);
    let (all, counted) = reports(settings(&server.base_url), &[finding("web-1")]);
    let advice = all[0].advice.as_ref().unwrap();
    assert_eq!(
        (advice.source, advice.model.as_deref()),
        (AdviceSource::Llm, Some("test-model")),
        "{advice:?}"
    );
    check_valid(&all[0]);
    (server, counted)
}

/// Keeps to the report's schema, names nobody else, and does not tell the key.
fn check_valid(report: &Report) {
    let value = serde_json::to_value(report).unwrap();
    let schema = schemars::schema_for!(Report).to_value();
    assert!(jsonschema::is_valid(&schema, &value), "{value:#}");
    assert!((1..=5).contains(&report.recommendations.len()));
    for one in &report.recommendations {
        assert!(["web-1", "database", "cache"].contains(&one.target.as_str()), "{one:?}");
    }
    assert!(!value.to_string().contains(SECRET));
}

#[expect(clippy::disallowed_methods, reason = "what is tested is how long it takes")]
fn now() -> Instant {
    Instant::now()
}

fn check(does: Does, reason: &str) -> Counted {
    let server = Server::new(move |_, _| does.clone());
    check_rules(settings(&server.base_url), reason)
}

fn says(status: u16, headers: &str, body: &[u8]) -> Does {
    Does::Says(status, headers.to_owned(), body.to_vec())
}

#[test]
fn a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let counted = check_rules(settings(&url), "cannot be reached");
    assert_eq!((counted.calls, counted.retries), (4, 3));
}

#[test]
fn a_server_that_speaks_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    check_rules(settings(&url), "cannot be reached");
}

#[test]
fn a_key_that_is_not_taken() {
    let server = Server::new(|_, _| Does::refuses(401, &format!("Incorrect API key provided: {SECRET}")));
    let counted = check_rules(settings(&server.base_url), "401: it does not take the key");
    assert_eq!((counted.calls, counted.breaker_opened), (1, 1), "asking again would bring the same");
}

#[test]
fn a_model_that_is_not_there() {
    let counted =
        check(Does::refuses(404, "The model `test-model` does not exist"), "404: it does not have the model");
    assert_eq!(counted.calls, 1);
}

#[test]
fn a_path_that_is_not_there() {
    check(says(404, "", b"404 page not found"), "answers 404");
}

#[test]
fn too_many_requests_with_a_time_that_is_waited_for() {
    let (server, counted) = check_advised(|number, request| match number {
        0 => says(429, "retry-after: 0.3\r\n", b"{}"),
        _ => Does::completes(&right(request)),
    });
    assert_eq!((server.requests().len(), counted.retries), (2, 1));
}

#[test]
fn too_many_requests_with_a_time_beyond_the_deadline() {
    let server = Server::new(|_, _| says(429, "retry-after: 120\r\n", b"{}"));
    let llm = Llm::start(settings(&server.base_url)).unwrap();
    let findings = [finding("web-1")];
    let first = super::server::reports_by(&llm, &findings).remove(0).advice.unwrap();
    let second = super::server::reports_by(&llm, &findings).remove(0).advice.unwrap();
    assert!(first.reason.contains("429") && second.reason.contains("left alone"), "{first:?} {second:?}");
    assert_eq!(server.requests().len(), 1, "it is left alone as long as it asked");
}

#[test]
fn too_many_requests_without_a_time() {
    let counted = check(says(429, "", b"{}"), "answers 429");
    assert_eq!(counted.calls, 4);
}

#[test]
fn a_server_that_breaks_down() {
    check(says(500, "", b"{\"error\":\"oh\"}"), "answers 500");
}

#[test]
fn a_server_that_is_overloaded_once() {
    let (_, counted) = check_advised(|number, request| match number {
        0 => says(503, "", b"busy"),
        _ => Does::completes(&right(request)),
    });
    assert_eq!((counted.calls, counted.right_at_once), (2, 1));
}

/// The same with a deadline that passes.
fn check_too_late(does: Does) {
    let server = Server::new(move |_, _| does.clone());
    let settings = LlmSettings { deadline: Duration::from_millis(500), ..settings(&server.base_url) };
    assert_eq!(check_rules(settings, "has not answered within 0.5 s").timed_out, 1);
}

#[test]
fn a_server_that_hangs() {
    check_too_late(Does::Hangs(Duration::from_mins(5)));
}

#[test]
fn a_server_that_drips() {
    check_too_late(Does::Drips(vec![b' '; 15_000], Duration::from_millis(20)));
}

#[test]
fn a_server_that_breaks_off() {
    check(Does::BreaksOff, "breaks off its answer");
}

#[test]
fn an_answer_that_is_cut_off_gets_more_room() {
    let (server, _) = check_advised(|number, request| match number {
        0 => Does::completes_so("{\"recommendations\": [{\"id\": \"rec", "length"),
        _ => Does::completes(&right(request)),
    });
    let limits: Vec<Value> = server.requests().iter().map(|request| request["max_tokens"].clone()).collect();
    assert_eq!(limits, [900, 1800]);
}

#[test]
fn an_answer_that_is_always_cut_off() {
    check(Does::completes_so("{\"recommendations\": [{", "length"), "3 answers of the model broke the rules");
}

#[test]
fn no_choices() {
    check(says(200, "", b"{\"choices\":[]}"), "3 answers of the model broke the rules");
}

#[test]
fn a_refusal() {
    let refusal =
        json!({"choices": [{"message": {"content": null, "refusal": "I cannot"}, "finish_reason": "stop"}]});
    let counted = check(says(200, "", refusal.to_string().as_bytes()), "refuses to answer");
    assert_eq!(counted.calls, 1);
}

#[test]
fn a_page_instead_of_json() {
    check(says(200, "content-type: text/html\r\n", b"<html><body>Sign in</body></html>"), "something else");
}

#[test]
fn a_redirect() {
    check(says(302, "location: http://127.0.0.1:1/\r\n", b""), "answers 302");
}

#[test]
fn fences_and_comments_around_the_json() {
    check_advised(|_, request| {
        let commented = right(request).replacen('{', "{ // what to do\n", 1);
        Does::completes(&format!(
            "<think>{{\"x\": 1}}</think>Of course!\n```json\n{commented}\n```\nGood luck."
        ))
    });
}

#[test]
fn wrong_types_are_sent_back_and_corrected() {
    let (server, counted) = check_advised(|number, request| match number {
        0 => Does::completes("{\"recommendations\": [{\"id\": 1, \"action\": [], \"target\": \"web-1\"}]}"),
        _ => Does::completes(&right(request)),
    });
    let again = server.requests()[1]["messages"].to_string();
    assert!(again.contains("/recommendations/0/id") && again.contains("cannot be used"), "{again}");
    assert_eq!(
        (counted.corrections, counted.tokens_in, counted.tokens_out),
        (1, 200, 40),
        "both calls are counted"
    );
}

#[test]
fn wrong_types_for_ever() {
    let counted = check(Does::completes("{\"recommendations\": \"none\"}"), "broke the rules");
    assert_eq!(counted.calls, 3);
}

#[test]
fn ten_megabytes() {
    let body = vec![b'x'; 10 << 20];
    check(says(200, "", &body), "more than 1 MiB");
}

#[test]
fn another_charset() {
    let latin = right(&json!({})).replace("null", "\"web-1\"").replace("Restart the", "Red\u{e9}marrer le");
    let body = Does::completes(&latin);
    let Does::Says(status, _, bytes) = body else { panic!("it says") };
    let text = String::from_utf8(bytes).unwrap();
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let headers = "content-type: application/json; charset=iso-8859-1\r\n";
    check(says(status, headers, &latin), "broke the rules");
}

#[test]
fn an_answer_to_somebody_else() {
    let other = json!({"recommendations": [{"id": "rec-001", "action": "Reboot the printer", "target": "printer-7",
        "parameters": {}, "benefit_estimate": "prints"}]});
    check(Does::completes(&other.to_string()), "broke the rules");
}

#[test]
fn a_stream_that_nobody_asked_for() {
    check_advised(|_, request| {
        let text = right(request);
        let (one, two) = text.split_at(40);
        let part = |text: &str| format!("data: {}\n\n", json!({"choices": [{"delta": {"content": text}}]}));
        let body = format!("{}{}data: [DONE]\n\n", part(one), part(two));
        says(200, "content-type: text/event-stream\r\n", body.as_bytes())
    });
}

#[test]
fn a_server_that_fails_is_left_alone_and_looked_at_again() {
    let server = Server::new(|number, request| match number {
        0..5 => says(500, "", b""),
        _ => Does::completes(&right(request)),
    });
    let breaker =
        BreakerSettings { failures: 5, first: Duration::from_millis(300), ..BreakerSettings::default() };
    let llm = Llm::start(LlmSettings { breaker, ..settings(&server.base_url) }).unwrap();
    let ask = |name: &str| super::server::reports_by(&llm, &[finding(name)]).remove(0).advice.unwrap();
    assert!(ask("web-1").reason.contains("500"));
    let after = ask("web-2");
    assert_eq!(after.source, AdviceSource::Llm, "the pause was waited for, then a probe: {after:?}");
    assert_eq!((llm.counted().breaker_opened, server.requests().len()), (1, 6));
}
