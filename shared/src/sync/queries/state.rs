//! Events and their appointments as sync works on them: locked and read, changed in memory, written back in bulk.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{Error, GenericClient, Row};
use uuid::Uuid;

use crate::appointment::Status;
use crate::private::private;
use crate::sync::content::{Content, Facts};
use crate::sync::merge::{Changed, Changes};
use crate::sync::reconcile::{AppointmentState, EventState, Seen, State, Wanted};

/// An event with its appointment: `e` and `a` are their rows.
///
/// `changes`: when each fact last changed. Only a merge needs it, and of an event that shows its appointment only while
/// something is unwritten. A person's changes count from when they were made, not from when we heard of them.
/// `caller_changed_at`: see [`EventState`].
macro_rules! state {
    () => {
        "e.event_id, e.appointment_id, e.wanted, e.wanted_version, e.pushed_version, e.seen, e.etag, e.seen_at,
         e.agreed, e.agreed_version, e.sent, e.strays, e.attempts,
         a.version, a.status, a.google_calendar_event_id, a.title, a.reason, a.patient_name,
         a.patient_phone, a.patient_email, a.notes, a.location, a.starts_at, a.ends_at, a.time_zone, a.created_at,
         case when e.pushed_version is distinct from e.wanted_version or e.wanted = 'absent' then (
             select jsonb_object_agg(fact, jsonb_build_object('version', version, 'at', at)) from (
                 select distinct on (fact) fact, h.version, coalesce((h.dated ->> fact)::timestamptz, h.at) as at
                 from appointment_history h cross join jsonb_object_keys(h.fields) as fact
                 where h.appointment_id = a.id and (h.by <> 'google_calendar' or h.dated ? fact)
                 order by fact, h.version desc) as changed)
         end as changes,
         case when e.pushed_version is distinct from e.wanted_version then (
             select max(h.at) from appointment_history h
             where h.appointment_id = a.id and h.by <> 'google_calendar' and h.version > coalesce(e.agreed_version, 0))
         end as caller_changed_at"
    };
}
pub(super) use state;

pub(super) fn read_state(row: &Row) -> Result<(EventState, AppointmentState), Error> {
    let content = |name| {
        row.try_get::<_, Option<Json<Content>>>(name)
            .map(|json| json.map(|Json(content)| content))
    };
    let status: String = row.try_get("status")?;
    let changes: Option<Json<HashMap<String, Changed>>> = row.try_get("changes")?;
    let Json(strays) = row.try_get("strays")?;
    let event = EventState {
        event_id: row.try_get("event_id")?,
        appointment_id: row.try_get("appointment_id")?,
        wanted: match row.try_get("wanted")? {
            "present" => Wanted::Present,
            _ => Wanted::Absent,
        },
        wanted_version: row.try_get("wanted_version")?,
        pushed_version: row.try_get("pushed_version")?,
        seen: match row.try_get("seen")? {
            "never" => Seen::Never,
            "live" => Seen::Live,
            _ => Seen::Gone,
        },
        etag: row.try_get("etag")?,
        seen_at: row.try_get("seen_at")?,
        agreed: content("agreed")?,
        agreed_version: row.try_get("agreed_version")?,
        sent: content("sent")?,
        strays,
        caller_changed_at: row.try_get("caller_changed_at")?,
    };
    let appointment = AppointmentState {
        id: event.appointment_id,
        version: row.try_get("version")?,
        // The column's CHECK knows the same words.
        status: Status::parse(&status).unwrap_or(Status::Scheduled),
        event_id: row.try_get("google_calendar_event_id")?,
        facts: Facts {
            title: row.try_get("title")?,
            reason: row.try_get("reason")?,
            patient_name: row.try_get("patient_name")?,
            patient_phone: row.try_get("patient_phone")?,
            patient_email: row.try_get("patient_email")?,
            notes: row.try_get("notes")?,
            location: row.try_get("location")?,
            starts_at: row.try_get("starts_at")?,
            ends_at: row.try_get("ends_at")?,
            time_zone: row.try_get("time_zone")?,
        },
        changes: Changes {
            facts: changes.map(|Json(facts)| facts).unwrap_or_default(),
            booked: row.try_get("created_at")?,
        },
        change: None,
        moved: false,
    };
    Ok((event, appointment))
}

