//! Which problems an operation may answer with, and what each code says.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::schema::named;

/// Codes by their status.
#[derive(Default, Clone)]
pub(super) struct Problems(BTreeMap<u16, Vec<&'static str>>);

/// What a code tells the caller to do.
pub(super) const MEANINGS: [(&str, &str); 31] = [
    ("malformed_json", "The body is not JSON."),
    ("malformed_query", "The query cannot be decoded."),
    ("too_many_parameters", "The query has more than 32 parameters."),
    (
        "malformed_idempotency_key",
        "The `Idempotency-Key` is empty, too long, not ASCII or there twice.",
    ),
    (
        "unauthorized",
        "No caller is known by the key or token, or none was sent.",
    ),
    ("missing_scope", "The caller is known and may not do this."),
    (
        "origin_not_allowed",
        "A preflight from an origin that is none of the frontend's.",
    ),
    ("not_found", "There is no such appointment or path."),
    (
        "method_not_allowed",
        "The path does not take this method; see `Allow`.",
    ),
    (
        "slot_taken",
        "Another appointment, or without `allow_busy` a person's own event, is in the way: offer another time.",
    ),
    (
        "appointment_cancelled",
        "The appointment is cancelled: bring it back first, or book anew.",
    ),
    (
        "idempotency_key_in_progress",
        "The first request under this key still runs: send it again after `Retry-After`.",
    ),
    (
        "sync_in_progress",
        "A sync of this calendar runs already: try again after `Retry-After`.",
    ),
    (
        "watch_stopped",
        "The calendar's channels were stopped while this one was being opened.",
    ),
    (
        "not_configured",
        "A setting that this needs is missing; `detail` names it.",
    ),
    (
        "auto_sync_not_configured",
        "No rule is configured for the 5-minute run.",
    ),
    (
        "version_conflict",
        "The appointment has changed since `If-Match`: read it again, then decide again.",
    ),
    ("body_too_large", "The body is larger than 64 KiB."),
    (
        "unsupported_media_type",
        "The body is not sent as `application/json`.",
    ),
    (
        "validation_failed",
        "Understood but not acceptable; `errors` names every fault at once.",
    ),
    (
        "idempotency_key_reused",
        "This key stands for another request: take a new one.",
    ),
    (
        "internal_error",
        "Our fault; the log has it under `x-request-id`.",
    ),
    ("google_refused", "Google refused; `reason` is Google's."),
    ("auto_sync_rule_missing", "EventBridge has no such rule."),
    ("auto_sync_access_denied", "The function may not switch the rule."),
    ("auto_sync_refused", "EventBridge refused; `reason` is its."),
    (
        "database_unavailable",
        "The database does not answer: try again after `Retry-After`.",
    ),
    (
        "token_issuer_unreachable",
        "The token cannot be checked right now: try again after `Retry-After`.",
    ),
    (
        "google_unreachable",
        "Google does not answer: try again after `Retry-After`.",
    ),
    (
        "event_bus_unreachable",
        "EventBridge does not answer: try again after `Retry-After`.",
    ),
    (
        "out_of_time",
        "The sync did not end in time; what was done is kept. Try again after `Retry-After`.",
    ),
];

/// What a code says.
pub(super) fn meaning(code: &str) -> &'static str {
    let found = MEANINGS.iter().find(|(known, _)| *known == code);
    found.unwrap_or_else(|| panic!("{code} has no meaning yet")).1
}

/// Problems that are the same wherever they come: name, status, code.
const COMMON: [(&str, u16, &str); 5] = [
    ("Unauthorized", 401, "unauthorized"),
    ("MissingScope", 403, "missing_scope"),
    ("BodyTooLarge", 413, "body_too_large"),
    ("UnsupportedMediaType", 415, "unsupported_media_type"),
    ("InternalError", 500, "internal_error"),
];

/// The answers that operations refer to.
pub(super) fn common() -> serde_json::Map<String, Value> {
    let answers = COMMON.map(|(name, status, code)| (name.to_owned(), answer(status, &[code])));
    answers.into_iter().collect()
}

impl Problems {
    pub(super) fn add(&mut self, status: u16, codes: &[&'static str]) {
        self.0.entry(status).or_default().extend(codes);
    }

    /// The answers, by status.
    pub(super) fn answers(&self) -> impl Iterator<Item = (String, Value)> {
        self.0.iter().map(|(status, codes)| {
            let common = COMMON
                .iter()
                .find(|(_, of, code)| of == status && codes == &[*code]);
            let answer = match common {
                Some((name, ..)) => json!({"$ref": format!("#/components/responses/{name}")}),
                None => answer(*status, codes),
            };
            (status.to_string(), answer)
        })
    }
}

fn answer(status: u16, codes: &[&'static str]) -> Value {
    let mut headers = json!({"x-request-id": {"$ref": "#/components/headers/x-request-id"}});
    let says_when = |code: &&'static str| meaning(code).contains("`Retry-After`");
    for (there, name, always) in [
        (status == 401, "WWW-Authenticate", true),
        (
            codes.iter().any(says_when),
            "Retry-After",
            codes.iter().all(says_when),
        ),
    ] {
        if there {
            let suffix = if always { "" } else { "-sometimes" };
            headers[name] = json!({"$ref": format!("#/components/headers/{name}{suffix}")});
        }
    }
    let said: Vec<_> = codes
        .iter()
        .map(|code| format!("`{code}`: {}", meaning(code)))
        .collect();
    // `required` and `type` say nothing new; generators of types need them to tell problems apart by their code.
    let narrowed = json!({
        "type": "object",
        "required": ["status", "code"],
        "properties": {"status": {"const": status}, "code": {"type": "string", "enum": codes}},
    });
    let mut content = json!({"schema": {"allOf": [named("Problem"), narrowed]}});
    if let Some(example) = super::examples::problem(codes[0]) {
        content["example"] = example;
    }
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    json!({
        "description": format!("{}\n\n{}", title.unwrap_or("Error"), said.join("\n\n")),
        "headers": headers,
        "content": {"application/problem+json": content},
    })
}
