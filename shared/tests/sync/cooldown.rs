//! Google asks to be left alone: nothing is asked of the calendar until then, either way, and status says so.

use local::google::Fault;
use serde_json::json;
use shared::appointment::SyncState;
use shared::google::Error;
use shared::sync::SyncError;

use crate::clinic::{CALENDAR, Clinic, changed};
use crate::process::{Point, Process};

#[tokio::test]
async fn a_used_up_quota_leaves_the_calendar_alone_for_a_while() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic
        .google
        .fail(Fault::on("events.insert").refuse(403, "quotaExceeded").times(1));
    assert!(matches!(
        clinic.push().await,
        Err(SyncError::Google(Error::QuotaExceeded { .. }))
    ));
    clinic.google.clear_requests();
    assert_eq!(clinic.push_all().await.unwrap().pending, 1);
    let pulled = clinic.pull().await;
    assert!(matches!(pulled, Err(SyncError::CoolingDown { .. })), "{pulled:?}");
    assert!(clinic.google.requests().is_empty());
    assert!(clinic.status().await.cooldown_until.is_some());
    let waiting = clinic.read(appointment.id).await;
    assert_eq!(waiting.sync_state, SyncState::Pending);
    let told = "Google Calendar takes no more changes for now. It is tried again by itself.";
    assert_eq!(waiting.last_error.as_deref(), Some(told));

    clinic.sql("update calendars set cooldown_until = now()").await;
    assert_eq!(clinic.status().await.cooldown_until, None);
    clinic.push_all().await.unwrap();
    assert_eq!(clinic.live_events().len(), 1);
    clinic.tick().await;
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_quota_that_a_listing_used_up_stops_both_ways_and_loses_nothing() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic
        .google
        .fail(Fault::on("events.list").refuse(403, "quotaExceeded").times(1));
    let pulled = clinic.pull().await;
    assert!(
        matches!(pulled, Err(SyncError::Google(Error::QuotaExceeded { .. }))),
        "{pulled:?}"
    );
    clinic.google.clear_requests();
    clinic
        .google
        .person()
        .retitle(CALENDAR, &appointment.google_calendar_event_id, "Theirs")
        .unwrap();
    clinic.book("2027-03-01T10:00:00+05:00").await;
    assert_eq!(clinic.push().await.unwrap().pending, 1);
    assert!(clinic.pull().await.is_err());
    assert!(clinic.google.requests().is_empty());

    clinic.sql("update calendars set cooldown_until = now()").await;
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.title, "Theirs");
    assert_eq!(clinic.live_events().len(), 2);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_run_during_a_pause_does_not_prolong_it() {
    let clinic = Clinic::open().await;
    clinic.tick().await;
    clinic
        .sql("update calendars set cooldown_until = now() + interval '1 hour'")
        .await;
    let before = clinic.status().await.cooldown_until;
    assert!(before.is_some());
    assert!(clinic.pull().await.is_err());
    assert_eq!(clinic.status().await.cooldown_until, before);
}

#[tokio::test]
async fn a_shorter_pause_does_not_end_a_longer_one() {
    let clinic = Clinic::open().await;
    let process = Process::start(&clinic).await;
    clinic
        .google
        .fail(Fault::on("events.list").refuse(403, "quotaExceeded").times(1));
    let run = process.frozen_pull(Point::before("set cooldown_until =")).await;
    clinic
        .sql("update calendars set cooldown_until = now() + interval '1 hour'")
        .await;
    let longer = clinic.status().await.cooldown_until;
    assert!(longer.is_some());
    process.wake();
    assert!(run.await.is_err());
    assert_eq!(clinic.status().await.cooldown_until, longer);
}

#[tokio::test]
async fn one_event_at_which_google_always_fails_stops_neither_the_others_nor_what_people_change() {
    let (clinic, poisonous) = Clinic::with_one().await;
    clinic.google.fail(
        Fault::on("events.patch")
            .refuse(503, "backendError")
            .retry_after("3600"),
    );
    changed(clinic.patch(poisonous.id, json!({"title": "Never shown"})).await);
    let edited = clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.tick().await;
    let event_id = &edited.google_calendar_event_id;
    clinic.edit(event_id, &json!({"location": "Room 2"}));
    clinic.tick().await;
    assert_eq!(clinic.read(edited.id).await.location.as_deref(), Some("Room 2"));
    assert_eq!(clinic.status().await.cooldown_until, None);
    assert_eq!(clinic.read(poisonous.id).await.sync_state, SyncState::Pending);
    clinic.google.heal();
    clinic.push_all().await.unwrap();
    clinic.pull().await.unwrap();
    clinic.check_callers_go_on(poisonous.id).await;
}

#[tokio::test]
async fn a_short_pause_is_waited_for() {
    let clinic = Clinic::open().await;
    clinic.tick().await;
    clinic
        .sql("update calendars set cooldown_until = now() + interval '300 milliseconds'")
        .await;
    clinic.pull().await.unwrap();
    let waited = clinic
        .rows("select last_sync_at >= cooldown_until from calendars")
        .await;
    assert!(waited[0].get::<_, bool>(0), "it pulled before the pause was over");
}
