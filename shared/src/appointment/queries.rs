//! The SQL behind `/appointments`. Each write is one statement and so one commit: the appointment, the event
//! that Google should show and the history row stand together or not at all.
//!
//! Locks are taken in one order everywhere, the appointment before its event.

use chrono_tz::Tz;
use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::cursor::Cursor;
use super::request::{Booking, Change, ChangeKind, Filter};
use super::{Appointment, Status, SyncState, new_event_id};
use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;

/// What an appointment and its event look like when read; `a` and `e` are their rows.
macro_rules! columns {
    () => {
        "a.id, a.calendar_id, a.patient_name, a.patient_phone, a.patient_email, a.shown_title, a.reason, a.notes,
         a.location, a.starts_at, a.ends_at, a.time_zone, a.status, a.source, a.version,
         a.google_calendar_event_id, a.created_at, a.updated_at, a.cancelled_at,
         e.parked, e.pushed_version is not distinct from e.wanted_version as pushed, e.synced_at, e.last_error"
    };
}

impl Appointment {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let zone: String = row.try_get("time_zone")?;
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
            // Only zones that we parsed are stored; a zone that a later time zone database dropped is read as UTC.
            time_zone: zone.parse().unwrap_or(Tz::UTC),
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

/// The outcome of [`book`].
#[derive(Debug)]
pub enum Booked {
    /// It holds its slot.
    Booked(Box<Appointment>),
    /// Another appointment of the calendar has (part of) the slot.
    SlotTaken,
    /// An event of a person's own takes (part of) the slot.
    Busy,
}

impl Booked {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(
            match (row.try_get::<_, Option<Uuid>>("id")?, row.try_get("busy")?) {
                (Some(_), _) => Self::Booked(Box::new(Appointment::from_row(row)?)),
                (None, true) => Self::Busy,
                (None, false) => Self::SlotTaken,
            },
        )
    }
}

/// The outcome of [`change`].
#[derive(Debug)]
pub enum Changed {
    /// Done; `change` is the history's word for it.
    Changed {
        /// As it is now.
        appointment: Box<Appointment>,
        /// `updated`, `rescheduled`, `cancelled` or `restored`.
        change: String,
    },
    /// It was like that already; nothing was written.
    Unchanged(Box<Appointment>),
    /// No such appointment.
    NotFound,
    /// `If-Match` named another version.
    Stale,
    /// A cancelled appointment cannot be rescheduled, completed or missed.
    Cancelled,
    /// The new end is not after the new start.
    NotAfterStart,
    /// Longer than [`LONGEST`](super::request::LONGEST).
    TooLong,
    /// The new start lies in the past and nobody allowed that.
    InThePast,
    /// Another appointment has (part of) the new slot.
    SlotTaken,
    /// An event of a person's own takes (part of) the new slot.
    Busy,
}

impl Changed {
    /// `None` when the statement was overtaken and is to be run again.
    fn from_row(row: &Row) -> Result<Option<Self>, tokio_postgres::Error> {
        let outcome: String = row.try_get("outcome")?;
        Ok(Some(match outcome.as_str() {
            "again" => return Ok(None),
            "changed" => Self::Changed {
                change: row.try_get("change")?,
                appointment: Box::new(Appointment::from_row(row)?),
            },
            "stale" => Self::Stale,
            "cancelled" => Self::Cancelled,
            "not_after_start" => Self::NotAfterStart,
            "too_long" => Self::TooLong,
            "in_the_past" => Self::InThePast,
            "slot_taken" => Self::SlotTaken,
            "busy" => Self::Busy,
            _ => Self::Unchanged(Box::new(Appointment::from_row(row)?)),
        }))
    }
}

const READ: &str = concat!(
    "select ",
    columns!(),
    " from appointments a
     join calendar_events e on (e.calendar_id, e.event_id) = (a.calendar_id, a.google_calendar_event_id)
     where a.id = $1"
);

/// The appointment with this id.
pub async fn read(db: &Database, deadline: Deadline, id: Uuid) -> Result<Option<Appointment>, DatabaseError> {
    db.read(deadline, async |client| read_with(client, id).await)
        .await
}

