//! What strangers get: bounds, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;

use super::connections::MOST_CONNECTIONS;
use super::following::MOST_VIEWERS;
use super::*;
use crate::edge::ports::{Unheard, Visit};

/// A page with much to tell.
#[derive(Default)]
struct Much {
    viewers: AtomicUsize,
    refused: AtomicUsize,
    stalled: AtomicUsize,
    heard: AtomicUsize,
}

impl Pages for Much {
    fn ready(&self) -> Result<(), String> {
        Err("one thing".to_owned())
    }

    fn metrics(&self) -> String {
        "up 1\n".to_owned()
    }

    fn changes(&self, since: u64) -> (u64, String) {
        (since + 1, format!("{{\"since\":{since},\"much\":\"{}\"}}", "x".repeat(4 << 20)))
    }

    fn incident(&self, id: &str) -> Option<String> {
        (id == "1").then(|| "{}".to_owned())
    }

    fn entity(&self, name: &str) -> Option<String> {
        (name == "<script>/1").then(|| "{}".to_owned())
    }

    fn hear(&self, object: &[u8]) -> Result<(), Unheard> {
        match object {
            b"\"wrong\"" => Err(Unheard::Wrong("not so".to_owned())),
            b"\"away\"" => Err(Unheard::Away("brokers are away".to_owned())),
            _ => {
                self.heard.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        }
    }

    fn visit(&self, visit: Visit) {
        match visit {
            Visit::Came => self.viewers.fetch_add(1, Ordering::SeqCst),
            Visit::Left => self.viewers.fetch_sub(1, Ordering::SeqCst),
            Visit::Refused => self.refused.fetch_add(1, Ordering::SeqCst),
            Visit::Stalled => self.stalled.fetch_add(1, Ordering::SeqCst),
        };
    }
}

/// Runs a test against a server whose connections may idle that long.
fn with_server<F: Future<Output = ()>>(most_idle: Duration, test: impl FnOnce(SocketAddr, Arc<Much>) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server { most_idle, ..Server::bind("127.0.0.1:0", None).await.unwrap() };
        let (address, pages) = (server.address().unwrap(), Arc::new(Much::default()));
        let shown: Arc<dyn Pages> = pages.clone();
        tokio::spawn(server.serve(shown));
        test(address, pages).await;
    });
}

const LONG: Duration = Duration::from_mins(1);

async fn send(address: SocketAddr, request: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(rest) {
            Ok(sent) => rest = &rest[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A server that has seen enough may close before all is sent.
            Err(_) => break,
        }
    }
    stream
}

