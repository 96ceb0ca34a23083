//! Pulls of ten thousand events by `scheduled-sync`, beside a bare reading of the same pages and a bare COPY of the rows that
//! were written.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{SinkExt, TryStreamExt, pin_mut};
use local::postgres::Wire;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{scheduled, succeed};
use crate::Failure;
use crate::google::Bare;
use crate::instance::Instance;
use crate::seed;
use crate::table::Row;
use crate::times::{Shown, Times};
use crate::world::{CALENDAR, World};

const EVENTS: u64 = 10_000;
/// As `shared::bus` has it.
const PUBLISH_WITHIN: Duration = Duration::from_millis(300);
/// Each is measured so often, in turn with its floor.
const ROUNDS: u32 = 3;
const LEDGER: [&str; 4] = [
    "appointments",
    "calendar_events",
    "appointment_history",
    "busy_events",
];

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let mut rows = vec![first_of_peoples_own().await?];
    rows.extend(of_appointments().await?);
    rows.extend(nothing_changed().await?);
    Ok(rows)
}

async fn first_of_peoples_own() -> Result<Row, Failure> {
    let world = World::open().await?;
    let (db, google) = (world.client().await?, Bare::overhearing(&world).await?);
    let person = world.google.person();
    for n in 0..EVENTS {
        person.add(CALENDAR, &event(n, None))?;
    }
    let sync = world.start("scheduled-sync", &world.url()).await?;
    let what = format!("first pull of {EVENTS} events of people's own (median)");
    rounds(what, async |_| {
        seed::empty(&db).await?;
        let took = pull(&db, &sync).await?;
        let listed = google.list(CALENDAR, None).await?.took;
        Ok((listed + copy(&db, &world, &["busy_events"], EVENTS).await?, took))
    })
    .await
}

async fn of_appointments() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let (db, google) = (world.client().await?, Bare::overhearing(&world).await?);
    let sync = world.start("scheduled-sync", &world.url()).await?;
    let what = format!("first pull of {EVENTS} appointments' events (median)");
    let first = rounds(what, async |round| {
        seed::empty(&db).await?;
        seed::book(&db, 0..EVENTS).await?;
        db.batch_execute("analyze").await?;
        if round == 0 {
            show(&world, &db).await?;
        }
        let took = pull(&db, &sync).await?;
        let listed = google.list(CALENDAR, None).await?.took;
        Ok((
            listed + copy(&db, &world, &["calendar_events"], EVENTS).await?,
            took,
        ))
    })
    .await?;

    let person = world.google.person();
    let what = format!("incremental pull of {EVENTS} changes, three rows each and the bus told (median)");
    let changes = rounds(what, async |round| {
        // As if what the events lack of ours had been written meanwhile.
        for statement in [
            "update calendar_events set pushed_version = wanted_version",
            "vacuum (analyze)",
        ] {
            db.batch_execute(statement).await?;
        }
        let token: String = db
            .query_one("select sync_token from calendars where id = $1", &[&CALENDAR])
            .await?
            .get(0);
        for event in world.google.events(CALENDAR)? {
            let id = event["id"].as_str().unwrap_or_default();
            person.edit(CALENDAR, id, &json!({"location": format!("Room {round}")}))?;
        }
        let took = pull(&db, &sync).await?;
        let written = ["appointments", "calendar_events", "appointment_history"];
        let listed = google.list(CALENDAR, Some(&token)).await?.took;
        let copied = copy(&db, &world, &written, EVENTS).await?;
        Ok((listed + copied + tell(&world).await?, took))
    })
    .await?;
    Ok(vec![first, changes])
}

/// Measures the floor and ours in turn. The first round connects, and gets a token of Google's: it does not count.
async fn rounds(
    what: String,
    mut measure: impl AsyncFnMut(u32) -> Result<(Duration, Duration), Failure>,
) -> Result<Row, Failure> {
    let (mut floor, mut ours) = (Times::default(), Times::default());
    for round in 0..=ROUNDS {
        let (least, took) = measure(round).await?;
        if round > 0 {
            floor.add(least);
            ours.add(took);
        }
    }
    Ok(Row::times(what, floor.median(), ours.median(), 2.0))
}

/// Tells the bus of the changes, ten by ten; not longer than a pull does.
async fn tell(world: &World) -> Result<Duration, Failure> {
    let mut took = Duration::ZERO;
    for _ in 0..EVENTS / 10 {
        took += world.bus.put_bare().await?;
        if took > PUBLISH_WITHIN {
            return Ok(PUBLISH_WITHIN);
        }
    }
    Ok(took)
}

