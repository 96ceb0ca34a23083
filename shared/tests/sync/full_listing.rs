//! Full listings: they carry no tombstones, may be wrong, and are believed only within reason.

use local::google::ListingManners;
use serde_json::json;
use shared::appointment::Status;

use crate::clinic::{CALENDAR, Clinic};

#[tokio::test]
async fn a_dead_token_leads_to_a_full_listing_that_finds_edits_and_deletions() {
    let clinic = Clinic::open().await;
    let edited = clinic.book("2027-03-01T09:00:00+05:00").await;
    let deleted = clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.tick().await;
    clinic.edit(&edited.google_calendar_event_id, &json!({"location": "Room 2"}));
    clinic
        .google
        .person()
        .delete(CALENDAR, &deleted.google_calendar_event_id)
        .unwrap();
    clinic.google.expire_sync_tokens();
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.full, pulled.updated, pulled.cancelled), (true, 1, 1));
    assert_eq!(clinic.read(deleted.id).await.status, Status::Cancelled);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_event_younger_than_the_listing_is_not_missed() {
    let clinic = Clinic::open().await;
    // Nothing was ever pulled: the first pull lists in full, after the push.
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.push().await.unwrap();
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.full, pulled.updated, pulled.cancelled), (true, 0, 0));
    assert_eq!(clinic.read(appointment.id).await.version, 1);
}

#[tokio::test]
async fn short_empty_and_overlapping_pages_are_one_listing() {
    let clinic = Clinic::open().await;
    let mut appointments = Vec::new();
    for hour in 9..15 {
        appointments.push(clinic.book(&format!("2027-03-01T{hour:02}:00:00+05:00")).await);
    }
    clinic.tick().await;
    clinic.google.set_listing_manners(ListingManners {
        page_limit: Some(2),
        empty_pages: true,
        repeat_ids: true,
        ..ListingManners::default()
    });
    for appointment in &appointments {
        clinic.edit(
            &appointment.google_calendar_event_id,
            &json!({"location": "Room 2"}),
        );
    }
    assert_eq!(clinic.pull().await.unwrap().updated, 6);
    clinic.google.expire_sync_tokens();
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.full, pulled.updated, pulled.cancelled), (true, 0, 0));
    clinic.check_manners();
}