async fn read_with(client: &Client, id: Uuid) -> Result<Option<Appointment>, tokio_postgres::Error> {
    let rows = client.query_typed(READ, &[(&id, Type::UUID)]).await?;
    rows.first().map(Appointment::from_row).transpose()
}

const LIST: &str = concat!(
    "select ",
    columns!(),
    " from appointments a
     join calendar_events e on (e.calendar_id, e.event_id) = (a.calendar_id, a.google_calendar_event_id)
     where ($1::timestamptz is null or a.ends_at > $1)
       and ($2::timestamptz is null or a.starts_at < $2)
       and ($3::text is null or a.status = $3)
       and ($4::text is null or regexp_replace(a.patient_phone, '[^0-9+]', '', 'g') = $4)
       and ($5::timestamptz is null or (a.starts_at, a.id) > ($5, $6::uuid))
     order by a.starts_at, a.id
     limit $7"
);

/// One page of appointments by `starts_at, id`, and where the next one begins if there is one.
pub async fn list(
    db: &Database,
    deadline: Deadline,
    filter: &Filter,
) -> Result<(Vec<Appointment>, Option<Cursor>), DatabaseError> {
    let status = filter.status.map(Status::as_str);
    let phone = filter
        .patient_phone
        .as_ref()
        .map(|phone| phone.replace(|c| !matches!(c, '0'..='9' | '+'), ""));
    let (after_start, after_id) = filter.after.map(|cursor| (cursor.starts_at, cursor.id)).unzip();
    // One more than asked for tells whether there is a next page.
    let limit = filter.limit + 1;
    let mut items = db
        .read(deadline, async |client| {
            let rows = client
                .query_typed(
                    LIST,
                    &[
                        (&filter.from, Type::TIMESTAMPTZ),
                        (&filter.to, Type::TIMESTAMPTZ),
                        (&status, Type::TEXT),
                        (&phone, Type::TEXT),
                        (&after_start, Type::TIMESTAMPTZ),
                        (&after_id, Type::UUID),
                        (&limit, Type::INT8),
                    ],
                )
                .await?;
            rows.iter()
                .map(Appointment::from_row)
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let page = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let more = items.len() > page;
    items.truncate(page);
    let next = items.last().filter(|_| more).map(|last| Cursor {
        starts_at: last.starts_at,
        id: last.id,
    });
    Ok((items, next))
}

/// A slot is free when no scheduled row overlaps it, and no event of a person's own unless that is allowed. The exclusion constraint watches over the rows booked
/// here; those that a person placed in Google stand outside it and are looked up.
///
/// Whoever takes a slot has the calendar's turn until the commit. Without it, those who want the same slot at once find
/// each other's rows in the constraint's index and wait for each other: PostgreSQL ends such a deadlock after a second,
/// one of them at a time.
const BOOK: &str = concat!(
    "with turn as materialized (
        select pg_advisory_xact_lock(hashtextextended($2, 0))
     ), slot as (
        select exists (
                select from appointments
                where calendar_id = $2 and status = 'scheduled' and placed_by_person
                  and tstzrange(starts_at, ends_at) && tstzrange($10, $11)) as taken,
            not $16 and exists (
                select from busy_events where calendar_id = $2 and busy && tstzrange($10, $11)) as busy
        from turn
     ), free as (
        select 1 from slot where not taken and not busy
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
     select slot.busy, ",
    columns!(),
    " from slot left join (select (a).* from booked) a on true left join event e on true"
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
                            (&booking.allow_busy, Type::BOOL),
                        ],
                    )
                    .await?;
                rows.first().map_or(Ok(Booked::SlotTaken), Booked::from_row)
            },
            async |client: &Client| {
                let found = read_with(client, id).await?;
                Ok(found.map(|appointment| Booked::Booked(Box::new(appointment))))
            },
        )
        .await;
    match booked {
        Err(error) if error.constraint() == Some(SLOT_TAKEN) => Ok(Booked::SlotTaken),
        outcome => outcome,
    }
}

