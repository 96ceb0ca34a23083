//! Google's own description of the Calendar API: which call a request is, and whether it fits.
//!
//! A request that does not fit the document is refused; an answer of ours that does not fit is a fault of the stand-in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::schema::{Direction, Schemas, check_text};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The text is compiled in, and a test below parses it: an unreadable document cannot reach a running program.
    serde_json::from_str(include_str!("../../google/calendar.v3.json")).unwrap_or(Value::Null)
});

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let mut operations = Vec::new();
    collect_operations(&DOCUMENT["resources"], &mut operations);
    operations
});

/// One method of the document.
struct Operation {
    /// Without the leading `calendar.`, for example `events.insert`.
    id: String,
    method: String,
    path: Vec<String>,
    description: &'static Value,
}

/// A request that fits the document.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) operation: String,
    parameters: BTreeMap<String, Vec<String>>,
    pub(super) body: Option<Value>,
    pub(super) if_match: Option<String>,
}

impl Call {
    /// The value of a parameter that was given.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)?.first().map(String::as_str)
    }

    /// All values of a repeated parameter.
    pub(super) fn parameters(&self, name: &str) -> &[String] {
        self.parameters.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    pub(super) fn calendar_id(&self) -> &str {
        self.parameter("calendarId").unwrap_or_default()
    }

    pub(super) fn event_id(&self) -> &str {
        self.parameter("eventId").unwrap_or_default()
    }

    /// The body's fields; empty without a body.
    pub(super) fn fields(&self) -> Map<String, Value> {
        self.body
            .as_ref()
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    }

    /// Every parameter, sorted by name.
    pub(super) fn all_parameters(&self) -> &BTreeMap<String, Vec<String>> {
        &self.parameters
    }
}

/// Names the call that a request makes, or says how it departs from the document.
///
/// `path` is what follows the base URL, still percent-encoded and without the leading slash.
pub(super) fn check_request(method: &Method, path: &str, query: &str, body: &[u8]) -> Result<Call, String> {
    let segments: Vec<String> = path.split('/').map(decode).collect::<Result<_, _>>()?;
    let operation = OPERATIONS
        .iter()
        .find(|operation| operation.method == method.as_str() && operation.matches(&segments))
        .ok_or_else(|| format!("the document has no call {method} {path}"))?;
    let mut call = Call {
        operation: operation.id.clone(),
        ..Call::default()
    };
    for (template, segment) in operation.path.iter().zip(segments) {
        if let Some(name) = parameter_name(template) {
            call.parameters.insert(name.to_owned(), vec![segment]);
        }
    }
    operation.check_query(query, &mut call)?;
    call.body = operation.check_body(body)?;
    Ok(call)
}

/// Says how an answer departs from the document; `None` is an empty body.
pub(super) fn check_answer(operation: &str, body: Option<&Value>) -> Result<(), String> {
    let operation = OPERATIONS
        .iter()
        .find(|known| known.id == operation)
        .ok_or("no such call")?;
    match (operation.description.get("response"), body) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err("the document has no answer body for this call".to_owned()),
        (Some(_), None) => Err("the document has an answer body for this call".to_owned()),
        (Some(schema), Some(body)) => schemas(Direction::Response).check(schema, body, ""),
    }
}

/// Whether a token of these scopes may make the call.
pub(super) fn scopes_allow(operation: &str, scopes: &str) -> bool {
    let Some(operation) = OPERATIONS.iter().find(|known| known.id == operation) else {
        return false;
    };
    let Some(allowed) = operation.description["scopes"].as_array() else {
        return true;
    };
    scopes
        .split_whitespace()
        .any(|scope| allowed.iter().any(|known| known == scope))
}

/// Whether the document knows this OAuth scope.
pub(super) fn knows_scope(scope: &str) -> bool {
    DOCUMENT["auth"]["oauth2"]["scopes"].get(scope).is_some()
}

impl Operation {
    fn matches(&self, segments: &[String]) -> bool {
        let one = |(template, segment): (&String, &String)| match parameter_name(template) {
            Some(_) => !segment.is_empty(),
            None => template == segment,
        };
        self.path.len() == segments.len() && self.path.iter().zip(segments).all(one)
    }

    fn check_query(&self, query: &str, call: &mut Call) -> Result<(), String> {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let own = self.description["parameters"]
                .get(&*name)
                .filter(|known| known["location"] == "query");
            let Some(schema) = own.or_else(|| DOCUMENT["parameters"].get(&*name)) else {
                return Err(format!("{} has no parameter {name}", self.id));
            };
            check_parameter(schema, &value).map_err(|fault| format!("parameter {name}: {fault}"))?;
            let values = call.parameters.entry(name.to_string()).or_default();
            if !values.is_empty() && schema["repeated"] != true {
                return Err(format!("parameter {name} is given twice"));
            }
            values.push(value.into_owned());
        }
        let parameters = self.description["parameters"].as_object();
        let missing = parameters
            .into_iter()
            .flatten()
            .find(|(name, schema)| schema["required"] == true && !call.parameters.contains_key(*name));
        missing.map_or(Ok(()), |(name, _)| Err(format!("parameter {name} is missing")))
    }

    fn check_body(&self, body: &[u8]) -> Result<Option<Value>, String> {
        let Some(schema) = self.description.get("request") else {
            // Some clients send `{}` or nothing where the document has no body; Google ignores both.
            let empty = matches!(body.trim_ascii(), b"" | b"{}");
            return if empty {
                Ok(None)
            } else {
                Err(format!("{} takes no body", self.id))
            };
        };
        let value: Value =
            serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))?;
        if !value.is_object() {
            return Err("the body is no JSON object".to_owned());
        }
        schemas(Direction::Request).check(schema, &value, "")?;
        Ok(Some(value))
    }
}

