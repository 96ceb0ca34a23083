//! Who changed an appointment, what, and when.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::zone;
use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;
use crate::private::private;

/// Entries of one answer. Even if each replaced the longest notes, they fit into the 6 MB that Lambda carries.
const MOST_ENTRIES: i64 = 100;

/// The changes of an appointment, oldest first.
#[derive(Debug)]
pub struct History {
    /// The zone in which people read the appointment's times.
    pub time_zone: Tz,
    /// One for each version, without a gap.
    pub entries: Vec<Entry>,
}

/// One change.
#[cfg_attr(test, derive(Debug))]
pub struct Entry {
    /// The version that it made.
    pub version: i64,
    /// When it was written here.
    pub at: DateTime<Utc>,
    /// The caller, or `google_calendar`.
    pub by: String,
    /// `created`, `updated`, `rescheduled`, `cancelled` or `restored`.
    pub change: String,
    /// `{"field": {"from": ..., "to": ...}}`; `starts_at` and `ends_at` are in UTC.
    pub fields: Map<String, Value>,
}

private!(Entry);

/// An appointment without any entry is one row, without its entry.
const HISTORY: &str = "
    select a.time_zone, h.version, h.at, h.by, h.change, h.fields
    from appointments a left join lateral (
        select * from appointment_history
        where appointment_id = a.id and ($2::bigint is null or version < $2)
        order by version desc limit $3
    ) h on true
    where a.id = $1
    order by h.version";

/// The last 100 changes of an appointment, or the last 100 before the version `before`; `None` if there is no such
/// appointment.
pub async fn history(
    db: &Database,
    deadline: Deadline,
    id: Uuid,
    before: Option<i64>,
) -> Result<Option<History>, DatabaseError> {
    db.read(deadline, async |client: &Client| {
        let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
            (&id, Type::UUID),
            (&before, Type::INT8),
            (&MOST_ENTRIES, Type::INT8),
        ];
        let rows = client.query_typed(HISTORY, &parameters).await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(History {
            time_zone: zone(first)?,
            entries: rows
                .iter()
                .filter_map(|row| Entry::from_row(row).transpose())
                .collect::<Result<_, _>>()?,
        }))
    })
    .await
}

impl Entry {
    fn from_row(row: &Row) -> Result<Option<Self>, tokio_postgres::Error> {
        let Some(version) = row.try_get("version")? else {
            return Ok(None);
        };
        let Json(fields) = row.try_get("fields")?;
        Ok(Some(Self {
            version,
            at: row.try_get("at")?,
            by: row.try_get("by")?,
            change: row.try_get("change")?,
            fields,
        }))
    }
}
