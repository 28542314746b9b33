//! The HTTP server: the live page and what it reads, `/livez`, `/readyz`, `/metrics`.
//!
//! It shows, and takes feedback. Everything about it is bounded: connections, viewers, idleness, what a request may be.

mod connections;
mod following;
mod speaking;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::ports::Pages;
use super::web::Key;
use connections::{Bounded, MOST_IDLE};

pub use speaking::Guard;

/// What every answer carries: nothing from elsewhere is loaded, nothing inline is run, nobody frames the page.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// What handlers need.
#[derive(Clone)]
struct Site {
    pages: Arc<dyn Pages>,
    viewers: Arc<AtomicUsize>,
    guard: Guard,
}

/// A server that has its port.
#[derive(Debug)]
pub struct Server {
    listener: tokio::net::TcpListener,
    most_idle: Duration,
    token: Option<Key>,
}

impl Server {
    /// Takes the port. Feedback is taken of those who know the token; without one, on ports of this machine only.
    pub async fn bind(listen: &str, token: Option<Key>) -> io::Result<Server> {
        let listener = tokio::net::TcpListener::bind(listen).await?;
        Ok(Server { listener, most_idle: MOST_IDLE, token })
    }

    /// The address that it has.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until the program ends.
    pub async fn serve(self, pages: Arc<dyn Pages>) -> io::Result<()> {
        let is_public = !self.listener.local_addr()?.ip().is_loopback();
        let guard = Guard { token: self.token, is_public };
        let site = Site { pages: Arc::clone(&pages), viewers: Arc::default(), guard };
        let routes = Router::new()
            .route("/", get(async || text("text/html", include_str!("../page/page.html"))))
            .route("/page.css", get(async || text("text/css", include_str!("../page/page.css"))))
            .route("/page.js", get(async || text("text/javascript", include_str!("../page/page.js"))))
            .route("/draw.js", get(async || text("text/javascript", include_str!("../page/draw.js"))))
            .route("/say.js", get(async || text("text/javascript", include_str!("../page/say.js"))))
            .route("/icon.svg", get(async || text("image/svg+xml", include_str!("../page/icon.svg"))))
            .route("/api/stream", get(following::stream))
            .route("/api/state", get(state))
            .route("/api/actions", get(actions))
            .route(
                "/api/feedback",
                post(speaking::feedback).layer(DefaultBodyLimit::max(speaking::MOST_BYTES)),
            )
            .route("/api/incidents/{id}", get(incident))
            .route("/api/entities/{name}", get(entity))
            .route("/livez", get(async || "alive\n"))
            .route("/readyz", get(readiness))
            .route("/metrics", get(metrics))
            .layer(map_response(with_headers))
            .with_state(site);
        let open = Arc::default();
        axum::serve(Bounded { listener: self.listener, pages, open, most_idle: self.most_idle }, routes).await
    }
}

async fn with_headers(mut answer: Response) -> Response {
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn text(kind: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], content).into_response()
}

fn json(content: Option<String>) -> Response {
    match content {
        Some(content) => ([(header::CONTENT_TYPE, "application/json")], content).into_response(),
        None => (StatusCode::NOT_FOUND, "not known, or no longer\n").into_response(),
    }
}

async fn state(State(site): State<Site>) -> Response {
    json(Some(site.pages.changes(0).1))
}

/// Who may speak: `open`, `token` or `none`.
async fn actions(State(site): State<Site>) -> Response {
    json(Some(format!("\"{}\"", site.guard.actions())))
}

async fn incident(State(site): State<Site>, Path(id): Path<String>) -> Response {
    json(site.pages.incident(&id))
}

async fn entity(State(site): State<Site>, Path(name): Path<String>) -> Response {
    json(site.pages.entity(&name))
}

async fn readiness(State(site): State<Site>) -> impl IntoResponse {
    match site.pages.ready() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

async fn metrics(State(site): State<Site>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], site.pages.metrics())
}
