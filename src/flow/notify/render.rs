//! Messages as each kind of receiver takes them: JSON, in which text from telemetry can be nothing but text.

use serde_json::{Value, json};

use super::{Kind, Message, Receiver};
use crate::flow::time::EventTime;

/// The body of a request that tells a message, at that moment in milliseconds since 1970.
pub fn body(receiver: &Receiver, message: &Message, now_ms: i64) -> Vec<u8> {
    match &receiver.kind {
        Kind::Alertmanager => to_bytes(&alerts(receiver, message, now_ms)),
        Kind::Slack => to_bytes(&slack(receiver, message)),
        Kind::Webhook(None) => to_bytes(&everything(receiver, message)),
        Kind::Webhook(Some(template)) => template.filled(receiver, message).into_bytes(),
    }
}

fn to_bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("text and lists are JSON")
}

/// An alert is known by its labels: of an incident that got worse, what it was is over.
fn alerts(receiver: &Receiver, message: &Message, now_ms: i64) -> Value {
    let begins = EventTime::parse(message.since.as_bytes()).map_or(now_ms, EventTime::as_ms).min(now_ms);
    let alert = |severity: &str, until_ms: i64| {
        json!({
            "labels": {
                "alertname": "FleetIncident",
                "application": receiver.application,
                "entity": message.entity,
                "incident": message.incident,
                "severity": severity,
            },
            "annotations": {
                "summary": message.summary,
                "description": message.findings.join("\n"),
                "detectors": message.detectors.join(", "),
                "metrics": message.metrics.join(", "),
                "recommendations": message.recommendations.join("\n"),
            },
            "startsAt": text_of(begins),
            "endsAt": text_of(until_ms.max(begins)),
        })
    };
    let until = if message.is_open { now_ms.saturating_add(receiver.linger_ms) } else { now_ms };
    let mut all = vec![alert(message.severity.name(), until)];
    all.extend(message.was.map(|was| alert(was.name(), now_ms)));
    Value::Array(all)
}

fn text_of(ms: i64) -> String {
    EventTime::from_ms(ms).map_or_else(String::new, |time| time.to_string())
}

fn slack(receiver: &Receiver, message: &Message) -> Value {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (sign, state) = match (message.is_open, message.severity.name()) {
        (false, _) => (":white_check_mark:", "over"),
        (true, severity @ "high") => (":red_circle:", severity),
        (true, severity @ "medium") => (":large_orange_circle:", severity),
        (true, severity) => (":large_yellow_circle:", severity),
    };
    let mut lines = vec![format!("{sign} *{state}* {}", escaped(&message.summary))];
    // The first finding is the summary.
    lines.extend(message.findings.iter().skip(1).map(|finding| format!("• {}", escaped(finding))));
    if message.is_open && !message.recommendations.is_empty() {
        lines.push("*What to do*".to_owned());
        lines.extend(message.recommendations.iter().map(|one| format!("• {}", escaped(one))));
    }
    let known_as = format!("{} {} since {}", escaped(&receiver.application), message.incident, message.since);
    lines.push(format!("_{known_as}_"));
    json!({"text": lines.join("\n")})
}

fn everything(receiver: &Receiver, message: &Message) -> Value {
    json!({
        "id": message.id(),
        "application": receiver.application,
        "incident": message.incident,
        "state": state(message),
        "severity": message.severity.name(),
        "entity": message.entity,
        "since": message.since,
        "until": message.until,
        "summary": message.summary,
        "findings": message.findings,
        "detectors": message.detectors,
        "metrics": message.metrics,
        "recommendations": message.recommendations,
    })
}

fn state(message: &Message) -> &'static str {
    if message.is_open { "open" } else { "resolved" }
}

/// A text with `{{name}}` where values go, each a value or a part of a JSON string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

/// What may stand between the braces.
const NAMES: [&str; 12] = [
    "id",
    "application",
    "incident",
    "state",
    "severity",
    "entity",
    "since",
    "until",
    "summary",
    "findings",
    "metrics",
    "recommendations",
];

impl Template {
    /// The template, or what is wrong with it: with any values in it, it has to be JSON.
    pub fn new(text: &str) -> Result<Template, String> {
        let template = Template(text.to_owned());
        let mut rest = text;
        while let Some((_, behind)) = rest.split_once("{{") {
            let Some((name, after)) = behind.split_once("}}") else {
                return Err("has a {{ without its }}".to_owned());
            };
            if !NAMES.contains(&name.trim()) {
                return Err(format!("knows {}, not {{{{{name}}}}}", NAMES.join(", ")));
            }
            rest = after;
        }
        let filled = template.with(|name| format!("\"{name}\\"));
        match serde_json::from_str::<Value>(&filled) {
            Ok(_) => Ok(template),
            Err(error) => Err(format!("must be JSON with its values inside of strings: {error}")),
        }
    }

    fn filled(&self, receiver: &Receiver, message: &Message) -> String {
        let all = everything(receiver, message);
        self.with(|name| match &all[name] {
            Value::String(text) => text.clone(),
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
            other => other.to_string(),
        })
    }

    /// The text with values in it, escaped as parts of a JSON string.
    fn with(&self, value: impl Fn(&str) -> String) -> String {
        let (mut out, mut rest) = (String::new(), self.0.as_str());
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) = behind.split_once("}}").unwrap_or((behind, ""));
            let quoted = Value::String(value(name.trim())).to_string();
            out.push_str(before);
            out.push_str(&quoted[1..quoted.len() - 1]);
            rest = after;
        }
        out + rest
    }
}
