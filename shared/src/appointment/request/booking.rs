//! `POST /appointments`.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::fields::{End, LINE, NAME, NOTES, email_field, end, phone_field};
use super::{IN_THE_PAST, LONGEST, NOT_AFTER_START, TOO_LONG};
use crate::input::{Fault, Reader, time};
use crate::private::private;

/// The length of an appointment whose caller gave neither end nor duration.
pub const DEFAULT_LENGTH: TimeDelta = TimeDelta::minutes(30);

/// A booking, complete and valid but for its slot.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq)]
pub struct Booking {
    /// The calendar asked for; `None` is the default one.
    pub calendar_id: Option<String>,
    /// The patient.
    pub patient_name: String,
    /// Contact, as written.
    pub patient_phone: Option<String>,
    /// Contact, as written.
    pub patient_email: Option<String>,
    /// The event's title; `None` is `reason: patient_name`.
    pub title: Option<String>,
    /// Why the patient comes.
    pub reason: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End, after the start.
    pub ends_at: DateTime<Utc>,
    /// Whether it may lie on an event of a person's own.
    pub allow_busy: bool,
}

private!(Booking);

/// Reads `POST /appointments`.
pub fn booking(body: Value, now: DateTime<Utc>) -> Result<Booking, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let patient_name = reader.required_text("patient_name", NAME);
    let calendar_id = reader.text("calendar_id", LINE).into_value();
    let patient_phone = phone_field(&mut reader).into_value();
    let patient_email = email_field(&mut reader).into_value();
    let title = reader.text("title", LINE).into_value();
    let reason = reader.text("reason", LINE).into_value();
    let notes = reader.text("notes", NOTES).into_value();
    let location = reader.text("location", LINE).into_value();
    let starts_at = reader.required("starts_at", time);
    let end = end(&mut reader, time);
    let allow_past = reader.flag("allow_past");
    let allow_busy = reader.flag("allow_busy");
    let ends_at = starts_at.map(|start| match end {
        End::Unchanged => start + DEFAULT_LENGTH,
        End::After(length) => start + length,
        End::At(end) => end,
    });
    if let (Some(start), Some(end)) = (starts_at, ends_at) {
        if let Err(detail) = check_length(start, end) {
            reader.fault("ends_at", detail);
        }
        if start < now && !allow_past {
            reader.fault("starts_at", IN_THE_PAST);
        }
    }
    let booking = (|| {
        Some(Booking {
            calendar_id,
            patient_name: patient_name?,
            patient_phone,
            patient_email,
            title,
            reason,
            notes,
            location,
            starts_at: starts_at?,
            ends_at: ends_at?,
            allow_busy,
        })
    })();
    reader.finish(booking)
}

/// Whether an appointment may last so long.
pub(crate) fn check_length(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<(), &'static str> {
    if end <= start {
        Err(NOT_AFTER_START)
    } else if end - start > LONGEST {
        Err(TOO_LONG)
    } else {
        Ok(())
    }
}
