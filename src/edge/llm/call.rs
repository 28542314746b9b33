//! One request to a model's server, and what is to be done when it fails.

use std::time::Duration;

use super::wire::{self, Reply};
use crate::edge::web::{Address, Key, Said, Silent, Web};

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
pub(super) struct Endpoint(Web);

/// The address below a base URL, such as `http://127.0.0.1:8080/v1`.
fn completions(base_url: &str) -> Result<Address, String> {
    Ok(Address::parse("the model's server", base_url)?.below("/chat/completions"))
}

impl Endpoint {
    /// The endpoint below a base URL; a message where it is none.
    pub(super) fn new(base_url: &str, key: Option<Key>) -> Result<Endpoint, String> {
        let address = completions(base_url)?;
        let (header, word) =
            if address.host().ends_with(AZURE) { ("api-key", "") } else { ("authorization", "Bearer ") };
        Web::new(address, key, header, word).map(Endpoint)
    }

    /// Sends a request and reads the reply.
    pub(super) async fn call(&self, body: Vec<u8>) -> Result<Reply, Failure> {
        let Said { status, after, body } = self.0.post(body).await.map_err(unreachable)?;
        if !(200..300).contains(&status) {
            return Err(self.refused(status, &body, after));
        }
        wire::reply(&body).ok_or_else(|| {
            let reason = "the model's server answers with something else than a completion".to_owned();
            Failure::Transient { reason, detail: self.0.detail(&body), after: None }
        })
    }

    fn refused(&self, code: u16, body: &[u8], after: Option<Duration>) -> Failure {
        let detail = self.0.detail(body);
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
}

fn unreachable(Silent { what, detail }: Silent) -> Failure {
    Failure::Transient { reason: format!("the model's server {what}"), detail, after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_asked_for_below_the_base_url() {
        let check = |base_url: &str, url: &str| assert_eq!(completions(base_url).unwrap().as_str(), url);
        check("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions");
        check("http://localhost:11434/v1/", "http://localhost:11434/v1/chat/completions");
        check("http://h/v1/chat/completions", "http://h/v1/chat/completions");
        let azure = "https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21";
        check(
            azure,
            "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
        );
    }
}
