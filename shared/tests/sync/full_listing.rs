//! Full listings: they carry no tombstones, may be wrong, and are believed only within reason.

use local::google::{Fault, ListingManners};
use serde_json::json;
use shared::appointment::Status;

use crate::clinic::Clinic;
use crate::process::Process;

#[tokio::test]
async fn a_dead_token_leads_to_a_full_listing_that_finds_edits_and_deletions() {
    let clinic = Clinic::open().await;
    let edited = clinic.book("2027-03-01T09:00:00+05:00").await;
    let deleted = clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.tick().await;
    clinic.edit(&edited.google_calendar_event_id, &json!({"location": "Room 2"}));
    clinic.delete(&deleted.google_calendar_event_id);
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
async fn an_event_that_came_and_went_before_the_listing_was_read_is_not_taken_for_younger() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    let other = Process::start(&clinic).await;
    // The pull has begun; Google reads its events only after the push, and after the deletion.
    let meanwhile = async {
        other.push().await.unwrap();
        clinic.delete(&appointment.google_calendar_event_id);
    };
    let listing = Fault::on("events.list");
    let pulled = clinic.during(listing, clinic.pull(), meanwhile).await;
    assert_eq!(pulled.unwrap().cancelled, 1);
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_event_deleted_before_we_heard_that_it_came_to_be_is_deleted_all_the_same() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    let unheard = clinic.book("2027-03-01T10:00:00+05:00").await;
    let other = Process::start(&clinic).await;
    // Google's answer to one insert is late, and the other insert itself.
    let google = &clinic.google;
    google.fail(Fault::on("events.insert").after().hang().times(1));
    google.fail(Fault::on("events.insert").hang().times(1));
    let meanwhile = async {
        clinic.until_called("events.insert", 2).await;
        clinic.delete(clinic.only_event()["id"].as_str().unwrap());
        assert_eq!(other.pull().await.unwrap().unwrap().cancelled, 1);
        google.release();
    };
    let (pushed, ()) = tokio::join!(clinic.push(), meanwhile);
    pushed.unwrap();
    clinic.tick().await;
    let mut states = Vec::new();
    for one in [appointment, unheard] {
        states.push(clinic.read(one.id).await.status.as_str());
    }
    states.sort_unstable();
    assert_eq!(states, ["cancelled", "scheduled"]);
    assert_eq!(clinic.live_events().len(), 1);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn short_empty_and_overlapping_pages_are_one_listing() {
    let (clinic, appointments) = Clinic::with(6).await;
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
