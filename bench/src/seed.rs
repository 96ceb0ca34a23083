//! Appointments in bulk, as if they had been booked and synced.

use std::ops::Range;

use tokio_postgres::Client;

use crate::Failure;
use crate::world::CALENDAR;

/// The id of the `n`th appointment of a calendar. Its event bears the same.
pub(crate) fn id(calendar: &str, n: u64) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{calendar} {n}"));
    // Version and variant do not matter to the database.
    hex::encode(digest.get(..16).unwrap_or_default())
}

/// Empties all tables.
pub(crate) async fn empty(db: &Client) -> Result<(), Failure> {
    const EMPTY: &str =
        "truncate calendars, appointments, calendar_events, appointment_history, watch_channels,
        idempotency_keys, busy_events, google_calls";
    db.batch_execute(EMPTY).await?;
    Ok(())
}

/// Fills a calendar with appointments `0..count`: half an hour each, one each hour from 2031 on, synced.
pub(crate) async fn fill(db: &Client, calendar: &str, count: u64) -> Result<(), Failure> {
    const FILL: &str = "with slots as (
            select n, substr(encode(sha256(convert_to($1 || ' ' || n, 'UTF8')), 'hex'), 1, 32) as id,
                timestamptz '2031-01-01 00:00Z' + n * interval '1 hour' as start
            from generate_series(0, $2::int8 - 1) as n
        ), calendar as (
            insert into calendars (id) values ($1) on conflict do nothing
        ), booked as (
            insert into appointments (id, calendar_id, patient_name, patient_phone, reason, starts_at, ends_at, time_zone,
                source, google_calendar_event_id)
            select id::uuid, $1, 'A. Khan', '+92300' || (1000000 + n), 'Check-up', start, start + interval '30 minutes',
                'Asia/Karachi', 'bench', id
            from slots
        ), events as (
            insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version, pushed_version,
                seen, seen_at, etag, agreed_version, synced_at)
            select $1, id, id::uuid, 'present', 1, 1, 'live', now(), '\"1\"', 1, now() from slots
        )
        insert into appointment_history (id, appointment_id, version, by, change, fields)
        select gen_random_uuid(), id::uuid, 1, 'bench', 'created', '{}' from slots";
    let count = i64::try_from(count)?;
    db.execute(FILL, &[&calendar, &count]).await?;
    Ok(())
}

/// Books these appointments of the clinic, half an hour each, one each hour; no event of theirs was written or seen yet.
pub(crate) async fn book(db: &Client, numbers: Range<u64>) -> Result<(), Failure> {
    const BOOK: &str = "with slots as (
            select md5(n::text) as id, timestamptz '2031-01-01 00:00Z' + n * interval '1 hour' as start
            from generate_series($2::int8, $3::int8 - 1) as n
        ), calendar as (
            insert into calendars (id) values ($1) on conflict do nothing
        ), booked as (
            insert into appointments (id, calendar_id, patient_name, starts_at, ends_at, time_zone, source,
                google_calendar_event_id)
            select id::uuid, $1, 'A. Khan', start, start + interval '30 minutes', 'Asia/Karachi', 'bench', id
            from slots
        )
        insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select $1, id, id::uuid, 'present', 1 from slots";
    let (from, to) = (i64::try_from(numbers.start)?, i64::try_from(numbers.end)?);
    db.execute(BOOK, &[&CALENDAR, &from, &to]).await?;
    Ok(())
}

/// What [`fill`] does for the clinic's own calendar, in empty tables that the planner knows afterwards.
pub(crate) async fn clinic(db: &Client, count: u64) -> Result<(), Failure> {
    empty(db).await?;
    fill(db, CALENDAR, count).await?;
    db.batch_execute("analyze").await?;
    Ok(())
}
