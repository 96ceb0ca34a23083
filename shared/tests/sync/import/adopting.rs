//! What people did to the older deployment's events, before and after the export.

use local::google::Access;
use serde_json::json;
use shared::appointment::{Status, SyncState};

use super::{event, first_sync, row, with_one};
use crate::clinic::{CALENDAR, Clinic, at};

#[tokio::test]
async fn a_move_since_the_export_is_followed() {
    for pull_first in [false, true] {
        let (clinic, appointment) = with_one(&json!({})).await;
        let moved = json!({
            "start": {"dateTime": "2035-03-01T15:00:00+05:00"}, "end": {"dateTime": "2035-03-01T16:00:00+05:00"}
        });
        clinic.edit(&appointment.google_calendar_event_id, &moved);
        first_sync(&clinic, pull_first).await;
        let followed = clinic.read(appointment.id).await;
        assert_eq!(followed.starts_at, at("2035-03-01T15:00:00+05:00"));
        assert_eq!(followed.ends_at, at("2035-03-01T16:00:00+05:00"));
        let history = clinic.history(appointment.id).await;
        assert_eq!(history[1], ("google_calendar".to_owned(), "updated".to_owned()));
        clinic.check_agreement(appointment.id).await;
        clinic.check_callers_go_on(appointment.id).await;
        clinic.only_event();
    }
}

