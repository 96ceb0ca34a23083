//! Until when a calendar is left alone. Claims and leases look at it.

use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

/// Asks nothing of this calendar for a while, or for longer if that was agreed before.
pub(crate) async fn cool_down(
    client: &impl GenericClient,
    calendar_id: &str,
    pause: Duration,
) -> Result<(), Error> {
    const COOL_DOWN: &str = "update calendars
        set cooldown_until = greatest(cooldown_until, now() + $2 * interval '1 second') where id = $1";
    client
        .execute_typed(
            COOL_DOWN,
            &[(&calendar_id, Type::TEXT), (&pause.as_secs_f64(), Type::FLOAT8)],
        )
        .await?;
    Ok(())
}