/// What a pull costs that finds nothing: one that was notified, and what each calendar adds to a 5-minute run.
async fn nothing_changed() -> Result<Vec<Row>, Failure> {
    const OTHER: &str = "other@example.com";
    let world = World::open().await?;
    let db = world.client().await?;
    world.google.add_calendar(OTHER, chrono_tz::Asia::Karachi);
    let wire = Wire::before(&world.url()).await;
    let sync = world.start("scheduled-sync", wire.url()).await?;
    let mut settings = world.settings(wire.url())?;
    settings.insert("GOOGLE_CALENDAR_ID".to_owned(), format!("{CALENDAR},{OTHER}"));
    let both = world.start_with("scheduled-sync", &settings).await?;
    // Connects, gets a token of Google's, and lists in full.
    succeed(&sync, &scheduled()).await?;
    succeed(&both, &scheduled()).await?;
    let clear = || {
        wire.clear_statements();
        world.google.clear_requests();
    };
    let counted = || (world.google.requests().len(), wire.statements().len());
    clear();
    let took = pull(&db, &sync).await?;
    let notified = counted();
    clear();
    succeed(&sync, &scheduled()).await?;
    let one = counted();
    clear();
    succeed(&both, &scheduled()).await?;
    let two = counted();
    let row = |what: &str, (calls, trips): (usize, usize), more: String| {
        Row::fact(
            format!("{what}, nothing changed: calls to Google, round trips to the database"),
            "1, 2",
            format!("{calls}, {trips}{more}"),
            "1, at most 2",
            calls == 1 && (1..=2).contains(&trips),
        )
    };
    let of_a_calendar = (two.0.saturating_sub(one.0), two.1.saturating_sub(one.1));
    let besides = format!(" (and {} for the run)", one.1.saturating_sub(of_a_calendar.1));
    Ok(vec![
        row("pull", notified, format!(" ({})", Shown(took))),
        row("5-minute run, for each calendar", of_a_calendar, besides),
    ])
}

/// Lets a function pull the calendar as if it had been notified; how long it took.
async fn pull(db: &Client, sync: &Instance) -> Result<Duration, Failure> {
    // As if the last pull were a while ago: one that follows at once waits for its time.
    const NOTIFY: &str = "insert into calendars (id, change_seq) values ($1, 1)
        on conflict (id) do update set change_seq = calendars.change_seq + 1, leased_at = now() - interval '1 minute'";
    db.execute(NOTIFY, &[&CALENDAR]).await?;
    let took = succeed(sync, &calendar_changed()).await?;
    let covered = "select change_seq = pulled_seq from calendars where id = $1";
    if db.query_one(covered, &[&CALENDAR]).await?.get(0) {
        Ok(took)
    } else {
        Err("a pull did not end well".into())
    }
}

fn calendar_changed() -> Value {
    json!({
        "version": "0", "id": "0190f0c2-0000-7000-8000-0000000000ee", "detail-type": "CalendarChanged",
        "source": "appointment-sync", "account": "123456789012", "time": "2026-11-28T09:00:00Z", "region": "us-east-1",
        "resources": [],
        "detail": {"calendar_id": CALENDAR, "channel_id": "0190f0c2-0000-7000-8000-000000000001", "message_number": 2}
    })
}

/// Lets Google have an event for each appointment.
async fn show(world: &World, db: &Client) -> Result<(), Failure> {
    let by_start = "select id from (select google_calendar_event_id as id, starts_at from appointments) a order by starts_at";
    let person = world.google.person();
    for (n, row) in (0..).zip(db.query(by_start, &[]).await?) {
        person.add(CALENDAR, &event(n, Some(row.get(0))))?;
    }
    Ok(())
}

/// The `n`th event: an appointment's, or a person's own.
pub(super) fn event(n: u64, id: Option<&str>) -> Value {
    let first: DateTime<Utc> = DateTime::from_timestamp(1_924_992_000, 0).unwrap_or_default();
    let start = first + TimeDelta::hours(i64::try_from(n).unwrap_or_default());
    let time = |at: DateTime<Utc>| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
    let mut event =
        json!({"summary": "A. Khan", "start": time(start), "end": time(start + TimeDelta::minutes(30))});
    if let Some(id) = id {
        event["id"] = id.into();
        event["description"] =
            "--- Patient (kept by Appointment Sync, write above this line) ---\nName: A. Khan".into();
    }
    event
}

/// Copies the rows of these tables, `of_each` of each, into empty ones like them, indexes included; how long that took.
async fn copy(db: &Client, world: &World, tables: &[&str], of_each: u64) -> Result<Duration, Failure> {
    let other = world.client().await?;
    let mut took = Duration::ZERO;
    for table in tables {
        if !LEDGER.contains(table) {
            return Err("no such table".into());
        }
        other
            .batch_execute(&format!(
                "create temporary table bare (like {table} including indexes)"
            ))
            .await?;
        let read = format!("copy (select * from {table} limit {of_each}) to stdout (format binary)");
        let rows: Vec<Bytes> = db.copy_out(&read).await?.try_collect().await?;
        let began = Instant::now();
        let sink = other.copy_in("copy bare from stdin (format binary)").await?;
        pin_mut!(sink);
        for row in rows {
            sink.feed(row).await?;
        }
        let copied = sink.finish().await?;
        took += began.elapsed();
        if copied != of_each {
            return Err(format!("{copied} rows of {table} instead of {of_each}").into());
        }
        other.batch_execute("drop table bare").await?;
    }
    Ok(took)
}
