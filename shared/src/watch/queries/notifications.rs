//! Recording notifications.

use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use crate::watch::notification::Notification;

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// The calendar changed, and no pull has covered that yet.
    Changed {
        /// Which.
        calendar_id: String,
    },
    /// It told nothing new: a confirmation, or what a pull has covered.
    Nothing,
    /// Its channel is not, or no longer, one of ours: it will be stopped.
    Orphan,
}

/// Records a notification: one statement.
///
/// One that comes again writes nothing, but it is told again as long as no pull has covered it: its first coming may have
/// been recorded by a process that was killed before it could tell.
pub async fn note(client: &impl GenericClient, notification: &Notification) -> Result<Noted, Error> {
    // An orphan's end is not known; Google grants a month at the very most.
    const NOTE: &str = "with known as (
            select calendar_id, state in ('opening', 'live') as ours from watch_channels where id = $1
        ), accepted as (
            update watch_channels set
                last_message_number = $2, last_notification_at = now(), resource_id = coalesce(resource_id, $3),
                untold = case when $4 then 0 else untold end
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
        select known.ours, case when $4 and (c.change_seq > c.pulled_seq or exists (select from changed))
                then c.id end as calendar_id
        from known left join calendars c on c.id = known.calendar_id";
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
        return Ok(Noted::Orphan);
    };
    if !row.try_get("ours")? {
        return Ok(Noted::Orphan);
    }
    let changed: Option<String> = row.try_get("calendar_id")?;
    Ok(changed.map_or(Noted::Nothing, |calendar_id| Noted::Changed { calendar_id }))
}
