//! What requests carry beside a body: parameters and headers.

use serde_json::{Value, json};
use shared::appointment::Status;
use shared::appointment::idempotency::Key;
use shared::appointment::request::{DEFAULT_LIMIT, LIMITS, LINE, MINUTES, PHONE};
use shared::availability::request::{DEFAULT_LENGTH, DEFAULT_STEP, FINEST_STEP};
use shared::input::{LONGEST_WINDOW, Text};

use super::examples::CALENDAR;
use super::schema::{by_default, string, text, text_like, time, uuid, whole_number, words};
use crate::calendar::events::LONGEST_TOKEN;

/// 3 to 20 digits and what people write between them.
const PHONE_PATTERN: &str = "^[-+ ()./]*(?:[0-9][-+ ()./]*){3,20}$";

/// A parameter in the query, the path or a header.
fn parameter(place: &str, name: &str, schema: &Value, meaning: &str) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "description": meaning, "schema": schema})
}

fn query(name: &str, schema: &Value, meaning: &str) -> Value {
    parameter("query", name, schema, meaning)
}

fn with_example(mut parameter: Value, example: &str) -> Value {
    parameter["example"] = json!(example);
    parameter
}

/// The appointment that a path names.
pub(super) fn id() -> Value {
    parameter("path", "id", &uuid(), "The appointment's id.")
}

pub(super) fn if_match() -> Value {
    let meaning = "The appointment's `ETag`, such as `\"3\"`: if it has changed since, the request is refused with 412. \
                   Several tags may stand there, and `*` is any.";
    parameter("header", "If-Match", &string(), meaning)
}

pub(super) fn idempotency_key() -> Value {
    // HTTP takes blanks at either end away.
    let pattern = format!("^[!-~](?:[ -~]{{0,{}}}[!-~])?$", Key::LONGEST - 2);
    let schema = json!({"type": "string", "minLength": 1, "maxLength": Key::LONGEST, "pattern": pattern});
    let meaning = "A name of your choice for this request, such as a UUID. Sent again under it, the request is carried out \
                   once; for 24 hours each repetition gets the first answer.";
    parameter("header", "Idempotency-Key", &schema, meaning)
}

pub(super) fn if_none_match() -> Value {
    parameter(
        "header",
        "If-None-Match",
        &string(),
        "The `ETag` of the copy that you have: 304 if it is still good.",
    )
}

/// Which calendar, where one is meant.
pub(super) fn calendar_id() -> Value {
    with_example(
        query(
            "calendar_id",
            &string(),
            "A configured calendar; the clinic's first one if not given.",
        ),
        CALENDAR,
    )
}

/// Which calendars, where several may be.
pub(super) fn calendar_ids() -> Value {
    with_example(
        query(
            "calendar_id",
            &string(),
            "A configured calendar; all of them if not given.",
        ),
        CALENDAR,
    )
}

fn limit() -> Value {
    let schema = by_default(whole_number(LIMITS), DEFAULT_LIMIT);
    query("limit", &schema, "How many items a page may have.")
}

fn within_a_window() -> String {
    format!("after `from`, by {} days at most", LONGEST_WINDOW.num_days())
}

pub(super) fn of_list() -> Vec<Value> {
    vec![
        query("from", &time(), "Only appointments that end after this."),
        query(
            "to",
            &time(),
            &format!("Only appointments that start before this; {}.", within_a_window()),
        ),
        query(
            "status",
            &words(Status::ALL.map(Status::as_str)),
            "Only appointments of this status.",
        ),
        query(
            "patient_phone",
            &text_like(PHONE, PHONE_PATTERN),
            "Only appointments with this number: in E.164, or as people of the clinic's country write it, either way finds \
             both, however its digits are grouped. Write a leading `+` as `%2B`.",
        ),
        limit(),
        query("cursor", &string(), "The `next_cursor` of the page before."),
    ]
}

pub(super) fn of_history() -> Vec<Value> {
    let meaning = "Only changes before this version: the first one of the answer that you have.";
    vec![query("before", &whole_number(1..=i64::MAX), meaning)]
}

pub(super) fn of_availability() -> Vec<Value> {
    let mut from = query(
        "from",
        &time(),
        "Where the window begins. What of it lies in the past has no slots.",
    );
    let mut to = query("to", &time(), &format!("Where it ends; {}.", within_a_window()));
    for needed in [&mut from, &mut to] {
        needed["required"] = json!(true);
    }
    vec![
        from,
        to,
        query(
            "duration_minutes",
            &by_default(whole_number(MINUTES), DEFAULT_LENGTH),
            "How long the appointment will be.",
        ),
        query(
            "step_minutes",
            &by_default(whole_number(FINEST_STEP..=*MINUTES.end()), DEFAULT_STEP),
            "How far apart slots start.",
        ),
        with_example(
            query(
                "calendar_id",
                &text(LINE),
                "A configured calendar; the clinic's first one if not given.",
            ),
            CALENDAR,
        ),
    ]
}

pub(super) fn of_events() -> Vec<Value> {
    let mut token = text(Text {
        max: LONGEST_TOKEN,
        multiline: false,
    });
    token["minLength"] = json!(1);
    vec![
        calendar_id(),
        query(
            "from",
            &time(),
            "Only events that end after this; now if not given.",
        ),
        query(
            "to",
            &time(),
            &format!("Only events that start before this; {}.", within_a_window()),
        ),
        limit(),
        query("page_token", &token, "The `next_page_token` of the page before."),
    ]
}
