//! What answers carry. That the code answers so, and nothing else, is seen at each answer of the API's own tests (see
//! `conformance`).

use serde_json::{Value, json};
use shared::appointment::{Status, SyncState};

use super::schema::{
    count, flag, instant, list, must, named, nullable, said, shown, string, uuid, whole_number, words,
};

/// The schemas, by name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
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
        ("CalendarStatus", calendar_status()),
        ("AutoSync", auto_sync()),
        ("Watch", watch()),
        ("ToCalendar", to_calendar()),
        ("FromCalendar", from_calendar()),
        ("FullSync", full_sync()),
        ("EventList", event_list()),
        ("Event", event()),
        ("WatchChannel", watch_channel()),
        (
            "WatchStopped",
            shown(vec![must(
                "active",
                json!({"type": "boolean", "const": false}),
                "None is left.",
            )]),
        ),
        (
            "Health",
            shown(vec![must("status", words(["ok"]), "The database answers.")]),
        ),
        ("Problem", problem()),
        ("Fault", fault()),
    ]
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

fn calendar_status() -> Value {
    let reasons = [
        "credentials_missing",
        "credentials_invalid",
        "calendar_not_shared",
        "google_unreachable",
    ];
    shown(vec![
        must(
            "status",
            words(["available", "unavailable"]),
            "Whether Google takes part.",
        ),
        must("reason", nullable(words(reasons)), "Why it does not."),
        must("calendar_id", string(), "Which calendar this is about."),
        must("timezone", string(), "The clinic's zone."),
        must("auto_sync", named("AutoSync"), "The 5-minute run."),
        must(
            "last_sync_age_seconds",
            nullable(count()),
            "How long ago the last sync ended well.",
        ),
        must(
            "watch",
            named("Watch"),
            "The channel by which Google notifies us.",
        ),
        must(
            "watch_problem",
            nullable(words(["silent", "push_refused"])),
            "Why changes are found by polling alone.",
        ),
        must("pending", count(), "Events that wait to be written."),
        must("failed", count(), "Events that Google refused for good."),
        must(
            "conflicts",
            count(),
            "Appointments that a person put on top of another one.",
        ),
        must(
            "mass_cancel_held",
            flag(),
            "Whether cancellations wait for `confirm_mass_cancel`.",
        ),
        must(
            "cooldown_until",
            nullable(instant()),
            "Until when Google asked to be left alone.",
        ),
    ])
}

fn auto_sync() -> Value {
    let result = json!({"anyOf": [named("FromCalendar"), {"type": "null"}]});
    shown(vec![
        must("enabled", flag(), "Whether it was deployed to run."),
        must("running", flag(), "Whether its rule is enabled now."),
        must(
            "interval_seconds",
            whole_number(60..=i64::MAX),
            "How often it runs.",
        ),
        must(
            "last_sync_time",
            nullable(instant()),
            "When a sync last ended well, whoever started it.",
        ),
        must("last_sync_result", result, "What it did."),
    ])
}

fn watch() -> Value {
    shown(vec![
        must("active", flag(), "Whether a channel is live."),
        must("expires_at", nullable(instant()), "When it ends, or ended."),
        must(
            "last_notification_at",
            nullable(instant()),
            "When Google last notified us of anything.",
        ),
    ])
}

fn to_calendar() -> Value {
    shown(vec![
        must("created", count(), "Events that came to be."),
        must("updated", count(), "Events that were changed."),
        must("deleted", count(), "Events that were deleted."),
        must(
            "failed",
            count(),
            "Events that Google refused for good in this run.",
        ),
        must("pending", count(), "Events that still wait."),
    ])
}

fn from_calendar() -> Value {
    shown(vec![
        must(
            "updated",
            count(),
            "Appointments that took over a person's changes.",
        ),
        must("cancelled", count(), "Appointments whose event was deleted."),
        must("restored", count(), "Appointments that came back from the bin."),
        must(
            "conflicts",
            count(),
            "Of these, how many now stand on top of another appointment.",
        ),
        must(
            "full",
            flag(),
            "Whether everything was listed, not only what changed.",
        ),
        must(
            "mass_cancel_held",
            flag(),
            "Whether cancellations wait for `confirm_mass_cancel`.",
        ),
    ])
}

fn full_sync() -> Value {
    shown(vec![
        must("to_calendar", named("ToCalendar"), "What went out, first."),
        must("from_calendar", named("FromCalendar"), "What came in, then."),
    ])
}

fn event_list() -> Value {
    shown(vec![
        must("items", list(named("Event")), "By their start."),
        must(
            "next_page_token",
            nullable(string()),
            "The `page_token` of the next page; `null` at the end.",
        ),
    ])
}

fn event() -> Value {
    shown(vec![
        must("id", string(), "Google's id, or the one that we chose."),
        must("title", nullable(string()), "Its title."),
        must(
            "starts_at",
            instant(),
            "On the clinic's wall clock; midnight for an all-day event.",
        ),
        must("ends_at", instant(), "On the clinic's wall clock."),
        must("all_day", flag(), "Whether it has dates instead of times."),
        must("status", words(["confirmed", "tentative"]), "Google's word."),
        must("html_link", nullable(string()), "Where people look at it."),
        must(
            "appointment_id",
            nullable(uuid()),
            "The appointment that it shows; `null` for a person's own.",
        ),
    ])
}

fn watch_channel() -> Value {
    shown(vec![
        must("channel_id", string(), "Our name for the channel."),
        must("resource_id", string(), "Google's name for what is watched."),
        must("expires_at", instant(), "When it ends; it is replaced before."),
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
