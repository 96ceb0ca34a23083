//! The bodies of requests.

use serde_json::{Value, json};
use shared::appointment::Status;
use shared::appointment::request::{
    CANCELLATION_REASON, DEFAULT_LENGTH, EMAIL, LINE, LONGEST, MINUTES, NAME, NOTES, PHONE,
};

use super::schema::{
    Member, asked, flag, may, must, text, text_like, text_not_blank, time, whole_number, words,
};
use crate::calendar::watch::LONGEST_ADDRESS;

/// 3 to 20 digits and what people write between them; or blank.
const PHONE_PATTERN: &str = "^(?: *|[-+ ()./]*(?:[0-9][-+ ()./]*){3,20})$";
const EMAIL_PATTERN: &str = r"^ *(?:[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+ *)?$";

/// The bodies, by name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
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