#[tokio::test]
async fn a_move_of_what_is_over_is_followed_once_a_listing_shows_it() {
    let past = json!({"start": {"dateTime": "2020-03-01T09:00:00+05:00"}, "end": {"dateTime": "2020-03-01T09:30:00+05:00"}});
    let clinic = Clinic::open().await;
    let event_id = clinic.old_event(&event(&past));
    let over = row(&json!({
        "starts_at": "2020-03-01 08:00:00+05", "google_calendar_event_id": event_id, "status": "completed"
    }));
    let appointment = clinic.import(&[over]).await.remove(0);
    assert_eq!(appointment.sync_state, SyncState::Synced);
    clinic.tick().await;
    let followed = clinic.read(appointment.id).await;
    assert_eq!(
        (followed.starts_at, followed.status),
        (at("2020-03-01T09:00:00+05:00"), Status::Completed)
    );
    clinic.check_agreement(appointment.id).await;
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn an_event_deleted_since_the_export_cancels_and_restored_it_is_back() {
    for pull_first in [false, true] {
        let (clinic, appointment) = with_one(&json!({})).await;
        let event_id = &appointment.google_calendar_event_id;
        clinic.delete(event_id);
        first_sync(&clinic, pull_first).await;
        let cancelled = clinic.read(appointment.id).await;
        assert_eq!(
            (cancelled.status, cancelled.sync_state),
            (Status::Cancelled, SyncState::Synced)
        );
        assert!(clinic.live_events().is_empty());
        clinic.check_at_rest().await;

        clinic.restore(event_id);
        clinic.tick().await;
        let restored = clinic.read(appointment.id).await;
        assert_eq!(
            (restored.status, &restored.google_calendar_event_id),
            (Status::Scheduled, event_id)
        );
        clinic.check_callers_go_on(appointment.id).await;
        clinic.only_event();
    }
}

#[tokio::test]
async fn an_event_moved_to_another_calendar_since_the_export_cancels() {
    const OTHER: &str = "dr.ali@example.com";
    for pull_first in [false, true] {
        let (clinic, appointment) = with_one(&json!({})).await;
        clinic.google.add_calendar(OTHER, chrono_tz::Asia::Karachi);
        let event_id = &appointment.google_calendar_event_id;
        clinic
            .google
            .person()
            .move_to_calendar(CALENDAR, event_id, OTHER)
            .unwrap();
        let there = clinic.google.events(OTHER).unwrap();
        first_sync(&clinic, pull_first).await;
        assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
        assert_eq!(clinic.google.events(OTHER).unwrap(), there);
        clinic.check_at_rest().await;
    }
}

#[tokio::test]
async fn an_event_that_google_never_had_is_made_under_its_own_id() {
    for pull_first in [false, true] {
        let clinic = Clinic::open().await;
        let lost = row(&json!({"google_calendar_event_id": "0h3v6k1q9s5r8t2u4p7ojmlnec"}));
        let appointment = clinic.import(&[lost]).await.remove(0);
        first_sync(&clinic, pull_first).await;
        assert_eq!(clinic.only_event()["id"], "0h3v6k1q9s5r8t2u4p7ojmlnec");
        assert_eq!(clinic.read(appointment.id).await.version, 1);
        clinic.check_agreement(appointment.id).await;
        clinic.check_callers_go_on(appointment.id).await;
    }
}

#[tokio::test]
async fn a_calendar_that_is_shared_only_later_loses_nothing() {
    let (clinic, appointment) = with_one(&json!({})).await;
    let deleted_id = clinic.old_event(&event(&json!({})));
    clinic.delete(&deleted_id);
    let other = row(&json!({"starts_at": "2035-03-01 10:00:00+05", "google_calendar_event_id": deleted_id}));
    let other = clinic.import(&[other]).await.remove(0);
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &json!({"summary": "Theirs"}));
    clinic.google.share(CALENDAR, Access::None);
    let _ = clinic.push_all().await;
    let _ = clinic.pull().await;
    clinic.google.share(CALENDAR, Access::Writer);
    clinic.sql("update calendars set cooldown_until = null").await;
    clinic.push_all().await.unwrap();
    clinic.tick().await;
    assert_eq!(&clinic.only_event()["id"], event_id.as_str());
    assert_eq!(clinic.read(appointment.id).await.title, "Theirs");
    assert_eq!(clinic.read(other.id).await.status, Status::Cancelled);
    clinic.check_agreement(appointment.id).await;
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn of_what_is_over_no_event_is_made_and_none_that_was_deleted_is_missed() {
    let clinic = Clinic::open().await;
    let past = json!({"start": {"dateTime": "2020-03-01T09:00:00+05:00"}, "end": {"dateTime": "2020-03-01T09:30:00+05:00"}});
    let event_id = clinic.old_event(&event(&past));
    clinic.delete(&event_id);
    let over = |starts_at: &str, event_id: &str| {
        row(&json!({"starts_at": starts_at, "google_calendar_event_id": event_id}))
    };
    let rows = [
        over("2020-03-01 09:00:00+05", &event_id),
        over("2020-03-02 09:00:00+05", "0h3v6k1q9s5r8t2u4p7ojmlnec"),
    ];
    let appointments = clinic.import(&rows).await;
    clinic.tick().await;
    assert!(clinic.live_events().is_empty());
    for appointment in &appointments {
        assert_eq!(clinic.read(appointment.id).await.status, Status::Scheduled);
    }
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_cancelled_row_whose_event_is_restored_from_the_bin_is_back() {
    let clinic = Clinic::open().await;
    let event_id = clinic.old_event(&event(&json!({})));
    clinic.delete(&event_id);
    let cancelled = row(&json!({"status": "cancelled", "google_calendar_event_id": event_id}));
    let appointment = clinic.import(&[cancelled]).await.remove(0);
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    clinic.check_at_rest().await;
    clinic.restore(&event_id);
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.status, Status::Scheduled);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn texts_of_googles_stay_and_texts_that_it_lacks_come_from_the_table() {
    for pull_first in [false, true] {
        let table = json!({"title": "Check-up", "location": "Room 2", "notes": "first visit"});
        let (clinic, appointment) = with_one(&table).await;
        let event_id = &appointment.google_calendar_event_id;
        // The older deployment wrote no location. A person retitled the event and wrote into its description.
        let theirs =
            "Patient: A. Khan<br>Phone: +923001234567<br>Notes: first visit<br><br>allergic to penicillin";
        clinic.edit(
            event_id,
            &json!({"summary": "Second look", "description": theirs}),
        );
        first_sync(&clinic, pull_first).await;
        let adopted = clinic.read(appointment.id).await;
        assert_eq!(adopted.title, "Second look");
        assert_eq!(adopted.location.as_deref(), Some("Room 2"));
        assert_eq!(
            adopted.notes.as_deref(),
            Some("first visit\n\nallergic to penicillin")
        );
        clinic.check_agreement(appointment.id).await;
        let shown = clinic.event(event_id)["description"].as_str().unwrap().to_owned();
        assert!(!shown.contains("Patient: "), "{shown}");
        clinic.check_callers_go_on(appointment.id).await;
    }
}

#[tokio::test]
async fn a_title_that_google_lacks_is_the_tables() {
    let (clinic, appointment) = with_one(&json!({"title": "Check-up"})).await;
    clinic.edit(&appointment.google_calendar_event_id, &json!({"summary": ""}));
    clinic.tick().await;
    assert_eq!(clinic.only_event()["summary"], "Check-up");
    clinic.check_agreement(appointment.id).await;
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn a_zone_alone_is_no_move() {
    let clinic = Clinic::open().await;
    let utc = json!({
        "start": {"dateTime": "2035-03-01T04:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2035-03-01T04:30:00Z", "timeZone": "UTC"},
    });
    let event_id = clinic.old_event(&event(&utc));
    let row = row(&json!({"google_calendar_event_id": event_id, "title": "Appointment: A. Khan"}));
    let appointment = clinic.import(&[row]).await.remove(0);
    clinic.tick().await;
    let adopted = clinic.read(appointment.id).await;
    assert_eq!(
        (adopted.time_zone, adopted.version),
        (chrono_tz::Asia::Karachi, 1)
    );
    assert_eq!(clinic.only_event()["start"]["timeZone"], "Asia/Karachi");
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn what_the_appointment_does_not_know_of_its_event_stays() {
    let clinic = Clinic::open().await;
    let more = json!({
        "colorId": "5", "transparency": "transparent",
        "extendedProperties": {"private": {"booking": "17"}, "shared": {"clinic": "north"}},
    });
    let event_id = clinic.old_event(&event(&more));
    let appointment = clinic
        .import(&[row(&json!({"google_calendar_event_id": event_id}))])
        .await
        .remove(0);
    clinic.tick().await;
    let shown = clinic.event(&event_id);
    assert_eq!(
        (&shown["colorId"], &shown["transparency"]),
        (&more["colorId"], &more["transparency"])
    );
    let private = json!({"booking": "17", "appointment_id": appointment.id});
    assert_eq!(
        shown["extendedProperties"],
        json!({"private": private, "shared": {"clinic": "north"}})
    );
    clinic.check_callers_go_on(appointment.id).await;
}
