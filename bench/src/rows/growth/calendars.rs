//! The 5-minute run over more and more calendars, with nothing changed in any.

use std::time::Duration;

use tokio_postgres::Client;

use crate::instance::Instance;
use crate::rows::memory::megabytes;
use crate::rows::scheduled;
use crate::rows::succeed;
use crate::seed;
use crate::table::Row;
use crate::times::{Shown, Times};
use crate::world::World;
use crate::{Failure, google};

use super::pull::changed;

/// How many.
const CALENDARS: [usize; 4] = [1, 10, 100, 1_000];
/// Runs over each; the median counts.
const RUNS: usize = 3;
/// How often it is forgotten how many calls Google was asked for, of which it takes 600 a minute: what is measured is not
/// how long that is waited for.
const FORGETTING: Duration = Duration::from_millis(100);
/// In each of them.
const APPOINTMENTS: u64 = 20;
/// How many times as long a calendar of many may take as one of ten.
const MOST: f64 = 1.5;
/// MB.
const MEMORY: f64 = 64.0;

pub(super) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let most = CALENDARS.into_iter().max().unwrap_or_default();
    let calendars: Vec<String> = (1..=most).map(|n| format!("clinic-{n}@example.com")).collect();
    make(&world, &calendars).await?;
    let mut runs = Vec::new();
    for count in CALENDARS {
        let over = calendars.get(..count).ok_or("there are too few calendars")?;
        runs.push(run(&world, over).await?);
    }
    let [one, ten, .., many] = runs.as_slice() else {
        return Err("too few runs to compare".into());
    };
    let all: Vec<_> = runs
        .iter()
        .map(|run| format!("{} in {}", run.calendars, Shown(run.took)))
        .collect();
    let what = format!(
        "growth: a 5-minute run with nothing changed, for each calendar of {} beside {}; all: {}; without the \
         limit of 600 calls a minute, for which more than 570 calendars would wait",
        many.calendars,
        ten.calendars,
        all.join(", ")
    );
    Ok(vec![
        Row::times(what, ten.each(), many.each(), MOST),
        Row::fact(
            format!(
                "growth: peak memory of a 5-minute run over {} calendars beside {}",
                many.calendars, one.calendars
            ),
            format!("{:.1} MB", one.peak_mb),
            format!("{:.1} MB", many.peak_mb),
            format!("under {MEMORY} MB"),
            many.peak_mb < MEMORY,
        )
        .with_ratio(many.peak_mb / one.peak_mb),
    ])
}

/// What came of the runs over some calendars.
struct Run {
    calendars: u32,
    /// The median.
    took: Duration,
    peak_mb: f64,
}

impl Run {
    fn each(&self) -> Duration {
        self.took / self.calendars
    }
}

/// Calendars with appointments, all of them synced.
async fn make(world: &World, calendars: &[String]) -> Result<(), Failure> {
    let db = world.client().await?;
    let first = calendars.first().ok_or("there are no calendars")?;
    world.google.add_calendar(first, chrono_tz::Asia::Karachi);
    // One is pulled as ever. The others begin where it is then: with a token of Google's of their own, and all else alike.
    let sync = over(world, std::slice::from_ref(first)).await?;
    succeed(&sync, &scheduled()).await?;
    let google = google::Bare::overhearing(world).await?;
    db.execute(
        "create temporary table pulled as select * from calendars where id = $1",
        &[first],
    )
    .await?;
    for calendar in calendars.iter().skip(1) {
        world.google.add_calendar(calendar, chrono_tz::Asia::Karachi);
        let sync_token = google.list(calendar, None).await?.sync_token;
        db.execute(
            "update pulled set id = $1, sync_token = $2",
            &[calendar, &sync_token],
        )
        .await?;
        db.execute("insert into calendars select * from pulled", &[])
            .await?;
    }
    for calendar in calendars {
        seed::fill(&db, calendar, APPOINTMENTS).await?;
    }
    db.batch_execute("drop table pulled; analyze").await?;
    Ok(())
}

async fn run(world: &World, calendars: &[String]) -> Result<Run, Failure> {
    let sync = over(world, calendars).await?;
    let first = calendars.first().ok_or("there are no calendars")?;
    // To connect, and to get a token of Google's, is no part of it.
    let notified = "update calendars set change_seq = change_seq + 1 where id = $1";
    world.client().await?.execute(notified, &[first]).await?;
    succeed(&sync, &changed(first)).await?;
    let before = world.google.count("events.list");
    let mut times = Times::default();
    let forgetting = tokio::spawn(forget_calls(world.client().await?));
    for _ in 0..RUNS {
        times.add(succeed(&sync, &scheduled()).await?);
    }
    forgetting.abort();
    let listings = world.google.count("events.list") - before;
    if listings != RUNS * calendars.len() {
        return Err(format!("runs over {} calendars made {listings} listings", calendars.len()).into());
    }
    Ok(Run {
        calendars: u32::try_from(calendars.len())?,
        took: times.median(),
        peak_mb: megabytes(&sync)?,
    })
}

/// Until it is stopped.
async fn forget_calls(db: Client) {
    while db.batch_execute("delete from google_calls").await.is_ok() {
        tokio::time::sleep(FORGETTING).await;
    }
}

/// A `scheduled-sync` whose calendars these are.
async fn over(world: &World, calendars: &[String]) -> Result<Instance, Failure> {
    let mut settings = world.settings(&world.tls_url()?)?;
    settings.insert("GOOGLE_CALENDAR_ID".to_owned(), calendars.join(","));
    world.start_with("scheduled-sync", &settings).await
}
