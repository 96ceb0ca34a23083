//! Opening, replacing and stopping channels.

use chrono::{DateTime, Utc};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient, Row};

/// A live channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Where it notifies.
    pub address: String,
    /// Which secret keyed its token.
    pub token_key: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it ends, or ended.
    pub expires_at: DateTime<Utc>,
    /// How many pulls in a row found changes of people of which it had told nothing.
    pub untold: i32,
}

/// How it stands with the watching of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The channel that it relies on; its life may be over.
    pub channel: Option<Channel>,
    /// When this or an earlier channel last notified us of anything.
    pub last_notification_at: Option<DateTime<Utc>>,
    /// Since when Google refuses to notify.
    pub push_refused_at: Option<DateTime<Utc>>,
    /// The `WEBHOOK_URL` that it last went by.
    pub webhook_url: Option<String>,
    /// The database's time, to compare the others with.
    pub now: DateTime<Utc>,
}

/// Reads how it stands with the watching of a calendar; one that nothing was ever done with is not watched.
pub async fn watched(client: &impl GenericClient, calendar_id: &str) -> Result<Watched, Error> {
    const READ: &str = "select c.push_refused_at, c.webhook_url, now() as now,
            (select max(last_notification_at) from watch_channels where calendar_id = $1) as last_notification_at,
            w.address, w.token_key, w.created_at, w.expires_at, w.untold
        from (select $1::text as id) as asked
        left join calendars c on c.id = asked.id
        left join lateral (
            select * from watch_channels where calendar_id = asked.id and state = 'live'
            order by created_at desc, id limit 1) w on true";
    let row = client
        .query_typed_one(READ, &[(&calendar_id, Type::TEXT)])
        .await?;
    let address: Option<String> = row.try_get("address")?;
    Ok(Watched {
        channel: address.map(|address| channel(&row, address)).transpose()?,
        last_notification_at: row.try_get("last_notification_at")?,
        push_refused_at: row.try_get("push_refused_at")?,
        webhook_url: row.try_get("webhook_url")?,
        now: row.try_get("now")?,
    })
}

fn channel(row: &Row, address: String) -> Result<Channel, Error> {
    Ok(Channel {
        address,
        token_key: row.try_get::<_, Option<_>>("token_key")?.unwrap_or_default(),
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        untold: row.try_get("untold")?,
    })
}

/// Records a channel that Google is about to be asked for.
pub(crate) async fn opening(
    client: &impl GenericClient,
    channel_id: &str,
    calendar_id: &str,
    address: &str,
    token_key: &str,
) -> Result<(), Error> {
    const OPENING: &str = "with calendar as (insert into calendars (id) values ($2) on conflict do nothing)
        insert into watch_channels (id, calendar_id, address, token_key) values ($1, $2, $3, $4)
        on conflict do nothing";
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&channel_id, Type::TEXT),
        (&calendar_id, Type::TEXT),
        (&address, Type::TEXT),
        (&token_key, Type::TEXT),
    ];
    client.execute_typed(OPENING, parameters).await?;
    Ok(())
}

/// Google has granted a channel: it is live, and those before it are to be stopped. `false`: while it was being opened,
/// somebody decided that it is not wanted.
pub(crate) async fn granted(
    client: &impl GenericClient,
    channel_id: &str,
    resource_id: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, Error> {
    // A repetition finds its own work done.
    const GRANTED: &str = "with granted as (
            update watch_channels set resource_id = $2, expires_at = $3,
                state = case state when 'opening' then 'live' else state end
            where id = $1
            returning calendar_id, state = 'live' as live
        ), replaced as (
            update watch_channels old set state = 'stopping' from granted
            where granted.live and old.calendar_id = granted.calendar_id and old.id <> $1 and old.state = 'live'
        ), calendar as (
            update calendars c set push_refused_at = null from granted
            where granted.live and c.id = granted.calendar_id and c.push_refused_at is not null
        )
        select live from granted";
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&channel_id, Type::TEXT),
        (&resource_id, Type::TEXT),
        (&expires_at, Type::TIMESTAMPTZ),
    ];
    let rows = client.query_typed(GRANTED, parameters).await?;
    rows.first().map_or(Ok(false), |row| row.try_get("live"))
}

