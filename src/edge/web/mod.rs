//! Asking servers of other people: an address, a secret that is shown nowhere, and what they say.
//!
//! What the edges to a model and to receivers of messages share; they import it, and it imports no edge.

mod key;

use std::fmt;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Url};

pub use key::Key;

/// A longer answer is not read further.
const MAX_BODY_BYTES: usize = 1 << 20;
/// So much of what a server says about a refusal is logged.
const MAX_DETAIL_CHARS: usize = 300;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// To be asked for more patience than this is as good as no answer.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_hours(24);

/// Where a server is.
#[derive(Clone)]
pub struct Address(Url);

/// The paths of some are secrets.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.host()).finish()
    }
}

impl Address {
    /// An address of `whom`, such as "the model's server"; a message where it is none, which does not repeat it.
    pub fn parse(whom: &str, text: &str) -> Result<Address, String> {
        let wrong = |what: &str| Err(format!("the base URL of {whom} {what}"));
        let Ok(url) = Url::parse(text.trim()) else { return wrong("is not a URL") };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return wrong("does not begin with http:// or https:// and a host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("holds a user or a password: set a key instead");
        }
        Ok(Address(url))
    }

    /// The address with `end` behind its path, unless it is there already.
    #[must_use]
    pub fn below(mut self, end: &str) -> Address {
        let path = self.0.path().trim_end_matches('/').to_owned();
        if !path.ends_with(end) {
            self.0.set_path(&format!("{path}{end}"));
        }
        self
    }

    /// The host.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// What a server says.
#[derive(Clone, Debug)]
pub struct Said {
    /// The status of HTTP.
    pub status: u16,
    /// How long it wants to be left alone.
    pub after: Option<Duration>,
    /// Its words.
    pub body: Vec<u8>,
}

/// Why a server says nothing: for people, and for logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// In words that continue its name: `cannot be reached`.
    pub what: &'static str,
    /// What exactly.
    pub detail: String,
}

/// A server, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Web {
    client: Client,
    address: Address,
    secret: Option<Key>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Web {
    /// A way to a server. The secret goes into that header, behind that word.
    pub fn new(
        address: Address,
        secret: Option<Key>,
        header: &'static str,
        word: &str,
    ) -> Result<Web, String> {
        let carried = |secret: &Key| {
            let mut value = HeaderValue::from_str(&format!("{word}{}", secret.secret()))
                .map_err(|_| format!("the key for {} has characters that cannot be sent", address.host()))?;
            value.set_sensitive(true);
            Ok::<_, String>((HeaderName::from_static(header), value))
        };
        let header = secret.as_ref().map(carried).transpose()?;
        let mut builder = Client::builder()
            // A redirect could carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("tidewatch/", env!("CARGO_PKG_VERSION")));
        let host = address.host();
        if host == "localhost" || host.starts_with("127.") || host == "[::1]" {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| format!("prepare for TLS: {}", told(error)))?;
        Ok(Web { client, address, secret, header })
    }

    /// Sends JSON and reads what comes back, whatever its status.
    pub async fn post(&self, body: Vec<u8>) -> Result<Said, Silent> {
        let mut request =
            self.client.post(self.address.0.clone()).header(CONTENT_TYPE, "application/json").body(body);
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| self.silent(error))?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let after = header(RETRY_AFTER).and_then(|text| pause(text, header(DATE), wall_clock()));
        let (status, mut bytes) = (response.status().as_u16(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.silent(error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BODY_BYTES {
                return Err(Silent { what: "answers more than 1 MiB", detail: String::new() });
            }
        }
        Ok(Said { status, after, body: bytes })
    }

    fn silent(&self, error: reqwest::Error) -> Silent {
        let what = match &error {
            error if error.is_connect() => "cannot be reached",
            error if error.is_timeout() => "does not answer in time",
            _ => "breaks off its answer",
        };
        Silent { what, detail: self.detail(told(error).as_bytes()) }
    }

    /// What a server says, without the key, bounded, on one line.
    pub fn detail(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body.get(..4096).unwrap_or(body)).into_owned();
        let text = self.secret.as_ref().map_or(text.clone(), |secret| secret.scrub(&text));
        text.chars().take(MAX_DETAIL_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// An error of the library with its causes, without the address.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// `Retry-After`: seconds, or a date, which is counted from the server's own `Date` where it tells one.
fn pause(text: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(until) = httpdate::parse_http_date(text) {
        let server_now = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
        // A date that has passed asks for no pause.
        let pause = until.duration_since(server_now).unwrap_or_default();
        return (pause <= LONGEST_ASKED_PAUSE).then_some(pause);
    }
    let seconds: f64 = text.parse().ok()?;
    let fits = seconds.is_finite() && (0.0..=LONGEST_ASKED_PAUSE.as_secs_f64()).contains(&seconds);
    fits.then(|| Duration::from_secs_f64(seconds))
}

#[expect(clippy::disallowed_methods, reason = "a server that names a date means the date of this world")]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_of_a_server_is_refused_without_being_repeated() {
        for (url, part) in
            [("nonsense", "not a URL"), ("ftp://h", "http://"), ("http://u:secret@h/v1", "password")]
        {
            let message = Address::parse("the server", url).unwrap_err();
            assert!(message.contains(part) && !message.contains("secret"), "{message}");
        }
        let address = Address::parse("the server", "http://h/secret").unwrap();
        assert!(!format!("{address:?}").contains("secret"));
        let message = Web::new(address, Some(Key::new("a\nb")), "authorization", "").unwrap_err();
        assert!(message.contains("cannot be sent"), "{message}");
    }

    #[test]
    fn retry_after_is_seconds_within_a_day() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(pause(text, None, wall_clock()), millis.map(Duration::from_millis), "{text}");
        };
        check("1.5", Some(1500));
        for text in ["-1", "soon", "1e99", ""] {
            check(text, None);
        }
    }

    #[test]
    fn retry_after_may_be_a_date_by_the_servers_clock_or_else_by_ours() {
        let at = |second: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + second);
        let text = |second| httpdate::fmt_http_date(at(second));
        let check = |until: u64, date: Option<u64>, seconds: Option<u64>| {
            let found = pause(&text(until), date.map(text).as_deref(), at(100));
            assert_eq!(found, seconds.map(Duration::from_secs), "{until} {date:?}");
        };
        check(130, None, Some(30));
        check(130, Some(10), Some(120));
        check(90, None, Some(0));
        check(130 + 86_400, None, None);
        assert_eq!(pause("Thu, 32 Jan 2026 00:00:00 GMT", None, at(0)), None);
    }
}
