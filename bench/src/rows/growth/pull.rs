//! First pulls: all that Google shows of a calendar, each event one of ours that was never seen.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::rows::memory::megabytes;
use crate::rows::succeed;
use crate::table::Row;
use crate::times::Shown;
use crate::world::World;
use crate::{Failure, google};

use super::million::{TO_BE_PULLED, to_be_pulled};

/// How many times as long an event of any larger one may take as one of the smallest but one.
const MOST: f64 = 1.5;
/// MB: beside a listing that is worked in by parts nothing should grow.
const MEMORY: f64 = 128.0;
/// Nobody waits that long for a pull.
const AMPLE: Duration = Duration::from_mins(5);

/// What came of one.
struct Pulled {
    events: u64,
    /// What a bare listing of the same pages took.
    listing: Duration,
    took: Duration,
    peak_mb: f64,
}

impl Pulled {
    /// What is ours of an event: without Google, which is a stand-in here.
    fn each(&self) -> Duration {
        let nanos = self.took.saturating_sub(self.listing).as_nanos() / u128::from(self.events.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// `large` is what [`super::million`] makes.
pub(super) async fn measure(large: &World) -> Result<Vec<Row>, Failure> {
    let google = google::Bare::overhearing(large).await?;
    let mut pulled = Vec::new();
    for events in TO_BE_PULLED {
        show(large, events).await?;
        pulled.push(pull(large, &google, events).await?);
    }
    let [smallest, larger @ ..] = pulled.as_slice() else {
        return Err("too few first pulls to compare".into());
    };
    // The smallest is mostly the run itself.
    let [first, .., last] = larger else {
        return Err("too few first pulls to compare".into());
    };
    let dearest = larger.iter().max_by_key(|pulled| pulled.each()).unwrap_or(last);
    let all: Vec<_> = pulled.iter().map(told).collect();
    let what = format!(
        "growth: a first pull, for each event of {}, of {} the dearest, beside {}, the stand-in's bare listing taken off; all: {}",
        dearest.events,
        larger.len(),
        first.events,
        all.join("; ")
    );
    Ok(vec![
        Row::times(what, first.each(), dearest.each(), MOST),
        Row::fact(
            format!(
                "growth: peak memory of a first pull of {} events beside {}",
                last.events, smallest.events
            ),
            format!("{:.1} MB", smallest.peak_mb),
            format!("{:.1} MB", last.peak_mb),
            format!("under {MEMORY} MB"),
            last.peak_mb < MEMORY,
        )
        .with_ratio(last.peak_mb / smallest.peak_mb),
    ])
}

fn told(pulled: &Pulled) -> String {
    format!(
        "{} in {} ({} the listing, {} an event besides), {:.0} MB",
        pulled.events,
        Shown(pulled.took),
        Shown(pulled.listing),
        Shown(pulled.each()),
        pulled.peak_mb
    )
}

/// Lets Google show a calendar's appointments.
async fn show(world: &World, appointments: u64) -> Result<(), Failure> {
    let calendar = to_be_pulled(appointments);
    world.google.add_calendar(&calendar, chrono_tz::Asia::Karachi);
    let read = "select google_calendar_event_id, starts_at, ends_at from appointments where calendar_id = $1";
    let person = world.google.person();
    for row in world.client().await?.query(read, &[&calendar]).await? {
        let (id, start, end): (String, DateTime<Utc>, DateTime<Utc>) = (row.get(0), row.get(1), row.get(2));
        let time = |at: DateTime<Utc>| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
        let event = json!({
            "id": id, "summary": "A. Khan", "start": time(start), "end": time(end),
            "description": "--- Patient (kept by Appointment Sync, write above this line) ---\nName: A. Khan",
        });
        let refused = |refusal| format!("the stand-in refuses an event: {refusal:?}");
        person.add(&calendar, &event).map_err(refused)?;
    }
    Ok(())
}

/// Lists and then pulls a calendar, by an instance of its own.
async fn pull(world: &World, google: &google::Bare, events: u64) -> Result<Pulled, Failure> {
    let calendar = to_be_pulled(events);
    let listing = google.list(&calendar, None).await?.took;
    let mut settings = world.settings(&world.tls_url()?)?;
    let empty = format!("empty-beside-{calendar}");
    world.google.add_calendar(&empty, chrono_tz::Asia::Karachi);
    settings.insert("GOOGLE_CALENDAR_ID".to_owned(), format!("{calendar},{empty}"));
    let sync = world.start_with("scheduled-sync", &settings).await?;
    let db = world.client().await?;
    // To connect, and to get a token of Google's, is no part of it.
    db.execute("insert into calendars (id, change_seq) values ($1, 1)", &[&empty])
        .await?;
    succeed(&sync, &changed(&empty)).await?;
    let mut took = Duration::ZERO;
    // A listing of more than a part is gone on with by the next run, as soon as it is woken.
    loop {
        took += succeed(&sync, &changed(&calendar)).await?;
        let done =
            "select unfinished_listing is null and sync_token is not null from calendars where id = $1";
        if db.query_one(done, &[&calendar]).await?.get(0) {
            break;
        }
        if took > AMPLE {
            return Err(format!("a first pull of {events} events does not end").into());
        }
    }
    let unseen = "select count(*) from calendar_events where calendar_id = $1 and seen <> 'live'";
    let unseen: i64 = db.query_one(unseen, &[&calendar]).await?.get(0);
    if unseen != 0 {
        return Err(format!("{unseen} of {events} events were not seen by a first pull").into());
    }
    Ok(Pulled {
        events,
        listing,
        took,
        peak_mb: megabytes(&sync)?,
    })
}

/// What wakes `scheduled-sync` after a notification.
pub(super) fn changed(calendar: &str) -> Value {
    json!({
        "version": "0", "id": "0190f0c2-0000-7000-8000-0000000000ee", "detail-type": "CalendarChanged",
        "source": "appointment-sync", "account": "123456789012", "time": "2026-11-28T09:00:00Z", "region": "us-east-1",
        "resources": [], "detail": {"calendar_id": calendar, "channel_id": "c", "message_number": 1}
    })
}
