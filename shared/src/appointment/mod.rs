//! An appointment: the record that the clinic owns. Google Calendar shows it; the database holds it.
//!
//! - [`request`]: what a caller may ask for, checked without I/O.
//! - [`idempotency`]: when two requests are one; pure.
//! - [`phone`]: how one number may be written; pure.
//! - [`queries`]: all the SQL that touches an appointment on a caller's behalf.

pub mod cursor;
pub mod idempotency;
pub mod phone;
pub mod queries;
pub mod request;

use crate::private::private;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// Where an appointment stands in the clinic's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It takes place, and holds its slot.
    Scheduled,
    /// It took place.
    Completed,
    /// The patient did not come.
    NoShow,
    /// It does not take place; its event is deleted.
    Cancelled,
}

impl Status {
    /// Every status, in the order of the contract.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::Completed, Self::NoShow, Self::Cancelled];

    /// The word for it, in the database and outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Completed => "completed",
            Self::NoShow => "no_show",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How far Google Calendar shows what the appointment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// A change waits to be written to Google.
    Pending,
    /// Google shows it.
    Synced,
    /// Google refused it for good; it waits for a change or for a person.
    Failed,
}

impl SyncState {
    /// The word for it outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Failed => "failed",
        }
    }
}

/// An appointment as stored, with the sync state of its event.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone)]
pub struct Appointment {
    /// Chosen by us at booking.
    pub id: Uuid,
    /// The Google calendar that shows it.
    pub calendar_id: String,
    /// The patient.
    pub patient_name: String,
    /// As the caller wrote it.
    pub patient_phone: Option<String>,
    /// As the caller wrote it.
    pub patient_email: Option<String>,
    /// What the event is called: the title given, or `reason: patient_name`.
    pub title: String,
    /// Why the patient comes.
    pub reason: Option<String>,
    /// Free text, shown above the footer of the event.
    pub notes: Option<String>,
    /// Where it takes place.
    pub location: Option<String>,
    /// Start, whole seconds.
    pub starts_at: DateTime<Utc>,
    /// End, after the start.
    pub ends_at: DateTime<Utc>,
    /// The zone in which people read its times.
    pub time_zone: Tz,
    /// Where it stands.
    pub status: Status,
    /// The caller that booked it.
    pub source: String,
    /// Rises with every change; its `ETag`.
    pub version: i64,
    /// The id of its current (or, once cancelled, last) event.
    pub google_calendar_event_id: String,
    /// When it was booked.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was cancelled, if it is.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// How far Google shows it.
    pub sync_state: SyncState,
    /// When Google last confirmed what the event shows.
    pub synced_at: Option<DateTime<Utc>>,
    /// Why Google does not show it, in words for a receptionist.
    pub last_error: Option<String>,
}

private!(Appointment);

/// A fresh id for an event, chosen before Google is first asked: 32 characters of `0-9a-f`.
///
/// Google takes `0-9a-v`, 5 to 1024 of them, and never forgets a used one, so each event gets its own.
pub fn new_event_id() -> String {
    Uuid::new_v4().simple().to_string()
}
