//! What is taken in a calendar: one statement.

use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use super::Span;

/// What is taken of a window by appointments and by people's own events, in no order; some of it may reach out of it.
pub async fn taken(
    client: &impl GenericClient,
    calendar_id: &str,
    window: Span,
) -> Result<Vec<Span>, tokio_postgres::Error> {
    // Each kind of appointment has its own index.
    const TAKEN: &str = "select starts_at, ends_at from appointments
            where calendar_id = $1 and status = 'scheduled' and not placed_by_person
              and tstzrange(starts_at, ends_at) && tstzrange($2, $3)
        union all
        select starts_at, ends_at from appointments
            where calendar_id = $1 and status = 'scheduled' and placed_by_person
              and tstzrange(starts_at, ends_at) && tstzrange($2, $3)
        union all
        select lower(span), upper(span)
            from busy_events b cross join unnest(b.busy * tstzmultirange(tstzrange($2, $3))) as span
            where b.calendar_id = $1 and b.busy && tstzrange($2, $3)";
    if window.until <= window.from {
        return Ok(Vec::new());
    }
    let rows = client
        .query_typed(
            TAKEN,
            &[
                (&calendar_id, Type::TEXT),
                (&window.from, Type::TIMESTAMPTZ),
                (&window.until, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Span {
                from: row.try_get("starts_at")?,
                until: row.try_get("ends_at")?,
            })
        })
        .collect()
}
