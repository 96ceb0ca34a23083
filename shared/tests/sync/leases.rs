//! Leases and claims: one run at a time. What becomes of those of killed and frozen runs stands in the `crashes` and
//! `frozen` files.

use std::pin::pin;
use std::time::Duration;

use local::google::Fault;
use serde_json::json;
use shared::sync::{Occasion, Patience, SyncError};

use crate::clinic::{CALENDAR, Clinic, changed, soon};
use crate::process::{Point, Process};

/// Another run has the calendar, for a minute.
const HELD: &str =
    "update calendars set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 minute'";

#[tokio::test]
async fn a_calendar_that_another_run_has_is_left_or_waited_for() {
    let clinic = Clinic::open().await;
    clinic.tick().await;
    clinic.sql(HELD).await;
    let sync = clinic.sync();
    let pull = |patience| sync.pull(CALENDAR, Occasion::Always, patience, false, soon());
    assert_eq!(pull(Patience::Leave).await.unwrap(), None);
    let waited = pull(Patience::Wait(Duration::from_millis(300))).await;
    assert!(matches!(waited, Err(SyncError::InProgress)), "{waited:?}");
}

#[tokio::test]
async fn a_calendar_whose_holder_died_is_had_by_who_waits_for_it() {
    let clinic = Clinic::open().await;
    clinic.tick().await;
    clinic.sql(HELD).await;
    let process = Process::start(&clinic).await;
    let sync = process.sync();
    let patience = Patience::Wait(Duration::from_secs(20));
    let mut waiting = pin!(sync.pull(CALENDAR, Occasion::Always, patience, false, soon()));
    // It has asked once, in vain, when the lease lapses.
    let refused = Point::after("insert into calendars as c");
    process.freeze(refused, waiting.as_mut()).await;
    clinic.let_claims_and_leases_lapse().await;
    process.wake();
    assert!(waiting.await.unwrap().is_some());
}

#[tokio::test]
async fn a_pull_without_an_occasion_asks_nobody() {
    let clinic = Clinic::open().await;
    clinic.tick().await;
    clinic.google.clear_requests();
    assert_eq!(clinic.pull_if_notified().await.unwrap(), None);
    assert!(clinic.google.requests().is_empty());
    clinic
        .sql("update calendars set change_seq = change_seq + 5")
        .await;
    assert!(clinic.pull_if_notified().await.unwrap().is_some());
    assert_eq!(clinic.pull_if_notified().await.unwrap(), None);
    assert_eq!(clinic.google.requests().len(), 1);
}

#[tokio::test]
async fn a_push_by_hand_waits_for_the_events_that_another_run_is_writing() {
    let clinic = Clinic::open().await;
    clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.google.fail(Fault::on("events.insert").hang().times(1));
    let other = clinic.another_database();
    let other = shared::sync::Sync {
        db: &other,
        ..clinic.sync()
    };
    let by_hand = async {
        clinic.until_called("events.insert", 1).await;
        let by_hand = other.push_all(CALENDAR, Duration::from_secs(20), soon());
        tokio::pin!(by_hand);
        // It has nothing of its own to do, and is not done all the same.
        let early = tokio::time::timeout(Duration::from_millis(300), &mut by_hand).await;
        assert!(early.is_err(), "{early:?}");
        clinic.google.release();
        by_hand.await.unwrap()
    };
    let (run, by_hand) = tokio::join!(clinic.push(), by_hand);
    assert_eq!((run.unwrap().created, by_hand.pending), (1, 0));
    assert_eq!(clinic.live_events().len(), 1);
}

#[tokio::test]
async fn what_callers_change_during_a_push_is_pushed_too() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    let change = async {
        changed(clinic.patch(appointment.id, json!({"title": "Meanwhile"})).await);
    };
    let pushed = clinic
        .during(Fault::on("events.insert"), clinic.push(), change)
        .await;
    assert_eq!(pushed.unwrap().pending, 0);
    assert_eq!(clinic.only_event()["summary"], "Meanwhile");
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}
