//! What answers carry. That the code answers so, and nothing else, is seen at each answer of the API's own tests (see
//! `conformance`).

use serde_json::{Value, json};
use shared::appointment::{Status, SyncState};

use super::calendar_answers;
use super::schema::{instant, list, must, named, nullable, said, shown, string, uuid, whole_number, words};

/// The schemas, by name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut schemas = vec![
        ("Appointment", appointment()),
        ("CalendarSync", calendar_sync()),
        ("AppointmentList", appointment_list()),
        (
            "History",
            shown(vec![must("items", list(named("HistoryEntry")), "Oldest first.")]),
        ),
        ("HistoryEntry", history_entry()),
        ("FieldChange", field_change()),
        (
            "Availability",
            shown(vec![must(
                "slots",
                list(named("Slot")),
                "By their start; slots may overlap.",
            )]),
        ),
        ("Slot", slot()),
        (
            "Health",
            shown(vec![must("status", words(["ok"]), "The database answers.")]),
        ),
        ("Problem", problem()),
        ("Fault", fault()),
    ];
    schemas.extend(calendar_answers::schemas());
    schemas
}

fn appointment() -> Value {
    shown(vec![
        must("id", uuid(), "Stays the same."),
        must("calendar_id", string(), "The Google calendar that shows it."),
        must("patient_name", string(), "The patient."),
        must("patient_phone", nullable(string()), "As the caller wrote it."),
        must("patient_email", nullable(string()), "As the caller wrote it."),
        must("title", string(), "What its event is called."),
        must("reason", nullable(string()), "Why the patient comes."),
        must("notes", nullable(string()), "Free text, shown in the event."),
        must("location", nullable(string()), "Where it takes place."),
        must("starts_at", instant(), "On the wall clock of `time_zone`."),
        must("ends_at", instant(), "On the wall clock of `time_zone`."),
        must(
            "time_zone",
            string(),
            "The clinic's zone at booking, such as `Asia/Karachi`.",
        ),
        must(
            "status",
            words(Status::ALL.map(Status::as_str)),
            "`scheduled` holds its slot.",
        ),
        must("source", string(), "The caller that booked it."),
        must(
            "version",
            whole_number(1..=i64::MAX),
            "Rises with each change; the `ETag` without its quotes.",
        ),
        must(
            "google_calendar_event_id",
            string(),
            "Its event; a reschedule gives it a new one.",
        ),
        must(
            "calendar_sync",
            named("CalendarSync"),
            "How far Google Calendar shows it.",
        ),
        must("created_at", instant(), "When it was booked, in UTC."),
        must("updated_at", instant(), "When it last changed, in UTC."),
        must(
            "cancelled_at",
            nullable(instant()),
            "When it was cancelled, in UTC.",
        ),
    ])
}

fn calendar_sync() -> Value {
    let states = [SyncState::Pending, SyncState::Synced, SyncState::Failed];
    shown(vec![
        must(
            "state",
            words(states.map(SyncState::as_str)),
            "`pending`: a change waits to be written; `failed`: Google refused it for good.",
        ),
        must(
            "synced_at",
            nullable(instant()),
            "When Google last confirmed what it shows.",
        ),
        must("last_error", nullable(string()), "Why Google does not show it."),
    ])
}

fn appointment_list() -> Value {
    shown(vec![
        must("items", list(named("Appointment")), "By `starts_at`, then `id`."),
        must(
            "next_cursor",
            nullable(string()),
            "The `cursor` of the next page; `null` at the end.",
        ),
    ])
}

fn history_entry() -> Value {
    let mut fields = json!({"type": "object"});
    fields["additionalProperties"] = named("FieldChange");
    shown(vec![
        must(
            "version",
            whole_number(1..=i64::MAX),
            "The version that the change made.",
        ),
        must("at", instant(), "When, in UTC."),
        must("by", string(), "A caller's name, or `google_calendar`."),
        must(
            "change",
            words(["created", "updated", "rescheduled", "cancelled", "restored"]),
            "What was done.",
        ),
        must("fields", fields, "Each field that changed."),
    ])
}

fn field_change() -> Value {
    let any = || json!({"type": ["string", "null"]});
    shown(vec![must("from", any(), "Before."), must("to", any(), "After.")])
}

fn slot() -> Value {
    shown(vec![
        must("starts_at", instant(), "On the clinic's wall clock."),
        must("ends_at", instant(), "On the clinic's wall clock."),
    ])
}

fn problem() -> Value {
    let mut problem = shown(vec![
        must("type", string(), "Always `about:blank`: the code says all."),
        must("title", string(), "The status in words."),
        must("status", whole_number(400..=599), "The status."),
        must(
            "detail",
            string(),
            "What is wrong and what would be right, for people.",
        ),
        must("code", string(), "Stable: decide by this."),
    ]);
    let faults = said(
        list(named("Fault")),
        "With `validation_failed`: every fault of the request.",
    );
    problem["properties"]["errors"] = faults;
    problem["properties"]["reason"] = said(string(), "The reason that Google or AWS gave: an identifier.");
    said(problem, "RFC 9457.")
}

fn fault() -> Value {
    shown(vec![
        must(
            "pointer",
            string(),
            "Where: a JSON pointer into the body, or `/` and a parameter's name.",
        ),
        must("detail", string(), "What is wrong there."),
    ])
}
