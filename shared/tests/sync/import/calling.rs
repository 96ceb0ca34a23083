//! Callers who are faster than the first sync after an import.

use serde_json::json;
use shared::appointment::Status;

use super::{first_sync, with_one};
use crate::clinic::{at, changed};

#[tokio::test]
async fn what_a_caller_changes_goes_out_and_what_people_changed_comes_in() {
    for pull_first in [false, true] {
        let (clinic, appointment) = with_one(&json!({"notes": "first visit"})).await;
        clinic.edit(
            &appointment.google_calendar_event_id,
            &json!({"location": "Room 2", "summary": "Theirs"}),
        );
        changed(
            clinic
                .patch(appointment.id, json!({"title": "Ours", "notes": "second visit"}))
                .await,
        );
        first_sync(&clinic, pull_first).await;
        let merged = clinic.read(appointment.id).await;
        assert_eq!(
            (merged.title.as_str(), merged.location.as_deref()),
            ("Ours", Some("Room 2"))
        );
        assert_eq!(merged.notes.as_deref(), Some("second visit"));
        clinic.check_agreement(appointment.id).await;
        clinic.check_callers_go_on(appointment.id).await;
        clinic.only_event();
    }
}

#[tokio::test]
async fn a_reschedule_leaves_the_new_event_alone() {
    for pull_first in [false, true] {
        let (clinic, appointment) = with_one(&json!({})).await;
        clinic.edit(
            &appointment.google_calendar_event_id,
            &json!({"location": "Room 2"}),
        );
        let moved = clinic
            .reschedule(appointment.id, "2035-03-02T09:00:00+05:00")
            .await;
        assert_ne!(
            moved.google_calendar_event_id,
            appointment.google_calendar_event_id
        );
        first_sync(&clinic, pull_first).await;
        let event = clinic.only_event();
        assert_eq!(event["id"], moved.google_calendar_event_id);
        let moved = clinic.read(appointment.id).await;
        assert_eq!(moved.starts_at, at("2035-03-02T09:00:00+05:00"));
        assert_eq!(moved.location.as_deref(), Some("Room 2"));
        clinic.check_agreement(appointment.id).await;
        clinic.check_callers_go_on(appointment.id).await;
    }
}

#[tokio::test]
async fn a_cancellation_deletes_the_event() {
    for pull_first in [false, true] {
        let (clinic, appointment) = with_one(&json!({})).await;
        clinic.cancel(appointment.id).await;
        first_sync(&clinic, pull_first).await;
        assert!(clinic.live_events().is_empty());
        assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
        clinic.check_callers_go_on(appointment.id).await;
    }
}
