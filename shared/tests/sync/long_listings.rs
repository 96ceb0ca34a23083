//! Listings that are longer than a run: what was listed is kept, and the next run goes on.

use serde_json::json;
use shared::appointment::{Appointment, Status};
use shared::sync::{Occasion, Patience, SyncError};

use crate::clinic::{CALENDAR, Clinic};
use crate::waiting::time_for_one_page;

/// A clinic with so many appointments, listed one to a page.
async fn clinic_with(count: u32) -> (Clinic, Vec<Appointment>) {
    let (clinic, booked) = Clinic::with(count).await;
    clinic.list_one_by_one();
    (clinic, booked)
}

/// A clinic with five appointments of which a person has moved each to another room, listed one to a page.
async fn clinic_with_five_moved() -> (Clinic, Vec<Appointment>) {
    let (clinic, booked) = clinic_with(5).await;
    for one in &booked {
        clinic.edit(&one.google_calendar_event_id, &json!({"location": "Room 2"}));
    }
    (clinic, booked)
}

/// A pull whose time is over before the second page is there.
pub(crate) async fn pull_one_page(clinic: &Clinic) {
    pull_one_page_confirming(clinic, false).await;
}

/// The same, with the mass cancellation confirmed or not.
async fn pull_one_page_confirming(clinic: &Clinic, confirm_mass_cancel: bool) {
    let sync = clinic.sync();
    let pull = sync.pull(
        CALENDAR,
        Occasion::Always,
        Patience::Leave,
        confirm_mass_cancel,
        time_for_one_page(),
    );
    let (pulled, ()) = tokio::join!(pull, clinic.answer_one_page());
    assert!(matches!(pulled, Err(SyncError::OutOfTime)), "{pulled:?}");
    clinic.google.release();
}

/// How many of these appointments have the other room.
async fn in_room_2(clinic: &Clinic, booked: &[Appointment]) -> usize {
    let mut moved = 0;
    for one in booked {
        moved += usize::from(clinic.read(one.id).await.location.as_deref() == Some("Room 2"));
    }
    moved
}

#[tokio::test]
async fn changes_that_do_not_fit_into_one_run_are_taken_over_in_several() {
    let (clinic, booked) = clinic_with_five_moved().await;
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
    let (clinic, booked) = clinic_with(5).await;
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
    let (clinic, booked) = clinic_with_five_moved().await;
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
    let (clinic, _) = clinic_with_five_moved().await;
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
    let (clinic, booked) = clinic_with(24).await;
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

#[tokio::test]
async fn a_place_that_another_version_stored_is_left_and_the_listing_begins_anew() {
    let (clinic, booked) = clinic_with_five_moved().await;
    clinic
        .sql(r#"update calendars set unfinished_listing = '{"query": "older", "page": 2}'"#)
        .await;
    clinic.pull().await.unwrap();
    assert_eq!(in_room_2(&clinic, &booked).await, 5);
    clinic.check_at_rest().await;
}