/// Locks the appointments of these events, then the events, and reads both: after the first lock, so that what another
/// writer committed while we waited is seen whole. The second keeps the outcome of a push from coming in between.
pub(crate) async fn lock_state(
    client: &impl GenericClient,
    calendar_id: &str,
    event_ids: &[&str],
) -> Result<State, Error> {
    const LOCK: &str = "select from appointments where id in
            (select appointment_id from calendar_events where calendar_id = $1 and event_id = any($2))
        order by id for update";
    const READ: &str = concat!(
        "select ", state!(), ", c.asked_at
         from calendar_events e join appointments a on a.id = e.appointment_id join calendars c on c.id = e.calendar_id
         where e.calendar_id = $1 and e.event_id = any($2)
         order by e.event_id for update of e"
    );
    let mut state = State::default();
    if event_ids.is_empty() {
        return Ok(state);
    }
    client
        .execute_typed(
            LOCK,
            &[(&calendar_id, Type::TEXT), (&event_ids, Type::TEXT_ARRAY)],
        )
        .await?;
    let rows = client
        .query_typed(
            READ,
            &[(&calendar_id, Type::TEXT), (&event_ids, Type::TEXT_ARRAY)],
        )
        .await?;
    for row in rows {
        let (event, appointment) = read_state(&row)?;
        state.last_pull_at = row.try_get("asked_at")?;
        // Of several events of an appointment, one that is at rest was read without the changes.
        let known = state
            .appointments
            .entry(appointment.id)
            .or_insert_with(|| appointment.clone());
        if known.changes.facts.is_empty() {
            known.changes = appointment.changes;
        }
        state.events.insert(event.event_id.clone(), event);
    }
    Ok(state)
}

#[derive(Debug, Serialize)]
struct EventWrite<'a> {
    event_id: &'a str,
    wanted: &'static str,
    wanted_version: i64,
    pushed_version: Option<i64>,
    seen: &'static str,
    etag: Option<&'a str>,
    agreed: Option<&'a Content>,
    agreed_version: Option<i64>,
    sent: Option<&'a Content>,
    strays: &'a [Content],
}

#[cfg_attr(test, derive(Debug))]
#[derive(Serialize)]
struct AppointmentWrite<'a> {
    id: Uuid,
    write_id: Uuid,
    change: &'static str,
    event_id: &'a str,
    status: &'static str,
    title: Option<&'a str>,
    notes: Option<&'a str>,
    location: Option<&'a str>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    time_zone: &'a str,
    moved: bool,
    dated: HashMap<&'a str, DateTime<Utc>>,
}

