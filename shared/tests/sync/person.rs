//! In: what a person does to an appointment's event is what the appointment says.

use std::time::Duration;

use local::google::Fault;
use serde_json::{Value, json};
use shared::appointment::queries::{Booked, Changed};
use shared::appointment::{Status, SyncState};
use shared::bus::{Message, Origin};

use crate::clinic::{CALENDAR, Clinic, at, changed};

fn moved_to(start: &str, end: &str) -> Value {
    let time = |at: &str| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
    json!({"start": time(start), "end": time(end)})
}

#[tokio::test]
async fn a_move_a_title_notes_and_a_place_come_in() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    let event_id = &appointment.google_calendar_event_id;
    let description = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
    let mut patch = moved_to("2027-03-02T11:00:00+05:00", "2027-03-02T12:00:00+05:00");
    patch["summary"] = json!("Second look");
    patch["location"] = json!("Room 2");
    patch["description"] = json!(format!("bring the x-ray\n\n{description}"));
    clinic.edit(event_id, &patch);

    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.cancelled, pulled.full), (1, 0, false));
    let appointment = clinic.read(appointment.id).await;
    assert_eq!(appointment.starts_at, at("2027-03-02T11:00:00+05:00"));
    assert_eq!(appointment.ends_at, at("2027-03-02T12:00:00+05:00"));
    assert_eq!(appointment.title, "Second look");
    assert_eq!(appointment.location.as_deref(), Some("Room 2"));
    assert_eq!(appointment.notes.as_deref(), Some("bring the x-ray"));
    assert_eq!(
        (appointment.version, appointment.sync_state),
        (2, SyncState::Synced)
    );
    let told = Message::AppointmentChanged {
        appointment_id: appointment.id,
        calendar_id: CALENDAR.into(),
        version: 2,
        change: "updated".into(),
        origin: Origin::GoogleCalendar,
    };
    assert_eq!(clinic.heard(), [told]);
    let by = clinic.history(appointment.id).await;
    assert_eq!(by[1], ("google_calendar".to_owned(), "updated".to_owned()));
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_deletion_cancels_and_a_restoration_brings_back() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.google.person().delete(CALENDAR, event_id).unwrap();
    assert_eq!(clinic.pull().await.unwrap().cancelled, 1);
    let cancelled = clinic.read(appointment.id).await;
    assert_eq!(
        (cancelled.status, cancelled.sync_state),
        (Status::Cancelled, SyncState::Synced)
    );
    clinic.check_at_rest().await;

    clinic.google.person().restore(CALENDAR, event_id).unwrap();
    assert_eq!(clinic.pull().await.unwrap().restored, 1);
    let restored = clinic.read(appointment.id).await;
    assert_eq!(restored.status, Status::Scheduled);
    assert_eq!(&restored.google_calendar_event_id, event_id);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_finished_appointment_stays_finished_when_its_event_is_tidied_away() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    changed(clinic.patch(appointment.id, json!({"status": "completed"})).await);
    clinic.tick().await;
    clinic
        .google
        .person()
        .delete(CALENDAR, &appointment.google_calendar_event_id)
        .unwrap();
    assert_eq!(clinic.pull().await.unwrap().cancelled, 0);
    assert_eq!(clinic.read(appointment.id).await.status, Status::Completed);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_move_onto_another_appointment_is_kept_and_both_slots_stay_closed() {
    let clinic = Clinic::open().await;
    clinic.book("2027-03-01T09:00:00+05:00").await;
    let second = clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic.tick().await;
    let onto = moved_to("2027-03-01T09:15:00+05:00", "2027-03-01T09:45:00+05:00");
    clinic.edit(&second.google_calendar_event_id, &onto);
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.conflicts), (1, 1));
    for slot in ["2027-03-01T09:00:00+05:00", "2027-03-01T09:30:00+05:00"] {
        assert!(
            matches!(clinic.try_book(slot, json!({})).await, Booked::SlotTaken),
            "{slot}"
        );
    }
    clinic.book("2027-03-01T11:00:00+05:00").await;
    // A change that does not touch the times does not ask for the slot again.
    changed(clinic.patch(second.id, json!({"notes": "knows about it"})).await);
    clinic.tick().await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn where_a_person_put_an_appointment_only_that_slot_is_closed_to_the_others() {
    let clinic = Clinic::open().await;
    let placed = clinic.book("2027-03-01T09:00:00+05:00").await;
    let other = clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.tick().await;
    let moved = moved_to("2027-03-03T09:00:00+05:00", "2027-03-03T09:30:00+05:00");
    clinic.edit(&placed.google_calendar_event_id, &moved);
    clinic.pull().await.unwrap();
    let shift = |starts_at| clinic.patch(other.id, json!({"starts_at": starts_at, "duration_minutes": 30}));
    for (slot, free) in [
        ("2027-03-02T09:00:00+05:00", true),
        ("2027-03-03T08:45:00+05:00", false),
        ("2027-03-03T09:15:00+05:00", false),
        ("2027-03-03T09:30:00+05:00", true),
        ("2027-03-04T09:00:00+05:00", true),
        ("2027-03-03T08:30:00+05:00", true),
    ] {
        let outcome = shift(slot).await;
        let as_expected = match &outcome {
            Changed::Changed { .. } => free,
            Changed::SlotTaken => !free,
            _ => false,
        };
        assert!(as_expected, "{slot}: {outcome:?}");
    }
    clinic.tick().await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn whole_days_come_in_as_days_and_stay_days() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(
        event_id,
        &json!({
            "start": {"date": "2027-03-03", "dateTime": null, "timeZone": null},
            "end": {"date": "2027-03-04", "dateTime": null, "timeZone": null}
        }),
    );
    clinic.pull().await.unwrap();
    let all_day = clinic.read(appointment.id).await;
    assert_eq!(all_day.starts_at, at("2027-03-03T00:00:00+05:00"));
    assert_eq!(all_day.ends_at, at("2027-03-04T00:00:00+05:00"));
    clinic.check_at_rest().await;

    changed(clinic.patch(appointment.id, json!({"notes": "all day"})).await);
    clinic.push().await.unwrap();
    assert_eq!(clinic.event(event_id)["start"], json!({"date": "2027-03-03"}));

    let times = json!({"starts_at": "2027-03-03T09:00:00+05:00", "duration_minutes": 30});
    changed(clinic.patch(appointment.id, times).await);
    clinic.push().await.unwrap();
    assert_eq!(
        clinic.event(event_id)["start"]["dateTime"],
        "2027-03-03T09:00:00+05:00"
    );
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn both_sides_change_different_fields_and_both_changes_stay() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
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

#[tokio::test]
async fn the_later_change_of_the_same_field_stays() {
    let clinic = Clinic::open().await;
    let (first, second) = (
        clinic.book("2027-03-01T09:00:00+05:00").await,
        clinic.book("2027-03-01T10:00:00+05:00").await,
    );
    clinic.tick().await;
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
    let clinic = Clinic::open().await;
    let (first, second) = (
        clinic.book("2027-03-01T09:00:00+05:00").await,
        clinic.book("2027-03-01T10:00:00+05:00").await,
    );
    clinic.tick().await;
    changed(clinic.patch(first.id, json!({"title": "Ours, earlier"})).await);
    for appointment in [&first, &second] {
        clinic
            .google
            .person()
            .delete(CALENDAR, &appointment.google_calendar_event_id)
            .unwrap();
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

#[tokio::test]
async fn a_persons_own_events_and_copies_of_ours_are_left_alone() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    let own = json!({
        "summary": "Lunch", "start": {"dateTime": "2027-03-01T12:00:00+05:00"}, "end": {"dateTime": "2027-03-01T13:00:00+05:00"}
    });
    let own = clinic.google.person().add(CALENDAR, &own).unwrap();
    let copy = clinic
        .google
        .person()
        .duplicate(CALENDAR, &appointment.google_calendar_event_id)
        .unwrap();
    clinic
        .google
        .person()
        .delete(CALENDAR, copy["id"].as_str().unwrap())
        .unwrap();
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.cancelled), (0, 0));
    assert_eq!(clinic.event(own["id"].as_str().unwrap())["etag"], own["etag"]);
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    assert_eq!(clinic.live_events().len(), 1);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_edited_footer_is_put_right() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.tick().await;
    let event_id = &appointment.google_calendar_event_id;
    let before = clinic.event(event_id)["description"].clone();
    clinic.edit(
        event_id,
        &json!({"description": before.as_str().unwrap().replace("+92", "0092")}),
    );
    clinic.tick().await;
    assert_eq!(clinic.event(event_id)["description"], before);
    assert_eq!(clinic.read(appointment.id).await.version, 1);
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
    clinic.google.person().delete(CALENDAR, event_id).unwrap();
    clinic.push_all().await.unwrap();
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    changed(clinic.patch(appointment.id, json!({"location": "Room 2"})).await);
    clinic.google.advance(Duration::from_secs(1));
    clinic.google.person().restore(CALENDAR, event_id).unwrap();
    clinic.tick().await;
    let restored = clinic.read(appointment.id).await;
    assert_eq!(
        (restored.status, restored.location.as_deref()),
        (Status::Scheduled, Some("Room 2"))
    );
    assert_eq!(clinic.event(event_id)["location"], "Room 2");
    clinic.check_at_rest().await;
}