/// Google has not granted a channel, as far as is known. Where its answer was lost the channel may live all the same: once
/// its resource is known, from a notification, it can be stopped.
pub(crate) async fn not_granted(
    client: &impl GenericClient,
    channel_id: &str,
    push_refused: bool,
) -> Result<(), Error> {
    const NOT_GRANTED: &str = "with given_up as (
            update watch_channels set state = case when resource_id is null then 'stopped' else 'stopping' end
            where id = $1
            returning calendar_id)
        update calendars c set push_refused_at = now() from given_up where $2 and c.id = given_up.calendar_id";
    let parameters: &[(&(dyn ToSql + Sync), Type)] =
        &[(&channel_id, Type::TEXT), (&push_refused, Type::BOOL)];
    client.execute_typed(NOT_GRANTED, parameters).await?;
    Ok(())
}

/// None of a calendar's channels is wanted any more.
pub(crate) async fn stopping_all(client: &impl GenericClient, calendar_id: &str) -> Result<(), Error> {
    const STOPPING: &str = "update watch_channels set state = 'stopping' where calendar_id = $1 and state in ('opening', 'live')";
    client
        .execute_typed(STOPPING, &[(&calendar_id, Type::TEXT)])
        .await?;
    Ok(())
}

/// The channel is no more.
pub(crate) async fn stopped(client: &impl GenericClient, channel_id: &str) -> Result<(), Error> {
    const STOPPED: &str = "update watch_channels set state = 'stopped' where id = $1";
    client
        .execute_typed(STOPPED, &[(&channel_id, Type::TEXT)])
        .await?;
    Ok(())
}

/// Channel and resource id of those that Google still has to be told of: of one calendar, or all.
pub(crate) async fn to_stop(
    client: &impl GenericClient,
    calendar_id: Option<&str>,
) -> Result<Vec<(String, String)>, Error> {
    const TO_STOP: &str = "select id, resource_id from watch_channels
        where state = 'stopping' and resource_id is not null and (expires_at is null or expires_at > now())
          and ($1::text is null or calendar_id = $1)
        order by created_at limit 50";
    let rows = client.query_typed(TO_STOP, &[(&calendar_id, Type::TEXT)]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("id")?, row.try_get("resource_id")?)))
        .collect()
}

/// Remembers the `WEBHOOK_URL` that a calendar's watching goes by now.
pub(crate) async fn remember_webhook_url(
    client: &impl GenericClient,
    calendar_id: &str,
    webhook_url: &str,
) -> Result<(), Error> {
    const REMEMBER: &str = "update calendars set webhook_url = $2 where id = $1";
    let parameters: &[(&(dyn ToSql + Sync), Type)] =
        &[(&calendar_id, Type::TEXT), (&webhook_url, Type::TEXT)];
    client.execute_typed(REMEMBER, parameters).await?;
    Ok(())
}

/// Gives up channels whose opener died, all live ones of a calendar but the newest (two processes may each open one at
/// once), and those of calendars other than these. What ended long ago is forgotten.
pub(crate) async fn tidy(client: &impl GenericClient, calendar_ids: &[String]) -> Result<(), Error> {
    // An opener has a minute at the most.
    const TIDY: &str = "with forgotten as (
            delete from watch_channels where state in ('stopping', 'stopped')
                and coalesce(expires_at, created_at) < now() - interval '31 days')
        update watch_channels w set state = 'stopping'
        where state = 'opening' and created_at < now() - interval '10 minutes'
           or state = 'live' and (calendar_id <> all($1) or exists (
                select from watch_channels newer
                where newer.calendar_id = w.calendar_id and newer.state = 'live' and newer.id <> w.id
                  and (newer.created_at > w.created_at or newer.created_at = w.created_at and newer.id < w.id)))";
    client
        .execute_typed(TIDY, &[(&calendar_ids, Type::TEXT_ARRAY)])
        .await?;
    Ok(())
}
