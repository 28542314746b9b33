//! The HTTP server: `/livez`, `/readyz`, `/metrics`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::ports::Pages;

type Shown = State<Arc<dyn Pages>>;

/// A server that has its port.
#[derive(Debug)]
pub struct Server {
    listener: tokio::net::TcpListener,
}

impl Server {
    /// Takes the port.
    pub async fn bind(listen: &str) -> io::Result<Server> {
        Ok(Server { listener: tokio::net::TcpListener::bind(listen).await? })
    }

    /// The address that it has.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until the program ends.
    pub async fn serve(self, pages: Arc<dyn Pages>) -> io::Result<()> {
        let routes = Router::new()
            .route("/livez", get(async || "alive\n"))
            .route("/readyz", get(readiness))
            .route("/metrics", get(metrics))
            .with_state(pages);
        axum::serve(self.listener, routes).await
    }
}

async fn readiness(State(pages): Shown) -> impl IntoResponse {
    match pages.ready() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

async fn metrics(State(pages): Shown) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics())
}
