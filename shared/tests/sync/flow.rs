//! A push of many events: none waits for another, and none is left claimed.

use std::time::Duration;

use local::google::Fault;
use shared::deadline::Deadline;
use shared::google::Error;
use shared::sync::SyncError;

use crate::clinic::{CALENDAR, Clinic, LONG};
use crate::process::{Point, Process};

/// More than are claimed at once.
const EVENTS: usize = 60;

async fn busy_clinic() -> Clinic {
    let clinic = Clinic::open().await;
    for hour in 0..EVENTS {
        let starts_at = format!("2027-03-{:02}T{:02}:00:00+05:00", 1 + hour / 24, hour % 24);
        clinic.book(&starts_at).await;
    }
    clinic
}

#[tokio::test]
async fn one_event_at_which_google_is_slow_holds_up_no_other() {
    let clinic = busy_clinic().await;
    let all_the_others = async {
        clinic.until_called("events.insert", EVENTS).await;
        while clinic.live_events().len() < EVENTS - 1 {
            tokio::task::yield_now().await;
        }
    };
    let hangs = Fault::on("events.insert");
    let pushed = clinic.during(hangs, clinic.push(), all_the_others).await.unwrap();
    assert_eq!((pushed.created as usize, pushed.pending), (EVENTS, 0));
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn what_a_push_has_not_begun_when_google_wants_no_more_is_free_for_the_next() {
    let clinic = busy_clinic().await;
    // Several claims are out by then.
    let wants_no_more = async {
        clinic.until_called("events.insert", EVENTS - 16).await;
        let quota = Fault::on("events.insert").refuse(403, "quotaExceeded");
        clinic.google.fail(quota.times(1));
    };
    let pushed = clinic
        .during(Fault::on("events.insert"), clinic.push(), wants_no_more)
        .await;
    assert!(
        matches!(pushed, Err(SyncError::Google(Error::QuotaExceeded { .. }))),
        "{pushed:?}"
    );
    let claimed = "select from calendar_events where claim is not null";
    assert!(clinic.rows(claimed).await.is_empty());
    let in_doubt = "select from calendar_events where sent is not null";
    assert!(
        clinic.rows(in_doubt).await.is_empty(),
        "what was never sent need not be looked for"
    );
    clinic.sql("update calendars set cooldown_until = now()").await;
    clinic.push_all().await.unwrap();
    assert_eq!(clinic.live_events().len(), EVENTS);
    clinic.tick().await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn what_there_is_no_time_for_has_not_failed() {
    let clinic = Clinic::open().await;
    clinic.book("2027-03-01T10:00:00+05:00").await;
    let process = Process::start(&clinic).await;
    let (sync, deadline) = (process.sync(), Deadline::after(Duration::from_millis(6_500)));
    let mut push = Box::pin(sync.push(CALENDAR, LONG, deadline));
    process
        .freeze(Point::after("update calendar_events e set sent"), push.as_mut())
        .await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(3_600)).await;
    tokio::time::resume();
    process.wake();
    let pushed = push.await.unwrap();
    assert_eq!((pushed.created, pushed.pending), (0, 1));
    let as_before = "select from calendar_events where attempts = 0 and last_error is null and claim is null and sent is null";
    assert_eq!(clinic.rows(as_before).await.len(), 1);
    assert_eq!(clinic.push().await.unwrap().created, 1);
}
