//! Whether an answer is one that the document describes: asked of each answer that a test of the API sees.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use http::{HeaderMap, Method, StatusCode, header};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document, in which an answer may have no member besides those that it names.
static STRICT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = super::document();
    for (name, _) in super::answers::schemas() {
        document["components"]["schemas"][name]["additionalProperties"] = json!(false);
    }
    document
});

/// Making one takes milliseconds, and thousands of answers are looked at.
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// Asserts that the document describes this answer. What it does not describe at all (an unknown path, a preflight) it
/// says nothing about.
#[track_caller]
pub(crate) fn assert_described(
    method: &Method,
    path: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
) {
    let Some((place, described)) = answer(method, path, status) else {
        return;
    };
    let asked = format!("{method} {path}: {status}");
    assert!(!described.is_null(), "{asked} is not described");
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        let header = resolved(header);
        assert!(
            header["required"] != json!(true) || headers.contains_key(name),
            "{asked} lacks the header {name}"
        );
    }
    let Some(content) = described["content"].as_object() else {
        assert_eq!(body, "", "{asked} has no body in the document");
        return;
    };
    let content_type = headers[header::CONTENT_TYPE].to_str().unwrap();
    let essence = content_type.split(';').next().unwrap_or_default();
    let media = content
        .get(essence)
        .unwrap_or_else(|| panic!("{asked} is not described as {essence}"));
    if essence.ends_with("json") {
        let faults = faults(
            &format!("{place} {essence}"),
            &media["schema"],
            &serde_json::from_str(body).unwrap(),
        );
        assert!(
            faults.is_empty(),
            "{asked} is not as described: {faults:?}\n{body}"
        );
    }
}

/// What is wrong with a value by a schema of the document; `place` names the schema.
pub(super) fn faults(place: &str, schema: &Value, value: &Value) -> Vec<String> {
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = validators.entry(place.to_owned()).or_insert_with(|| {
        let whole = json!({"components": STRICT["components"], "allOf": [schema]});
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        Box::leak(Box::new(
            options.should_validate_formats(true).build(&whole).unwrap(),
        ))
    });
    validator
        .iter_errors(value)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

/// The answer's place in the document and its description; `None` if there is no such operation.
fn answer(method: &Method, path: &str, status: StatusCode) -> Option<(String, &'static Value)> {
    let paths = STRICT["paths"].as_object()?;
    let (template, methods) = paths.iter().find(|(template, _)| fits(template, path))?;
    let operation = methods.get(method.as_str().to_lowercase())?;
    let described = resolved(&operation["responses"][status.as_str()]);
    Some((format!("{method} {template} {status}"), described))
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(ours, theirs)| ours == theirs || ours == "{id}")
}

/// What a `$ref` points to.
fn resolved(value: &'static Value) -> &'static Value {
    let reference = value.get("$ref").and_then(Value::as_str);
    match reference.and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => STRICT.pointer(pointer).unwrap(),
        None => value,
    }
}
