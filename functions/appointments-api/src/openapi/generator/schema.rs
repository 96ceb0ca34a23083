//! Words for JSON Schema: each takes its bounds from the constant that requests are read by.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};
use shared::input::{Text, YEARS};

/// A member of an object.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) schema: Value,
    pub(super) required: bool,
}

/// A member that is always there, or must be sent.
pub(super) fn must(name: &'static str, schema: Value, meaning: &str) -> Member {
    Member {
        name,
        schema: said(schema, meaning),
        required: true,
    }
}

/// A member that may be left out; `null` says the same.
pub(super) fn may(name: &'static str, schema: Value, meaning: &str) -> Member {
    Member {
        name,
        schema: said(nullable(schema), meaning),
        required: false,
    }
}

/// An object of a request: what is not named is refused.
pub(super) fn asked(members: Vec<Member>) -> Value {
    let mut object = shown(members);
    object["additionalProperties"] = json!(false);
    object
}

/// An object of an answer: clients take no offence at members that come later.
pub(super) fn shown(members: Vec<Member>) -> Value {
    let required: Vec<_> = members
        .iter()
        .filter(|member| member.required)
        .map(|member| member.name)
        .collect();
    let mut object = json!({"type": "object"});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    let properties: Map<String, Value> = members
        .into_iter()
        .map(|member| (member.name.to_owned(), member.schema))
        .collect();
    object["properties"] = properties.into();
    object
}

/// The schema under a description.
pub(super) fn said(mut schema: Value, meaning: &str) -> Value {
    schema["description"] = json!(meaning);
    schema
}

/// The schema with a value for who says nothing.
pub(super) fn by_default(mut schema: Value, value: impl Into<Value>) -> Value {
    schema["default"] = value.into();
    schema
}

/// The schema, or `null`.
pub(super) fn nullable(mut schema: Value) -> Value {
    match schema.get("type").cloned() {
        Some(kind) => {
            schema["type"] = json!([kind, "null"]);
            if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
            schema
        }
        None => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

/// A text that may be blank.
pub(super) fn text(shape: Text) -> Value {
    let pattern = if shape.multiline {
        r"^(?:[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\r\n)*$"
    } else {
        r"^[^\u0000-\u001f\u007f-\u009f]*$"
    };
    json!({"type": "string", "maxLength": shape.max, "pattern": pattern})
}

/// A line that has something in it besides blanks.
pub(super) fn text_not_blank(shape: Text) -> Value {
    assert!(!shape.multiline, "there is no pattern for it yet");
    let any = r"[^\u0000-\u001f\u007f-\u009f]*";
    let pattern = format!(r"^{any}[^\s\u0000-\u001f\u007f-\u009f]{any}$");
    json!({"type": "string", "minLength": 1, "maxLength": shape.max, "pattern": pattern})
}

/// A text of one line's kind, which a pattern tells.
pub(super) fn text_like(shape: Text, pattern: &str) -> Value {
    json!({"type": "string", "maxLength": shape.max, "pattern": pattern})
}

/// Any text.
pub(super) fn string() -> Value {
    json!({"type": "string"})
}

/// A time that a caller sends.
pub(super) fn time() -> Value {
    assert_eq!(YEARS, 1970..=2100, "the pattern says so");
    json!({"type": "string", "format": "date-time", "pattern": r"^(?:19[7-9][0-9]|20[0-9]{2}|2100)-"})
}

/// A time that is shown.
pub(super) fn instant() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// An id of ours.
pub(super) fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

/// A whole number.
pub(super) fn whole_number(range: RangeInclusive<i64>) -> Value {
    let mut schema = json!({"type": "integer", "minimum": range.start()});
    if *range.end() < i64::MAX {
        schema["maximum"] = json!(range.end());
    }
    schema
}

/// How many there are of something.
pub(super) fn count() -> Value {
    whole_number(0..=i64::MAX)
}

/// True or false.
pub(super) fn flag() -> Value {
    json!({"type": "boolean"})
}

/// One of these words.
pub(super) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    let words: Vec<_> = words.into_iter().collect();
    json!({"type": "string", "enum": words})
}

/// A list.
pub(super) fn list(items: Value) -> Value {
    let mut list = json!({"type": "array"});
    list["items"] = items;
    list
}

/// A schema of the components.
pub(super) fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
