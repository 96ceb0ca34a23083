//! How an appointment looks outside.

use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::appointment::Appointment;

use crate::response::with_status;

/// The JSON of an appointment: its times on the wall clock of its zone, everything else in UTC.
#[derive(Serialize)]
pub(crate) struct Representation<'a> {
    id: uuid::Uuid,
    calendar_id: &'a str,
    patient_name: &'a str,
    patient_phone: Option<&'a str>,
    patient_email: Option<&'a str>,
    title: &'a str,
    reason: Option<&'a str>,
    notes: Option<&'a str>,
    location: Option<&'a str>,
    starts_at: String,
    ends_at: String,
    time_zone: &'static str,
    status: &'static str,
    source: &'a str,
    version: i64,
    google_calendar_event_id: &'a str,
    calendar_sync: CalendarSync<'a>,
    created_at: String,
    updated_at: String,
    cancelled_at: Option<String>,
}

#[derive(Serialize)]
struct CalendarSync<'a> {
    state: &'static str,
    synced_at: Option<String>,
    last_error: Option<&'a str>,
}

impl<'a> From<&'a Appointment> for Representation<'a> {
    fn from(appointment: &'a Appointment) -> Self {
        let local = |at: DateTime<Utc>| rfc_3339(at, appointment.time_zone);
        let utc = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        Self {
            id: appointment.id,
            calendar_id: &appointment.calendar_id,
            patient_name: &appointment.patient_name,
            patient_phone: appointment.patient_phone.as_deref(),
            patient_email: appointment.patient_email.as_deref(),
            title: &appointment.title,
            reason: appointment.reason.as_deref(),
            notes: appointment.notes.as_deref(),
            location: appointment.location.as_deref(),
            starts_at: local(appointment.starts_at),
            ends_at: local(appointment.ends_at),
            time_zone: appointment.time_zone.name(),
            status: appointment.status.as_str(),
            source: &appointment.source,
            version: appointment.version,
            google_calendar_event_id: &appointment.google_calendar_event_id,
            calendar_sync: CalendarSync {
                state: appointment.sync_state.as_str(),
                synced_at: appointment.synced_at.map(utc),
                last_error: appointment.last_error.as_deref(),
            },
            created_at: utc(appointment.created_at),
            updated_at: utc(appointment.updated_at),
            cancelled_at: appointment.cancelled_at.map(utc),
        }
    }
}

/// A time on the wall clock of a zone, with its offset.
pub(crate) fn rfc_3339(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// An appointment as an answer, with its `ETag`.
pub(super) fn answer(status: StatusCode, appointment: &Appointment) -> Response {
    let mut response = with_status(status, &Representation::from(appointment));
    // Digits between quotes are a valid header value.
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", appointment.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
