//! The bytes of the chat-completions protocol, as OpenAI, OpenRouter, Azure, Ollama, vLLM and llama.cpp speak it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::mode::{Habits, Mode};
use crate::flow::advise::answer;
use crate::flow::advise::question::Usage;

/// The name of schema and tool.
const NAME: &str = "advice";

/// One turn of the conversation.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) content: String,
}

/// How much a model may write, and how much at random.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freedom {
    pub(super) max_tokens: u64,
    pub(super) temperature: f64,
}

/// What a model said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reply {
    pub(super) text: String,
    /// Why it stopped, in the server's word.
    pub(super) finish: String,
    /// That it will not answer.
    pub(super) refused: bool,
    /// As far as the server says.
    pub(super) usage: Option<Usage>,
}

/// The body of a request.
pub(super) fn request(
    model: &str,
    messages: &[Message],
    targets: &[String],
    mode: Mode,
    habits: Habits,
    freedom: Freedom,
) -> Vec<u8> {
    let messages: Vec<Value> =
        messages.iter().map(|message| json!({"role": message.role, "content": message.content})).collect();
    let mut body = json!({"model": model, "messages": messages, "stream": false});
    let limit = if habits.completion_tokens { "max_completion_tokens" } else { "max_tokens" };
    body[limit] = json!(freedom.max_tokens);
    if !habits.own_temperature {
        body["temperature"] = json!(freedom.temperature);
    }
    match mode {
        Mode::SchemaWithLengths | Mode::Schema => {
            let mut schema = answer::strict_schema(targets);
            if mode == Mode::Schema {
                drop_lengths(&mut schema);
            }
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": NAME, "strict": true, "schema": schema}});
        }
        Mode::Tool => {
            let description = "Hands the recommendations to the operators.";
            let function =
                json!({"name": NAME, "description": description, "parameters": answer::schema(targets)});
            body["tools"] = json!([{"type": "function", "function": function}]);
            body["tool_choice"] = json!({"type": "function", "function": {"name": NAME}});
        }
        Mode::Object => body["response_format"] = json!({"type": "json_object"}),
        Mode::Plain => {}
    }
    serde_json::to_vec(&body).expect("a request is plain data")
}

fn drop_lengths(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            let limits = |name: &str| name.starts_with("max") || name.starts_with("min") || name == "pattern";
            entries.retain(|name, value| value.is_object() || !limits(name));
            entries.values_mut().for_each(drop_lengths);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_lengths),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "delta")]
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    /// Text, or with some servers the object itself.
    #[serde(default)]
    arguments: Value,
}

#[derive(Clone, Copy, Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// What a body says; `None` where it is no completion.
pub(super) fn reply(body: &[u8]) -> Option<Reply> {
    // What is no text is marked, and refused when the answer is checked.
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with("data:") || text.starts_with("event:") || text.starts_with(": ") {
        return streamed(text);
    }
    let completion: Completion = serde_json::from_str(text).ok()?;
    let mut reply = Reply::default();
    take(&mut reply, completion);
    Some(reply)
}

/// A server that streams although it was not asked to: the parts, one after the other.
fn streamed(text: &str) -> Option<Reply> {
    let mut reply = Reply::default();
    let mut parts = 0;
    for line in text.lines() {
        let Some(data) = line.strip_prefix("data:").map(str::trim).filter(|data| *data != "[DONE]") else {
            continue;
        };
        take(&mut reply, serde_json::from_str(data).ok()?);
        parts += 1;
    }
    (parts > 0).then_some(reply)
}

fn take(reply: &mut Reply, completion: Completion) {
    if let Some(Tokens { prompt_tokens, completion_tokens }) = completion.usage {
        reply.usage = Some(Usage { calls: 1, tokens_in: prompt_tokens, tokens_out: completion_tokens });
    }
    let Some(choice) = completion.choices.into_iter().next() else { return };
    reply.finish = choice.finish_reason.unwrap_or(std::mem::take(&mut reply.finish));
    let Said { content, refusal, tool_calls } = choice.message;
    reply.refused |= refusal.is_some_and(|refusal| !refusal.is_empty());
    reply.text.push_str(&plain(&content));
    for call in tool_calls.into_iter().flatten().take(1) {
        match call.function.arguments {
            Value::String(arguments) => reply.text.push_str(&arguments),
            Value::Null => {}
            object => reply.text.push_str(&object.to_string()),
        }
    }
}

/// Content is text, or a list of parts with text.
fn plain(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, text: &str, finish: &str) {
        let reply = reply(body.as_bytes()).unwrap_or_else(|| panic!("{body}"));
        assert_eq!((reply.text.as_str(), reply.finish.as_str()), (text, finish), "{body}");
    }

    #[test]
    fn content_parts_tool_calls_and_streams_are_read() {
        check(r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#, "a", "stop");
        check(r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#, "ab", "");
        let call =
            r#"{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"arguments":"{}"}}]}}]}"#;
        check(call, "{}", "");
        check(
            r#"{"choices":[{"message":{"tool_calls":[{"function":{"arguments":{"a":1}}}]}}]}"#,
            "{\"a\":1}",
            "",
        );
        check(r#"{"choices":[]}"#, "", "");
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: \
            {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n";
        check(stream, "ab", "stop");
    }

    #[test]
    fn what_is_no_completion_is_none() {
        for body in ["<html>502</html>", "", "{\"error\":{}}", "{\"choices\":[", "data: nonsense"] {
            assert_eq!(reply(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn each_mode_asks_in_its_own_way() {
        let targets = ["a".to_owned()];
        let freedom = Freedom { max_tokens: 9, temperature: 0.0 };
        let body = |mode, habits| -> Value {
            serde_json::from_slice(&request("m", &[], &targets, mode, habits, freedom)).unwrap()
        };
        let with = body(Mode::SchemaWithLengths, Habits::default());
        assert_eq!(with["response_format"]["json_schema"]["strict"], true);
        assert!(with.to_string().contains("\"pattern\"") && with["max_tokens"] == 9);
        let schema = body(Mode::Schema, Habits { completion_tokens: true, own_temperature: true });
        assert!(!schema.to_string().contains("\"pattern\"") && schema.to_string().contains("\"enum\""));
        assert!(schema["max_completion_tokens"] == 9 && schema.get("temperature").is_none());
        assert_eq!(body(Mode::Tool, Habits::default())["tool_choice"]["function"]["name"], "advice");
        assert_eq!(body(Mode::Object, Habits::default())["response_format"]["type"], "json_object");
        assert!(body(Mode::Plain, Habits::default()).get("response_format").is_none());
    }
}
