//! People's own events, as far as they keep a calendar busy. Only a pull writes them, under its lease.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{Error, GenericClient, Row};

use crate::google::EventTime;
use crate::sync::busy::{Basis, BusyEvent, Chunk, Occurrence, Times};

/// The events that a listing concerns.
#[derive(Debug)]
pub(crate) struct Concerned<'a> {
    /// The ids of those that it tells of.
    pub(crate) told: &'a [&'a str],
    /// The ids of series that it tells exceptions to.
    pub(crate) series: &'a [&'a str],
    /// Set if it is the end of a full listing that began then: what it does not tell of is gone.
    pub(crate) all_told_since: Option<DateTime<Utc>>,
}

/// What is stored of the events that a listing concerns, with their series and the exceptions to these.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) events: Vec<BusyEvent>,
    /// The ids of those of which a full listing did not tell.
    pub(crate) untold: Vec<String>,
    /// Everything was laid out by another basis, and all of it is here.
    pub(crate) other_basis: bool,
}

/// Reads what a listing concerns.
pub(crate) async fn read(
    client: &impl GenericClient,
    calendar_id: &str,
    concerned: &Concerned<'_>,
    basis: &Basis,
) -> Result<Stored, Error> {
    const READ: &str = "with untold as (
            select event_id from busy_events b
            where calendar_id = $1 and $4::timestamptz is not null and listed_at is distinct from $4
              and not exists (select from unnest($2::text[]) as told where told = b.event_id)
        ), concerned as (
            select unnest($2::text[] || $3::text[]) as event_id union select event_id from untold
        ), series as (
            select event_id from concerned
            union
            select b.series_id from busy_events b join concerned using (event_id)
            where b.calendar_id = $1 and b.series_id is not null
        )
        select b.event_id, b.series_id, b.replaces, b.times, untold.event_id is not null as untold,
            (c.busy_until, c.busy_zone) is distinct from ($5, $6) as other_basis
        from busy_events b join calendars c on c.id = b.calendar_id left join untold using (event_id)
        where b.calendar_id = $1 and (
            (c.busy_until, c.busy_zone) is distinct from ($5, $6)
            or b.event_id in (select event_id from series) or b.series_id in (select event_id from series))";
    let rows = client
        .query_typed(
            READ,
            &[
                (&calendar_id, Type::TEXT),
                (&concerned.told, Type::TEXT_ARRAY),
                (&concerned.series, Type::TEXT_ARRAY),
                (&concerned.all_told_since, Type::TIMESTAMPTZ),
                (&basis.window.until, Type::TIMESTAMPTZ),
                (&basis.zone.name(), Type::TEXT),
            ],
        )
        .await?;
    let mut stored = Stored::default();
    for row in rows {
        let event = read_event(&row)?;
        stored.other_basis = row.try_get("other_basis")?;
        if row.try_get("untold")? {
            stored.untold.push(event.event_id.clone());
        }
        stored.events.push(event);
    }
    Ok(stored)
}

fn read_event(row: &Row) -> Result<BusyEvent, Error> {
    let replaces: Option<Json<EventTime>> = row.try_get("replaces")?;
    let series_id: Option<String> = row.try_get("series_id")?;
    let times: Option<Json<Times>> = row.try_get("times")?;
    Ok(BusyEvent {
        event_id: row.try_get("event_id")?,
        replaces: Occurrence::of(series_id.as_ref(), replaces.as_ref().map(|Json(start)| start)),
        times: times.map(|Json(times)| times),
    })
}

#[derive(Debug, Serialize)]
struct EventWrite<'a> {
    event_id: &'a str,
    series_id: Option<&'a str>,
    replaces: Option<&'a EventTime>,
    times: Option<&'a Times>,
    /// Seconds since 1970, from and until.
    busy: Vec<[i64; 2]>,
}

/// Writes what has changed: one statement, which leaves rows alone that say the same already.
pub(crate) async fn write(
    client: &impl GenericClient,
    calendar_id: &str,
    chunk: &Chunk,
) -> Result<(), Error> {
    const WRITE: &str = "with deleted as (
            delete from busy_events where calendar_id = $1 and event_id = any($3)
        )
        insert into busy_events as b (calendar_id, event_id, series_id, replaces, times, busy)
        select $1, n.event_id, n.series_id, n.replaces, n.times, (
            select coalesce(range_agg(tstzrange(to_timestamp((span ->> 0)::bigint), to_timestamp((span ->> 1)::bigint))), '{}')
            from jsonb_array_elements(n.busy) as span)
        from jsonb_to_recordset($2) as n(event_id text, series_id text, replaces jsonb, times jsonb, busy jsonb)
        on conflict (calendar_id, event_id) do update set
            series_id = excluded.series_id, replaces = excluded.replaces, times = excluded.times, busy = excluded.busy
        where (b.series_id, b.replaces, b.times, b.busy)
            is distinct from (excluded.series_id, excluded.replaces, excluded.times, excluded.busy)";
    let written: Vec<_> = chunk
        .written
        .iter()
        .map(|(event, spans)| EventWrite {
            event_id: &event.event_id,
            series_id: event
                .replaces
                .as_ref()
                .map(|replaced| replaced.series_id.as_str()),
            replaces: event.replaces.as_ref().map(|replaced| &replaced.start),
            times: event.times.as_ref(),
            busy: spans
                .iter()
                .map(|span| [span.from.timestamp(), span.until.timestamp()])
                .collect(),
        })
        .collect();
    client
        .execute_typed(
            WRITE,
            &[
                (&calendar_id, Type::TEXT),
                (&Json(written), Type::JSONB),
                (&chunk.deleted, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(())
}
