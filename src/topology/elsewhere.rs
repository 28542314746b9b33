//! What does not belong in a topology: addresses and secrets, which come from the environment.

/// Where a key goes instead, in words that continue its path; `None` for a key that is neither address nor secret.
pub(super) fn message(path: &str) -> Option<String> {
    let words: String = path
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    let last = words.rsplit('_').next().unwrap_or_default();
    let ends = |endings: &[&str]| endings.iter().any(|ending| words.ends_with(ending));
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if ends(&["bootstrap_servers", "bootstrap_server", "metadata_broker_list", "brokers"]) {
        return Some(address("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS"));
    }
    if let Some(setting) = words.strip_prefix("kafka_client_").or_else(|| words.strip_prefix("kafka_")) {
        let secret = has(&["password", "secret", "jaas", "token_endpoint"])
            || ends(&["sasl_username", "key_pem", "sasl_oauthbearer_config", "token"]);
        return secret.then(|| secret_in(&format!("TIDEWATCH_KAFKA_CLIENT_{}", setting.to_uppercase())));
    }
    if has(&["api_key", "apikey"]) {
        return Some(secret_in("TIDEWATCH_LLM_API_KEY"));
    }
    if ends(&["base_url", "llm_url"]) {
        return Some(address("TIDEWATCH_LLM_BASE_URL"));
    }
    if has(&["password", "passwd", "secret", "credential", "private_key", "sasl_username"]) || last == "token"
    {
        return Some(secret_in("TIDEWATCH_…"));
    }
    matches!(last, "url" | "host" | "hostname" | "port" | "address").then(|| address("TIDEWATCH_…"))
}

fn address(variable: &str) -> String {
    format!("is an address, and a topology holds none: set {variable} in the environment")
}

fn secret_in(variable: &str) -> String {
    format!("is a secret, and a topology holds none: set {variable} in the environment")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::keys::KEYS;

    fn check(path: &str, variable: Option<&str>) {
        let message = message(path);
        assert_eq!(message.is_some(), variable.is_some(), "{path}: {message:?}");
        assert!(message.unwrap_or_default().contains(variable.unwrap_or_default()), "{path}");
    }

    #[test]
    fn addresses_and_secrets_are_sent_to_the_environment() {
        check("bootstrap.servers", Some("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS"));
        check("kafka.client.bootstrap.servers", Some("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS"));
        check("kafka.client.sasl.password", Some("TIDEWATCH_KAFKA_CLIENT_SASL_PASSWORD"));
        check("kafka.ssl.key.password", Some("TIDEWATCH_KAFKA_CLIENT_SSL_KEY_PASSWORD"));
        check("advise.api_key", Some("TIDEWATCH_LLM_API_KEY"));
        check("llm.base_url", Some("TIDEWATCH_LLM_BASE_URL"));
        check("sink.password", Some("TIDEWATCH_"));
    }

    #[test]
    fn other_settings_stay() {
        check("kafka.client.security.protocol", None);
        check("kafka.client.ssl.ca.location", None);
        check("kafka.client.sasl.mechanisms", None);
        for key in KEYS {
            check(key.path, None);
        }
    }
}
