//! Booking: one statement.

use chrono_tz::Tz;
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::read::read_with;
use super::{SLOT_TAKEN, columns};
use crate::appointment::request::Booking;
use crate::appointment::{Appointment, new_event_id};
use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;

/// The outcome of [`book`].
#[derive(Debug)]
pub enum Booked {
    /// It holds its slot.
    Booked(Box<Appointment>),
    /// Another appointment of the calendar has (part of) the slot.
    SlotTaken,
}

/// A slot is free when no scheduled row overlaps it. The exclusion constraint watches over the rows booked
/// here; those that a person placed in Google stand outside it and are looked up.
///
/// Whoever takes a slot has the calendar's turn until the commit. Without it, those who want the same slot at once find
/// each other's rows in the constraint's index and wait for each other: PostgreSQL ends such a deadlock after a second,
/// one of them at a time.
const BOOK: &str = concat!(
    "with turn as materialized (
        select pg_advisory_xact_lock(hashtextextended($2, 0))
     ), free as (
        select 1 from turn where not exists (
            select from appointments
            where calendar_id = $2 and status = 'scheduled' and placed_by_person
              and tstzrange(starts_at, ends_at) && tstzrange($10, $11))
     ), calendar as (
        insert into calendars (id) select $2 from free on conflict do nothing
     ), booked as (
        insert into appointments as a
            (id, calendar_id, patient_name, patient_phone, patient_email, title, reason, notes, location,
             starts_at, ends_at, time_zone, source, google_calendar_event_id)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 from free
        returning a
     ), event as (
        insert into calendar_events as e (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select $2, $14, $1, 'present', (a).version from booked
        returning e.*
     ), history as (
        insert into appointment_history (id, appointment_id, version, by, change, fields)
        select $15, $1, (a).version, $13, 'created', changed_facts('{}', appointment_facts(a)) from booked
     )
     select ",
    columns!(),
    " from (select (a).* from booked) a cross join event e"
);

/// Books an appointment under an id chosen here.
pub async fn book(
    db: &Database,
    deadline: Deadline,
    booking: &Booking,
    calendar_id: &str,
    zone: Tz,
    by: &str,
) -> Result<Booked, DatabaseError> {
    let id = Uuid::now_v7();
    let event_id = new_event_id();
    let write_id = Uuid::now_v7();
    let zone = zone.name();
    let booked = db
        .write(
            deadline,
            async |client: &Client| {
                let rows = client
                    .query_typed(
                        BOOK,
                        &[
                            (&id, Type::UUID),
                            (&calendar_id, Type::TEXT),
                            (&booking.patient_name, Type::TEXT),
                            (&booking.patient_phone, Type::TEXT),
                            (&booking.patient_email, Type::TEXT),
                            (&booking.title, Type::TEXT),
                            (&booking.reason, Type::TEXT),
                            (&booking.notes, Type::TEXT),
                            (&booking.location, Type::TEXT),
                            (&booking.starts_at, Type::TIMESTAMPTZ),
                            (&booking.ends_at, Type::TIMESTAMPTZ),
                            (&zone, Type::TEXT),
                            (&by, Type::TEXT),
                            (&event_id, Type::TEXT),
                            (&write_id, Type::UUID),
                        ],
                    )
                    .await?;
                rows.first().map(Appointment::from_row).transpose()
            },
            async |client: &Client| read_with(client, id).await.map(|found| found.map(Some)),
        )
        .await;
    match booked {
        Ok(Some(appointment)) => Ok(Booked::Booked(Box::new(appointment))),
        Ok(None) => Ok(Booked::SlotTaken),
        Err(error) if error.constraint() == Some(SLOT_TAKEN) => Ok(Booked::SlotTaken),
        Err(error) => Err(error),
    }
}
