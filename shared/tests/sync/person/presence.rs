//! A person deletes, restores, moves away and copies.

use std::time::Duration;

use chrono::TimeDelta;
use local::google::Fault;
use serde_json::json;
use shared::appointment::{Status, SyncState};

use crate::clinic::{CALENDAR, Clinic, changed};
use crate::process::{Point, Process};

#[tokio::test]
async fn a_deletion_cancels_and_a_restoration_brings_back() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.delete(event_id);
    assert_eq!(clinic.pull().await.unwrap().cancelled, 1);
    let cancelled = clinic.read(appointment.id).await;
    assert_eq!(
        (cancelled.status, cancelled.sync_state),
        (Status::Cancelled, SyncState::Synced)
    );
    clinic.check_at_rest().await;

    clinic.restore(event_id);
    assert_eq!(clinic.pull().await.unwrap().restored, 1);
    let restored = clinic.read(appointment.id).await;
    assert_eq!(restored.status, Status::Scheduled);
    assert_eq!(&restored.google_calendar_event_id, event_id);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_finished_appointment_stays_finished_when_its_event_is_tidied_away() {
    let (clinic, appointment) = Clinic::with_one().await;
    changed(clinic.patch(appointment.id, json!({"status": "completed"})).await);
    clinic.tick().await;
    clinic.delete(&appointment.google_calendar_event_id);
    assert_eq!(clinic.pull().await.unwrap().cancelled, 0);
    assert_eq!(clinic.read(appointment.id).await.status, Status::Completed);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_persons_own_events_and_copies_of_ours_are_left_alone() {
    let (clinic, appointment) = Clinic::with_one().await;
    let own = json!({
        "summary": "Lunch", "start": {"dateTime": "2027-03-01T12:00:00+05:00"}, "end": {"dateTime": "2027-03-01T13:00:00+05:00"}
    });
    let own = clinic.google.person().add(CALENDAR, &own).unwrap();
    let copy = clinic
        .google
        .person()
        .duplicate(CALENDAR, &appointment.google_calendar_event_id)
        .unwrap();
    clinic.delete(copy["id"].as_str().unwrap());
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.cancelled), (0, 0));
    assert_eq!(clinic.event(own["id"].as_str().unwrap())["etag"], own["etag"]);
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    assert_eq!(clinic.live_events().len(), 1);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_event_restored_before_we_ever_knew_of_it_does_not_undo_what_callers_changed() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.google.fail(
        Fault::on("events.insert")
            .after()
            .refuse(500, "backendError")
            .times(1),
    );
    clinic.google.fail(Fault::on("events.insert"));
    let _ = clinic.push().await;
    clinic.google.heal();
    clinic.delete(event_id);
    clinic.push_all().await.unwrap();
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    changed(clinic.patch(appointment.id, json!({"location": "Room 2"})).await);
    clinic.google.advance(Duration::from_secs(1));
    clinic.restore(event_id);
    clinic.tick().await;
    let restored = clinic.read(appointment.id).await;
    assert_eq!(
        (restored.status, restored.location.as_deref()),
        (Status::Scheduled, Some("Room 2"))
    );
    assert_eq!(clinic.event(event_id)["location"], "Room 2");
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn an_appointment_whose_event_was_deleted_gets_a_new_one_when_a_caller_takes_it_up_again() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.delete(event_id);
    clinic.tick().await;
    clinic.check_callers_go_on(appointment.id).await;
    let again = clinic.read(appointment.id).await;
    assert_eq!(again.status, Status::Scheduled);
    assert_ne!(&again.google_calendar_event_id, event_id);
    assert_eq!(clinic.live_events().len(), 1);

    // The old event is nobody's any more.
    clinic.restore(event_id);
    clinic.tick().await;
    assert_eq!(clinic.live_events().len(), 1);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn an_event_restored_and_deleted_again_while_a_new_one_takes_its_place_changes_nothing() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.delete(event_id);
    changed(clinic.patch(appointment.id, json!({"title": "Later"})).await);
    let again = async {
        clinic.restore(event_id);
        clinic.delete(event_id);
    };
    // Only the event itself says when it was deleted.
    let dated = Fault::on("events.get").after();
    clinic.during(dated, clinic.pull(), again).await.unwrap();
    clinic.tick().await;
    let shown = clinic.read(appointment.id).await;
    assert_eq!(shown.status, Status::Scheduled);
    assert_eq!(clinic.only_event()["id"], shown.google_calendar_event_id);
    assert_ne!(&shown.google_calendar_event_id, event_id);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn an_event_that_we_deleted_and_a_person_restores_brings_the_appointment_back() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    clinic.restore(&appointment.google_calendar_event_id);
    assert_eq!(clinic.pull().await.unwrap().restored, 1);
    assert_eq!(clinic.read(appointment.id).await.status, Status::Scheduled);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn an_event_moved_to_another_calendar_cancels_and_moved_back_restores() {
    const OTHER: &str = "dr.ali@example.com";
    let (clinic, appointment) = Clinic::with_one().await;
    clinic.google.add_calendar(OTHER, chrono_tz::Asia::Karachi);
    let event_id = &appointment.google_calendar_event_id;
    let person = clinic.google.person();
    person.move_to_calendar(CALENDAR, event_id, OTHER).unwrap();
    assert_eq!(clinic.pull().await.unwrap().cancelled, 1);
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    clinic.check_at_rest().await;

    person.move_to_calendar(OTHER, event_id, CALENDAR).unwrap();
    assert_eq!(clinic.pull().await.unwrap().restored, 1);
    clinic.check_callers_go_on(appointment.id).await;

    // Gone for good: a caller's later change leads to a new event here, and what is there stays the person's own.
    person.move_to_calendar(CALENDAR, event_id, OTHER).unwrap();
    clinic.tick().await;
    let there = clinic.google.events(OTHER).unwrap();
    clinic.check_callers_go_on(appointment.id).await;
    assert_eq!(clinic.google.events(OTHER).unwrap(), there);
    assert_ne!(
        &clinic.read(appointment.id).await.google_calendar_event_id,
        event_id
    );
}

