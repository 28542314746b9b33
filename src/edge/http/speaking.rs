//! Feedback from the page: taken of those only who may speak.
//!
//! Whoever reaches a port that only this machine has may speak, unless a token is set; elsewhere a token is needed. A page of
//! another site cannot speak through somebody's browser: its requests carry its own origin, or a type that asks first.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Site;
use crate::edge::ports::Unheard;
use crate::edge::web::Key;

/// The most bytes and the most objects of one request.
pub(super) const MOST_BYTES: usize = 64 << 10;
const MOST_OBJECTS: usize = 32;

/// Who may speak.
#[derive(Clone, Debug)]
pub struct Guard {
    /// What they have to know.
    pub token: Option<Key>,
    /// Whether the port can be reached from elsewhere.
    pub is_public: bool,
}

impl Guard {
    /// What a page must have to speak: `open`, `token`, or `none` where nobody may.
    pub(super) fn actions(&self) -> &'static str {
        match (&self.token, self.is_public) {
            (Some(_), _) => "token",
            (None, false) => "open",
            (None, true) => "none",
        }
    }

    fn admits(&self, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !text(header::CONTENT_TYPE).starts_with("application/json") {
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "feedback is application/json\n"));
        }
        let origin = text(header::ORIGIN);
        let own = origin.split_once("://").is_some_and(|(_, host)| host == text(header::HOST));
        if !origin.is_empty() && !own {
            return Err((StatusCode::FORBIDDEN, "from the page of another site\n"));
        }
        match &self.token {
            None if self.is_public => {
                Err((StatusCode::FORBIDDEN, "without a token nobody may speak here: set TIDEWATCH_TOKEN\n"))
            }
            // A name that somebody else resolves to this machine is not its own, whatever page it is in the browser.
            None if !is_this_machine(text(header::HOST)) => {
                Err((StatusCode::FORBIDDEN, "without a token only this machine may speak, by its own name\n"))
            }
            None => Ok(()),
            Some(token) => {
                let given = text(header::AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default();
                if token.is(given) {
                    Ok(())
                } else {
                    Err((StatusCode::UNAUTHORIZED, "the token is another\n"))
                }
            }
        }
    }
}

/// Whether a `Host` names this machine in a way that nobody else can choose.
fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Takes one object of feedback, or an array of them, in their order; what came before one that cannot be used has been taken.
pub(super) async fn feedback(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refused) = site.guard.admits(&headers) {
        return refused.into_response();
    }
    let objects = match serde_json::from_slice(&body) {
        Ok(Value::Array(objects)) if objects.len() <= MOST_OBJECTS => objects,
        Ok(Value::Array(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, "too much at once\n").into_response(),
        Ok(object) => vec![object],
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    // Brokers may take their time.
    let spoken = tokio::task::spawn_blocking(move || {
        objects.iter().try_for_each(|object| site.pages.hear(object.to_string().as_bytes()))
    });
    match spoken.await {
        Ok(Ok(())) => (StatusCode::ACCEPTED, "taken note of\n").into_response(),
        Ok(Err(Unheard::Wrong(what))) => (StatusCode::BAD_REQUEST, format!("{what}\n")).into_response(),
        Ok(Err(Unheard::Away(what))) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{what}\n")).into_response()
        }
        Ok(Err(Unheard::Nobody)) => (StatusCode::NOT_FOUND, "nobody takes feedback here\n").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
