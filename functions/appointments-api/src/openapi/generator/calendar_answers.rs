//! What answers under `/calendar` carry.

use serde_json::{Value, json};

use super::schema::{
    count, flag, instant, list, must, named, nullable, shown, string, uuid, whole_number, words,
};

/// The schemas, by name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
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
    ]
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
