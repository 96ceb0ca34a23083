//! The SQL of watch channels and of notifications.

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use super::notification::Notification;

/// A live channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Where it notifies.
    pub address: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it ends, or ended.
    pub expires_at: DateTime<Utc>,
    /// When it last notified us of anything.
    pub last_notification_at: Option<DateTime<Utc>>,
}

/// Records a channel that Google is about to be asked for.
pub async fn opening(
    client: &impl GenericClient,
    channel_id: &str,
    calendar_id: &str,
    address: &str,
) -> Result<(), Error> {
    const OPENING: &str = "with calendar as (insert into calendars (id) values ($2) on conflict do nothing)
        insert into watch_channels (id, calendar_id, address) values ($1, $2, $3) on conflict do nothing";
    client
        .execute_typed(
            OPENING,
            &[
                (&channel_id, Type::TEXT),
                (&calendar_id, Type::TEXT),
                (&address, Type::TEXT),
            ],
        )
        .await?;
    Ok(())
}

/// The channel is live; those before it are to be stopped.
pub async fn live(
    client: &impl GenericClient,
    channel_id: &str,
    resource_id: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    const LIVE: &str = "with live as (
            update watch_channels set state = 'live', resource_id = $2, expires_at = $3 where id = $1
            returning calendar_id)
        update watch_channels old set state = 'stopping' from live
        where old.calendar_id = live.calendar_id and old.id <> $1 and old.state = 'live'";
    client
        .execute_typed(
            LIVE,
            &[
                (&channel_id, Type::TEXT),
                (&resource_id, Type::TEXT),
                (&expires_at, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    Ok(())
}

/// None of a calendar's channels is wanted any more.
pub async fn stopping_all(client: &impl GenericClient, calendar_id: &str) -> Result<(), Error> {
    const STOPPING: &str = "update watch_channels set state = 'stopping' where calendar_id = $1 and state in ('opening', 'live')";
    client
        .execute_typed(STOPPING, &[(&calendar_id, Type::TEXT)])
        .await?;
    Ok(())
}

/// The channel is no more.
pub async fn stopped(client: &impl GenericClient, channel_id: &str) -> Result<(), Error> {
    const STOPPED: &str = "update watch_channels set state = 'stopped' where id = $1";
    client
        .execute_typed(STOPPED, &[(&channel_id, Type::TEXT)])
        .await?;
    Ok(())
}

/// Channel and resource id of those that Google still has to be told of.
pub async fn to_stop(client: &impl GenericClient) -> Result<Vec<(String, String)>, Error> {
    const TO_STOP: &str = "select id, resource_id from watch_channels
        where state = 'stopping' and resource_id is not null and (expires_at is null or expires_at > now())
        order by created_at limit 50";
    let rows = client.query_typed(TO_STOP, &[]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("id")?, row.try_get("resource_id")?)))
        .collect()
}

/// The channel that a calendar relies on; its life may be over.
pub async fn newest_live(client: &impl GenericClient, calendar_id: &str) -> Result<Option<Channel>, Error> {
    const NEWEST: &str = "select address, created_at, expires_at, last_notification_at from watch_channels
        where calendar_id = $1 and state = 'live' order by expires_at desc limit 1";
    let rows = client.query_typed(NEWEST, &[(&calendar_id, Type::TEXT)]).await?;
    rows.first()
        .map(|row| {
            Ok(Channel {
                address: row.try_get("address")?,
                created_at: row.try_get("created_at")?,
                expires_at: row.try_get("expires_at")?,
                last_notification_at: row.try_get("last_notification_at")?,
            })
        })
        .transpose()
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// The calendar changed: it must be pulled.
    Changed {
        /// Which.
        calendar_id: String,
    },
    /// It told nothing new: a confirmation, or a number that was seen before.
    Nothing,
    /// Its channel is not, or no longer, one of ours: it is to be stopped.
    Orphan,
}

/// Records a notification: one statement.
pub async fn note(client: &impl GenericClient, notification: &Notification) -> Result<Noted, Error> {
    // An orphan's end is not known; Google grants a month at the very most.
    const NOTE: &str = "with known as (
            select state in ('opening', 'live') as ours from watch_channels where id = $1
        ), accepted as (
            update watch_channels set last_message_number = $2, last_notification_at = now()
            where id = $1 and state in ('opening', 'live') and last_message_number < $2
            returning calendar_id
        ), changed as (
            update calendars c set change_seq = change_seq + 1 from accepted
            where c.id = accepted.calendar_id and $4
            returning c.id
        ), orphan as (
            insert into watch_channels as w (id, address, resource_id, state, expires_at)
            select $1, '', $3, 'stopping', now() + interval '31 days'
            where not exists (select from known where ours)
            on conflict (id) do update set state = 'stopping', resource_id = excluded.resource_id
        )
        select (select id from changed) as calendar_id, coalesce((select ours from known), false) as ours";
    let rows = client
        .query_typed(
            NOTE,
            &[
                (&notification.channel_id, Type::TEXT),
                (&notification.message_number, Type::INT8),
                (&notification.resource_id, Type::TEXT),
                (&notification.is_change, Type::BOOL),
            ],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(Noted::Nothing);
    };
    let changed: Option<String> = row.try_get("calendar_id")?;
    Ok(match (changed, row.try_get("ours")?) {
        (Some(calendar_id), _) => Noted::Changed { calendar_id },
        (None, true) => Noted::Nothing,
        (None, false) => Noted::Orphan,
    })
}
