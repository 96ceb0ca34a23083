//! What Google refuses for good: that one event is parked and says why, and the rest goes on.

use local::google::{Access, Fault};
use serde_json::json;
use shared::appointment::{Appointment, SyncState};
use shared::google::Error;
use shared::sync::SyncError;

use crate::clinic::{CALENDAR, Clinic, changed};

/// Refuses every change of one event.
fn refuse(clinic: &Clinic, appointment: &Appointment, status: u16, reason: &str) {
    let fault = Fault {
        path: Some(appointment.google_calendar_event_id.clone()),
        ..Fault::on("events.patch").refuse(status, reason)
    };
    clinic.google.fail(fault);
}

#[tokio::test]
async fn one_poisonous_event_is_parked_in_plain_words_and_the_rest_goes_on() {
    for (status, reason, words) in [
        (400, "timeRangeEmpty", "ends before or when it starts"),
        (400, "invalid", "does not accept this appointment"),
        (403, "forbidden", "belongs to somebody else"),
        (403, "forbiddenForNonOrganizer", "belongs to somebody else"),
        (403, "forbiddenForServiceAccounts", "these guests"),
        (403, "eventTypeRestriction", "an event of this kind"),
        (413, "uploadTooLarge", "does not accept this appointment"),
    ] {
        let clinic = Clinic::open().await;
        let poisonous = clinic.book("2027-03-01T09:00:00+05:00").await;
        let other = clinic.book("2027-03-01T10:00:00+05:00").await;
        clinic.tick().await;
        refuse(&clinic, &poisonous, status, reason);
        for appointment in [&poisonous, &other] {
            changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
        }
        let pushed = clinic.push().await.unwrap();
        assert_eq!(
            (pushed.updated, pushed.failed, pushed.pending),
            (1, 1, 0),
            "{reason}"
        );
        let parked = clinic.read(poisonous.id).await;
        assert_eq!(parked.sync_state, SyncState::Failed, "{reason}");
        let told = parked.last_error.unwrap_or_default();
        assert!(told.contains(words) && !told.contains(reason), "{reason}: {told}");
        let status = clinic.status().await;
        assert_eq!((status.failed, status.pending), (1, 0), "{reason}");
        assert_eq!(clinic.event(&other.google_calendar_event_id)["summary"], "Ours");

        // What is parked is left alone, and so is what a person does to it.
        clinic.pull().await.unwrap();
        clinic.check_at_rest().await;
        // Once Google takes it, any change of the appointment will do.
        clinic.google.heal();
        clinic.check_callers_go_on(poisonous.id).await;
        assert_eq!(clinic.status().await.failed, 0);
    }
}

#[tokio::test]
async fn a_push_by_hand_tries_what_is_parked_again() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic
        .google
        .fail(Fault::on("events.insert").refuse(400, "invalid").times(2));
    assert_eq!(clinic.push().await.unwrap().failed, 1);
    assert_eq!(clinic.push().await.unwrap().failed, 0);
    assert_eq!(clinic.push_all().await.unwrap().failed, 1);
    let parked = clinic.read(appointment.id).await;
    assert_eq!(parked.sync_state, SyncState::Failed);
    assert_eq!(clinic.push_all().await.unwrap().created, 1);
    let shown = clinic.read(appointment.id).await;
    assert_eq!((shown.sync_state, shown.last_error), (SyncState::Synced, None));
    clinic.tick().await;
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_persons_edit_of_a_parked_event_tries_again() {
    let (clinic, appointment) = Clinic::with_one().await;
    refuse(&clinic, &appointment, 403, "forbiddenForServiceAccounts");
    changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
    assert_eq!(clinic.push().await.unwrap().failed, 1);
    clinic.google.heal();
    clinic.edit(
        &appointment.google_calendar_event_id,
        &json!({"location": "Room 2"}),
    );
    clinic.tick().await;
    let shown = clinic.read(appointment.id).await;
    assert_eq!((shown.sync_state, shown.last_error), (SyncState::Synced, None));
    assert_eq!(
        (shown.title.as_str(), shown.location.as_deref()),
        ("Ours", Some("Room 2"))
    );
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_deletion_that_google_refuses_is_parked_and_a_reschedule_goes_on_beside_it() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic
        .google
        .fail(Fault::on("events.delete").refuse(403, "forbidden"));
    clinic
        .reschedule(appointment.id, "2027-03-02T09:00:00+05:00")
        .await;
    let pushed = clinic.push().await.unwrap();
    assert_eq!((pushed.created, pushed.failed), (1, 1));
    assert_eq!(clinic.read(appointment.id).await.sync_state, SyncState::Synced);
    clinic.google.heal();
    assert_eq!(clinic.push_all().await.unwrap().deleted, 1);
    assert_eq!(clinic.live_events().len(), 1);
    clinic.tick().await;
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_calendar_that_may_only_be_read_parks_nothing() {
    for reason in ["forbidden", "requiredAccessLevel"] {
        let (clinic, appointment) = Clinic::with_one().await;
        clinic.google.share(CALENDAR, Access::Reader);
        refuse(&clinic, &appointment, 403, reason);
        changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
        let pushed = clinic.push().await;
        assert!(
            matches!(pushed, Err(SyncError::Google(Error::Unshared))),
            "{pushed:?}"
        );
        assert_eq!(clinic.read(appointment.id).await.sync_state, SyncState::Pending);
        clinic.google.heal();
        clinic.google.share(CALENDAR, Access::Writer);
        clinic.push_all().await.unwrap();
        clinic.tick().await;
        clinic.check_callers_go_on(appointment.id).await;
    }
}
