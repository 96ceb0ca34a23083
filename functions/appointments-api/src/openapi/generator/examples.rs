//! The document's examples. Requests are read by the real readers and answers checked against their schemas (see `tests`);
//! an appointment and the problems are made by the code that answers.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use shared::appointment::{Appointment, Status, SyncState};
use shared::problem::Problem;
use uuid::Uuid;

use crate::appointments::{Representation, slot_taken};

/// The clinic's first calendar.
pub(super) const CALENDAR: &str = "clinic@example.com";

/// Examples of a request by name, each with what it is good for.
fn named<const N: usize>(examples: [(&str, &str, Value); N]) -> Value {
    let examples =
        examples.map(|(name, summary, value)| (name.to_owned(), json!({"summary": summary, "value": value})));
    Value::Object(examples.into_iter().collect())
}

pub(super) fn bookings() -> Value {
    let booking = json!({
        "patient_name": "A. Khan", "patient_phone": "+92 300 1234567", "reason": "Check-up",
        "starts_at": "2031-01-06T09:00:00+05:00"
    });
    let detailed = json!({
        "patient_name": "B. Malik", "patient_phone": "0300 7654321", "patient_email": "b.malik@example.com",
        "title": "Follow-up", "reason": "Blood pressure", "notes": "Second visit.\nBrings the diary.", "location": "Room 2",
        "starts_at": "2031-01-07T10:00:00+05:00", "ends_at": "2031-01-07T10:45:00+05:00", "calendar_id": CALENDAR,
        "allow_past": false, "allow_busy": true
    });
    named([
        ("short", "Half an hour", booking),
        ("detailed", "Everything that can be said", detailed),
    ])
}

pub(super) fn patches() -> Value {
    named([
        (
            "notes",
            "New notes, and no email address any more",
            json!({"notes": "Bring the x-ray.", "patient_email": null}),
        ),
        ("longer", "A longer appointment", json!({"duration_minutes": 45})),
        (
            "no_show",
            "The patient did not come",
            json!({"status": "no_show"}),
        ),
    ])
}

pub(super) fn reschedulings() -> Value {
    named([(
        "later",
        "The next day, as long as before",
        json!({"starts_at": "2031-01-08T11:00:00+05:00"}),
    )])
}

pub(super) fn cancellations() -> Value {
    named([(
        "reason",
        "With a reason",
        json!({"reason": "The patient is ill."}),
    )])
}

pub(super) fn syncs() -> Value {
    named([(
        "confirmed",
        "With everything that was held back",
        json!({"confirm_mass_cancel": true}),
    )])
}

pub(super) fn watches() -> Value {
    named([(
        "loopback",
        "A webhook on this machine",
        json!({"webhook_url": "http://127.0.0.1:9000/calendar/webhook"}),
    )])
}

/// A time of the examples, seconds after the first one.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_924_000_000 + seconds, 0).unwrap()
}

fn stored() -> Appointment {
    Appointment {
        id: Uuid::from_u128(0x0190_f0c2_7b1c_7000_8000_0000_0000_0001),
        calendar_id: CALENDAR.into(),
        patient_name: "A. Khan".into(),
        patient_phone: Some("+92 300 1234567".into()),
        patient_email: None,
        title: "Check-up: A. Khan".into(),
        reason: Some("Check-up".into()),
        notes: None,
        location: None,
        starts_at: "2031-01-06T04:00:00Z".parse().unwrap(),
        ends_at: "2031-01-06T04:30:00Z".parse().unwrap(),
        time_zone: chrono_tz::Asia::Karachi,
        status: Status::Scheduled,
        source: "voice_agent".into(),
        version: 1,
        google_calendar_event_id: "bfcafa15fe714a20842bded8b134b006".into(),
        created_at: at(0),
        updated_at: at(0),
        cancelled_at: None,
        sync_state: SyncState::Pending,
        synced_at: None,
        last_error: None,
    }
}

pub(super) fn appointment() -> Value {
    json!(Representation::from(&stored()))
}

pub(super) fn cancelled_appointment() -> Value {
    json!(Representation::from(&Appointment {
        status: Status::Cancelled,
        version: 2,
        updated_at: at(3600),
        cancelled_at: Some(at(3600)),
        ..stored()
    }))
}

pub(super) fn appointment_list() -> Value {
    json!({"items": [appointment()], "next_cursor": null})
}

pub(super) fn history() -> Value {
    json!({"items": [{
        "version": 2, "at": "2030-12-20T10:26:40.000Z", "by": "google_calendar", "change": "updated",
        "fields": {"starts_at": {"from": "2031-01-06T09:00:00+05:00", "to": "2031-01-06T10:00:00+05:00"}}
    }]})
}

pub(super) fn availability() -> Value {
    json!({"slots": [{"starts_at": "2031-01-06T09:00:00+05:00", "ends_at": "2031-01-06T09:30:00+05:00"}]})
}

pub(super) fn from_calendar() -> Value {
    json!({"updated": 1, "cancelled": 0, "restored": 0, "conflicts": 0, "full": false, "mass_cancel_held": false})
}

pub(super) fn to_calendar() -> Value {
    json!({"created": 1, "updated": 0, "deleted": 0, "failed": 0, "pending": 0})
}

pub(super) fn full_sync() -> Value {
    json!({"to_calendar": to_calendar(), "from_calendar": from_calendar()})
}

pub(super) fn auto_sync() -> Value {
    json!({
        "enabled": true, "running": true, "interval_seconds": 300,
        "last_sync_time": "2030-12-20T10:26:40.000Z", "last_sync_result": from_calendar()
    })
}

pub(super) fn calendar_status() -> Value {
    json!({
        "status": "available", "reason": null, "calendar_id": CALENDAR, "timezone": "Asia/Karachi",
        "auto_sync": auto_sync(), "last_sync_age_seconds": 42,
        "watch": {
            "active": true, "expires_at": "2030-12-27T10:26:40.000Z", "last_notification_at": "2030-12-20T10:20:00.000Z"
        },
        "watch_problem": null, "pending": 0, "failed": 0, "conflicts": 0, "mass_cancel_held": false,
        "cooldown_until": null
    })
}

pub(super) fn event_list() -> Value {
    json!({
        "items": [{
            "id": "bfcafa15fe714a20842bded8b134b006", "title": "Check-up: A. Khan",
            "starts_at": "2031-01-06T09:00:00+05:00", "ends_at": "2031-01-06T09:30:00+05:00", "all_day": false,
            "status": "confirmed", "html_link": "https://calendar.example.com/event?eid=1",
            "appointment_id": "0190f0c2-7b1c-7000-8000-000000000001"
        }],
        "next_page_token": null
    })
}

pub(super) fn watch_channel() -> Value {
    json!({
        "channel_id": "0190f0c2-7b1c-7000-8000-000000000002", "resource_id": "resource-1",
        "expires_at": "2030-12-27T10:26:40.000Z"
    })
}

/// What a problem looks like, where the code that makes it can be asked.
pub(super) fn problem(code: &str) -> Option<Value> {
    let problem = match code {
        "unauthorized" => Problem::unauthorized("The API key is not known."),
        "missing_scope" => Problem::missing_scope("appointments"),
        "not_found" => Problem::not_found("appointment"),
        "slot_taken" => slot_taken(),
        "validation_failed" => Problem::invalid_field("starts_at", "is required"),
        "internal_error" => Problem::internal(),
        "body_too_large" => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            crate::request::TOO_LARGE,
        ),
        _ => return None,
    };
    Some(json!(problem))
}
