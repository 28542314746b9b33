//! One request to a model's server, and what is to be done when it fails.

use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};

use super::key::Key;
use super::wire::{self, Reply};

/// A longer answer is not read further.
const MAX_BODY_BYTES: usize = 1 << 20;
/// So much of what a server says about a refusal is logged.
const MAX_DETAIL_CHARS: usize = 300;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// To be asked for more patience than this is as good as no answer.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_hours(24);
const AZURE: &str = ".azure.com";

/// Why a call brought no reply, by what there is to do about it. `reason` is for reports, `detail` for logs.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// Ask in another way.
    NotTaken { reason: String, detail: String },
    /// Somebody has to change the configuration: asking again brings the same.
    Configuration { reason: String, detail: String },
    /// Ask again, after a while; the server may have said after which.
    Transient { reason: String, detail: String, after: Option<Duration> },
}

/// A server and how to speak to it.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    client: Client,
    url: Url,
    key: Option<Key>,
    authorization: Option<(HeaderName, HeaderValue)>,
}

impl Endpoint {
    /// The endpoint below a base URL, such as `http://127.0.0.1:8080/v1`; a message where it is none.
    pub(super) fn new(base_url: &str, key: Option<Key>) -> Result<Endpoint, String> {
        let wrong = |what: &str| Err(format!("the base URL of the model's server {what}"));
        let Ok(mut url) = Url::parse(base_url.trim()) else { return wrong("is not a URL") };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return wrong("does not begin with http:// or https:// and a host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("holds a user or a password: set a key instead");
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/chat/completions") {
            url.set_path(&format!("{path}/chat/completions"));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let authorization = key.as_ref().map(|key| authorization(key, &host)).transpose()?;
        let mut builder = Client::builder()
            // A redirect could carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("tidewatch/", env!("CARGO_PKG_VERSION")));
        if host == "localhost" || host.starts_with("127.") || host == "[::1]" {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| format!("prepare for TLS: {}", told(error)))?;
        Ok(Endpoint { client, url, key, authorization })
    }

    /// Sends a request and reads the reply.
    pub(super) async fn call(&self, body: Vec<u8>) -> Result<Reply, Failure> {
        let mut request =
            self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        if let Some((name, value)) = &self.authorization {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let after = header(RETRY_AFTER).and_then(|text| pause(text, header(DATE), wall_clock()));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BODY_BYTES {
                let reason = "the model's server answers more than 1 MiB".to_owned();
                return Err(Failure::Transient { detail: reason.clone(), reason, after: None });
            }
        }
        if !status.is_success() {
            return Err(self.refused(status, &bytes, after));
        }
        wire::reply(&bytes).ok_or_else(|| {
            let reason = "the model's server answers with something else than a completion".to_owned();
            Failure::Transient { reason, detail: self.detail(&bytes), after: None }
        })
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let what = match &error {
            error if error.is_connect() => "cannot be reached",
            error if error.is_timeout() => "does not answer in time",
            _ => "breaks off its answer",
        };
        let detail = self.detail(told(error).as_bytes());
        Failure::Transient { reason: format!("the model's server {what}"), detail, after: None }
    }

    fn refused(&self, status: StatusCode, body: &[u8], after: Option<Duration>) -> Failure {
        let detail = self.detail(body);
        let code = status.as_u16();
        let reason = format!("the model's server answers {code}");
        let unknown_model = detail.contains("model") && detail.contains("not") && detail.contains("exist")
            || detail.contains("model_not_found")
            || detail.contains("model") && detail.contains("not found");
        match code {
            401 | 403 => {
                Failure::Configuration { reason: format!("{reason}: it does not take the key"), detail }
            }
            404 if unknown_model => {
                Failure::Configuration { reason: format!("{reason}: it does not have the model"), detail }
            }
            300..400 | 402 => Failure::Configuration { reason, detail },
            408 | 409 | 425 | 429 => Failure::Transient { reason, detail, after },
            400..=499 | 501 => Failure::NotTaken { reason, detail },
            _ => Failure::Transient { reason, detail, after },
        }
    }

    /// What a server says, without the key, bounded, on one line.
    fn detail(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body.get(..4096).unwrap_or(body)).into_owned();
        let text = self.key.as_ref().map_or(text.clone(), |key| key.scrub(&text));
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

fn authorization(key: &Key, host: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, text) = if host.ends_with(AZURE) {
        (HeaderName::from_static("api-key"), key.secret().to_owned())
    } else {
        (AUTHORIZATION, format!("Bearer {}", key.secret()))
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| "the key of the model's server has characters that cannot be sent".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
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

    fn check(base_url: &str, url: &str) {
        assert_eq!(Endpoint::new(base_url, None).unwrap().url.as_str(), url);
    }

    #[test]
    fn completions_are_asked_for_below_the_base_url() {
        check("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions");
        check("http://localhost:11434/v1/", "http://localhost:11434/v1/chat/completions");
        check("http://h/v1/chat/completions", "http://h/v1/chat/completions");
        let azure = "https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21";
        check(
            azure,
            "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
        );
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused_without_being_repeated() {
        for (url, part) in
            [("nonsense", "not a URL"), ("ftp://h", "http://"), ("http://u:secret@h/v1", "password")]
        {
            let message = Endpoint::new(url, None).unwrap_err();
            assert!(message.contains(part) && !message.contains("secret"), "{message}");
        }
        let message = Endpoint::new("http://h", Some(Key::new("a\nb"))).unwrap_err();
        assert!(message.contains("cannot be sent"), "{message}");
    }

    #[test]
    fn azure_has_a_header_of_its_own() {
        let key = Key::new("secret");
        assert_eq!(authorization(&key, "x.openai.azure.com").unwrap().0, "api-key");
        let (name, value) = authorization(&key, "api.openai.com").unwrap();
        assert_eq!((name, value.is_sensitive()), (AUTHORIZATION, true));
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
