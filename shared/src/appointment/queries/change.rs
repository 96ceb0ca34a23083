//! Changing: patch, reschedule and cancel are one statement with different wishes.

use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::read::read_with;
use super::{SLOT_TAKEN, columns};
use crate::appointment::request::{Change, ChangeKind};
use crate::appointment::{Appointment, new_event_id};
use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;

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
            _ => Self::Unchanged(Box::new(Appointment::from_row(row)?)),
        }))
    }
}

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
    let parameters: [(&(dyn ToSql + Sync), Type); 9] = [
        (&id, Type::UUID),
        (&values, Type::JSONB),
        (&length_secs, Type::INT8),
        (&kind, Type::TEXT),
        (&if_match, Type::INT8_ARRAY),
        (&change.allow_past, Type::BOOL),
        (&event_id, Type::TEXT),
        (&write_id, Type::UUID),
        (&by, Type::TEXT),
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
