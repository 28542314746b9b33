//! A model's answer: the shape it is asked for, and whether it keeps to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jsonschema::Validator;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::extract;
use super::names::Names;
use super::prompt;
use crate::flow::sink::report::Recommendation;

/// A violation is told in at most so many characters, and an answer's violations are at most so many.
const MAX_VIOLATION_CHARS: usize = 200;
const MAX_VIOLATIONS: usize = 8;
/// The parameters of a recommendation, as JSON, have at most so many bytes.
const MAX_PARAMETERS_BYTES: usize = 2000;

/// What a model is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The most urgent first.
    #[schemars(length(min = 1, max = 5))]
    pub recommendations: Vec<Proposed>,
}

/// One recommendation as a model writes it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// Unique within the answer, such as rec-001.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// What to do, as one sentence to an operator.
    #[schemars(length(min = 8, max = 400))]
    pub action: String,
    /// With what: one of the names that are given.
    #[schemars(length(min = 1, max = 128))]
    pub target: String,
    /// How, by name.
    #[schemars(extend("maxProperties" = 12))]
    pub parameters: BTreeMap<String, Value>,
    /// What it brings, in a few words.
    #[schemars(length(min = 3, max = 300))]
    pub benefit_estimate: String,
}

/// Why an answer was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Whether it has not even the shape: a server that was told the schema has then ignored it.
    pub shapeless: bool,
    /// What is wrong, each in words that the model can act on; at least one.
    pub violations: Vec<String>,
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    // References are beyond some servers: everything stands where it is used.
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<Proposal>().to_value()
});

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("a test compiles the schema"));

/// The JSON Schema of an answer, in which targets are these.
pub fn schema(targets: &[String]) -> Value {
    let mut schema = SCHEMA.clone();
    if let Some(target) = schema.pointer_mut("/properties/recommendations/items/properties/target") {
        *target = json!({"type": "string", "enum": targets});
    }
    schema
}

/// Less is asked for than is taken: small models write until they must stop.
const MOST_ASKED_FOR: usize = 3;
/// Words, as a pattern that servers enforce while the model writes: without it small ones fill texts with pieces of JSON.
const WORDS: &str = "^[A-Z][a-z]+ [a-z][A-Za-z0-9 ,.;:()%/_-]{6,150}$";

/// The same for servers that enforce it: parameters are a list of names and values, because some take no object of free
/// form; there are no ids, because an id that is not asked for cannot be there twice.
pub fn strict_schema(targets: &[String]) -> Value {
    let mut schema = schema(targets);
    if let Some(most) = schema.pointer_mut("/properties/recommendations/maxItems") {
        *most = json!(MOST_ASKED_FOR);
    }
    if let Some(item) = schema.pointer_mut("/properties/recommendations/items") {
        for text in ["action", "benefit_estimate"] {
            item["properties"][text] = json!({"type": "string", "pattern": WORDS});
        }
        if let Some(properties) = item["properties"].as_object_mut() {
            properties.remove("id");
        }
        if let Some(required) = item["required"].as_array_mut() {
            required.retain(|name| name != "id");
        }
    }
    if let Some(parameters) = schema.pointer_mut("/properties/recommendations/items/properties/parameters") {
        *parameters = json!({
            "type": "array", "maxItems": MOST_ASKED_FOR,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 40},
                    "value": {"type": "string", "maxLength": 60},
                },
                "required": ["name", "value"],
                "additionalProperties": false,
            },
        });
    }
    schema
}

/// The recommendations in an answer, with real names, or everything that is wrong with it.
pub fn check(text: &str, names: &Names) -> Result<Vec<Recommendation>, Refused> {
    let shapeless = |violations| Refused { shapeless: true, violations };
    let found =
        extract::json(text).ok_or_else(|| shapeless(vec!["it holds no complete JSON object".to_owned()]))?;
    let value = normalised(found);
    let violations: Vec<String> = VALIDATOR
        .iter_errors(&value)
        .take(MAX_VIOLATIONS)
        .map(|error| bounded(&format!("{}: {}", error.instance_path(), error)))
        .collect();
    if !violations.is_empty() {
        return Err(shapeless(violations));
    }
    let proposal: Proposal =
        serde_json::from_value(value).map_err(|error| shapeless(vec![bounded(&error.to_string())]))?;
    let violations = broken_rules(&proposal, names);
    if !violations.is_empty() {
        return Err(Refused { shapeless: false, violations });
    }
    let mut said = BTreeSet::new();
    let all = proposal.recommendations.into_iter();
    let once = all.filter(|proposed| said.insert((proposed.action.clone(), proposed.target.clone())));
    Ok(once.map(|proposed| with_real_names(proposed, names)).collect())
}

