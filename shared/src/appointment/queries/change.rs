//! Changing: patch, reschedule and cancel are one statement with different wishes.

use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::SLOT_TAKEN;
use super::idempotency::{Known, Patience, Write, once};
use super::read::read_with;
use crate::appointment::idempotency::By;
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
    /// An event of a person's own takes (part of) the new slot.
    Busy,
    /// Its key was used before.
    Known(Known),
}

impl Changed {
    /// `None` when the statement was overtaken and is to be run again.
    fn from_row(row: &Row) -> Result<Option<Self>, tokio_postgres::Error> {
        if let Some(known) = Known::from_row(row)? {
            return Ok(Some(Self::Known(known)));
        }
        let outcome: String = row.try_get("outcome")?;
        Ok(Some(match outcome.as_str() {
            "again" => return Ok(None),
            "stale" => Self::Stale,
            "cancelled" => Self::Cancelled,
            "not_after_start" => Self::NotAfterStart,
            "too_long" => Self::TooLong,
            "in_the_past" => Self::InThePast,
            "slot_taken" => Self::SlotTaken,
            "busy" => Self::Busy,
            _ => {
                let appointment = Box::new(Appointment::from_row(row)?);
                match row.try_get("change")? {
                    Some(change) => Self::Changed { appointment, change },
                    None => Self::Unchanged(appointment),
                }
            }
        }))
    }
}

/// Reads the row under its lock, lays the new values over it, judges, and writes, all at once: nobody can
/// come between the check and the write, and the caller waits for one round trip.
///
/// A locked row is read as it is once the lock is ours; everything else as it was when the statement began. So the
/// event is locked too. One that came while we waited is not there yet for this statement, and the outcome is `again`.
const CHANGE: &str = once!(
    "locked as (
        select a as old from first join appointments a on a.id = $5 for update of a
     ), turn as materialized (
        -- As for a booking, where a slot may be taken. After the row's lock: whoever has the turn waits for nobody.
        select pg_advisory_xact_lock(hashtextextended((old).calendar_id, 0)) from locked
        where $8 = 'reschedule' or $7 is not null or $6 ?| array['starts_at', 'ends_at', 'status']
     ), shown as (
        select e as event from locked join calendar_events e
            on (e.calendar_id, e.event_id) = ((old).calendar_id, (old).google_calendar_event_id)
        for update of e
     ), merged as (
        select old, new, case
                when $7::bigint is not null then new.starts_at + $7 * interval '1 second'
                when $8 = 'reschedule' and not $6 ? 'ends_at' then new.starts_at + ((old).ends_at - (old).starts_at)
                else new.ends_at
            end as ends_at
        from locked cross join lateral jsonb_populate_record(old, $6) as new
     ), compared as (
        select *, ((new).starts_at, ends_at) is distinct from ((old).starts_at, (old).ends_at) as moved,
            (old).status <> 'scheduled' and (new).status = 'scheduled' as reopened,
            -- Its event is deleted for good: by a cancellation, or by someone who tidied up after it was over.
            $8 = 'reschedule' or (new).status = 'scheduled' and (event).wanted = 'absent' as renewed
        from merged left join shown on true left join turn on true
     ), judged as (
        select *, case
            when event is null then 'again'
            when $9::bigint[] is not null and (old).version <> all ($9) then 'stale'
            when (old).status = 'cancelled' and $8 = 'cancel' then 'unchanged'
            when (old).status = 'cancelled' and ($8 = 'reschedule' or (new).status in ('completed', 'no_show'))
                then 'cancelled'
            when ends_at <= (new).starts_at then 'not_after_start'
            when moved and ends_at - (new).starts_at > interval '24 hours' then 'too_long'
            when (new).starts_at <> (old).starts_at and (new).starts_at < now() and not $10 then 'in_the_past'
            when (new).status = 'scheduled' and (moved or reopened) and exists (
                    select from appointments other
                    where other.calendar_id = (old).calendar_id and other.id <> $5
                      and other.status = 'scheduled' and other.placed_by_person
                      and tstzrange(other.starts_at, other.ends_at)
                          && tstzrange((compared.new).starts_at, compared.ends_at))
                then 'slot_taken'
            -- Its own series goes where it goes.
            when (new).status = 'scheduled' and (moved or reopened) and not $12 and exists (
                    select from busy_events b
                    where b.calendar_id = (old).calendar_id and b.event_id <> (old).google_calendar_event_id
                      and b.series_id is distinct from (old).google_calendar_event_id
                      and b.busy && tstzrange((compared.new).starts_at, compared.ends_at))
                then 'busy'
            when $8 = 'reschedule' or new is distinct from old or moved then 'changed'
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
            google_calendar_event_id = case when renewed then $11 else a.google_calendar_event_id end,
            version = a.version + 1, updated_at = now()
        from judged where a.id = $5 and outcome = 'changed'
        returning a, old, event, case
            when (new).status = 'cancelled' and (old).status <> 'cancelled' then 'cancelled'
            when (old).status = 'cancelled' and reopened then 'restored'
            when $8 = 'reschedule' then 'rescheduled'
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
        returning e
     ), fresh as (
        -- Reads kept, so that the old event is no longer the present one when the new one becomes it.
        insert into calendar_events as e (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select (a).calendar_id, $11, $5, 'present', (a).version
        from written left join kept on true
        where (a).google_calendar_event_id = $11
        returning e
     ), history as (
        insert into appointment_history (id, appointment_id, version, by, change, fields)
        select $4, $5, (a).version, $1, change, changed_facts(appointment_facts(old), appointment_facts(a))
        from written
     ), now_is as (
        select a from written union all select old from judged where outcome <> 'changed'
     ), its_event as (
        select e from fresh
        union all select e from kept where not exists (select from fresh)
        union all select event from shown
            where not exists (select from kept) and not exists (select from fresh)
     ), answer as (
        select case when outcome in ('changed', 'unchanged') then 'done' else outcome end as outcome,
            written.change, now_is.a, e
        from judged cross join now_is left join its_event on true left join written on true
     )"
);

