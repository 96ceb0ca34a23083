//! Listings that are longer than a run: what was listed is kept, and the next run goes on.

use std::time::Duration;

use local::google::ListingManners;
use serde_json::json;
use shared::appointment::{Appointment, Status};
use shared::deadline::Deadline;
use shared::sync::{Occasion, Patience, SyncError};

use crate::clinic::{CALENDAR, Clinic};

/// A run keeps so much of its time back.
const KEPT_BACK: Duration = Duration::from_secs(6);

/// Five appointments, listed one to a page.
async fn five(clinic: &Clinic) -> Vec<Appointment> {
    paged(clinic, 5).await
}

/// So many appointments, listed one to a page.
async fn paged(clinic: &Clinic, count: u32) -> Vec<Appointment> {
    let mut booked = Vec::new();
    for hour in 0..count {
        booked.push(clinic.book(&format!("2027-03-01T{hour:02}:00:00+05:00")).await);
    }
    clinic.tick().await;
    clinic.google.set_listing_manners(ListingManners {
        page_limit: Some(1),
        ..ListingManners::default()
    });
    booked
}

/// A pull whose time is over before the second page is there.
async fn pull_one_page(clinic: &Clinic) {
    pull_one_page_confirming(clinic, false).await;
}

async fn pull_one_page_confirming(clinic: &Clinic, confirm_mass_cancel: bool) {
    let deadline = Deadline::after(KEPT_BACK + Duration::from_secs(2));
    let sync = clinic.sync();
    let pull = sync.pull(
        CALENDAR,
        Occasion::Always,
        Patience::Leave,
        confirm_mass_cancel,
        deadline,
    );
    let (pulled, ()) = tokio::join!(pull, clinic.answer_one_page());
    assert!(matches!(pulled, Err(SyncError::OutOfTime)), "{pulled:?}");
    clinic.google.release();
}

async fn in_room_2(clinic: &Clinic, booked: &[Appointment]) -> usize {
    let mut moved = 0;
    for one in booked {
        moved += usize::from(clinic.read(one.id).await.location.as_deref() == Some("Room 2"));
    }
    moved
}

#[tokio::test]
async fn changes_that_do_not_fit_into_one_run_are_taken_over_in_several() {
    let clinic = Clinic::open().await;
    let booked = five(&clinic).await;
    for one in &booked {
        clinic.edit(&one.google_calendar_event_id, &json!({"location": "Room 2"}));
    }
    for run in 1..=3 {
        pull_one_page(&clinic).await;
        assert_eq!(in_room_2(&clinic, &booked).await, run);
    }
    clinic.google.clear_requests();
    assert_eq!(clinic.pull().await.unwrap().updated, 2);
    assert_eq!(clinic.google.count("events.list"), 2, "it went on where it was");
    assert_eq!(in_room_2(&clinic, &booked).await, 5);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_full_listing_cancels_nothing_before_its_end_and_then_only_what_no_part_of_it_showed() {
    let clinic = Clinic::open().await;
    let booked = five(&clinic).await;
    let deleted = &booked[2];
    clinic.delete(&deleted.google_calendar_event_id);
    clinic.google.expire_sync_tokens();
    clinic.sql("update calendars set sync_token = null").await;
    for _ in 0..3 {
        pull_one_page(&clinic).await;
        assert_eq!(clinic.read(deleted.id).await.status, Status::Scheduled);
    }
    let pulled = clinic.pull().await.unwrap();
    assert!(pulled.full);
    assert_eq!((pulled.cancelled, pulled.updated), (1, 0));
    assert_eq!(clinic.read(deleted.id).await.status, Status::Cancelled);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_listing_whose_place_google_has_forgotten_begins_anew() {
    let clinic = Clinic::open().await;
    let booked = five(&clinic).await;
    for one in &booked {
        clinic.edit(&one.google_calendar_event_id, &json!({"location": "Room 2"}));
    }
    pull_one_page(&clinic).await;
    clinic
        .sql("update calendars set unfinished_listing = jsonb_set(unfinished_listing, '{page_token}', '\"forgotten\"')")
        .await;
    clinic.pull().await.unwrap();
    assert_eq!(in_room_2(&clinic, &booked).await, 5);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn notifications_that_come_between_the_parts_are_not_taken_for_covered() {
    let clinic = Clinic::open().await;
    let booked = five(&clinic).await;
    for one in &booked {
        clinic.edit(&one.google_calendar_event_id, &json!({"location": "Room 2"}));
    }
    pull_one_page(&clinic).await;
    clinic
        .sql("update calendars set change_seq = change_seq + 1")
        .await;
    clinic.google.clear_requests();
    clinic.pull().await.unwrap();
    // Four pages of the rest, and one listing more.
    assert_eq!(clinic.google.count("events.list"), 5);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_confirmation_is_good_for_the_whole_listing_however_many_runs_it_takes() {
    let clinic = Clinic::open().await;
    let booked = paged(&clinic, 24).await;
    for one in &booked[..13] {
        clinic.delete(&one.google_calendar_event_id);
    }
    clinic.google.expire_sync_tokens();
    assert!(clinic.pull().await.unwrap().mass_cancel_held);
    pull_one_page_confirming(&clinic, true).await;
    // The 5-minute run ends what was begun.
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.cancelled, pulled.mass_cancel_held), (13, false));
    clinic.check_at_rest().await;
}
