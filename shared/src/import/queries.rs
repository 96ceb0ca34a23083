//! The SQL of an import: statements for many rows at once.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{Error, GenericClient, Row as Found};
use uuid::Uuid;

use super::plan::Planned;
use super::row::Row;
use crate::appointment::Status;
use crate::private::private;
use crate::sync::adoption::Content;

/// Takes the turn of each calendar, as a booking does, so that nobody takes a slot between our look at it and our commit.
pub(super) async fn take_turns(client: &impl GenericClient, calendars: &BTreeSet<&str>) -> Result<(), Error> {
    const TURNS: &str = "select pg_advisory_xact_lock(hashtextextended(id, 0)) from unnest($1::text[]) as id";
    const CALENDARS: &str = "insert into calendars (id) select unnest($1::text[]) on conflict do nothing";
    // In one order, so that two imports wait for each other and not both at once.
    let calendars: Vec<_> = calendars.iter().collect();
    for statement in [TURNS, CALENDARS] {
        client
            .execute_typed(statement, &[(&calendars, Type::TEXT_ARRAY)])
            .await?;
    }
    Ok(())
}

/// The lines of the rows that are there already, under their id or by their event.
pub(super) async fn known(client: &impl GenericClient, rows: &[Row]) -> Result<HashSet<u64>, Error> {
    const KNOWN: &str = "select n.line
        from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[]) as n (line, id, calendar_id, event_id)
        where exists (select from appointments a where a.id = n.id)
           or exists (select from calendar_events e
                      where (e.calendar_id, e.event_id) = (n.calendar_id, n.event_id))";
    let lines = lines(rows.iter());
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let calendars: Vec<_> = rows.iter().map(|row| row.calendar_id.as_str()).collect();
    let events: Vec<_> = rows.iter().map(|row| row.event_id.as_deref()).collect();
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&lines, Type::INT8_ARRAY),
        (&ids, Type::UUID_ARRAY),
        (&calendars, Type::TEXT_ARRAY),
        (&events, Type::TEXT_ARRAY),
    ];
    let found = client.query_typed(KNOWN, parameters).await?;
    found.iter().map(line).collect()
}

/// The lines of the rows on whose time a scheduled appointment stands.
pub(super) async fn on_taken_slots(
    client: &impl GenericClient,
    rows: &[&Row],
) -> Result<HashSet<u64>, Error> {
    // Twice, since each kind of row has its index.
    const TAKEN: &str = "select n.line
        from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[])
            as n (line, calendar_id, starts_at, ends_at)
        where exists (select from appointments a
                where a.calendar_id = n.calendar_id and a.status = 'scheduled' and not a.placed_by_person
                  and tstzrange(a.starts_at, a.ends_at) && tstzrange(n.starts_at, n.ends_at))
           or exists (select from appointments a
                where a.calendar_id = n.calendar_id and a.status = 'scheduled' and a.placed_by_person
                  and tstzrange(a.starts_at, a.ends_at) && tstzrange(n.starts_at, n.ends_at))";
    let rows = rows.iter().filter(|row| row.status == Status::Scheduled);
    let lines = lines(rows.clone().copied());
    let calendars: Vec<_> = rows.clone().map(|row| row.calendar_id.as_str()).collect();
    let starts: Vec<_> = rows.clone().map(|row| row.facts.starts_at).collect();
    let ends: Vec<_> = rows.map(|row| row.facts.ends_at).collect();
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&lines, Type::INT8_ARRAY),
        (&calendars, Type::TEXT_ARRAY),
        (&starts, Type::TIMESTAMPTZ_ARRAY),
        (&ends, Type::TIMESTAMPTZ_ARRAY),
    ];
    let found = client.query_typed(TAKEN, parameters).await?;
    found.iter().map(line).collect()
}

fn lines<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<i64> {
    // No file has more lines than that.
    rows.map(|row| row.line.cast_signed()).collect()
}

fn line(row: &Found) -> Result<u64, Error> {
    row.try_get("line").map(i64::cast_unsigned)
}

