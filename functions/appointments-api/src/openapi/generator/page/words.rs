//! Pieces of the page: a schema in a few words, prose, a request as one types it.

use std::fmt::Write;

use html_escape::encode_text;
use serde_json::Value;

use super::Placed;

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn star(required: bool) -> &'static str {
    if required {
        "<b class=\"must\" title=\"required\">*</b>"
    } else {
        ""
    }
}

/// A schema in a few words.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for word in ["allOf", "anyOf"] {
        if let Some(parts) = schema[word].as_array() {
            let names: Vec<_> = parts
                .iter()
                .filter(|part| part["properties"].is_null())
                .map(kind)
                .collect();
            return names.join(" or ");
        }
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(word).collect::<Vec<_>>().join(" or "),
        one => word(one).to_owned(),
    };
    let mut text = match (types.as_str(), &schema["items"]) {
        ("array", items) => format!("list of {}", kind(items)),
        _ => encode_text(&types).into_owned(),
    };
    let mut add = |words: String| {
        // Writing to a text never fails.
        let _ = write!(text, ", {words}");
    };
    if let Some(words) = schema["enum"].as_array() {
        add(words
            .iter()
            .map(|word| format!("<code>{}</code>", encode_text(&word.to_string())))
            .collect::<Vec<_>>()
            .join(" "));
    }
    for (name, said) in [
        ("format", ""),
        ("minimum", "from "),
        ("maximum", "to "),
        ("maxLength", "up to "),
        ("default", "default "),
    ] {
        match &schema[name] {
            Value::Null => {}
            Value::String(value) => add(format!("{said}{}", encode_text(value))),
            value if name == "maxLength" => add(format!("{said}{value} characters")),
            value => add(format!("{said}{value}")),
        }
    }
    text
}

/// Paragraphs, with code between back-ticks.
pub(super) fn prose(text: &str) -> String {
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", inline(paragraph)));
    paragraphs.collect::<Vec<_>>().join("\n")
}

pub(super) fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(place, part)| {
        let part = encode_text(part);
        if place % 2 == 1 {
            format!("<code>{part}</code>")
        } else {
            part.into_owned()
        }
    });
    parts.collect()
}

/// The request as one types it, with the first example of its body.
pub(super) fn curl(placed: &Placed<'_>) -> String {
    let Placed {
        method,
        path,
        operation,
    } = placed;
    let path = path.replace("{id}", "$ID");
    let mut query = Vec::new();
    let needed = operation["parameters"].as_array().into_iter().flatten();
    for parameter in needed.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true) {
        // A window of the examples' week.
        let value = if parameter["name"] == "to" {
            "2031-01-11T00:00:00Z"
        } else {
            "2031-01-06T00:00:00Z"
        };
        query.push(format!("{}={value}", word(&parameter["name"])));
    }
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", query.join("&"))
    };
    let verb = if *method == "get" {
        String::new()
    } else {
        format!(" -X {}", method.to_uppercase())
    };
    let mut command = format!("curl -s{verb} \"$API{path}{query}\"");
    if operation["security"][0].is_object() {
        command.push_str(" \\\n  -H \"Authorization: Bearer $KEY\"");
    }
    if let Some(content) = operation["requestBody"]["content"].as_object() {
        let media = content.values().next().unwrap_or(&Value::Null);
        let examples = media["examples"].as_object();
        if let Some(example) = examples.and_then(|examples| examples.values().next()) {
            command.push_str(" \\\n  -H \"Content-Type: application/json\" \\\n  -d '");
            command.push_str(&example["value"].to_string());
            command.push('\'');
        }
    }
    command
}