fn check_parameter(schema: &Value, text: &str) -> Result<(), String> {
    match schema["type"].as_str() {
        Some("boolean") if !matches!(text, "true" | "false") => Err(format!("{text:?} is no boolean")),
        Some("integer") => {
            let number: i32 = text.parse().map_err(|_| format!("{text:?} is no integer"))?;
            let bound = |name: &str| schema[name].as_str().and_then(|bound| bound.parse::<i32>().ok());
            let low = bound("minimum").is_some_and(|least| number < least);
            let high = bound("maximum").is_some_and(|most| number > most);
            if low || high {
                Err(format!("{number} is out of bounds"))
            } else {
                Ok(())
            }
        }
        // A time in a parameter needs its offset, as a time in an answer does.
        _ => check_text(schema, text, Direction::Response),
    }
}

fn schemas(direction: Direction) -> Schemas<'static> {
    Schemas {
        by_name: &DOCUMENT["schemas"],
        direction,
    }
}

fn decode(segment: &str) -> Result<String, String> {
    let text = percent_decode_str(segment).decode_utf8();
    text.map(Cow::into_owned)
        .map_err(|_| format!("{segment} is no UTF-8"))
}

fn parameter_name(template: &str) -> Option<&str> {
    template.strip_prefix('{')?.strip_suffix('}')
}

fn collect_operations(resources: &'static Value, into: &mut Vec<Operation>) {
    for resource in resources
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, resource)| resource)
    {
        for description in resource["methods"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, method)| method)
        {
            let text = |name: &str| description[name].as_str().unwrap_or_default();
            into.push(Operation {
                id: text("id").trim_start_matches("calendar.").to_owned(),
                method: text("httpMethod").to_owned(),
                path: text("path").split('/').map(str::to_owned).collect(),
                description,
            });
        }
        collect_operations(&resource["resources"], into);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(method: &Method, path: &str, query: &str, body: &str) -> Result<Call, String> {
        check_request(method, path, query, body.as_bytes())
    }

    #[test]
    fn the_document_is_read_whole() {
        assert_eq!(DOCUMENT["id"], "calendar:v3");
        assert!(OPERATIONS.iter().any(|operation| operation.id == "events.watch"));
    }

    #[test]
    fn a_request_is_matched_to_its_call_with_its_parameters() {
        let path = "calendars/clinic%40example.com/events/abcde";
        let found = call(
            &Method::PATCH,
            path,
            "sendUpdates=none&alt=json",
            r#"{"summary": null}"#,
        );
        let found = found.unwrap();
        assert_eq!(found.operation, "events.patch");
        assert_eq!(found.calendar_id(), "clinic@example.com");
        assert_eq!(found.event_id(), "abcde");
        assert_eq!(found.parameter("sendUpdates"), Some("none"));
    }

    #[test]
    fn what_the_document_does_not_know_is_refused() {
        let events = "calendars/c/events";
        let refused = [
            (Method::GET, "calendars/c/event", "", ""),
            (Method::GET, "calendars//events", "", ""),
            (Method::GET, events, "maxResult=3", ""),
            (Method::GET, events, "maxResults=0", ""),
            (Method::GET, events, "singleEvents=yes", ""),
            (Method::GET, events, "orderBy=summary", ""),
            (Method::GET, events, "timeMin=2026-12-01T09:00:00", ""),
            (Method::GET, events, "pageToken=a&pageToken=b", ""),
            (Method::POST, events, "", r#"{"title": "x"}"#),
            (Method::POST, events, "", r#"{"summary": 3}"#),
            (Method::POST, events, "", r#"{"start": {"dateTime": "tomorrow"}}"#),
            (Method::POST, events, "", "[]"),
            (Method::POST, "calendars/c/events/abcde/move", "", ""),
        ];
        for (method, path, query, body) in refused {
            assert!(call(&method, path, query, body).is_err(), "{path}?{query} {body}");
        }
    }

    #[test]
    fn an_answer_is_held_to_the_document_too() {
        assert!(check_answer("events.get", Some(&json!({"id": "abcde", "sequence": 0}))).is_ok());
        assert!(check_answer("events.get", Some(&json!({"id": "abcde", "mood": "good"}))).is_err());
        assert!(check_answer("events.delete", None).is_ok());
        assert!(check_answer("events.get", None).is_err());
    }
}