/// Allows for what does no harm: a bare list, fields that nobody asked for, parameters as a list of pairs or missing, no
/// ids.
fn normalised(found: Value) -> Value {
    let mut items = match found {
        Value::Array(items) => items,
        Value::Object(mut whole) => match whole.remove("recommendations") {
            Some(Value::Array(items)) => items,
            Some(other) => return json!({ "recommendations": other }),
            None => return Value::Object(Map::new()),
        },
        other => return other,
    };
    let known = ["id", "action", "target", "parameters", "benefit_estimate"];
    for (at, item) in items.iter_mut().enumerate().filter_map(|(at, item)| Some((at, item.as_object_mut()?)))
    {
        item.retain(|name, _| known.contains(&name.as_str()));
        item.entry("id").or_insert_with(|| json!(format!("rec-{:03}", at + 1)));
        let parameters = item.remove("parameters").unwrap_or(Value::Null);
        item.insert("parameters".to_owned(), by_name(parameters));
    }
    json!({ "recommendations": items })
}

fn by_name(parameters: Value) -> Value {
    let pair = |item: &Value| Some((item.get("name")?.as_str()?.to_owned(), item.get("value")?.clone()));
    match parameters {
        Value::Null => Value::Object(Map::new()),
        Value::Array(items) => match items.iter().map(pair).collect::<Option<Map<String, Value>>>() {
            Some(pairs) => Value::Object(pairs),
            None => Value::Array(items),
        },
        other => other,
    }
}

/// What a schema cannot say.
fn broken_rules(proposal: &Proposal, names: &Names) -> Vec<String> {
    let (mut wrong, mut ids) = (Vec::new(), BTreeSet::new());
    for (at, proposed) in proposal.recommendations.iter().enumerate() {
        let place = format!("/recommendations/{at}");
        if names.real_target(&proposed.target).is_none() {
            let targets = names.targets().join(", ");
            wrong.push(bounded(&format!("{place}/target: must be one of {targets}")));
        }
        if !ids.insert(&proposed.id) {
            wrong.push(bounded(&format!("{place}/id: {} is there twice", proposed.id)));
        }
        let parameters = serde_json::to_string(&proposed.parameters).unwrap_or_default();
        if parameters.len() > MAX_PARAMETERS_BYTES {
            wrong.push(format!("{place}/parameters: more than {MAX_PARAMETERS_BYTES} bytes"));
        }
        for (field, text) in [
            ("id", &proposed.id),
            ("action", &proposed.action),
            ("benefit_estimate", &proposed.benefit_estimate),
            ("parameters", &parameters),
        ] {
            if text.contains(|c: char| c.is_control() || c == '\u{fffd}') {
                wrong.push(format!("{place}/{field}: has characters that cannot be shown"));
            }
            if matches!(field, "action" | "benefit_estimate")
                && let Some(what) = not_a_sentence(text)
            {
                wrong.push(format!("{place}/{field}: {what}"));
            }
            if field != "id"
                && let Some(stranger) = names.stranger(text)
            {
                wrong.push(bounded(&format!(
                    "{place}/{field}: names {stranger}, which is not of this incident"
                )));
            }
            // Nothing in an incident is an address, so an address was made up, or slipped in by whoever sends readings.
            if text.contains("://") {
                wrong.push(format!("{place}/{field}: must not have a link"));
            }
        }
    }
    wrong.truncate(MAX_VIOLATIONS);
    wrong
}

/// What small models write where a sentence is wanted: pieces of JSON, and what they were told.
fn not_a_sentence(text: &str) -> Option<&'static str> {
    let told = prompt::SYSTEM.split(['.', ':', ';', ',']).map(str::trim).filter(|said| said.len() > 30);
    if text.contains(['{', '}', '…']) || text.contains("\":") || text.contains("”:") {
        return Some("must be plain words, without JSON or …");
    }
    if text.chars().filter(|c| c.is_alphabetic()).count() < 3 {
        return Some("must be plain words");
    }
    told.into_iter().any(|said| text.contains(said)).then_some("must not repeat the instructions")
}

fn with_real_names(proposed: Proposed, names: &Names) -> Recommendation {
    let target = names.real_target(&proposed.target).unwrap_or_default().to_owned();
    let told = Recommendation {
        id: proposed.id,
        action: proposed.action,
        target: String::new(),
        parameters: proposed.parameters,
        benefit_estimate: proposed.benefit_estimate,
    };
    Recommendation { target, ..renamed(&told, &|text| names.restore(text)) }
}

/// The recommendation with every text but its id passed through `rename`.
pub fn renamed(recommendation: &Recommendation, rename: &dyn Fn(&str) -> String) -> Recommendation {
    Recommendation {
        id: recommendation.id.clone(),
        action: rename(&recommendation.action),
        target: rename(&recommendation.target),
        parameters: recommendation
            .parameters
            .iter()
            .map(|(name, value)| (rename(name), renamed_value(value, rename)))
            .collect(),
        benefit_estimate: rename(&recommendation.benefit_estimate),
    }
}

fn renamed_value(value: &Value, rename: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(rename(text)),
        Value::Array(items) => items.iter().map(|item| renamed_value(item, rename)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| (rename(name), renamed_value(value, rename))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(MAX_VIOLATION_CHARS).collect()
}

#[cfg(test)]
#[path = "answer/tests.rs"]
mod tests;
