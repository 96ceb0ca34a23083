//! A push of 500 events to a Google whose every call takes 100 ms.

use std::time::Duration;

use super::{appointment_changed, succeed};
use crate::Failure;
use crate::distance::Distance;
use crate::google::Bare;
use crate::table::Row;
use crate::world::{CALENDAR, World};

const EVENTS: usize = 500;
/// As `sync/push` has it.
const AT_ONCE: usize = 8;
const EACH_WAY: Duration = Duration::from_millis(50);

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    const BOOK: &str = "with slots as (
            select md5(n::text) as id, timestamptz '2031-01-01 00:00Z' + n * interval '1 hour' as start
            from generate_series(1, $2::int8) as n
        ), calendar as (
            insert into calendars (id) values ($1) on conflict do nothing
        ), booked as (
            insert into appointments (id, calendar_id, patient_name, starts_at, ends_at, time_zone, source,
                google_calendar_event_id)
            select id::uuid, $1, 'A. Khan', start, start + interval '30 minutes', 'Asia/Karachi', 'bench', id
            from slots
        )
        insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
        select $1, id, id::uuid, 'present', 1 from slots";
    let world = World::open().await?;
    let db = world.client().await?;
    let (_way, far) = Distance::before(&world.google.base_url(), EACH_WAY).await?;
    let floor = Bare::overhearing(&world)
        .await?
        .at(&far)
        .calls(EVENTS, AT_ONCE)
        .await?;

    let mut settings = world.settings(&world.url())?;
    settings.insert("GOOGLE_CALENDAR_API_URL".to_owned(), far);
    let sync = world.start_with("scheduled-sync", &settings).await?;
    // Warm, with its token.
    db.execute(BOOK, &[&CALENDAR, &1_i64]).await?;
    succeed(&sync, &appointment_changed()).await?;
    db.batch_execute("truncate appointments, calendar_events, appointment_history")
        .await?;
    // The event of the first stays in Google, so that its id is taken; what follows starts after it.
    let book = BOOK.replace("generate_series(1,", "generate_series(2, 1 +");
    db.execute(&book, &[&CALENDAR, &i64::try_from(EVENTS)?]).await?;
    let before = world.google.count("events.insert");
    let took = succeed(&sync, &appointment_changed()).await?;
    let written = world.google.count("events.insert") - before;
    if written != EVENTS {
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
