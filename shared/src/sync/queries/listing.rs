//! What a listing must be held against before it is believed.

use chrono::{DateTime, Utc};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient};
use uuid::Uuid;

/// Whether another scheduled appointment overlaps `a`. Each kind has its own index, and neither serves both.
macro_rules! overlapped {
    () => {
        "(exists (
            select from appointments other
            where other.calendar_id = a.calendar_id and other.id <> a.id
              and other.status = 'scheduled' and not other.placed_by_person
              and tstzrange(other.starts_at, other.ends_at) && tstzrange(a.starts_at, a.ends_at))
         or exists (
            select from appointments other
            where other.calendar_id = a.calendar_id and other.id <> a.id
              and other.status = 'scheduled' and other.placed_by_person
              and tstzrange(other.starts_at, other.ends_at) && tstzrange(a.starts_at, a.ends_at)))"
    };
}
pub(super) use overlapped;

/// How many of these appointments stand on top of another one.
pub(crate) async fn count_conflicts_among(client: &impl GenericClient, ids: &[Uuid]) -> Result<i64, Error> {
    const COUNT: &str = concat!(
        "select count(*) as conflicts from appointments a
         where a.id = any($1) and a.status = 'scheduled' and ",
        overlapped!()
    );
    client
        .query_typed(COUNT, &[(&ids, Type::UUID_ARRAY)])
        .await?
        .first()
        .map_or(Ok(0), |row| row.try_get("conflicts"))
}

/// Marks what a full listing that began at `begun_at` has shown of our events, and told of people's own, before its time
/// was over.
pub(crate) async fn mark_listed(
    client: &impl GenericClient,
    calendar_id: &str,
    shown: &[&str],
    told: &[&str],
    begun_at: DateTime<Utc>,
) -> Result<(), Error> {
    const MARK: &str = "with busy as (
            update busy_events set listed_at = $4 where calendar_id = $1 and event_id = any($3))
        update calendar_events set listed_at = $4 where calendar_id = $1 and event_id = any($2)";
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&calendar_id, Type::TEXT),
        (&shown, Type::TEXT_ARRAY),
        (&told, Type::TEXT_ARRAY),
        (&begun_at, Type::TIMESTAMPTZ),
    ];
    client.execute_typed(MARK, parameters).await?;
    Ok(())
}

/// Events that Google has shown, or may have been given, but which a complete full listing that began at `begun_at`
/// lacks. Those of which Google has told since then may simply be younger than the listing, or may have come and gone
/// before it was read: no later listing would tell. Such a sighting is doubtful.
pub(crate) async fn missing_from_listing(
    client: &impl GenericClient,
    calendar_id: &str,
    listed: &[&str],
    begun_at: DateTime<Utc>,
) -> Result<Vec<String>, Error> {
    const MISSING: &str = "select event_id from calendar_events e
        where calendar_id = $1 and (seen = 'live' or seen = 'never' and sent is not null)
          and listed_at is distinct from $3
          and not exists (select from unnest($2::text[]) as listed where listed = e.event_id)";
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&calendar_id, Type::TEXT),
        (&listed, Type::TEXT_ARRAY),
        (&begun_at, Type::TIMESTAMPTZ),
    ];
    client
        .query_typed(MISSING, parameters)
        .await?
        .iter()
        .map(|row| row.try_get("event_id"))
        .collect()
}

/// How many appointments to come have an event in this calendar.
pub(crate) async fn count_upcoming_shown(
    client: &impl GenericClient,
    calendar_id: &str,
) -> Result<i64, Error> {
    // By way of what is to come, in the indexes of slots: the past of a calendar only grows.
    const COUNT: &str = "with upcoming as (
            select google_calendar_event_id as event_id from appointments
            where calendar_id = $1 and status = 'scheduled' and not placed_by_person and starts_at > now()
              and tstzrange(starts_at, ends_at) && tstzrange(now(), null)
            union all
            select google_calendar_event_id from appointments
            where calendar_id = $1 and status = 'scheduled' and placed_by_person and starts_at > now()
              and tstzrange(starts_at, ends_at) && tstzrange(now(), null)
        )
        select count(*) as upcoming from upcoming join calendar_events e using (event_id)
        where e.calendar_id = $1 and e.seen = 'live' and e.wanted = 'present'";
    client
        .query_typed(COUNT, &[(&calendar_id, Type::TEXT)])
        .await?
        .first()
        .map_or(Ok(0), |row| row.try_get("upcoming"))
}