#[cfg_attr(test, derive(Debug))]
#[derive(Serialize)]
struct Written<'a> {
    id: Uuid,
    calendar_id: &'a str,
    patient_name: &'a str,
    patient_phone: Option<&'a str>,
    patient_email: Option<&'a str>,
    title: Option<&'a str>,
    reason: Option<&'a str>,
    notes: Option<&'a str>,
    location: Option<&'a str>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    time_zone: &'a str,
    status: &'static str,
    source: &'a str,
    created_at: Option<DateTime<Utc>>,
    placed_by_person: bool,
    event_id: &'a str,
    wanted: &'static str,
    due: bool,
    agreed: Option<&'a Content>,
    sent: Option<&'a Content>,
}

private!(Written<'a>);

impl<'a> Written<'a> {
    fn of(planned: &'a Planned<'_>) -> Self {
        let (row, facts) = (planned.row, &planned.row.facts);
        Self {
            id: row.id,
            calendar_id: &row.calendar_id,
            patient_name: &facts.patient_name,
            patient_phone: facts.patient_phone.as_deref(),
            patient_email: facts.patient_email.as_deref(),
            title: facts.title.as_deref(),
            reason: facts.reason.as_deref(),
            notes: facts.notes.as_deref(),
            location: facts.location.as_deref(),
            starts_at: facts.starts_at,
            ends_at: facts.ends_at,
            time_zone: &facts.time_zone,
            status: row.status.as_str(),
            source: &row.source,
            created_at: row.created_at,
            placed_by_person: planned.on_top,
            event_id: &planned.event_id,
            wanted: if planned.wanted { "present" } else { "absent" },
            due: planned.due,
            agreed: planned.presumed.as_ref().map(|presumed| &presumed.agreed),
            sent: planned.presumed.as_ref().map(|presumed| &presumed.sent),
        }
    }
}

/// Writes appointments, their events and the beginning of their histories. Booked when the older deployment says so.
pub(super) async fn write(client: &impl GenericClient, planned: &[Planned<'_>]) -> Result<(), Error> {
    const WRITE: &str = "with new as (
            select * from jsonb_to_recordset($1) as n(id uuid, calendar_id text, patient_name text, patient_phone text,
                patient_email text, title text, reason text, notes text, location text, starts_at timestamptz,
                ends_at timestamptz, time_zone text, status text, source text, created_at timestamptz,
                placed_by_person boolean, event_id text, wanted text, due boolean, agreed jsonb, sent jsonb)
        ), imported as (
            insert into appointments as a
                (id, calendar_id, patient_name, patient_phone, patient_email, title, reason, notes, location,
                 starts_at, ends_at, time_zone, status, source, google_calendar_event_id, placed_by_person,
                 cancelled_at, created_at)
            select id, calendar_id, patient_name, patient_phone, patient_email, title, reason, notes, location,
                starts_at, ends_at, time_zone, status, source, event_id, placed_by_person,
                case when status = 'cancelled' then now() end, coalesce(created_at, now())
            from new
            returning a
        ), events as (
            insert into calendar_events
                (calendar_id, event_id, appointment_id, wanted, wanted_version, pushed_version, agreed, agreed_version,
                 sent)
            select calendar_id, event_id, id, wanted, 1, case when not due then 1 end, agreed,
                case when agreed is not null then 1 end, sent
            from new
        )
        insert into appointment_history (id, appointment_id, version, at, by, change, fields)
        select gen_random_uuid(), (a).id, (a).version, (a).created_at, (a).source, 'created',
            changed_facts('{}', appointment_facts(a))
        from imported";
    let rows: Vec<_> = planned.iter().map(Written::of).collect();
    client.execute_typed(WRITE, &[(&Json(rows), Type::JSONB)]).await?;
    Ok(())
}

/// Has the next pull of these calendars list everything: an increment would not tell of events that are ours only now. A
/// pull that is under way did not know them either; without its lease it commits nothing.
pub(super) async fn list_anew(client: &impl GenericClient, calendars: &BTreeSet<&str>) -> Result<(), Error> {
    const ANEW: &str = "update calendars
        set sync_token = null, unfinished_listing = null, lease_owner = null, lease_until = null
        where id = any($1)";
    let calendars: Vec<_> = calendars.iter().collect();
    client
        .execute_typed(ANEW, &[(&calendars, Type::TEXT_ARRAY)])
        .await?;
    Ok(())
}
