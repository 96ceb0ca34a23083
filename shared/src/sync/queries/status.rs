//! How things stand with a calendar, as the database knows it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{Error, GenericClient};

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
    const READ: &str = "select c.last_sync_at, c.last_sync_result, c.mass_cancel_held,
            extract(epoch from now() - c.last_sync_at)::float8 as last_sync_age,
            case when c.cooldown_until > now() then c.cooldown_until end as cooldown_until,
            (select count(*) from calendar_events e where e.calendar_id = c.id
                and e.pushed_version is distinct from e.wanted_version and not e.parked) as pending,
            (select count(*) from calendar_events e where e.calendar_id = c.id and e.parked) as failed,
            (select count(*) from appointments a
                where a.calendar_id = c.id and a.status = 'scheduled' and a.placed_by_person and exists (
                    select from appointments other
                    where other.calendar_id = a.calendar_id and other.id <> a.id and other.status = 'scheduled'
                      and tstzrange(other.starts_at, other.ends_at) && tstzrange(a.starts_at, a.ends_at))) as conflicts
        from calendars c where c.id = $1";
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
