//! The lease of a calendar: one pull at a time, whose commit counts only while its lease runs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{Error, GenericClient};
use uuid::Uuid;

/// What a pull starts from, read as the lease is taken.
#[derive(Debug, Clone)]
pub(crate) struct Leased {
    /// Where the listing continues.
    pub sync_token: Option<String>,
    /// The fingerprint of the query that the token belongs to.
    pub sync_query: Option<String>,
    /// Notifications up to this one are covered by a listing that starts now.
    pub change_seq: i64,
    /// The database's time.
    pub started_at: DateTime<Utc>,
    /// How long Google wants to be left alone yet.
    pub cooldown: Option<Duration>,
}

/// When a pull is worth its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// In any case.
    Always,
    /// Only if a notification came that no pull has covered yet.
    Notified,
}

/// Takes the lease of a calendar, unless another holder's lease still runs or there is no occasion.
pub(crate) async fn take_lease(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
    length: Duration,
    occasion: Occasion,
) -> Result<Option<Leased>, Error> {
    const TAKE: &str = "insert into calendars as c (id, lease_owner, lease_until)
        values ($1, $2, now() + $3 * interval '1 second')
        on conflict (id) do update set lease_owner = excluded.lease_owner, lease_until = excluded.lease_until
            where (c.lease_until is null or c.lease_until < now() or c.lease_owner = excluded.lease_owner)
              and ($4 or c.change_seq > c.pulled_seq)
        returning sync_token, sync_query, change_seq, now() as started_at,
            case when cooldown_until > now() then extract(epoch from cooldown_until - now())::float8 end as cooldown";
    let rows = client
        .query_typed(
            TAKE,
            &[
                (&calendar_id, Type::TEXT),
                (&owner, Type::UUID),
                (&length.as_secs_f64(), Type::FLOAT8),
                (&(occasion == Occasion::Always), Type::BOOL),
            ],
        )
        .await?;
    rows.first()
        .map(|row| {
            Ok(Leased {
                sync_token: row.try_get("sync_token")?,
                sync_query: row.try_get("sync_query")?,
                change_seq: row.try_get("change_seq")?,
                started_at: row.try_get("started_at")?,
                cooldown: row
                    .try_get::<_, Option<f64>>("cooldown")?
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            })
        })
        .transpose()
}

/// Prolongs a lease that still runs and answers the database's time; `None` if it was lost.
pub(crate) async fn renew_lease(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
    length: Duration,
) -> Result<Option<DateTime<Utc>>, Error> {
    const RENEW: &str = "update calendars set lease_until = now() + $3 * interval '1 second'
        where id = $1 and lease_owner = $2 and lease_until > now()
        returning now() as renewed_at";
    let rows = client
        .query_typed(
            RENEW,
            &[
                (&calendar_id, Type::TEXT),
                (&owner, Type::UUID),
                (&length.as_secs_f64(), Type::FLOAT8),
            ],
        )
        .await?;
    rows.first().map(|row| row.try_get("renewed_at")).transpose()
}

/// Gives a lease back, if it is still held.
pub(crate) async fn release_lease(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
) -> Result<(), Error> {
    const RELEASE: &str =
        "update calendars set lease_owner = null, lease_until = null where id = $1 and lease_owner = $2";
    client
        .execute_typed(RELEASE, &[(&calendar_id, Type::TEXT), (&owner, Type::UUID)])
        .await?;
    Ok(())
}

/// The end of a pull, as it is recorded on the calendar.
#[derive(Debug)]
pub(crate) struct PullRecord<'a> {
    /// Where the next listing starts; `None`: in full.
    pub sync_token: Option<&'a str>,
    /// The fingerprint of the query that the token belongs to.
    pub sync_query: &'a str,
    /// The notifications that this pull covered.
    pub pulled_seq: i64,
    /// Whether cancellations wait for a confirmation.
    pub mass_cancel_held: bool,
    /// What status shows of it.
    pub result: &'a Value,
}

/// How a pull's commit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Committed, and the lease was given back.
    Done,
    /// Committed, but notifications came meanwhile: the lease is kept for one more pull.
    Again {
        /// Notifications up to this one are covered by a listing that starts now.
        change_seq: i64,
        /// The database's time.
        started_at: DateTime<Utc>,
    },
}

/// Records a pull under its lease, and gives the lease back unless there is more to pull. `None`: the lease was lost, and
/// nothing may be committed.
pub(crate) async fn record_pull(
    client: &impl GenericClient,
    calendar_id: &str,
    owner: Uuid,
    record: &PullRecord<'_>,
) -> Result<Option<Recorded>, Error> {
    const RECORD: &str = "update calendars set
            sync_token = $3, sync_query = $4, pulled_seq = greatest(pulled_seq, $5), mass_cancel_held = $6,
            last_sync_at = clock_timestamp(), last_sync_result = $7,
            lease_owner = case when change_seq > $5 then lease_owner end,
            lease_until = case when change_seq > $5 then lease_until end
        where id = $1 and lease_owner = $2 and lease_until > clock_timestamp()
        returning change_seq > $5 as again, change_seq, clock_timestamp() as started_at";
    let rows = client
        .query_typed(
            RECORD,
            &[
                (&calendar_id, Type::TEXT),
                (&owner, Type::UUID),
                (&record.sync_token, Type::TEXT),
                (&record.sync_query, Type::TEXT),
                (&record.pulled_seq, Type::INT8),
                (&record.mass_cancel_held, Type::BOOL),
                (&Json(record.result), Type::JSONB),
            ],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(if row.try_get("again")? {
        Recorded::Again {
            change_seq: row.try_get("change_seq")?,
            started_at: row.try_get("started_at")?,
        }
    } else {
        Recorded::Done
    }))
}
