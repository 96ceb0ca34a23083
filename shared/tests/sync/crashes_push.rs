//! Pushes killed between two effects. Each test is named after what this loses elsewhere.

use std::time::Duration;

use serde_json::json;
use shared::appointment::{Status, SyncState};
use uuid::Uuid;

use crate::clinic::{CALENDAR, Clinic, changed};
use crate::process::{Point, Process};
use crate::write::Write;

const CLAIM: &str = "with ready as";
const SENT: &str = "set sent = n.sent";

/// How far the killed push came.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    /// Google does not know of the write.
    Nothing,
    /// Google has done it, we do not know.
    Effect,
    /// We know, too.
    Record,
}

use Left::{Effect, Nothing, Record};
use Write::{Delete, Insert, Patch};

#[tokio::test]
async fn killed_after_the_claim_no_write_is_forgotten() {
    for write in Write::ALL {
        killed(write, Point::after(CLAIM), Nothing).await;
    }
}

#[tokio::test]
async fn killed_after_the_record_of_what_will_be_sent_it_is_sent_all_the_same() {
    for write in [Insert, Patch] {
        killed(write, Point::after(SENT), Nothing).await;
    }
}

#[tokio::test]
async fn killed_before_google_has_the_insert_the_event_still_comes() {
    killed(Insert, Point::before_call(Insert.call()), Nothing).await;
}

#[tokio::test]
async fn killed_before_google_has_the_patch_the_change_still_shows() {
    killed(Patch, Point::before_call(Patch.call()), Nothing).await;
}

#[tokio::test]
async fn killed_before_google_has_the_deletion_the_event_still_goes() {
    killed(Delete, Point::before_call(Delete.call()), Nothing).await;
}

#[tokio::test]
async fn killed_between_the_insert_and_its_answer_there_is_still_one_event() {
    killed(Insert, Point::after_call(Insert.call()), Effect).await;
}

#[tokio::test]
async fn killed_between_the_patch_and_its_answer_our_change_is_not_taken_for_a_persons() {
    killed(Patch, Point::after_call(Patch.call()), Effect).await;
}

#[tokio::test]
async fn killed_between_the_deletion_and_its_answer_the_event_stays_deleted() {
    killed(Delete, Point::after_call(Delete.call()), Effect).await;
}

#[tokio::test]
async fn killed_between_the_insert_and_its_record_there_is_still_one_event() {
    killed(Insert, Point::before(Insert.record()), Effect).await;
}

#[tokio::test]
async fn killed_between_the_patch_and_its_record_our_change_is_not_taken_for_a_persons() {
    killed(Patch, Point::before(Patch.record()), Effect).await;
}

#[tokio::test]
async fn killed_between_the_deletion_and_its_record_the_event_stays_deleted() {
    killed(Delete, Point::before(Delete.record()), Effect).await;
}

#[tokio::test]
async fn killed_after_the_record_nothing_is_written_twice() {
    for write in Write::ALL {
        killed(write, Point::after(write.record()), Record).await;
    }
}

/// Kills a push of this write there, looks at what is left, and lets another process take over; once with nothing done
/// meanwhile, and once with a person and a caller who go on.
async fn killed(write: Write, point: Point, left: Left) {
    for busy in [false, true] {
        let case = format!("{write:?} killed at {point:?}, busy: {busy}");
        let clinic = Clinic::open().await;
        // By its clock, what Google has done is younger than what callers do next.
        clinic.google.advance(Duration::from_mins(1));
        let id = write.due(&clinic).await.id;
        let process = Process::start(&clinic).await;
        process.kill(point.clone(), process.push()).await;

        check_left(&clinic, id, write, left, &case).await;
        let edited = busy && go_on(&clinic, id, write).await;
        clinic.let_claims_and_leases_lapse().await;
        clinic.tick().await;

        let now = clinic.read(id).await;
        let status = if write == Delete {
            Status::Cancelled
        } else {
            Status::Scheduled
        };
        assert_eq!(
            (now.status, now.sync_state),
            (status, SyncState::Synced),
            "{case}"
        );
        let title = match (busy, write) {
            (true, _) => "Ours, later",
            (false, Patch) => "Ours",
            (false, _) => "Check-up: A. Khan",
        };
        assert_eq!(now.title, title, "{case}: the caller's change");
        assert_eq!(now.location.is_some(), edited, "{case}: the person's edit");
        let history = clinic.history(id).await;
        let taken_over = history.iter().filter(|(by, _)| by == "google_calendar").count();
        assert_eq!(taken_over, usize::from(edited), "{case}: {history:?}");
        let events = clinic.google.events(CALENDAR).unwrap();
        assert_eq!(events.len(), 1, "{case}: {events:?}");
        clinic.check_agreement(id).await;
        clinic.check_at_rest().await;
    }
}

