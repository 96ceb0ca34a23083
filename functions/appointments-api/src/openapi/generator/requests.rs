//! What requests carry: bodies, parameters and headers.

use serde_json::{Value, json};
use shared::appointment::Status;
use shared::appointment::idempotency::Key;
use shared::appointment::request::{
    CANCELLATION_REASON, DEFAULT_LENGTH, DEFAULT_LIMIT, EMAIL, LIMITS, LINE, LONGEST, MINUTES, NAME, NOTES,
    PHONE,
};
use shared::availability::request::{DEFAULT_LENGTH as DEFAULT_SLOT, DEFAULT_STEP, FINEST_STEP};
use shared::input::{LONGEST_WINDOW, Text};

use super::schema::{
    Member, asked, by_default, flag, may, must, string, text, text_like, text_not_blank, time, uuid,
    whole_number, words,
};
use crate::calendar::events::LONGEST_TOKEN;
use crate::calendar::watch::LONGEST_ADDRESS;

/// 3 to 20 digits and what people write between them; or blank.
const PHONE_PATTERN: &str = "^(?: *|[-+ ()./]*(?:[0-9][-+ ()./]*){3,20})$";
const EMAIL_PATTERN: &str = r"^ *(?:[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+ *)?$";
/// The same as a request in a query, where a blank one asks for nothing.
const SOUGHT_PHONE_PATTERN: &str = "^[-+ ()./]*(?:[0-9][-+ ()./]*){3,20}$";

/// The bodies, by name.
pub(super) fn bodies() -> Vec<(&'static str, Value)> {
    vec![
        ("Booking", booking()),
        ("AppointmentPatch", patch()),
        ("Rescheduling", rescheduling()),
        ("Cancellation", cancellation()),
        ("SyncRequest", sync()),
        ("WatchRequest", watch()),
    ]
}

fn booking() -> Value {
    let mut members = vec![
        must("patient_name", text_not_blank(NAME), "The patient's full name."),
        must(
            "starts_at",
            time(),
            "When it starts: RFC 3339 with an offset. A fraction of a second is dropped.",
        ),
    ];
    members.extend(end(&format!(
        "{} minutes without either.",
        DEFAULT_LENGTH.num_minutes()
    )));
    members.extend(contact());
    members.extend(texts());
    members.push(may(
        "calendar_id",
        text(LINE),
        "Whose calendar; the clinic's first one if not given.",
    ));
    members.extend(permissions());
    asked(members)
}

fn patch() -> Value {
    let mut members = vec![Member::optional(
        "patient_name",
        text_not_blank(NAME),
        "The patient's full name.",
    )];
    members.extend(contact());
    members.extend(texts());
    members.push(Member::optional("starts_at", time(), "A new start."));
    members.extend(end("If neither is given, the end stays."));
    let writable = Status::ALL
        .into_iter()
        .filter(|status| *status != Status::Cancelled);
    members.push(Member::optional(
        "status",
        words(writable.map(Status::as_str)),
        "`scheduled` brings a cancelled appointment back; to cancel, POST to its `cancel`.",
    ));
    members.extend(permissions());
    asked(members)
}

fn rescheduling() -> Value {
    let mut members = vec![must("starts_at", time(), "The new start.")];
    members.extend(end("If neither is given, it lasts as long as before."));
    members.extend(permissions());
    asked(members)
}

fn cancellation() -> Value {
    asked(vec![may(
        "reason",
        text(CANCELLATION_REASON),
        "Why; kept in the history.",
    )])
}

fn sync() -> Value {
    let meaning = "Carry out cancellations that are held back because a listing would cancel more than half of what is \
                   upcoming. Good for this run only; `false` if not given.";
    asked(vec![may("confirm_mass_cancel", flag(), meaning)])
}

fn watch() -> Value {
    let address = json!({
        "type": "string", "format": "uri", "maxLength": LONGEST_ADDRESS,
        "pattern": r"^(?:https://|http://(?:localhost|127\.|\[::1\]))"
    });
    let meaning = "Where Google is to notify: https, or http on loopback.";
    asked(vec![must("webhook_url", address, meaning)])
}

fn contact() -> [Member; 2] {
    [
        may(
            "patient_phone",
            text_like(PHONE, PHONE_PATTERN),
            "Kept as it is written. Blank is the same as `null`.",
        ),
        may(
            "patient_email",
            text_like(EMAIL, EMAIL_PATTERN),
            "Blank is the same as `null`.",
        ),
    ]
}

fn texts() -> [Member; 4] {
    [
        may(
            "title",
            text(LINE),
            "What the event is called; `reason: patient_name` if not given.",
        ),
        may("reason", text(LINE), "Why the patient comes."),
        may(
            "notes",
            text(NOTES),
            "Shown in the event, where people may edit them.",
        ),
        may("location", text(LINE), "Where it takes place."),
    ]
}

fn end(otherwise: &str) -> [Member; 2] {
    let (longest, meaning) = (LONGEST.num_hours(), "When it ends");
    [
        may(
            "ends_at",
            time(),
            &format!(
                "{meaning}: after the start, by {longest} hours at most. Not together with `duration_minutes`. {otherwise}"
            ),
        ),
        may(
            "duration_minutes",
            whole_number(MINUTES),
            "How long it lasts, instead of `ends_at`.",
        ),
    ]
}

/// Without a `default`: types that openapi-typescript makes would insist on a member that has one.
fn permissions() -> [Member; 2] {
    [
        may(
            "allow_past",
            flag(),
            "Whether it may start in the past; `false` if not given.",
        ),
        may(
            "allow_busy",
            flag(),
            "Whether it may lie on an event of a person's own in Google Calendar, never on another appointment; `false` \
             if not given.",
        ),
    ]
}

impl Member {
    /// A member that may be left out but is never `null`.
    fn optional(name: &'static str, schema: Value, meaning: &str) -> Self {
        Self {
            required: false,
            ..must(name, schema, meaning)
        }
    }
}

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
        super::examples::CALENDAR,
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
        super::examples::CALENDAR,
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
            &text_like(PHONE, SOUGHT_PHONE_PATTERN),
            "Only appointments with this number, however its digits are grouped. Write a leading `+` as `%2B`.",
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
            &by_default(whole_number(MINUTES), DEFAULT_SLOT),
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
            super::examples::CALENDAR,
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
