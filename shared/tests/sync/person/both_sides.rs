//! Both sides change an event: field by field, the later change of the same field stays.

use serde_json::json;
use shared::appointment::{Appointment, Status, SyncState};

use crate::clinic::{Clinic, changed};

#[tokio::test]
async fn both_sides_change_different_fields_and_both_changes_stay() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &json!({"location": "Room 2"}));
    changed(clinic.patch(appointment.id, json!({"title": "Our title"})).await);

    // The push meets 412, fetches, merges, and writes once more.
    clinic.push().await.unwrap();
    let merged = clinic.read(appointment.id).await;
    assert_eq!(
        (merged.title.as_str(), merged.location.as_deref()),
        ("Our title", Some("Room 2"))
    );
    let event = clinic.event(event_id);
    assert_eq!(
        (&event["summary"], &event["location"]),
        (&json!("Our title"), &json!("Room 2"))
    );
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

/// A clinic with two appointments that Google shows.
async fn clinic_with_two() -> (Clinic, Appointment, Appointment) {
    let (clinic, first) = Clinic::with_one().await;
    let second = clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.tick().await;
    (clinic, first, second)
}

#[tokio::test]
async fn the_later_change_of_the_same_field_stays() {
    let (clinic, first, second) = clinic_with_two().await;
    // First: ours, then Google's.
    changed(clinic.patch(first.id, json!({"title": "Ours, earlier"})).await);
    clinic.edit(
        &first.google_calendar_event_id,
        &json!({"summary": "Theirs, later"}),
    );
    // Second: Google's, then ours.
    clinic.edit(
        &second.google_calendar_event_id,
        &json!({"summary": "Theirs, earlier"}),
    );
    changed(clinic.patch(second.id, json!({"title": "Ours, later"})).await);
    clinic.tick().await;
    assert_eq!(clinic.read(first.id).await.title, "Theirs, later");
    assert_eq!(clinic.read(second.id).await.title, "Ours, later");
    assert_eq!(
        clinic.event(&second.google_calendar_event_id)["summary"],
        "Ours, later"
    );
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_deletion_beats_an_earlier_change_of_ours_and_yields_to_a_later_one() {
    let (clinic, first, second) = clinic_with_two().await;
    changed(clinic.patch(first.id, json!({"title": "Ours, earlier"})).await);
    for appointment in [&first, &second] {
        clinic.delete(&appointment.google_calendar_event_id);
    }
    changed(clinic.patch(second.id, json!({"title": "Ours, later"})).await);
    clinic.tick().await;
    assert_eq!(clinic.read(first.id).await.status, Status::Cancelled);
    let back = clinic.read(second.id).await;
    assert_eq!(
        (back.status, back.sync_state),
        (Status::Scheduled, SyncState::Synced)
    );
    assert_ne!(back.google_calendar_event_id, second.google_calendar_event_id);
    assert_eq!(clinic.live_events().len(), 1);
    clinic.check_at_rest().await;
}