/// What the killed push left: the write is done or not, recorded or not, and nobody else's as long as the claim lasts.
async fn check_left(clinic: &Clinic, id: Uuid, write: Write, left: Left, case: &str) {
    let live = clinic.live_events();
    let done = match write {
        Insert => live.len() == 1,
        Patch => live[0]["summary"] == "Ours",
        Delete => live.is_empty(),
    };
    assert_eq!(done, left != Nothing, "{case}: {live:?}");
    let recorded = clinic.read(id).await.sync_state == SyncState::Synced;
    assert_eq!(recorded, left == Record, "{case}");
    clinic.google.clear_requests();
    let pending = clinic.push().await.unwrap().pending;
    assert_eq!(pending, i64::from(left != Record), "{case}");
    assert!(clinic.google.requests().is_empty(), "{case}");
}

/// A caller changes the title; a person the location, unless there is no event or it is about to go. Tells whether.
async fn go_on(clinic: &Clinic, id: Uuid, write: Write) -> bool {
    changed(clinic.patch(id, json!({"title": "Ours, later"})).await);
    clinic.google.advance(Duration::from_secs(1));
    let live = clinic.live_events();
    for event in &live {
        clinic.edit(event["id"].as_str().unwrap(), &json!({"location": "Room 2"}));
    }
    write != Delete && !live.is_empty()
}

#[tokio::test]
async fn killed_after_a_look_what_it_saw_is_seen_again() {
    killed_looking(Point::after_call("events.get"), false).await;
    killed_looking(Point::before("START TRANSACTION"), false).await;
}

#[tokio::test]
async fn killed_before_what_it_saw_is_committed_nothing_of_it_is_kept() {
    killed_looking(Point::before("insert into appointment_history"), false).await;
    killed_looking(Point::before("COMMIT"), false).await;
}

#[tokio::test]
async fn killed_after_what_it_saw_is_committed_it_is_not_taken_over_twice() {
    killed_looking(Point::after("COMMIT"), true).await;
}

#[tokio::test]
async fn killed_before_the_bus_is_told_what_it_saw_is_pushed_all_the_same() {
    killed_looking(Point::Bus, true).await;
}

/// Kills a push that met a person's edit and looks at it, and lets another process take over.
async fn killed_looking(point: Point, committed: bool) {
    let case = format!("{point:?}");
    let clinic = Clinic::open().await;
    let appointment = Patch.due(&clinic).await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &json!({"location": "Room 2"}));
    let process = Process::start(&clinic).await;
    process.kill(point, process.push()).await;

    let left = clinic.read(appointment.id).await;
    let version = appointment.version + i64::from(committed);
    assert_eq!(
        (left.location.is_some(), left.version),
        (committed, version),
        "{case}"
    );
    assert_eq!(clinic.event(event_id)["location"], "Room 2", "{case}");
    assert!(clinic.heard().is_empty(), "{case}");

    clinic.let_claims_and_leases_lapse().await;
    clinic.tick().await;
    let now = clinic.read(appointment.id).await;
    assert_eq!(now.version, appointment.version + 1, "{case}");
    assert_eq!(
        (now.title.as_str(), now.location.as_deref()),
        ("Ours", Some("Room 2")),
        "{case}"
    );
    clinic.check_agreement(appointment.id).await;
    clinic.check_at_rest().await;
}
