//! What strangers get: bounds, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;

use super::connections::MOST_CONNECTIONS;
use super::following::MOST_VIEWERS;
use super::*;
use crate::edge::ports::Visit;

/// A page with much to tell.
#[derive(Default)]
struct Much {
    viewers: AtomicUsize,
    refused: AtomicUsize,
    stalled: AtomicUsize,
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
        let server = Server { most_idle, ..Server::bind("127.0.0.1:0").await.unwrap() };
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
        for path in ["/", "/page.css", "/page.js", "/draw.js", "/icon.svg", "/metrics", "/livez", "/nowhere"]
        {
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