/// Changes an appointment as asked, if its rules allow.
pub async fn change<'a>(
    db: &Database,
    deadline: Deadline,
    id: Uuid,
    change: &Change,
    if_match: Option<&[i64]>,
    by: impl Into<By<'a>> + Send,
) -> Result<Changed, DatabaseError> {
    let write = Write::new(by.into());
    let kind = match change.kind {
        ChangeKind::Patch => "patch",
        ChangeKind::Reschedule => "reschedule",
        ChangeKind::Cancel => "cancel",
    };
    let length_secs = change.length.map(|length| length.num_seconds());
    let event_id = new_event_id();
    let values = Json(&change.values);
    let mut parameters = write.parameters().to_vec();
    parameters.extend::<[(&(dyn ToSql + Sync), Type); 8]>([
        (&id, Type::UUID),
        (&values, Type::JSONB),
        (&length_secs, Type::INT8),
        (&kind, Type::TEXT),
        (&if_match, Type::INT8_ARRAY),
        (&change.allow_past, Type::BOOL),
        (&event_id, Type::TEXT),
        (&change.allow_busy, Type::BOOL),
    ]);
    let mut patience = Patience::until(deadline);
    loop {
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
                async |client: &Client| {
                    // A record of the key tells the next run what came of the lost one.
                    if write.is_keyed() {
                        return Ok(None);
                    }
                    committed_change(client, id, write.id).await
                },
            )
            .await;
        match outcome {
            Ok(Changed::Known(Known::InProgress)) if patience.lasts().await => {}
            Err(error) if error.constraint() == Some(SLOT_TAKEN) => return Ok(Changed::SlotTaken),
            outcome => return outcome,
        }
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
