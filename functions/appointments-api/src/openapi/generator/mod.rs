//! Writes the document and its page from the table of routes, the bounds that requests are read by, and words.
//!
//! Why not by derive macros: requests are read by readers that name every fault at once, so there are no types of theirs to
//! derive from. Instead `tests` holds the schemas against those readers value by value, and `conformance` holds every answer
//! that the API's own tests see against the document, which in those tests allows no member that it does not name.

mod answers;
mod bodies;
mod calendar_answers;
pub(crate) mod conformance;
mod examples;
mod operation;
mod operations;
mod page;
mod parameters;
mod problems;
mod schema;
mod tests;
mod tools;

use serde_json::{Map, Value, json};

use crate::routes::table;

const ABOUT: &str = "\
A clinic's appointments, kept in step with Google Calendar, both ways. Google is never waited for: a booking is \
answered at once, and its event follows within seconds.

Send an API key or a token as `Authorization: Bearer ...`. Times are RFC 3339 with an offset. What a request does not \
know is refused, and every fault is named at once. Errors are RFC 9457 problems: decide by `code`.

Google notifies `calendar-webhook`, a function with an address of its own that nobody else calls: it is not described here.";

/// The document.
pub(crate) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in table() {
        let operation = operations::of(&route.method, route.path).unwrap_or_else(|| {
            panic!(
                "{} {} has no description in operations.rs",
                route.method, route.path
            )
        });
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_lowercase()] = operation.into_value(route.access);
    }
    let schemas = answers::schemas().into_iter().chain(bodies::schemas());
    let schemas: Map<String, Value> = schemas.map(|(name, schema)| (name.to_owned(), schema)).collect();
    let tags = operations::TAGS.map(|(name, description)| json!({"name": name, "description": description}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Appointment Sync", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer",
                "description": "An API key, or a token of the configured issuer. Both have scopes: `appointments`, `calendar`.",
            }},
            "headers": headers(),
            "responses": problems::common(),
            "schemas": schemas,
        },
    })
}

fn headers() -> Value {
    let header = |description: &str, schema: Value, always: bool| json!({"description": description, "required": always, "schema": schema});
    let tag = json!({"type": "string", "pattern": "^\".+\"$"});
    let seconds = || schema::whole_number(1..=i64::MAX);
    json!({
        "x-request-id": header("The request's id, which the logs bear, too.", schema::string(), true),
        "ETag": header("The version, in quotes.", tag, true),
        "Location": header("The path of what was made.", json!({"type": "string", "format": "uri-reference"}), true),
        "Idempotent-Replayed": header("There if this answer was given before.", schema::words(["true"]), false),
        "WWW-Authenticate": header("How to come in.", schema::string(), true),
        "Retry-After": header("In how many seconds the same request may succeed.", seconds(), true),
        "Retry-After-sometimes": header("In how many seconds the same request may succeed.", seconds(), false),
    })
}