#[tokio::test]
async fn a_callers_later_change_shows_an_appointment_anew_whose_event_was_moved_away() {
    const OTHER: &str = "dr.ali@example.com";
    let (clinic, appointment) = Clinic::with_one().await;
    clinic.google.add_calendar(OTHER, chrono_tz::Asia::Karachi);
    let event_id = &appointment.google_calendar_event_id;
    clinic
        .google
        .person()
        .move_to_calendar(CALENDAR, event_id, OTHER)
        .unwrap();
    changed(clinic.patch(appointment.id, json!({"title": "Later"})).await);
    clinic.tick().await;
    // The caller came later, so the appointment takes place: under a new event.
    let shown = clinic.read(appointment.id).await;
    assert_eq!(
        (shown.status, shown.sync_state),
        (Status::Scheduled, SyncState::Synced)
    );
    assert_ne!(&shown.google_calendar_event_id, event_id);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_copy_of_our_event_stays_as_it_is_whatever_callers_change() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    let copy = clinic.google.person().duplicate(CALENDAR, event_id).unwrap();
    let copy_id = copy["id"].as_str().unwrap();
    assert_eq!(
        copy["extendedProperties"],
        clinic.event(event_id)["extendedProperties"]
    );
    clinic.tick().await;
    changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
    clinic.edit(copy_id, &json!({"summary": "Theirs"}));
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.title, "Ours");
    clinic.check_callers_go_on(appointment.id).await;
    let copy = clinic.event(copy_id);
    assert_eq!(
        (&copy["summary"], &copy["last_changed_by"]),
        (&json!("Theirs"), &json!("person"))
    );

    // Neither does the copy outlive the original as the appointment's event, nor go with it.
    clinic.delete(event_id);
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    assert_eq!(clinic.event(copy_id)["etag"], copy["etag"]);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_restoration_after_our_deletion_counts_whatever_googles_clock_says() {
    let clinic = Clinic::open().await;
    clinic.google.set_clock_ahead(TimeDelta::minutes(-1));
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.restore(event_id);
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.status, Status::Scheduled);
    assert_eq!(clinic.live_events().len(), 1);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_event_moved_away_before_we_heard_that_it_came_to_be_is_made_anew() {
    let clinic = Clinic::open().await;
    clinic
        .google
        .add_calendar("elsewhere@example.com", chrono_tz::Asia::Karachi);
    clinic.tick().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    // Killed before it hears that Google has the event.
    let process = Process::start(&clinic).await;
    process
        .kill(Point::after_call("events.insert"), process.push())
        .await;
    clinic.let_claims_and_leases_lapse().await;
    let event_id = &appointment.google_calendar_event_id;
    let person = clinic.google.person();
    person
        .move_to_calendar(CALENDAR, event_id, "elsewhere@example.com")
        .unwrap();
    // Nobody can tell whether that was before or after the last change of ours: the id is taken, the event is not there.
    clinic.push_all().await.unwrap();
    assert_ne!(clinic.only_event()["id"], *event_id);
    let now = clinic.read(appointment.id).await;
    assert_eq!(
        (now.status, now.sync_state),
        (Status::Scheduled, SyncState::Synced)
    );
    clinic.tick().await;
    clinic.check_at_rest().await;
}
