//! How things stand with a calendar, as the database knows it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{Error, GenericClient};

use super::listing::overlapped;

/// A calendar's record.
#[derive(Debug, Clone, Default)]
pub struct CalendarRecord {
    /// When a pull last ended well, whoever ran it.
    pub last_sync_at: Option<DateTime<Utc>>,
    /// How long ago that was, by the database's clock.
    pub last_sync_age: Option<Duration>,
    /// What it did.
    pub last_sync_result: Option<Value>,
    /// Whether cancellations wait for a confirmation.
    pub mass_cancel_held: bool,
    /// Until when Google asked to be left alone.
    pub cooldown_until: Option<DateTime<Utc>>,
    /// Events that wait to be written.
    pub pending: i64,
    /// Events that Google refused for good.
    pub failed: i64,
    /// Appointments that a person put on top of another one.
    pub conflicts: i64,
}

/// Reads a calendar's record; one that nothing was ever done with has an empty one.
pub async fn read(client: &impl GenericClient, calendar_id: &str) -> Result<CalendarRecord, Error> {
    const READ: &str = concat!(
        "select c.last_sync_at, c.last_sync_result, c.mass_cancel_held,
            extract(epoch from now() - c.last_sync_at)::float8 as last_sync_age,
            case when c.cooldown_until > now() then c.cooldown_until end as cooldown_until,
            (select count(*) from calendar_events e where e.calendar_id = c.id
                and e.pushed_version is distinct from e.wanted_version and not e.parked) as pending,
            (select count(*) from calendar_events e where e.calendar_id = c.id and e.parked) as failed,
            (select count(*) from appointments a
                where a.calendar_id = c.id and a.status = 'scheduled' and a.placed_by_person and ",
        overlapped!(),
        ") as conflicts
         from calendars c where c.id = $1"
    );
    let rows = client.query_typed(READ, &[(&calendar_id, Type::TEXT)]).await?;
    let Some(row) = rows.first() else {
        return Ok(CalendarRecord::default());
    };
    let last_sync_result: Option<Json<Value>> = row.try_get("last_sync_result")?;
    let last_sync_age: Option<f64> = row.try_get("last_sync_age")?;
    Ok(CalendarRecord {
        last_sync_at: row.try_get("last_sync_at")?,
        last_sync_age: last_sync_age.map(|age| Duration::try_from_secs_f64(age).unwrap_or_default()),
        last_sync_result: last_sync_result.map(|Json(result)| result),
        mass_cancel_held: row.try_get("mass_cancel_held")?,
        cooldown_until: row.try_get("cooldown_until")?,
        pending: row.try_get("pending")?,
        failed: row.try_get("failed")?,
        conflicts: row.try_get("conflicts")?,
    })
}

/// These calendars, that first which was taken up longest ago: a run that cannot see to all of them leaves others out than
/// the one before.
pub async fn in_turn(client: &impl GenericClient, calendar_ids: &[String]) -> Result<Vec<String>, Error> {
    const IN_TURN: &str = "select id from unnest($1::text[]) with ordinality as asked (id, place)
        left join calendars c using (id) order by c.leased_at nulls first, place";
    let rows = client
        .query_typed(IN_TURN, &[(&calendar_ids, Type::TEXT_ARRAY)])
        .await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// How all calendars together do, by the worst of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VitalSigns {
    /// How long ago the calendar was pulled whose last pull is the oldest. One that never was counts as a month old.
    pub oldest_sync: Duration,
    /// Events that wait to be written.
    pub pending: i64,
    /// Events that Google refused for good.
    pub parked: i64,
    /// The life left in the watch channel that ends first, zero where a calendar that should have one has none; `None` if
    /// none should have one.
    pub channel_life: Option<Duration>,
}

/// Takes the vital signs of these calendars.
pub async fn vital_signs(client: &impl GenericClient, calendar_ids: &[String]) -> Result<VitalSigns, Error> {
    // A calendar should have a channel once it had one, or once the renewer knows where to; unless Google has none for it.
    // Counted calendar by calendar: for all at once the planner would rather read every event there is.
    const TAKE: &str = "with ours as (
            select c.last_sync_at, channel.ends as channel_ends,
                c.push_refused_at is null and (c.webhook_url is not null or channel.ends is not null) as watched,
                pending.events as pending, parked.events as parked
            from unnest($1::text[]) as asked (id) left join calendars c using (id)
            left join lateral (select max(w.expires_at) as ends from watch_channels w
                where w.calendar_id = asked.id and w.state = 'live') channel on true
            cross join lateral (select count(*) as events from calendar_events e where e.calendar_id = asked.id
                and e.pushed_version is distinct from e.wanted_version and not e.parked) pending
            cross join lateral (select count(*) as events from calendar_events e
                where e.calendar_id = asked.id and e.parked) parked)
        select coalesce(extract(epoch from max(now() - coalesce(last_sync_at, now() - interval '30 days'))), 0)::float8
                as oldest_sync,
            coalesce(sum(pending), 0)::bigint as pending, coalesce(sum(parked), 0)::bigint as parked,
            extract(epoch from min(greatest(coalesce(channel_ends, now()) - now(), interval '0')) filter (where watched))
                ::float8 as channel_life
        from ours";
    let row = client
        .query_typed(TAKE, &[(&calendar_ids, Type::TEXT_ARRAY)])
        .await?;
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    // An aggregate without groups is one row, always.
    let Some(row) = row.first() else {
        return Ok(VitalSigns {
            oldest_sync: Duration::ZERO,
            pending: 0,
            parked: 0,
            channel_life: None,
        });
    };
    Ok(VitalSigns {
        oldest_sync: seconds(row.try_get("oldest_sync")?),
        pending: row.try_get("pending")?,
        parked: row.try_get("parked")?,
        channel_life: row.try_get::<_, Option<f64>>("channel_life")?.map(seconds),
    })
}
