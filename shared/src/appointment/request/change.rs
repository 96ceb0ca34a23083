//! `PATCH`, `reschedule`, `cancel` and `DELETE`.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::fields::{CANCELLATION_REASON, End, LINE, NAME, NOTES, email_field, end, phone_field};
use crate::appointment::Status;
use crate::input::{Fault, Patch, Reader, time};
use crate::private::private;

/// What a change asks for besides new values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// New values; the same event is updated in place.
    Patch,
    /// New times under a new event; the old event is deleted.
    Reschedule,
    /// No longer takes place; the event is deleted.
    Cancel,
}

/// A change of an existing appointment.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq)]
pub struct Change {
    /// Which way it is changed.
    pub kind: ChangeKind,
    /// New values by column name, `null` to clear; only valid ones.
    pub values: Map<String, Value>,
    /// The new length where the caller gave a duration instead of an end.
    pub length: Option<TimeDelta>,
    /// Whether it may start in the past.
    pub allow_past: bool,
    /// Whether it may lie on an event of a person's own.
    pub allow_busy: bool,
}

private!(Change);

/// Reads `PATCH /appointments/{id}`: an RFC 7396 merge patch.
pub fn patch(body: Value) -> Result<Change, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let mut values = Map::new();
    if reader.has("patient_name") {
        set(
            &mut values,
            "patient_name",
            reader.required_text("patient_name", NAME),
        );
    }
    put(&mut values, "patient_phone", phone_field(&mut reader));
    put(&mut values, "patient_email", email_field(&mut reader));
    for (name, shape) in [
        ("title", LINE),
        ("reason", LINE),
        ("notes", NOTES),
        ("location", LINE),
    ] {
        put(&mut values, name, reader.text(name, shape));
    }
    if reader.has("starts_at") {
        set(&mut values, "starts_at", reader.required("starts_at", time));
    }
    let length = put_end(&mut values, end(&mut reader, time));
    if reader.has("status") {
        let status = reader.required("status", |value| match value.as_str().and_then(Status::parse) {
            Some(Status::Cancelled) | None => Err(
                "must be scheduled, completed or no_show; to cancel, POST to /appointments/{id}/cancel"
                    .into(),
            ),
            Some(status) => Ok(status.as_str()),
        });
        set(&mut values, "status", status);
    }
    if reader.has("calendar_id") {
        reader.read("calendar_id", |_| Ok(()));
        reader.fault(
            "calendar_id",
            "cannot be changed; cancel the appointment and book it in the other calendar",
        );
    }
    let allow_past = reader.flag("allow_past");
    let allow_busy = reader.flag("allow_busy");
    reader.finish(Some(Change {
        kind: ChangeKind::Patch,
        values,
        length,
        allow_past,
        allow_busy,
    }))
}

/// Reads `POST /appointments/{id}/reschedule`.
pub fn reschedule(body: Value) -> Result<Change, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let mut values = Map::new();
    set(&mut values, "starts_at", reader.required("starts_at", time));
    let length = put_end(&mut values, end(&mut reader, time));
    set(&mut values, "status", Some(Status::Scheduled.as_str()));
    let allow_past = reader.flag("allow_past");
    let allow_busy = reader.flag("allow_busy");
    reader.finish(Some(Change {
        kind: ChangeKind::Reschedule,
        values,
        length,
        allow_past,
        allow_busy,
    }))
}

/// Reads `POST /appointments/{id}/cancel`.
pub fn cancel(body: Value) -> Result<Change, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let reason = reader.text("reason", CANCELLATION_REASON).into_value();
    reader.finish(Some(Change {
        values: cancellation(reason),
        ..cancel_without_reason()
    }))
}

/// What `DELETE /appointments/{id}` asks for.
pub fn cancel_without_reason() -> Change {
    Change {
        kind: ChangeKind::Cancel,
        values: cancellation(None),
        length: None,
        allow_past: true,
        allow_busy: true,
    }
}

fn cancellation(reason: Option<String>) -> Map<String, Value> {
    let mut values = Map::new();
    set(&mut values, "status", Some(Status::Cancelled.as_str()));
    set(&mut values, "cancellation_reason", reason);
    values
}

fn put_end(values: &mut Map<String, Value>, end: End) -> Option<TimeDelta> {
    match end {
        End::Unchanged => None,
        End::After(length) => Some(length),
        End::At(at) => {
            set(values, "ends_at", Some(at));
            None
        }
    }
}

fn set<T: serde::Serialize>(values: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        values.insert(name.to_owned(), json!(value));
    }
}

fn put(values: &mut Map<String, Value>, name: &str, patch: Patch<String>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => {
            values.insert(name.to_owned(), Value::Null);
        }
        Patch::Set(text) => {
            values.insert(name.to_owned(), Value::String(text));
        }
    }
}
