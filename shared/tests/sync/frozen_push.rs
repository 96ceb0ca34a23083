//! Pushes that are frozen past their claim and wake up when another one has done their work: they store nothing, and what
//! they still have on its way to Google undoes nothing.

use serde_json::{Value, json};
use shared::appointment::Status;

use crate::clinic::{Clinic, changed};
use crate::process::{Point, Process};
use crate::write::Write;

#[tokio::test]
async fn a_push_frozen_before_what_it_sends_is_recorded_sends_nothing() {
    frozen(Write::Insert, Point::before("set sent = n.sent")).await;
    frozen(Write::Patch, Point::before("set sent = n.sent")).await;
}

#[tokio::test]
async fn a_call_that_comes_late_to_google_undoes_nothing() {
    for write in Write::ALL {
        frozen(write, Point::before_call(write.call())).await;
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_is_not_stored() {
    for write in Write::ALL {
        frozen(write, Point::after_call(write.call())).await;
    }
}

#[tokio::test]
async fn a_push_frozen_before_it_stores_an_answer_stores_nothing() {
    for write in Write::ALL {
        frozen(write, Point::before(write.record())).await;
    }
}

/// Freezes a push of this write there. Another one takes over, and all go on: a caller changes the notes, a person the
/// location, and that is synced, too. Then the frozen one wakes up.
async fn frozen(write: Write, point: Point) {
    let case = format!("{write:?} frozen at {point:?}");
    let clinic = Clinic::open().await;
    let appointment = write.due(&clinic).await;
    let process = Process::start(&clinic).await;
    let run = process.frozen_push(point).await;

    clinic.let_claims_and_leases_lapse().await;
    clinic.tick().await;
    changed(
        clinic
            .patch(appointment.id, json!({"notes": "From a caller"}))
            .await,
    );
    clinic.tick().await;
    for event in clinic.live_events() {
        clinic.edit(event["id"].as_str().unwrap(), &json!({"location": "Room 2"}));
    }
    clinic.tick().await;
    let done = clinic.everything().await;

    process.wake();
    run.await.unwrap();
    clinic.check_unchanged(&done, &case).await;
    let agreed = clinic.read(appointment.id).await;
    assert_eq!(
        agreed.status == Status::Cancelled,
        write == Write::Delete,
        "{case}"
    );
    assert_eq!(agreed.location.is_some(), write != Write::Delete, "{case}");
    clinic.check_agreement(appointment.id).await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_look_that_was_frozen_works_in_nothing_that_is_out_of_date() {
    frozen_look(Point::after_call("events.get")).await;
    frozen_look(Point::before("START TRANSACTION")).await;
}

#[tokio::test]
async fn a_look_frozen_in_its_transaction_lets_go_of_its_rows_and_commits_nothing() {
    // At once: each waits until the server takes the process for dead.
    tokio::join!(
        frozen_look(Point::before("insert into appointment_history")),
        frozen_look(Point::before("COMMIT")),
    );
}

/// Freezes a push that met a person's edit and looks at it. Another one takes over, and the person edits again.
async fn frozen_look(point: Point) {
    let case = format!("{point:?}");
    let clinic = Clinic::open().await;
    let appointment = Write::Patch.due(&clinic).await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &json!({"location": "Room 2"}));
    let process = Process::start(&clinic).await;
    let run = process.frozen_push(point).await;

    clinic.let_claims_and_leases_lapse().await;
    clinic.tick().await;
    clinic.edit(event_id, &json!({"location": "Room 3"}));
    clinic.tick().await;
    let done = clinic.everything().await;
    process.wake();
    run.await.unwrap();
    clinic.check_unchanged(&done, &case).await;
    let agreed = clinic.read(appointment.id).await;
    let texts = (agreed.title.as_str(), agreed.location.as_deref());
    assert_eq!(texts, ("Ours", Some("Room 3")), "{case}");
    clinic.check_agreement(appointment.id).await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_insert_that_comes_after_its_appointment_was_cancelled_is_deleted_again() {
    let clinic = Clinic::open().await;
    let appointment = Write::Insert.due(&clinic).await;
    let process = Process::start(&clinic).await;
    let run = process.frozen_push(Point::before_call("events.insert")).await;
    clinic.let_claims_and_leases_lapse().await;
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    process.wake();
    run.await.unwrap();
    assert_eq!(clinic.live_events().len(), 1);
    clinic.tick().await;
    assert_eq!(clinic.live_events(), Vec::<Value>::new());
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    clinic.tick().await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_deletion_that_comes_after_the_event_was_restored_deletes_nothing() {
    let clinic = Clinic::open().await;
    let appointment = Write::Delete.due(&clinic).await;
    let process = Process::start(&clinic).await;
    let run = process.frozen_push(Point::before_call("events.delete")).await;
    clinic.let_claims_and_leases_lapse().await;
    clinic.tick().await;
    clinic.restore(&appointment.google_calendar_event_id);
    clinic.tick().await;
    process.wake();
    run.await.unwrap();
    assert_eq!(clinic.read(appointment.id).await.status, Status::Scheduled);
    clinic.check_agreement(appointment.id).await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_insert_that_comes_after_we_have_looked_is_not_taken_for_a_persons() {
    let clinic = Clinic::open().await;
    let appointment = Write::Insert.due(&clinic).await;
    let first = Process::start(&clinic).await;
    let late = first.frozen_push(Point::before_call("events.insert")).await;

    changed(clinic.patch(appointment.id, json!({"title": "Younger"})).await);
    clinic.let_claims_and_leases_lapse().await;
    // Another push has looked and found nothing when the insert comes, as if it were younger than the caller's change.
    let other = Process::start(&clinic).await;
    let looked = Point::after("set sent = null, next_attempt_at = now()");
    let push = other.frozen_push(looked).await;
    first.wake();
    late.await.unwrap();
    other.wake();
    push.await.unwrap();
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.title, "Younger");
    clinic.check_agreement(appointment.id).await;
    clinic.check_at_rest().await;
}
