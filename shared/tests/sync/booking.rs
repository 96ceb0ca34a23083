//! Out: what callers do is what Google shows.

use chrono::Utc;
use serde_json::{Value, json};
use shared::appointment::queries::{self, Booked, Changed};
use shared::appointment::{SyncState, request};

use crate::clinic::{CALENDAR, Clinic, changed, soon};

#[tokio::test]
async fn a_booking_becomes_an_event_under_the_id_chosen_for_it() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    assert_eq!(appointment.sync_state, SyncState::Pending);

    let pushed = clinic.push().await.unwrap();
    assert_eq!((pushed.created, pushed.pending), (1, 0));
    let event = clinic.event(&appointment.google_calendar_event_id);
    assert_eq!(event["summary"], "Check-up: A. Khan");
    assert_eq!(
        event["start"],
        json!({"dateTime": "2027-03-01T09:00:00+05:00", "timeZone": "Asia/Karachi"})
    );
    assert_eq!(
        event["extendedProperties"]["private"]["appointment_id"],
        appointment.id.to_string()
    );
    assert!(
        event["description"]
            .as_str()
            .unwrap()
            .contains("Phone: +923001234567")
    );
    assert!(event["attendees"].is_null());

    let appointment = clinic.read(appointment.id).await;
    assert_eq!(appointment.sync_state, SyncState::Synced);
    assert!(appointment.synced_at.is_some());
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_change_is_patched_into_the_same_event() {
    let (clinic, appointment) = Clinic::with_one().await;

    let patch = json!({"starts_at": "2027-03-01T10:00:00+05:00", "ends_at": "2027-03-01T10:45:00+05:00", "notes": "x-ray"});
    let appointment = changed(clinic.patch(appointment.id, patch).await);
    clinic.push().await.unwrap();
    let event = clinic.event(&appointment.google_calendar_event_id);
    assert_eq!(event["end"]["dateTime"], "2027-03-01T10:45:00+05:00");
    assert!(event["description"].as_str().unwrap().starts_with("x-ray\n\n"));
    assert_eq!(clinic.live_events().len(), 1);
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn what_google_need_not_know_is_not_sent() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic.google.clear_requests();

    changed(clinic.patch(appointment.id, json!({"status": "completed"})).await);
    clinic.push().await.unwrap();
    assert!(clinic.google.requests().is_empty());
    assert_eq!(clinic.read(appointment.id).await.sync_state, SyncState::Synced);
}

#[tokio::test]
async fn a_cancellation_deletes_the_event_and_another_one_changes_nothing() {
    let (clinic, appointment) = Clinic::with_one().await;
    let cancelled = clinic.cancel(appointment.id).await;
    assert_eq!(clinic.push().await.unwrap().deleted, 1);
    assert!(clinic.live_events().is_empty());

    let again = request::cancel_without_reason();
    let outcome = queries::change(&clinic.db, soon(), appointment.id, &again, None, "frontend");
    let Changed::Unchanged(unchanged) = outcome.await.unwrap() else {
        panic!("changed")
    };
    assert_eq!(unchanged.version, cancelled.version);
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_appointment_cancelled_before_its_event_came_to_be_never_has_one() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.cancel(appointment.id).await;
    clinic.push().await.unwrap();
    assert_eq!(clinic.google.events(CALENDAR).unwrap(), Vec::<Value>::new());
    assert_eq!(clinic.read(appointment.id).await.sync_state, SyncState::Synced);
}

#[tokio::test]
async fn a_cancelled_appointment_that_is_set_to_scheduled_gets_a_new_event() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    let back = changed(clinic.patch(appointment.id, json!({"status": "scheduled"})).await);
    assert_ne!(
        back.google_calendar_event_id,
        appointment.google_calendar_event_id
    );
    clinic.tick().await;
    assert_eq!(clinic.live_events().len(), 1);
    assert_eq!(clinic.read(appointment.id).await.sync_state, SyncState::Synced);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn of_many_bookings_of_one_slot_at_once_one_wins() {
    let clinic = Clinic::open().await;
    let databases: Vec<_> = (0..8).map(|_| clinic.another_database()).collect();
    let bookings = databases.iter().map(|db| async move {
        let body = json!({"patient_name": "A. Khan", "starts_at": "2027-03-01T09:00:00Z"});
        let booking = request::booking(body, Utc::now()).unwrap();
        queries::book(db, soon(), &booking, CALENDAR, chrono_tz::Asia::Karachi, "a").await
    });
    let outcomes = futures_util::future::join_all(bookings).await;
    let booked = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Booked::Booked(_))))
        .count();
    let taken = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Booked::SlotTaken)))
        .count();
    assert_eq!((booked, taken), (1, 7), "{outcomes:?}");
    // Back to back is fine.
    clinic.book("2027-03-01T09:30:00Z").await;
    clinic.book("2027-03-01T08:30:00Z").await;
}

#[tokio::test]
async fn our_own_writes_coming_back_change_nothing() {
    let (clinic, appointment) = Clinic::with_one().await;
    // Each is listed by the pull that follows: a patch, a deletion with an insert, a deletion.
    changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
    clinic.push().await.unwrap();
    let echoed = clinic.pull().await.unwrap();
    assert_eq!((echoed.updated, echoed.cancelled, echoed.restored), (0, 0, 0));
    clinic.check_at_rest().await;
    let rescheduled = clinic
        .reschedule(appointment.id, "2027-03-02T09:00:00+05:00")
        .await;
    clinic.tick().await;
    clinic.check_at_rest().await;
    let cancelled = clinic.cancel(appointment.id).await;
    clinic.tick().await;
    clinic.check_at_rest().await;
    assert_eq!(cancelled.version, rescheduled.version + 1);
    assert_eq!(clinic.read(appointment.id).await.version, cancelled.version);
}