/// What comes until the connection is closed.
async fn answer(stream: TcpStream) -> String {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut some) {
            Ok(0) => break,
            Ok(came) => all.extend_from_slice(&some[..came]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

async fn ask(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    answer(send(address, &request).await).await
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..1000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within 10 s");
}

#[test]
fn every_answer_forbids_what_comes_from_elsewhere() {
    with_server(LONG, |address, _| async move {
        for path in [
            "/",
            "/page.css",
            "/page.js",
            "/draw.js",
            "/say.js",
            "/icon.svg",
            "/metrics",
            "/livez",
            "/nowhere",
        ] {
            let answer = ask(address, path).await;
            assert!(answer.contains("content-security-policy: default-src 'none'"), "{path}: {answer}");
            let code = if path == "/nowhere" { "404" } else { "200" };
            assert!(answer.starts_with(&format!("HTTP/1.1 {code}")), "{path}: {answer}");
        }
        assert!(ask(address, "/readyz").await.contains("503"));
        assert!(ask(address, "/api/incidents/1").await.starts_with("HTTP/1.1 200"));
        assert!(ask(address, "/api/entities/%3Cscript%3E%2F1").await.starts_with("HTTP/1.1 200"));
        assert!(ask(address, "/api/entities/other").await.starts_with("HTTP/1.1 404"));
    });
}

#[test]
fn nonsense_and_oversized_requests_are_refused() {
    with_server(LONG, |address, _| async move {
        let said = answer(send(address, "nonsense\r\n\r\n").await).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{said}");
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(2 << 20));
        let said = answer(send(address, &long).await).await;
        assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
        let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n";
        let said = answer(send(address, post).await).await;
        assert!(said.starts_with("HTTP/1.1 405"), "{said}");
    });
}

#[test]
fn a_viewer_who_stops_reading_is_dropped_and_counted() {
    with_server(Duration::from_millis(300), |address, pages| async move {
        let _stalled = send(address, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n").await;
        until(|| pages.viewers.load(Ordering::SeqCst) == 1).await;
        until(|| pages.stalled.load(Ordering::SeqCst) >= 1).await;
        until(|| pages.viewers.load(Ordering::SeqCst) == 0).await;
    });
}

#[test]
fn a_request_without_end_is_dropped() {
    with_server(Duration::from_millis(300), |address, pages| async move {
        let said = answer(send(address, "GET / HTTP/1.1\r\nHo").await).await;
        assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
        assert!(pages.stalled.load(Ordering::SeqCst) >= 1);
    });
}

#[test]
fn viewers_and_connections_beyond_the_bound_are_turned_away() {
    with_server(LONG, |address, pages| async move {
        let mut viewers = Vec::new();
        for _ in 0..MOST_VIEWERS {
            viewers.push(send(address, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n").await);
        }
        until(|| pages.viewers.load(Ordering::SeqCst) == MOST_VIEWERS).await;
        assert!(ask(address, "/api/stream").await.starts_with("HTTP/1.1 503"));
        let refused = pages.refused.load(Ordering::SeqCst);
        let mut idle = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        until(|| pages.refused.load(Ordering::SeqCst) > refused).await;
        drop((viewers, idle));
        until(|| pages.viewers.load(Ordering::SeqCst) == 0).await;
        assert!(ask(address, "/livez").await.contains("alive"));
    });
}

/// What is answered to feedback with those headers.
async fn speak(address: SocketAddr, headers: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "POST /api/feedback HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n"
    );
    answer(send(address, &format!("{head}{headers}\r\n{body}")).await).await
}

const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn feedback_is_taken_of_this_machine_and_of_no_other_page() {
    with_server(LONG, |address, pages| async move {
        assert!(ask(address, "/api/actions").await.ends_with("\"open\""));
        let own = format!("{JSON}Origin: http://localhost\r\n");
        let other = format!("{JSON}Origin: http://elsewhere\r\n");
        let large = format!("\"{}\"", "x".repeat(65 << 10));
        let many = format!("[{}1]", "1,".repeat(32));
        for (headers, body, code) in [
            (JSON, "{}", 202),
            (own.as_str(), "[{},{}]", 202),
            (other.as_str(), "{}", 403),
            ("Content-Type: text/plain\r\n", "{}", 415),
            ("", "{}", 415),
            (JSON, "{", 400),
            (JSON, "[{},\"wrong\"]", 400),
            (JSON, "\"away\"", 503),
            (JSON, &large, 413),
            (JSON, &many, 413),
        ] {
            let said = speak(address, headers, body).await;
            assert!(said.starts_with(&format!("HTTP/1.1 {code}")), "{headers}: {said}");
        }
        // Two at once, and one before the wrong one.
        assert_eq!(pages.heard.load(Ordering::SeqCst), 4);
        assert!(ask(address, "/api/feedback").await.starts_with("HTTP/1.1 405"));
    });
}

#[test]
fn a_token_is_asked_for_where_one_is_set_and_nobody_speaks_from_elsewhere_without() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (listen, token, headers, code, actions) in [
            ("127.0.0.1:0", Some("secret"), "", 401, "token"),
            ("127.0.0.1:0", Some("secret"), "Authorization: Bearer secreT\r\n", 401, "token"),
            ("127.0.0.1:0", Some("secret"), "Authorization: Bearer secret\r\n", 202, "token"),
            ("0.0.0.0:0", Some("secret"), "Authorization: Bearer secret\r\n", 202, "token"),
            ("0.0.0.0:0", Some("secret"), "", 401, "token"),
            ("0.0.0.0:0", None, "Authorization: Bearer \r\n", 403, "none"),
        ] {
            let server = Server::bind(listen, token.map(Key::new)).await.unwrap();
            let address = SocketAddr::from(([127, 0, 0, 1], server.address().unwrap().port()));
            tokio::spawn(server.serve(Arc::new(Much::default())));
            let said = speak(address, &format!("{JSON}{headers}"), "{}").await;
            assert!(said.starts_with(&format!("HTTP/1.1 {code}")), "{listen} {headers}: {said}");
            assert!(ask(address, "/api/actions").await.ends_with(&format!("\"{actions}\"")));
        }
    });
}
