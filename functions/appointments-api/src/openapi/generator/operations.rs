//! Every operation, in words.

use http::Method;
use serde_json::{Value, json};

use super::operation::Operation;
use super::{examples, parameters};

const JSON: [&str; 1] = ["application/json"];
const PATCHES: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// The sections of the document, in its order.
pub(super) const TAGS: [(&str, &str); 4] = [
    (
        "Appointments",
        "Book, find, change and cancel. Google Calendar follows by itself.",
    ),
    ("Availability", "Which times are free."),
    (
        "Calendar",
        "For operators: how the sync with Google Calendar stands, and starting it by hand.",
    ),
    ("Service", "About the API itself."),
];

/// What a route does; `None` for one that nobody has described.
pub(super) fn of(method: &Method, path: &str) -> Option<Operation> {
    appointments(method, path)
        .or_else(|| calendar(method, path))
        .or_else(|| service(method, path))
}

fn appointments(method: &Method, path: &str) -> Option<Operation> {
    let new = |id, summary| Operation::new(id, "Appointments", summary);
    Some(match (method.as_str(), path) {
        ("GET", "/appointments") => new("listAppointments", "List appointments")
            .about("A page of appointments by their start. `from` and `to` select every appointment that overlaps the window.")
            .parameters(parameters::of_list())
            .gives(200, "A page.", "AppointmentList", examples::appointment_list()),
        ("POST", "/appointments") => new("bookAppointment", "Book an appointment")
            .about("Google is not asked: the event follows within seconds. Two appointments of one calendar never overlap.")
            .once()
            .body("Booking", &JSON, examples::bookings(), true)
            .gives(201, "Booked.", "Appointment", examples::appointment())
            .with_headers(&["ETag", "Location", "Idempotent-Replayed"])
            .leads_to(&next_steps())
            .fails(409, &["slot_taken"]),
        ("GET", "/appointments/{id}") => new("readAppointment", "Read an appointment")
            .of_one()
            .gives(200, "The appointment.", "Appointment", examples::appointment())
            .with_headers(&["ETag"])
            .leads_to(&next_steps()),
        ("PATCH", "/appointments/{id}") => new("changeAppointment", "Change an appointment")
            .about("A merge patch (RFC 7396): what is not named stays, `null` clears. The same event is updated.")
            .of_one()
            .if_match()
            .body("AppointmentPatch", &PATCHES, examples::patches(), false)
            .gives(200, "As it is now.", "Appointment", examples::appointment())
            .with_headers(&["ETag"])
            .fails(409, &["slot_taken", "appointment_cancelled"]),
        ("DELETE", "/appointments/{id}") => new("deleteAppointment", "Cancel an appointment, with an empty answer")
            .about("The same as `cancel`: the event is deleted, the appointment is kept as `cancelled`.")
            .of_one()
            .if_match()
            .gives_nothing(204, "Cancelled, or it was already."),
        ("POST", "/appointments/{id}/reschedule") => new("rescheduleAppointment", "Move an appointment to another time")
            .about("The old event is deleted and a new one made, so that whoever looks at the calendar sees it as new.")
            .of_one()
            .if_match()
            .once()
            .body("Rescheduling", &JSON, examples::reschedulings(), true)
            .gives(200, "At its new time.", "Appointment", examples::appointment())
            .with_headers(&["ETag", "Idempotent-Replayed"])
            .fails(409, &["slot_taken", "appointment_cancelled"]),
        ("POST", "/appointments/{id}/cancel") => new("cancelAppointment", "Cancel an appointment")
            .about("Its event is deleted and its slot is free. Again, it changes nothing.")
            .of_one()
            .if_match()
            .once()
            .body("Cancellation", &JSON, examples::cancellations(), false)
            .gives(200, "Cancelled, or it was already.", "Appointment", examples::cancelled_appointment())
            .with_headers(&["ETag", "Idempotent-Replayed"]),
        ("GET", "/appointments/{id}/history") => new("readHistory", "Tell who changed an appointment, what and when")
            .about("An entry for each version, people's edits in Google included; the last 100 at most.")
            .of_one()
            .parameters(parameters::of_history())
            .gives(200, "The changes.", "History", examples::history()),
        ("GET", "/availability") => Operation::new("findSlots", "Availability", "Find free slots")
            .about("Slots inside the opening hours, clear of appointments and of people's own events.")
            .parameters(parameters::of_availability())
            .gives(200, "The slots; none if nothing is free.", "Availability", examples::availability()),
        _ => return None,
    })
}

