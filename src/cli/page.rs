//! The live page beside a command that has no server of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use super::Exit;
use super::settings::Environment;
use crate::edge::http::Server;
use crate::edge::metrics::Metrics;
use crate::edge::web::Key;
use crate::flow::model::Schema;
use crate::run::screen::{About, Screen};
use crate::topology::{KeyedBy, Topology};

/// Where the page is unless told otherwise: this machine only.
pub(super) const LISTEN: &str = "127.0.0.1:8600";

/// What those have to know who give feedback on the page.
pub(super) fn token(environment: &Environment) -> Option<Key> {
    environment.get("TIDEWATCH_TOKEN").map(|text| Key::new(&text)).filter(|key| !key.is(""))
}

/// What a page says of a topology.
pub(super) fn about(topology: &Topology, mode: &'static str, advises: bool) -> About {
    let routes = mode == "run" && topology.source.keyed_by != KeyedBy::Entity;
    About { name: topology.name.clone(), mode, routes, advises }
}

/// A message about a port that cannot be had.
pub(super) fn taken(listen: &str, error: &io::Error) -> String {
    format!("listen on {listen}: {error}; --listen takes another address, or :0 any free port")
}

/// Serves the page from a thread of its own until the program ends.
pub(super) fn open(
    listen: &str,
    about: About,
    schema: &Schema,
    token: Option<Key>,
) -> Result<(Arc<Screen>, SocketAddr), Exit> {
    let screen = Screen::new(about, schema, Arc::new(Metrics::new()));
    let pages = Arc::clone(&screen);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Exit::failed(&error))?;
    let server = runtime
        .block_on(Server::bind(listen, token))
        .map_err(|error| Exit::configuration(&taken(listen, &error)))?;
    let address = server.address().map_err(|error| Exit::failed(&error))?;
    thread::spawn(move || {
        if let Err(error) = runtime.block_on(server.serve(pages)) {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok((screen, address))
}

/// Waits until the program is told to stop.
pub(super) fn stay() -> Exit {
    loop {
        thread::park();
    }
}
