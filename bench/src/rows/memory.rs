//! The most memory that each function ever has over a thousand requests.

use super::warm::{Kind, ask};
use super::{appointment_changed, pull, scheduled, succeed, webhook};
use crate::Failure;
use crate::instance::Instance;
use crate::seed;
use crate::table::Row;
use crate::world::{CALENDAR, World};

const REQUESTS: u64 = 1_000;
/// One of so many runs of the sync has something to write.
const EVERY: u64 = 5;
/// MB.
const MOST: f64 = 40.0;
/// As `scheduled-sync` has it.
const PULLED_AT_ONCE: u64 = 4;
const EVENTS: u64 = 10_000;
/// MB, as the template gives them.
const OF_THE_SYNC: f64 = 256.0;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let db = world.client().await?;
    seed::clinic(&db, REQUESTS).await?;
    webhook::open(&world).await?;
    let url = world.tls_url()?;

    let floor = world.start("floor", &url).await?;
    for n in 0..REQUESTS {
        ask(&floor, &Kind::Read.request(n)).await?;
    }
    let floor = megabytes(&floor)?;

    let api = world.start("appointments-api", &url).await?;
    for n in 0..REQUESTS {
        // Each kind in turn.
        let kind = Kind::ALL[usize::try_from(n)? % Kind::ALL.len()];
        ask(&api, &kind.request(n)).await?;
    }
    let webhook = world.start("calendar-webhook", &url).await?;
    for n in 0..REQUESTS {
        ask(&webhook, &webhook::notification(n + 1)).await?;
    }
    seed::clinic(&db, REQUESTS).await?;
    let sync = world.start("scheduled-sync", &url).await?;
    let renewer = world.start("watch-renewer", &url).await?;
    let pushed = REQUESTS.div_ceil(EVERY);
    for n in 0..REQUESTS {
        if n % EVERY == 0 {
            // Something to be written to Google: few enough for what it takes in a minute.
            let due = "update calendar_events set pushed_version = null, seen = 'never', seen_at = null, etag = null
                where event_id = $1";
            db.execute(due, &[&seed::id(CALENDAR, n)]).await?;
        }
        succeed(&sync, &appointment_changed()).await?;
        succeed(&renewer, &scheduled()).await?;
    }
    let written = world.google.count("events.insert") as u64;
    if written != pushed {
        return Err(format!("{written} events were written instead of {pushed}").into());
    }
    let row = |name: &str, instance: &Instance| -> Result<Row, Failure> {
        let peak = megabytes(instance)?;
        Ok(Row::fact(
            format!("peak memory over {REQUESTS} requests: {name}"),
            format!("{floor:.1} MB"),
            format!("{peak:.1} MB"),
            format!("under {MOST} MB"),
            peak < MOST,
        )
        .with_ratio(peak / floor))
    };
    Ok(vec![
        row("appointments-api", &api)?,
        row("calendar-webhook", &webhook)?,
        row("scheduled-sync", &sync)?,
        row("watch-renewer", &renewer)?,
        first_pulls().await?,
    ])
}

/// The most that the sync ever has at once: as many calendars as it sees to at once, none pulled before.
async fn first_pulls() -> Result<Row, Failure> {
    let world = World::open().await?;
    let calendars: Vec<_> = (1..=PULLED_AT_ONCE)
        .map(|n| format!("doctor-{n}@example.com"))
        .collect();
    for calendar in &calendars {
        world.google.add_calendar(calendar, chrono_tz::Asia::Karachi);
        for n in 0..EVENTS {
            world.google.person().add(calendar, &pull::event(n, None))?;
        }
    }
    let mut settings = world.settings(&world.tls_url()?)?;
    settings.insert("GOOGLE_CALENDAR_ID".to_owned(), calendars.join(","));
    let sync = world.start_with("scheduled-sync", &settings).await?;
    succeed(&sync, &scheduled()).await?;
    let kept: i64 = world
        .client()
        .await?
        .query_one("select count(*) from busy_events", &[])
        .await?
        .get(0);
    if u64::try_from(kept)? != PULLED_AT_ONCE * EVENTS {
        return Err(format!("{kept} events were pulled").into());
    }
    let peak = megabytes(&sync)?;
    Ok(Row::fact(
        format!(
            "peak memory of a 5-minute run over {PULLED_AT_ONCE} calendars of {EVENTS} events each, none pulled before"
        ),
        "",
        format!("{peak:.1} MB"),
        format!("under {OF_THE_SYNC} MB, which it is given"),
        peak < OF_THE_SYNC,
    ))
}

pub(crate) fn megabytes(instance: &Instance) -> Result<f64, Failure> {
    #[expect(clippy::cast_precision_loss, reason = "no process has so much memory")]
    let kb = instance.peak_kb()? as f64;
    Ok(kb / 1024.0)
}
