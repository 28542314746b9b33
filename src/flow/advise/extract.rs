//! Finds the JSON that a model was asked for in whatever it wrote around it: sentences, Markdown fences, comments.

use serde_json::Value;

/// The first JSON value in a text that is an object or a list of objects; `None` where there is none.
pub fn json(text: &str) -> Option<Value> {
    // What a model thinks aloud is no answer.
    let text = text.rsplit("</think>").next().unwrap_or(text).trim();
    if let Ok(value) = serde_json::from_str::<Value>(text)
        && is_structure(&value)
    {
        return Some(value);
    }
    let plain = without_comments(text);
    [text, plain.as_str()].into_iter().find_map(embedded)
}

/// The first value that begins at a brace or bracket and is whole.
fn embedded(text: &str) -> Option<Value> {
    let mut starts = text.match_indices(['{', '[']);
    // Each start that fails costs a pass: a text of thousands of brackets is not worth more.
    starts.by_ref().take(64).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(text.get(at..)?).into_iter::<Value>();
        values.next()?.ok().filter(is_structure)
    })
}

fn is_structure(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Without `// …` and `/* … */` outside of strings, and without commas before a closing bracket.
fn without_comments(text: &str) -> String {
    let (mut out, mut rest, mut in_string) = (String::with_capacity(text.len()), text, false);
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if in_string {
            if c == '\\' {
                length += rest.chars().nth(1).map_or(0, char::len_utf8);
            }
            in_string = c != '"';
            out.push_str(rest.get(..length).unwrap_or_default());
        } else if rest.starts_with("//") {
            length = rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            length = rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if c == ',' && closes_next(rest) {
            length = 1;
        } else {
            in_string = c == '"';
            out.push(c);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

fn closes_next(from_comma: &str) -> bool {
    from_comma.chars().skip(1).find(|c| !c.is_whitespace()).is_some_and(|c| matches!(c, '}' | ']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    fn check(text: &str, expected: Option<&Value>) {
        assert_eq!(json(text).as_ref(), expected, "{text}");
    }

    #[test]
    fn json_is_found_in_sentences_and_fences() {
        check("{\"a\": 1}", Some(&value!({"a": 1})));
        check(
            "Sure! Here it is:\n```json\n{\"a\": [1, 2]}\n```\nHope it helps {really}.",
            Some(&value!({"a": [1, 2]})),
        );
        check("<think>{\"b\": 2}?</think>{\"a\": 1}", Some(&value!({"a": 1})));
        check("[{\"a\": 1}] as you asked", Some(&value!([{"a": 1}])));
        check("see [1] and {x}: {\"a\": \"}\"}", Some(&value!({"a": "}"})));
    }

    #[test]
    fn comments_and_trailing_commas_are_forgiven() {
        check(
            "{\"a\": 1, // the first\n /* and\n more */ \"b\": \"http://x\", }",
            Some(&value!({"a": 1, "b": "http://x"})),
        );
    }

    #[test]
    fn what_is_cut_off_or_no_json_gives_nothing() {
        check("{\"a\": [1, 2", None);
        check("<html><body>502</body></html>", None);
        check("", None);
        check("42", None);
        check(&"[".repeat(100_000), None);
    }
}
