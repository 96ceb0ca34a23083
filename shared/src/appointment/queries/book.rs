//! Booking: one statement.

use chrono_tz::Tz;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::SLOT_TAKEN;
use super::idempotency::{Known, Patience, Write, once};
use super::read::read_with;
use crate::appointment::idempotency::By;
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
    /// An event of a person's own takes (part of) the slot.
    Busy,
    /// Its key was used before.
    Known(Known),
}

impl Booked {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        if let Some(known) = Known::from_row(row)? {
            return Ok(Self::Known(known));
        }
        let outcome: String = row.try_get("outcome")?;
        Ok(match outcome.as_str() {
            "busy" => Self::Busy,
            _ => Self::Booked(Box::new(Appointment::from_row(row)?)),
        })
    }
}

/// A slot is free when no scheduled row overlaps it, and no event of a person's own unless that is allowed. The exclusion
/// constraint watches over the rows booked here; those that a person placed in Google stand outside it and are looked up.
///
/// Whoever takes a slot has the calendar's turn until the commit. Without it, those who want the same slot at once find
/// each other's rows in the constraint's index and wait for each other: PostgreSQL ends such a deadlock after a second,
/// one of them at a time.
const BOOK: &str = once!(
    "turn as materialized (
        select pg_advisory_xact_lock(hashtextextended($6, 0)) from first
     ), slot as (
        select exists (
                select from appointments
                where calendar_id = $6 and status = 'scheduled' and placed_by_person
                  and tstzrange(starts_at, ends_at) && tstzrange($14, $15)) as taken,
            not $18 and exists (
                select from busy_events where calendar_id = $6 and busy && tstzrange($14, $15)) as busy
        from turn
     ), free as (
        select 1 from slot where not taken and not busy
     ), calendar as (
        insert into calendars (id) select $6 from free on conflict do nothing
     ), booked as (
        insert into appointments as a
            (id, calendar_id, patient_name, patient_phone, patient_email, title, reason, notes, location,
             starts_at, ends_at, time_zone, source, google_calendar_event_id)
        select $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $1, $17 from free
        returning a
     ), event as (
        insert into calendar_events as e (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select $6, $17, $5, 'present', (a).version from booked
        returning e
     ), history as (
        insert into appointment_history (id, appointment_id, version, by, change, fields)
        select $4, $5, (a).version, $1, 'created', changed_facts('{}', appointment_facts(a)) from booked
     ), answer as (
        select 'done' as outcome, 'created' as change, a, e from booked cross join event
        union all select 'busy', null, null, null from slot where busy and not taken
     )"
);

/// Books an appointment under an id chosen here.
pub async fn book<'a>(
    db: &Database,
    deadline: Deadline,
    booking: &Booking,
    calendar_id: &str,
    zone: Tz,
    by: impl Into<By<'a>> + Send,
) -> Result<Booked, DatabaseError> {
    let write = Write::new(by.into());
    let id = Uuid::now_v7();
    let event_id = new_event_id();
    let zone = zone.name();
    let mut parameters = write.parameters().to_vec();
    parameters.extend::<[(&(dyn ToSql + Sync), Type); 14]>([
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
        (&event_id, Type::TEXT),
        (&booking.allow_busy, Type::BOOL),
    ]);
    let mut patience = Patience::until(deadline);
    loop {
        let booked = db
            .write(
                deadline,
                async |client: &Client| {
                    let rows = client.query_typed(BOOK, &parameters).await?;
                    rows.first().map_or(Ok(Booked::SlotTaken), Booked::from_row)
                },
                async |client: &Client| {
                    // A record of the key tells the next run what came of the lost one.
                    if write.is_keyed() {
                        return Ok(None);
                    }
                    let found = read_with(client, id).await?;
                    Ok(found.map(|appointment| Booked::Booked(Box::new(appointment))))
                },
            )
            .await;
        match booked {
            Ok(Booked::Known(Known::InProgress)) if patience.lasts().await => {}
            Err(error) if error.constraint() == Some(SLOT_TAKEN) => return Ok(Booked::SlotTaken),
            outcome => return outcome,
        }
    }
}