/// Everything that can be done with an appointment that was just seen.
fn next_steps() -> Value {
    let id = || json!({"path.id": "$response.body#/id"});
    let as_seen = || json!({"path.id": "$response.body#/id", "header.If-Match": "$response.header.ETag"});
    json!({
        "Read": {"operationId": "readAppointment", "parameters": id()},
        "History": {"operationId": "readHistory", "parameters": id()},
        "Change": {"operationId": "changeAppointment", "parameters": as_seen()},
        "Reschedule": {"operationId": "rescheduleAppointment", "parameters": as_seen()},
        "Cancel": {"operationId": "cancelAppointment", "parameters": as_seen()},
        "Delete": {"operationId": "deleteAppointment", "parameters": as_seen()},
    })
}

fn calendar(method: &Method, path: &str) -> Option<Operation> {
    let new = |id, summary| Operation::new(id, "Calendar", summary);
    let sync = |id, summary| {
        new(id, summary)
            .parameters([parameters::calendar_ids()])
            .asks_google()
            .fails(409, &["sync_in_progress"])
            .fails(503, &["out_of_time"])
    };
    let rule = |id, summary| {
        new(id, summary)
            .parameters([parameters::calendar_id()])
            .gives(200, "How it stands.", "AutoSync", examples::auto_sync())
            .fails(409, &["auto_sync_not_configured"])
            .fails(
                502,
                &[
                    "auto_sync_rule_missing",
                    "auto_sync_access_denied",
                    "auto_sync_refused",
                ],
            )
            .fails(503, &["event_bus_unreachable"])
    };
    Some(match (method.as_str(), path) {
        ("GET", "/calendar/status") => new(
            "readCalendarStatus",
            "Tell whether Google takes part, and what waits",
        )
        .parameters([parameters::calendar_id()])
        .gives(
            200,
            "How it stands.",
            "CalendarStatus",
            examples::calendar_status(),
        ),
        ("POST", "/calendar/sync") => sync("syncFromCalendar", "Bring Google's changes in")
            .about("They are in the database when this answers.")
            .body("SyncRequest", &JSON, examples::syncs(), false)
            .gives(200, "What came in.", "FromCalendar", examples::from_calendar()),
        ("POST", "/calendar/sync-to-calendar") => sync("syncToCalendar", "Bring our changes out")
            .about("Every appointment without its event gets it, those that Google refused before included.")
            .gives(200, "What went out.", "ToCalendar", examples::to_calendar()),
        ("POST", "/calendar/full-sync") => sync("syncBothWays", "First out, then in").gives(
            200,
            "What went out and came in.",
            "FullSync",
            examples::full_sync(),
        ),
        ("GET", "/calendar/events") => new("listCalendarEvents", "List what Google shows")
            .about("Appointments and people's own events, as Google has them now.")
            .parameters(parameters::of_events())
            .asks_google()
            .gives(200, "A page.", "EventList", examples::event_list()),
        ("POST", "/calendar/setup-watch") => new("openWatch", "Have Google notify an address")
            .about("One that was there before is replaced, the new one live before the old one stops.")
            .parameters([parameters::calendar_id()])
            .body("WatchRequest", &JSON, examples::watches(), true)
            .asks_google()
            .gives(
                201,
                "The channel is live.",
                "WatchChannel",
                examples::watch_channel(),
            )
            .fails(409, &["watch_stopped", "not_configured"]),
        ("POST", "/calendar/stop-watch") => new("closeWatch", "Stop the calendar's channels")
            .parameters([parameters::calendar_id()])
            .asks_google()
            .gives(200, "None is left.", "WatchStopped", json!({"active": false})),
        ("GET", "/calendar/auto-sync/status") => rule("readAutoSync", "Tell whether the 5-minute run is on"),
        ("POST", "/calendar/auto-sync/start") => rule("startAutoSync", "Switch the 5-minute run on"),
        ("POST", "/calendar/auto-sync/stop") => rule("stopAutoSync", "Switch the 5-minute run off"),
        _ => return None,
    })
}

fn service(method: &Method, path: &str) -> Option<Operation> {
    let new = |id, summary| Operation::new(id, "Service", summary);
    Some(match (method.as_str(), path) {
        ("GET", "/health") => new("checkHealth", "Tell whether the API can do its work")
            .gives(200, "It can.", "Health", json!({"status": "ok"}))
            .fails(500, &["internal_error"])
            .fails(503, &["database_busy", "database_unavailable"]),
        ("GET", "/openapi.json") => new("readOpenApi", "This document")
            .parameters([parameters::if_none_match()])
            .gives_file("application/json", &json!({"type": "object"})),
        ("GET", "/docs") => new("readDocs", "This document as a page")
            .parameters([parameters::if_none_match()])
            .gives_file("text/html", &json!({"type": "string"})),
        _ => return None,
    })
}

impl Operation {
    /// A file that caches may keep.
    fn gives_file(self, content_type: &str, schema: &Value) -> Self {
        self.gives_nothing(200, "The file.")
            .holding(content_type, json!({"schema": schema}))
            .gives_nothing(304, "The copy that `If-None-Match` names is still good.")
            .with_headers(&["ETag"])
    }
}