const SLOT_TAKEN: &str = "appointments_slot_taken";

/// Reads the row under its lock, lays the new values over it, judges, and writes, all at once: nobody can
/// come between the check and the write, and the caller waits for one round trip.
///
/// A locked row is read as it is once the lock is ours; everything else as it was when the statement began. So the
/// event is locked too. One that came while we waited is not there yet for this statement, and the outcome is `again`.
const CHANGE: &str = concat!(
    "with locked as (
        select a as old from appointments a where id = $1 for update
     ), turn as materialized (
        -- As for a booking, where a slot may be taken. After the row's lock: whoever has the turn waits for nobody.
        select pg_advisory_xact_lock(hashtextextended((old).calendar_id, 0)) from locked
        where $4 = 'reschedule' or $3 is not null or $2 ?| array['starts_at', 'ends_at', 'status']
     ), shown as (
        select e as event from locked join calendar_events e
            on (e.calendar_id, e.event_id) = ((old).calendar_id, (old).google_calendar_event_id)
        for update of e
     ), merged as (
        select old, new, case
                when $3::bigint is not null then new.starts_at + $3 * interval '1 second'
                when $4 = 'reschedule' and not $2 ? 'ends_at' then new.starts_at + ((old).ends_at - (old).starts_at)
                else new.ends_at
            end as ends_at
        from locked cross join lateral jsonb_populate_record(old, $2) as new
     ), compared as (
        select *, ((new).starts_at, ends_at) is distinct from ((old).starts_at, (old).ends_at) as moved,
            (old).status <> 'scheduled' and (new).status = 'scheduled' as reopened,
            -- Its event is deleted for good: by a cancellation, or by someone who tidied up after it was over.
            $4 = 'reschedule' or (new).status = 'scheduled' and (event).wanted = 'absent' as renewed
        from merged left join shown on true left join turn on true
     ), judged as (
        select *, case
            when event is null then 'again'
            when $5::bigint[] is not null and (old).version <> all ($5) then 'stale'
            when (old).status = 'cancelled' and $4 = 'cancel' then 'unchanged'
            when (old).status = 'cancelled' and ($4 = 'reschedule' or (new).status in ('completed', 'no_show'))
                then 'cancelled'
            when ends_at <= (new).starts_at then 'not_after_start'
            when moved and ends_at - (new).starts_at > interval '24 hours' then 'too_long'
            when (new).starts_at <> (old).starts_at and (new).starts_at < now() and not $6 then 'in_the_past'
            when (new).status = 'scheduled' and (moved or reopened) and exists (
                    select from appointments other
                    where other.calendar_id = (old).calendar_id and other.id <> $1
                      and other.status = 'scheduled' and other.placed_by_person
                      and tstzrange(other.starts_at, other.ends_at)
                          && tstzrange((compared.new).starts_at, compared.ends_at))
                then 'slot_taken'
            -- Its own series goes where it goes.
            when (new).status = 'scheduled' and (moved or reopened) and not $10 and exists (
                    select from busy_events b
                    where b.calendar_id = (old).calendar_id and b.event_id <> (old).google_calendar_event_id
                      and b.series_id is distinct from (old).google_calendar_event_id
                      and b.busy && tstzrange((compared.new).starts_at, compared.ends_at))
                then 'busy'
            when $4 = 'reschedule' or new is distinct from old or moved then 'changed'
            else 'unchanged'
        end as outcome
        from compared
     ), written as (
        update appointments a set
            patient_name = (new).patient_name, patient_phone = (new).patient_phone,
            patient_email = (new).patient_email, title = (new).title, reason = (new).reason, notes = (new).notes,
            location = (new).location, starts_at = (new).starts_at, ends_at = judged.ends_at,
            status = (new).status, cancellation_reason = case when not reopened then (new).cancellation_reason end,
            placed_by_person = a.placed_by_person and not moved and not reopened,
            cancelled_at = case when (new).status = 'cancelled' then coalesce((old).cancelled_at, now()) end,
            google_calendar_event_id = case when renewed then $7 else a.google_calendar_event_id end,
            version = a.version + 1, updated_at = now()
        from judged where a.id = $1 and outcome = 'changed'
        returning a, old, event, case
            when (new).status = 'cancelled' and (old).status <> 'cancelled' then 'cancelled'
            when (old).status = 'cancelled' and reopened then 'restored'
            when $4 = 'reschedule' then 'rescheduled'
            else 'updated' end as change
     ), kept as (
        update calendar_events e set
            wanted = case when (a).status = 'cancelled' or (a).google_calendar_event_id <> e.event_id
                          then 'absent' else 'present' end,
            wanted_version = (a).version,
            parked = false, attempts = 0, next_attempt_at = now(), last_error = null
        from written
        where (e.calendar_id, e.event_id) = ((event).calendar_id, (event).event_id)
          and (event).wanted = 'present'
        returning e.*
     ), fresh as (
        -- Reads kept, so that the old event is no longer the present one when the new one becomes it.
        insert into calendar_events as e (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select (a).calendar_id, $7, $1, 'present', (a).version
        from written left join kept on true
        where (a).google_calendar_event_id = $7
        returning e.*
     ), history as (
        insert into appointment_history (id, appointment_id, version, by, change, fields)
        select $8, $1, (a).version, $9, change, changed_facts(appointment_facts(old), appointment_facts(a))
        from written
     ), now_is as (
        select (a).* from written union all select (old).* from judged where outcome <> 'changed'
     ), its_event as (
        select * from fresh
        union all select * from kept where not exists (select from fresh)
        union all select (event).* from shown
            where not exists (select from kept) and not exists (select from fresh)
     )
     select outcome, change, ", columns!(), "
     from judged cross join now_is a left join its_event e on true left join written on true"
);

