//! Pulls killed between two effects. Each test is named after what this loses elsewhere.

use chrono::{DateTime, Utc};
use local::google::ListingManners;
use serde_json::json;
use shared::appointment::{Appointment, Status};

use crate::clinic::Clinic;
use crate::process::{Point, Process};
use crate::waiting::time_for_one_page;

const LEASE: &str = "insert into calendars as c";
const PROLONGED: &str = "returning now() as renewed_at";
const LOCKED: &str = "for update of e";
const EVENTS: &str = "update calendar_events e set";
const APPOINTMENTS: &str = "insert into appointment_history";
const RECORD: &str = "last_sync_at = clock_timestamp()";
const PLACE: &str = "set unfinished_listing = $3";

#[tokio::test]
async fn killed_after_the_lease_the_calendar_is_not_left_unread() {
    killed(Point::after(LEASE), false).await;
}

#[tokio::test]
async fn killed_between_two_pages_the_first_one_is_not_forgotten() {
    killed(Point::before(PROLONGED), false).await;
    killed(Point::after(PROLONGED), false).await;
}

#[tokio::test]
async fn killed_with_the_listing_in_hand_its_changes_are_listed_again() {
    killed(Point::before("START TRANSACTION"), false).await;
    killed(Point::after(LOCKED), false).await;
}

#[tokio::test]
async fn killed_between_the_events_and_their_appointments_no_edit_passes_for_known() {
    killed(Point::after(EVENTS), false).await;
}

#[tokio::test]
async fn killed_between_the_rows_and_the_token_no_change_is_applied_twice() {
    killed(Point::after(APPOINTMENTS), false).await;
    killed(Point::before(RECORD), false).await;
}

#[tokio::test]
async fn killed_between_the_token_and_the_commit_no_change_is_skipped() {
    killed(Point::after(RECORD), false).await;
    killed(Point::before("COMMIT"), false).await;
}

#[tokio::test]
async fn killed_after_the_commit_the_next_pull_goes_on_from_there() {
    killed(Point::after("COMMIT"), true).await;
}

#[tokio::test]
async fn killed_before_the_bus_is_told_what_was_pulled_stays() {
    killed(Point::Bus, true).await;
}

#[tokio::test]
async fn killed_in_the_middle_of_a_long_listing_no_change_is_skipped_or_applied_twice() {
    killed_after_a_page(Point::before(PLACE), false).await;
    killed_after_a_page(Point::before("COMMIT"), false).await;
    killed_after_a_page(Point::after("COMMIT"), true).await;
}

/// Kills a pull of an edit and a deletion there, looks at what is left, and lets another process take over; once with
/// the changes listed, and once with everything listed, where a deletion shows by its absence.
async fn killed(point: Point, committed: bool) {
    for full in [false, true] {
        let case = format!("killed at {point:?}, full: {full}");
        let clinic = Clinic::open().await;
        let (edited, deleted, untouched) = appointments(&clinic).await;
        if full {
            clinic.google.expire_sync_tokens();
        }
        let before = record(&clinic).await;
        let process = Process::start(&clinic).await;
        process.kill(point.clone(), process.pull()).await;

        check_applied(&clinic, &edited, &deleted, committed, &case).await;
        assert_eq!(record(&clinic).await == before, !committed, "{case}");
        assert!(clinic.heard().is_empty(), "{case}");
        let another = Process::start(&clinic).await;
        if !committed {
            assert_eq!(
                another.pull().await.unwrap(),
                None,
                "{case}: the lease still runs"
            );
        }

        clinic.let_claims_and_leases_lapse().await;
        let pulled = another.pull().await.unwrap().unwrap();
        let first = usize::from(!committed);
        assert_eq!((pulled.updated, pulled.cancelled), (first, first), "{case}");
        check_applied(&clinic, &edited, &deleted, true, &case).await;
        for appointment in [&edited, &deleted, &untouched] {
            clinic.check_agreement(appointment.id).await;
        }
        clinic.google.set_listing_manners(ListingManners::default());
        clinic.check_at_rest().await;
    }
}

/// Kills a pull that has time for the first of two pages, and lets another process go on.
async fn killed_after_a_page(point: Point, committed: bool) {
    let case = format!("killed at {point:?}");
    let clinic = Clinic::open().await;
    let (edited, deleted, untouched) = appointments(&clinic).await;
    let before = record(&clinic).await;
    let process = Process::start(&clinic).await;
    let run = async { tokio::join!(process.pull_until(time_for_one_page()), clinic.answer_one_page()) };
    process.kill(point, run).await;

    let applied = clinic.read(edited.id).await.version + clinic.read(deleted.id).await.version - 2;
    assert_eq!(applied, i64::from(committed), "{case}");
    assert_eq!(record(&clinic).await, before, "{case}");

    clinic.google.release();
    clinic.let_claims_and_leases_lapse().await;
    clinic.pull().await.unwrap();
    check_applied(&clinic, &edited, &deleted, true, &case).await;
    for appointment in [&edited, &deleted, &untouched] {
        clinic.check_agreement(appointment.id).await;
    }
    clinic.check_at_rest().await;
}

/// Three appointments in step, of which a person has edited the first and deleted the second; listed one by one.
async fn appointments(clinic: &Clinic) -> (Appointment, Appointment, Appointment) {
    let edited = clinic.book("2027-03-01T09:00:00+05:00").await;
    let deleted = clinic.book("2027-03-01T10:00:00+05:00").await;
    let untouched = clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic.tick().await;
    clinic.edit(&edited.google_calendar_event_id, &json!({"location": "Room 2"}));
    clinic.delete(&deleted.google_calendar_event_id);
    clinic.list_one_by_one();
    (edited, deleted, untouched)
}

/// Both changes are taken over, or neither is.
async fn check_applied(
    clinic: &Clinic,
    edited: &Appointment,
    deleted: &Appointment,
    applied: bool,
    case: &str,
) {
    let (edited, deleted) = (clinic.read(edited.id).await, clinic.read(deleted.id).await);
    let version = 1 + i64::from(applied);
    assert_eq!((edited.version, deleted.version), (version, version), "{case}");
    assert_eq!(edited.location.is_some(), applied, "{case}");
    assert_eq!(deleted.status == Status::Cancelled, applied, "{case}");
}

/// The calendar's record of its last pull.
async fn record(clinic: &Clinic) -> (Option<String>, Option<DateTime<Utc>>) {
    const READ: &str = "select sync_token, last_sync_at from calendars";
    let rows = clinic.rows(READ).await;
    (rows[0].get(0), rows[0].get(1))
}
