//! The lease of a calendar: one pull at a time, whose commit counts only while its lease runs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{Error, GenericClient, Row};
use uuid::Uuid;

use super::quota::{Judge, read_grant};
use crate::google::SYNC_QUERY_FINGERPRINT;
use crate::sync::busy::Basis;
use crate::sync::listing::Start;
use crate::sync::turns::Grant;

/// A lease, and what to do under it.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Where the listing begins.
    pub start: Start,
    /// How much too soon it is: a burst of notifications is to cost one more pull, not one for each.
    pub too_soon_by: Duration,
    /// How long Google wants to be left alone yet.
    pub cooldown: Option<Duration>,
    /// The first call of the listing, unless it must wait for something else.
    pub grant: Option<Grant>,
    /// By what the busy times are laid out that are kept: until when, and the clinic's zone.
    pub laid_out: Option<(DateTime<Utc>, String)>,
}

/// When a pull is worth its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// In any case.
    Always,
    /// Only if a notification came that no pull has covered yet.
    Notified,
}

/// What notifications ask for keeps this distance from the pull before.
const BETWEEN_PULLS: Duration = Duration::from_secs(1);

/// Takes the lease of a calendar, unless another holder's lease still runs or there is no occasion. Answers where the
/// listing begins, and what it must wait for; if for nothing, its first call is reserved.
pub(crate) async fn take_lease(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
    length: Duration,
    occasion: Occasion,
    judge: &Judge<'_>,
) -> Result<Option<Taken>, Error> {
    const TAKE: &str = "with before as (select leased_at from calendars where id = $1), taken as (
        insert into calendars as c (id, lease_owner, lease_until, leased_at)
        values ($1, $2, now() + $3 * interval '1 second', now())
        on conflict (id) do update set
                lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, leased_at = now()
            where (c.lease_until is null or c.lease_until < now() or c.lease_owner = excluded.lease_owner)
              and ($4 or c.change_seq > c.pulled_seq)
        returning sync_token, sync_query, unfinished_listing, change_seq, now() as started_at, busy_until, busy_zone,
            case when not $4 then
                extract(epoch from (select leased_at from before) + $5 * interval '1 second' - now())::float8
            end as too_soon_by,
            case when cooldown_until > now() then extract(epoch from cooldown_until - now())::float8 end
                as cooldown)
        select * from taken, reserve_google_calls(
            case when cooldown is null and coalesce(too_soon_by, 0) <= 0 then 1 else 0 end, $6, $7, $8, $9)";
    let (length, always, distance) = (
        length.as_secs_f64(),
        occasion == Occasion::Always,
        BETWEEN_PULLS.as_secs_f64(),
    );
    let lease: [(&(dyn ToSql + Sync), Type); 5] = [
        (&calendar_id, Type::TEXT),
        (&owner, Type::UUID),
        (&length, Type::FLOAT8),
        (&always, Type::BOOL),
        (&distance, Type::FLOAT8),
    ];
    let parameters: Vec<_> = lease.into_iter().chain(judge.parameters()).collect();
    let rows = client.query_typed(TAKE, &parameters).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let seconds = |name| row.try_get::<_, Option<f64>>(name);
    let too_soon_by = seconds("too_soon_by")?.unwrap_or_default();
    let cooldown = seconds("cooldown")?;
    let (sync_token, sync_query): (Option<String>, Option<String>) =
        (row.try_get("sync_token")?, row.try_get("sync_query")?);
    let (busy_until, busy_zone): (Option<DateTime<Utc>>, Option<String>) =
        (row.try_get("busy_until")?, row.try_get("busy_zone")?);
    let unfinished: Option<Value> = row.try_get("unfinished_listing")?;
    let start = match unfinished.and_then(Start::of_unfinished) {
        Some(unfinished) => unfinished,
        None => Start::since(
            sync_token.zip(sync_query),
            row.try_get("started_at")?,
            row.try_get("change_seq")?,
        ),
    };
    Ok(Some(Taken {
        start,
        too_soon_by: Duration::try_from_secs_f64(too_soon_by).unwrap_or_default(),
        cooldown: cooldown.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        grant: Some(read_grant(row, judge)?),
        laid_out: busy_until.zip(busy_zone),
    }))
}

/// Prolongs a lease that still runs, and reserves a call. Answers the database's time; `None` if it was lost.
pub(crate) async fn renew_lease(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
    length: Duration,
    judge: &Judge<'_>,
) -> Result<Option<(DateTime<Utc>, Grant)>, Error> {
    const RENEW: &str = "with renewed as (
            update calendars set lease_until = now() + $3 * interval '1 second'
            where id = $1 and lease_owner = $2 and lease_until > now()
            returning now() as renewed_at)
        select * from renewed, reserve_google_calls(1, $4, $5, $6, $7)";
    let length = length.as_secs_f64();
    let lease: [(&(dyn ToSql + Sync), Type); 3] = [
        (&calendar_id, Type::TEXT),
        (&owner, Type::UUID),
        (&length, Type::FLOAT8),
    ];
    let parameters: Vec<_> = lease.into_iter().chain(judge.parameters()).collect();
    let rows = client.query_typed(RENEW, &parameters).await?;
    rows.first()
        .map(|row| Ok((row.try_get("renewed_at")?, read_grant(row, judge)?)))
        .transpose()
}

