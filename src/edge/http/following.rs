//! Server-sent events: what changed, once a second, to each of a bounded number of viewers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Site;
use crate::edge::ports::{Pages, Visit};

/// Viewers beyond are told to come back later.
pub(super) const MOST_VIEWERS: usize = 64;
const EVERY: Duration = Duration::from_secs(1);

/// A viewer's place, freed when its connection ends.
struct Viewer {
    pages: Arc<dyn Pages>,
    viewers: Arc<AtomicUsize>,
    since: u64,
    clock: Interval,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.viewers.fetch_sub(1, Ordering::AcqRel);
        self.pages.visit(Visit::Left);
    }
}

/// Everything first, then what changes.
pub(super) async fn stream(State(site): State<Site>) -> Response {
    if site.viewers.fetch_add(1, Ordering::AcqRel) >= MOST_VIEWERS {
        site.viewers.fetch_sub(1, Ordering::AcqRel);
        site.pages.visit(Visit::Refused);
        return (StatusCode::SERVICE_UNAVAILABLE, "too many viewers\n").into_response();
    }
    site.pages.visit(Visit::Came);
    let mut clock = interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let viewer = Viewer { pages: site.pages, viewers: site.viewers, since: 0, clock };
    let events = stream::unfold(viewer, |mut viewer| async move {
        viewer.clock.tick().await;
        let (version, changes) = viewer.pages.changes(viewer.since);
        viewer.since = version;
        Some((Ok::<Event, Infallible>(Event::default().data(changes)), viewer))
    });
    Sse::new(events).into_response()
}
