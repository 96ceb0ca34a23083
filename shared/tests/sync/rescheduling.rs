//! A reschedule deletes the old event and makes a new one; what people do to either in between is not lost.

use std::time::Duration;

use local::google::Fault;
use serde_json::json;
use shared::appointment::Appointment;

use crate::clinic::{Clinic, at, changed};

#[tokio::test]
async fn the_old_event_goes_and_a_new_one_comes() {
    let (clinic, appointment) = Clinic::with_one().await;
    let rescheduled = clinic
        .reschedule(appointment.id, "2027-03-02T15:00:00+05:00")
        .await;
    assert_ne!(
        rescheduled.google_calendar_event_id,
        appointment.google_calendar_event_id
    );
    assert_eq!(rescheduled.ends_at, at("2027-03-02T15:30:00+05:00"));
    let pushed = clinic.push().await.unwrap();
    assert_eq!((pushed.created, pushed.deleted), (1, 1));
    assert_eq!(clinic.only_event()["id"], rescheduled.google_calendar_event_id);
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_edit_of_the_old_event_is_carried_over_to_the_new_one() {
    for pulled_first in [false, true] {
        let (clinic, appointment) = Clinic::with_one().await;
        clinic
            .reschedule(appointment.id, "2027-03-02T15:00:00+05:00")
            .await;
        clinic.edit(
            &appointment.google_calendar_event_id,
            &json!({"location": "Room 2"}),
        );
        if pulled_first {
            clinic.pull().await.unwrap();
        }
        clinic.tick().await;
        let carried = clinic.read(appointment.id).await;
        assert_eq!(carried.location.as_deref(), Some("Room 2"));
        assert_eq!(carried.starts_at, at("2027-03-02T15:00:00+05:00"));
        assert_eq!(clinic.only_event()["location"], "Room 2");
        clinic.check_at_rest().await;
    }
}

#[tokio::test]
async fn an_old_event_restored_from_the_bin_is_deleted_again() {
    let (clinic, appointment) = Clinic::with_one().await;
    let rescheduled = clinic
        .reschedule(appointment.id, "2027-03-02T15:00:00+05:00")
        .await;
    clinic.tick().await;
    clinic.restore(&appointment.google_calendar_event_id);
    assert_eq!(clinic.pull().await.unwrap().restored, 0);
    clinic.push().await.unwrap();
    assert_eq!(clinic.only_event()["id"], rescheduled.google_calendar_event_id);
    assert_eq!(clinic.read(appointment.id).await.version, rescheduled.version);
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

/// An appointment that was rescheduled, with its new event in Google and its old one not yet deleted.
async fn with_an_event_left_behind() -> (Clinic, Appointment, Appointment) {
    let (clinic, before) = Clinic::with_one().await;
    let after = clinic.reschedule(before.id, "2027-03-02T15:00:00+05:00").await;
    clinic
        .google
        .fail(Fault::on("events.delete").refuse(400, "invalid").times(1));
    clinic.push().await.unwrap();
    (clinic, before, after)
}

#[tokio::test]
async fn edits_of_the_old_and_of_the_new_event_in_one_listing_both_stay() {
    for old_last in [false, true] {
        let (clinic, before, after) = with_an_event_left_behind().await;
        let mut edits = [
            (
                &after.google_calendar_event_id,
                json!({"summary": "On the new one", "location": "Room 1"}),
            ),
            (&before.google_calendar_event_id, json!({"location": "Room 2"})),
        ];
        if !old_last {
            edits.reverse();
        }
        for (event_id, edit) in &edits {
            clinic.google.advance(Duration::from_secs(1));
            clinic.edit(event_id, edit);
        }
        clinic.pull().await.unwrap();
        clinic.push_all().await.unwrap();
        clinic.tick().await;
        let shown = clinic.only_event();
        assert_eq!(shown["summary"], "On the new one");
        assert_eq!(shown["location"], if old_last { "Room 2" } else { "Room 1" });
        let location = clinic.read(before.id).await.location;
        assert_eq!(shown["location"].as_str(), location.as_deref());
        clinic.check_at_rest().await;
    }
}

#[tokio::test]
async fn an_edit_counts_from_when_it_was_made_not_from_when_it_was_heard_of() {
    let (clinic, before, after) = with_an_event_left_behind().await;
    clinic.edit(&after.google_calendar_event_id, &json!({"location": "Room 1"}));
    // The later edit is made before the earlier one is heard of, and heard of after it.
    let later = async {
        clinic.edit(&before.google_calendar_event_id, &json!({"location": "Room 2"}));
    };
    assert_eq!(clinic.pull_during(later).await.updated, 1);
    clinic.pull().await.unwrap();
    clinic.push_all().await.unwrap();
    clinic.tick().await;
    assert_eq!(clinic.read(before.id).await.location.as_deref(), Some("Room 2"));
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_early_edit_of_the_old_event_yields_to_a_callers_later_one_whatever_else_is_listed() {
    let (clinic, before, after) = with_an_event_left_behind().await;
    clinic.edit(
        &before.google_calendar_event_id,
        &json!({"summary": "A person's"}),
    );
    changed(clinic.patch(before.id, json!({"title": "A caller's"})).await);
    clinic.push().await.unwrap();
    // The new event is listed, too, and is at rest.
    clinic.edit(&after.google_calendar_event_id, &json!({"colorId": "3"}));
    clinic.pull().await.unwrap();
    clinic.push_all().await.unwrap();
    clinic.tick().await;
    assert_eq!(clinic.read(before.id).await.title, "A caller's");
    clinic.check_at_rest().await;
}
