//! Which appointment an event belongs to. The event's id says so; what its properties say does not count, since a
//! person's copy of an event carries them too.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};
use uuid::Uuid;

/// The appointments of those events that are ours.
pub async fn appointments_of(
    client: &impl GenericClient,
    calendar_id: &str,
    event_ids: &[&str],
) -> Result<HashMap<String, Uuid>, Error> {
    const LINKS: &str =
        "select event_id, appointment_id from calendar_events where calendar_id = $1 and event_id = any($2)";
    let rows = client
        .query_typed(
            LINKS,
            &[(&calendar_id, Type::TEXT), (&event_ids, Type::TEXT_ARRAY)],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("event_id")?, row.try_get("appointment_id")?)))
        .collect()
}
