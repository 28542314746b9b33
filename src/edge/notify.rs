//! Hands messages to receivers over HTTP.

use std::time::Duration;

use super::ports::{Deliver, Delivery};
use super::web::{Address, Key, Said, Silent, Web};
use crate::flow::notify::Kind;

/// A receiver that has not answered by then is asked again later.
const PATIENCE: Duration = Duration::from_secs(10);
/// What stands below the address of an Alertmanager.
const ALERTS: &str = "/api/v2/alerts";

/// A receiver.
#[derive(Debug)]
pub struct Post {
    web: Web,
    runtime: tokio::runtime::Runtime,
}

impl Post {
    /// The receiver at an address. What it wants to see as authorization is sent as it stands, such as `Bearer …`.
    pub fn new(kind: &Kind, address: &str, authorization: Option<Key>) -> Result<Post, String> {
        let address = Address::parse("the receiver", address)?;
        let address = if *kind == Kind::Alertmanager { address.below(ALERTS) } else { address };
        let web = Web::new(address, authorization, "authorization", "")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Post { web, runtime: runtime.map_err(|error| format!("prepare for HTTP: {error}"))? })
    }
}

impl Deliver for Post {
    fn deliver(&mut self, body: &[u8]) -> Delivery {
        let asked = async { tokio::time::timeout(PATIENCE, self.web.post(body.to_vec())).await };
        let said = match self.runtime.block_on(asked) {
            Ok(Ok(said)) => said,
            Ok(Err(Silent { what, detail })) => return Delivery::Later(format!("it {what}: {detail}"), None),
            Err(_) => return Delivery::Later(format!("it has not answered within {PATIENCE:?}"), None),
        };
        let Said { status, after, body } = said;
        let reason = || format!("it answers {status}: {}", self.web.detail(&body));
        match status {
            200..300 => Delivery::Taken,
            // Who may not, or is not known, is mended by people: what is told meanwhile must not be lost.
            401..=404 | 407 | 408 | 425 | 429 | 500.. => Delivery::Later(reason(), after),
            _ => Delivery::Refused(reason()),
        }
    }
}
