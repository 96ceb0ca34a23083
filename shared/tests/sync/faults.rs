//! Google slow, down, over quota, refusing or unshared: nothing is lost, doubled or cancelled by it.

use chrono::TimeDelta;
use local::google::{Access, Fault, Outage};
use serde_json::json;
use shared::appointment::{Status, SyncState};
use shared::google::Error;
use shared::sync::SyncError;

use crate::clinic::{CALENDAR, Clinic, changed};
use crate::process::Process;

#[tokio::test]
async fn a_first_write_whose_answer_was_lost_is_adopted_not_doubled() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic
        .google
        .fail(Fault::on("events.insert").after().disconnect());
    // A person is faster than our next try, and so is a caller.
    let _ = clinic.push().await;
    clinic.google.heal();
    clinic.edit(
        &appointment.google_calendar_event_id,
        &json!({"location": "Room 2"}),
    );
    changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
    clinic.push_all().await.unwrap();
    let shown = clinic.only_event();
    assert_eq!(
        (&shown["summary"], &shown["location"]),
        (&json!("Ours"), &json!("Room 2"))
    );
    let adopted = clinic.read(appointment.id).await;
    assert_eq!(
        (adopted.title.as_str(), adopted.location.as_deref()),
        ("Ours", Some("Room 2"))
    );
    clinic.tick().await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_patch_whose_answer_was_lost_is_not_taken_for_a_persons_edit() {
    let (clinic, appointment) = Clinic::with_one().await;
    changed(clinic.patch(appointment.id, json!({"title": "First"})).await);
    clinic.google.fail(Fault::on("events.patch").after().disconnect());
    let _ = clinic.push().await;
    clinic.google.heal();
    changed(clinic.patch(appointment.id, json!({"title": "Second"})).await);
    clinic.edit(
        &appointment.google_calendar_event_id,
        &json!({"location": "Room 2"}),
    );
    clinic.push_all().await.unwrap();
    let appointment = clinic.read(appointment.id).await;
    assert_eq!(
        (appointment.title.as_str(), appointment.location.as_deref()),
        ("Second", Some("Room 2"))
    );
    assert_eq!(
        clinic.event(&appointment.google_calendar_event_id)["summary"],
        "Second"
    );
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_patch_that_arrives_after_we_have_looked_is_not_taken_for_a_persons_edit() {
    let (clinic, appointment) = Clinic::with_one().await;
    changed(clinic.patch(appointment.id, json!({"title": "First"})).await);
    // One run's patch is stuck on its way; another run looks, finds nothing written, and cannot write either.
    let others = async {
        changed(clinic.patch(appointment.id, json!({"title": "Second"})).await);
        clinic.let_claims_and_leases_lapse().await;
        clinic
            .google
            .fail(Fault::on("events.patch").refuse(400, "invalid").times(1));
        let other = Process::start(&clinic).await;
        assert_eq!(other.push().await.unwrap().failed, 1);
    };
    let patch = Fault::on("events.patch");
    clinic.during(patch, clinic.push(), others).await.unwrap();
    let event_id = &appointment.google_calendar_event_id;
    assert_eq!(clinic.event(event_id)["summary"], "First");
    clinic.push_all().await.unwrap();
    assert_eq!(clinic.event(event_id)["summary"], "Second");
    assert_eq!(clinic.read(appointment.id).await.title, "Second");
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_a_deletion() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic.cancel(appointment.id).await;
    clinic
        .google
        .fail(Fault::on("events.delete").after().disconnect());
    let _ = clinic.push().await;
    clinic.google.heal();
    clinic.push_all().await.unwrap();
    assert!(clinic.live_events().is_empty());
    assert_eq!(clinic.read(appointment.id).await.sync_state, SyncState::Synced);
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn with_google_down_bookings_wait_and_nothing_is_cancelled() {
    let (clinic, shown) = Clinic::with_one().await;
    clinic.google.set_outage(Outage::Closed);
    let waiting = clinic.book("2027-03-01T10:00:00+05:00").await;
    assert!(matches!(
        clinic.push().await,
        Err(SyncError::Google(Error::Unreachable { .. }))
    ));
    assert!(matches!(
        clinic.pull().await,
        Err(SyncError::Google(Error::Unreachable { .. }))
    ));
    let state = clinic.read(waiting.id).await;
    assert_eq!(state.sync_state, SyncState::Pending);
    let told = "Google Calendar cannot be reached. It is tried again by itself.";
    assert_eq!(state.last_error.as_deref(), Some(told));

    clinic.google.heal();
    clinic.push_all().await.unwrap();
    clinic.tick().await;
    assert_eq!(clinic.live_events().len(), 2);
    assert_eq!(clinic.read(shown.id).await.status, Status::Scheduled);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_unshared_calendar_parks_nothing_and_cancels_nothing() {
    let (clinic, shown) = Clinic::with_one().await;
    clinic.google.share(CALENDAR, Access::None);
    let waiting = clinic.book("2027-03-01T10:00:00+05:00").await;
    assert!(matches!(
        clinic.push().await,
        Err(SyncError::Google(Error::Unshared))
    ));
    assert!(matches!(
        clinic.pull().await,
        Err(SyncError::Google(Error::Unshared))
    ));
    assert_eq!(clinic.read(waiting.id).await.sync_state, SyncState::Pending);
    assert_eq!(clinic.read(shown.id).await.status, Status::Scheduled);
    clinic.google.share(CALENDAR, Access::Writer);
    clinic.push_all().await.unwrap();
    assert_eq!(clinic.live_events().len(), 2);
}

#[tokio::test]
async fn a_page_that_failed_applies_nothing_and_the_next_pull_finds_all() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic.edit(
        &appointment.google_calendar_event_id,
        &json!({"location": "Room 2"}),
    );
    clinic
        .google
        .fail(Fault::on("events.list").refuse(503, "backendError"));
    assert!(clinic.pull().await.is_err());
    assert_eq!(clinic.read(appointment.id).await.version, 1);
    clinic.google.heal();
    assert_eq!(clinic.pull().await.unwrap().updated, 1);
    clinic.check_at_rest().await;
}

/// The write whose answer was lost may be looked for in vain several times; it is not forgotten by that.
#[tokio::test]
async fn a_look_that_fails_forgets_nothing_of_the_write_it_was_about() {
    let refused = Fault::on("events.get").refuse(400, "invalid").times(1);
    let limited = Fault::on("events.get")
        .refuse(429, "rateLimitExceeded")
        .retry_after("3600")
        .times(1);
    let down = Fault::on("events.get").times(4);
    for failing in [refused, limited, down] {
        let clinic = Clinic::open().await;
        // Google's clock is ahead: what it dates passes for younger than what callers do.
        clinic.google.set_clock_ahead(TimeDelta::minutes(1));
        let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
        clinic.tick().await;
        changed(clinic.patch(appointment.id, json!({"title": "First"})).await);
        clinic
            .google
            .fail(Fault::on("events.patch").after().disconnect().times(1));
        let _ = clinic.push().await;
        clinic.google.fail(failing.clone());
        let _ = clinic.push_all().await;
        changed(clinic.patch(appointment.id, json!({"title": "Second"})).await);
        clinic.google.heal();
        clinic.sql("update calendars set cooldown_until = null").await;
        clinic.push_all().await.unwrap();
        clinic.tick().await;
        assert_eq!(clinic.read(appointment.id).await.title, "Second", "{failing:?}");
        let event_id = &appointment.google_calendar_event_id;
        assert_eq!(clinic.event(event_id)["summary"], "Second", "{failing:?}");
        clinic.check_at_rest().await;
    }
}