/// Changes an appointment as asked, if its rules allow.
pub async fn change(
    db: &Database,
    deadline: Deadline,
    id: Uuid,
    change: &Change,
    if_match: Option<&[i64]>,
    by: &str,
) -> Result<Changed, DatabaseError> {
    let kind = match change.kind {
        ChangeKind::Patch => "patch",
        ChangeKind::Reschedule => "reschedule",
        ChangeKind::Cancel => "cancel",
    };
    let length_secs = change.length.map(|length| length.num_seconds());
    let event_id = new_event_id();
    let write_id = Uuid::now_v7();
    let values = Json(&change.values);
    let parameters: [(&(dyn ToSql + Sync), Type); 10] = [
        (&id, Type::UUID),
        (&values, Type::JSONB),
        (&length_secs, Type::INT8),
        (&kind, Type::TEXT),
        (&if_match, Type::INT8_ARRAY),
        (&change.allow_past, Type::BOOL),
        (&event_id, Type::TEXT),
        (&write_id, Type::UUID),
        (&by, Type::TEXT),
        (&change.allow_busy, Type::BOOL),
    ];
    let outcome = db
        .write(
            deadline,
            async |client: &Client| {
                // It ends: whoever came between has gone on, so each turn is some other writer's success.
                loop {
                    let rows = client.query_typed(CHANGE, &parameters).await?;
                    let Some(row) = rows.first() else {
                        return Ok(Changed::NotFound);
                    };
                    if let Some(outcome) = Changed::from_row(row)? {
                        return Ok(outcome);
                    }
                }
            },
            async |client: &Client| committed_change(client, id, write_id).await,
        )
        .await;
    match outcome {
        Err(error) if error.constraint() == Some(SLOT_TAKEN) => Ok(Changed::SlotTaken),
        other => other,
    }
}

/// Whether the change with this id was committed although its answer was lost.
async fn committed_change(
    client: &Client,
    id: Uuid,
    write_id: Uuid,
) -> Result<Option<Changed>, tokio_postgres::Error> {
    let rows = client
        .query_typed(
            "select change from appointment_history where id = $1",
            &[(&write_id, Type::UUID)],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let change = row.try_get("change")?;
    let appointment = read_with(client, id).await?;
    Ok(appointment.map(|appointment| Changed::Changed {
        appointment: Box::new(appointment),
        change,
    }))
}