/// A notification that no pull has covered.
#[derive(Debug)]
pub(crate) struct Uncovered {
    pub channel_id: String,
    pub message_number: i64,
}

/// Gives a lease back, if it is still held. Answers the latest notification if there are some that no pull has covered:
/// the runs that they woke have left, since this one had the lease.
pub(crate) async fn release_lease(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
) -> Result<Option<Uncovered>, Error> {
    const RELEASE: &str = "with released as (
            update calendars set lease_owner = null, lease_until = null where id = $1 and lease_owner = $2
            returning id, change_seq > pulled_seq as uncovered)
        select w.id as channel_id, w.last_message_number from released join watch_channels w on w.calendar_id = released.id
        where released.uncovered and w.last_notification_at is not null
        order by w.last_notification_at desc limit 1";
    let rows = client
        .query_typed(RELEASE, &[(&calendar_id, Type::TEXT), (&owner, Type::UUID)])
        .await?;
    let uncovered = |row: &Row| {
        Ok(Uncovered {
            channel_id: row.try_get("channel_id")?,
            message_number: row.try_get("last_message_number")?,
        })
    };
    rows.first().map(uncovered).transpose()
}

/// The end of a pull, as it is recorded on the calendar.
#[derive(Debug)]
pub(crate) struct PullRecord<'a> {
    /// Where the next listing starts; `None`: in full.
    pub sync_token: Option<&'a str>,
    /// The notifications that this pull covered.
    pub pulled_seq: i64,
    /// When Google was asked.
    pub asked_at: DateTime<Utc>,
    /// Whether cancellations wait for a confirmation.
    pub mass_cancel_held: bool,
    /// Whether people had changed something.
    pub found_changes: bool,
    /// By what the busy times are laid out.
    pub basis: Basis,
    /// What status shows of it.
    pub result: &'a Value,
}

/// What the record of a pull found besides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    /// Notifications came meanwhile: the lease is kept for one more pull. Otherwise it was given back.
    pub again: bool,
    /// Something of ours is due to be written.
    pub leaves_due: bool,
}

/// Records a pull under its lease. `None`: the lease was lost, and nothing may be committed.
pub(crate) async fn record_pull(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
    record: &PullRecord<'_>,
) -> Result<Option<Recorded>, Error> {
    // What a pull finds without a notification counts against the channel; one that is merely late sets that right.
    const RECORD: &str = "with untold as (
            update watch_channels w set untold = untold + 1 from calendars c
            where $9 and c.id = $1 and c.pulled_seq = $5 and w.calendar_id = c.id and w.state = 'live')
        update calendars set
            sync_token = $3, sync_query = $4, unfinished_listing = null, pulled_seq = greatest(pulled_seq, $5),
            mass_cancel_held = $6, last_sync_at = clock_timestamp(), last_sync_result = $7, asked_at = $8,
            busy_until = $10, busy_zone = $11,
            lease_owner = case when change_seq > $5 then lease_owner end,
            lease_until = case when change_seq > $5 then lease_until end
        where id = $1 and lease_owner = $2 and lease_until > clock_timestamp()
        returning change_seq > $5 as again, (
            select true from calendar_events e
            where e.calendar_id = $1 and e.pushed_version is distinct from e.wanted_version and not e.parked
              and e.next_attempt_at <= now() and (e.claimed_until is null or e.claimed_until < now())
            -- For the sake of the index: asked whether any exists, the planner would look for one in the whole table.
            order by e.next_attempt_at limit 1) is true as leaves_due";
    let rows = client
        .query_typed(
            RECORD,
            &[
                (&calendar_id, Type::TEXT),
                (&owner, Type::UUID),
                (&record.sync_token, Type::TEXT),
                (&SYNC_QUERY_FINGERPRINT, Type::TEXT),
                (&record.pulled_seq, Type::INT8),
                (&record.mass_cancel_held, Type::BOOL),
                (&Json(record.result), Type::JSONB),
                (&record.asked_at, Type::TIMESTAMPTZ),
                (&record.found_changes, Type::BOOL),
                (&record.basis.window.until, Type::TIMESTAMPTZ),
                (&record.basis.zone.name(), Type::TEXT),
            ],
        )
        .await?;
    let recorded = |row: &Row| {
        Ok(Recorded {
            again: row.try_get("again")?,
            leaves_due: row.try_get("leaves_due")?,
        })
    };
    rows.first().map(recorded).transpose()
}

/// Records under its lease how far a listing came, and prolongs the lease. `false`: it was lost, and nothing may be
/// committed.
pub(crate) async fn record_unfinished(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
    length: Duration,
    rest: &Start,
) -> Result<bool, Error> {
    const RECORD: &str = "update calendars set unfinished_listing = $3,
            lease_until = clock_timestamp() + $4 * interval '1 second'
        where id = $1 and lease_owner = $2 and lease_until > clock_timestamp()";
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&calendar_id, Type::TEXT),
        (&owner, Type::UUID),
        (&Json(rest), Type::JSONB),
        (&length.as_secs_f64(), Type::FLOAT8),
    ];
    Ok(client.execute_typed(RECORD, parameters).await? == 1)
}
