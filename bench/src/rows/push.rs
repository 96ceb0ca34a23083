//! A push of 500 events to a Google whose every call takes 100 ms.

use std::time::Duration;

use super::{appointment_changed, succeed};
use crate::Failure;
use crate::distance::Distance;
use crate::google::Bare;
use crate::seed;
use crate::table::Row;
use crate::world::World;

const EVENTS: u64 = 500;
/// As `sync/push` has it.
const AT_ONCE: usize = 8;
const EACH_WAY: Duration = Duration::from_millis(50);

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let db = world.client().await?;
    let (_way, far) = Distance::before(&world.google.base_url(), EACH_WAY).await?;
    let floor = Bare::overhearing(&world)
        .await?
        .at(&far)
        .calls(usize::try_from(EVENTS)?, AT_ONCE)
        .await?;

    let mut settings = world.settings(&world.url())?;
    settings.insert("GOOGLE_CALENDAR_API_URL".to_owned(), far);
    let sync = world.start_with("scheduled-sync", &settings).await?;
    // Warm, with its token.
    seed::book(&db, 0..1).await?;
    succeed(&sync, &appointment_changed()).await?;
    // Its event stays in Google, so that its id is taken; what follows starts after it.
    seed::empty(&db).await?;
    seed::book(&db, 1..1 + EVENTS).await?;
    let before = world.google.count("events.insert");
    let took = succeed(&sync, &appointment_changed()).await?;
    let written = world.google.count("events.insert") - before;
    if written as u64 != EVENTS {
        return Err(format!("{written} events were written instead of {EVENTS}").into());
    }
    Ok(vec![Row::times(
        format!(
            "push of {EVENTS} events, {} ms a call, {AT_ONCE} at once",
            2 * EACH_WAY.as_millis()
        ),
        floor,
        took,
        1.2,
    )])
}