private!(AppointmentWrite<'a>);

// Whoever was pushing one of these rows has lost its claim: its answer is older than what Google showed since.
const WRITE_EVENTS: &str = "update calendar_events e set
        wanted = n.wanted, wanted_version = n.wanted_version, pushed_version = n.pushed_version, seen = n.seen,
        etag = n.etag, seen_at = case when n.seen = 'never' then null
            when (n.seen, n.etag) is distinct from (e.seen, e.etag) then clock_timestamp() else e.seen_at end,
        agreed = n.agreed, agreed_version = n.agreed_version, sent = n.sent, strays = n.strays,
        synced_at = case when n.pushed_version = n.wanted_version then clock_timestamp() else e.synced_at end,
        attempts = 0, next_attempt_at = now(), parked = false, last_error = null,
        claim = null, claimed_until = null
    from jsonb_to_recordset($2) as n(event_id text, wanted text, wanted_version bigint, pushed_version bigint,
        seen text, etag text, agreed jsonb, agreed_version bigint, sent jsonb, strays jsonb)
    where e.calendar_id = $1 and e.event_id = n.event_id";
const WRITE_APPOINTMENTS: &str = "with new as (
        select * from jsonb_to_recordset($2) as n(id uuid, write_id uuid, change text, event_id text, status text,
            title text, notes text, location text, starts_at timestamptz, ends_at timestamptz, time_zone text,
            moved boolean, dated jsonb)
    ), written as (
        update appointments a set
            google_calendar_event_id = new.event_id, status = new.status, title = new.title, notes = new.notes,
            location = new.location, starts_at = new.starts_at, ends_at = new.ends_at, time_zone = new.time_zone,
            placed_by_person = a.placed_by_person or new.moved or new.change = 'restored',
            cancelled_at = case when new.status = 'cancelled' then coalesce(a.cancelled_at, now()) end,
            cancellation_reason = case when new.status = 'cancelled' then a.cancellation_reason end,
            version = a.version + 1, updated_at = now()
        -- By way of the table and its index: joined among themselves, ten thousand rows would take minutes.
        from new join appointments old on old.id = new.id
        where a.id = new.id
        returning a, old, new.change, new.write_id, new.dated
    ), fresh as (
        insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select $1, (a).google_calendar_event_id, (a).id, 'present', (a).version from written
        where (a).google_calendar_event_id <> (old).google_calendar_event_id
    ), bumped as (
        -- The current event of an appointment that was changed by way of another event.
        update calendar_events e set wanted_version = (a).version, parked = false, attempts = 0,
            next_attempt_at = now(), last_error = null
        from written
        where e.calendar_id = $1 and e.event_id = (a).google_calendar_event_id and e.wanted = 'present'
          and e.wanted_version < (a).version
    )
    insert into appointment_history (id, appointment_id, version, by, change, fields, dated)
    select write_id, (a).id, (a).version, 'google_calendar', change,
        changed_facts(appointment_facts(old), appointment_facts(a)), dated
    from written";

/// Writes back what sightings changed: two statements, however many rows.
pub(crate) async fn write_state(
    client: &impl GenericClient,
    calendar_id: &str,
    state: &State,
) -> Result<(), Error> {
    let events: Vec<_> = state
        .touched
        .iter()
        .filter_map(|event_id| state.events.get(event_id))
        .map(|event| EventWrite {
            event_id: &event.event_id,
            wanted: match event.wanted {
                Wanted::Present => "present",
                Wanted::Absent => "absent",
            },
            wanted_version: event.wanted_version,
            pushed_version: event.pushed_version,
            seen: match event.seen {
                Seen::Never => "never",
                Seen::Live => "live",
                Seen::Gone => "gone",
            },
            etag: event.etag.as_deref(),
            agreed: event.agreed.as_ref(),
            agreed_version: event.agreed_version,
            sent: event.sent.as_ref(),
            strays: &event.strays,
        })
        .collect();
    let appointments: Vec<_> = state
        .appointments
        .values()
        .filter_map(|appointment| {
            Some(AppointmentWrite {
                id: appointment.id,
                write_id: Uuid::now_v7(),
                change: appointment.change?.as_str(),
                event_id: &appointment.event_id,
                status: appointment.status.as_str(),
                title: appointment.facts.title.as_deref(),
                notes: appointment.facts.notes.as_deref(),
                location: appointment.facts.location.as_deref(),
                starts_at: appointment.facts.starts_at,
                ends_at: appointment.facts.ends_at,
                time_zone: &appointment.facts.time_zone,
                moved: appointment.moved,
                dated: appointment.dated(),
            })
        })
        .collect();
    if !events.is_empty() {
        client
            .execute_typed(
                WRITE_EVENTS,
                &[(&calendar_id, Type::TEXT), (&Json(events), Type::JSONB)],
            )
            .await?;
    }
    if !appointments.is_empty() {
        client
            .execute_typed(
                WRITE_APPOINTMENTS,
                &[(&calendar_id, Type::TEXT), (&Json(appointments), Type::JSONB)],
            )
            .await?;
    }
    Ok(())
}
