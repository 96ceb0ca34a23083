//! The SQL behind `/appointments`. Each write is one statement and so one commit: the appointment, the event that Google
//! should show, the history row and the record of the caller's key stand together or not at all.
//!
//! Locks are taken in one order everywhere, the appointment before its event.

mod book;
mod change;
mod history;
pub mod idempotency;
mod read;

use chrono_tz::Tz;
use tokio_postgres::Row;

use super::{Appointment, Status, SyncState};

pub use book::{Booked, book};
pub use change::{Changed, change};
pub use history::{Entry, History, history};
pub use read::{list, read};

/// The constraint that keeps two scheduled appointments of a calendar apart.
const SLOT_TAKEN: &str = "appointments_slot_taken";

/// What an appointment and its event look like when read; `a` and `e` are their rows.
macro_rules! columns {
    () => {
        "a.id, a.calendar_id, a.patient_name, a.patient_phone, a.patient_email, a.shown_title, a.reason, a.notes,
         a.location, a.starts_at, a.ends_at, a.time_zone, a.status, a.source, a.version,
         a.google_calendar_event_id, a.created_at, a.updated_at, a.cancelled_at,
         e.parked, e.pushed_version is not distinct from e.wanted_version as pushed, e.synced_at, e.last_error"
    };
}
use columns;

impl Appointment {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let status: String = row.try_get("status")?;
        let sync_state = match (row.try_get("parked")?, row.try_get("pushed")?) {
            (true, _) => SyncState::Failed,
            (false, true) => SyncState::Synced,
            (false, false) => SyncState::Pending,
        };
        Ok(Self {
            id: row.try_get("id")?,
            calendar_id: row.try_get("calendar_id")?,
            patient_name: row.try_get("patient_name")?,
            patient_phone: row.try_get("patient_phone")?,
            patient_email: row.try_get("patient_email")?,
            title: row.try_get("shown_title")?,
            reason: row.try_get("reason")?,
            notes: row.try_get("notes")?,
            location: row.try_get("location")?,
            starts_at: row.try_get("starts_at")?,
            ends_at: row.try_get("ends_at")?,
            time_zone: zone(row)?,
            // The column's CHECK knows the same words.
            status: Status::parse(&status).unwrap_or(Status::Scheduled),
            source: row.try_get("source")?,
            version: row.try_get("version")?,
            google_calendar_event_id: row.try_get("google_calendar_event_id")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            cancelled_at: row.try_get("cancelled_at")?,
            sync_state,
            synced_at: row.try_get("synced_at")?,
            last_error: row.try_get("last_error")?,
        })
    }
}

/// The zone of an appointment's row.
fn zone(row: &Row) -> Result<Tz, tokio_postgres::Error> {
    let name: String = row.try_get("time_zone")?;
    // Only zones that we parsed are stored; a zone that a later time zone database dropped is read as UTC.
    Ok(name.parse().unwrap_or(Tz::UTC))
}
