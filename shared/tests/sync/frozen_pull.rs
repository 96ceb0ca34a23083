//! Pulls that are frozen past their lease and wake up when another one has done their work: they commit nothing and undo
//! nothing. Whoever wants the rows that one holds in its transaction waits until the server ends it, and nobody else does.

use std::pin::pin;

use futures_util::FutureExt;
use local::google::ListingManners;
use serde_json::json;
use shared::appointment::{Status, queries, request};

use crate::clinic::{Clinic, changed, soon};
use crate::process::{Point, Process};

#[tokio::test]
async fn a_pull_frozen_as_google_lists_commits_nothing() {
    frozen_pull(Point::before_call("events.list")).await;
    frozen_pull(Point::after_call("events.list")).await;
}

#[tokio::test]
async fn a_pull_frozen_between_two_pages_commits_nothing() {
    frozen_pull(Point::before("returning now() as renewed_at")).await;
    frozen_pull(Point::after("returning now() as renewed_at")).await;
}

#[tokio::test]
async fn a_pull_frozen_before_its_transaction_commits_nothing() {
    frozen_pull(Point::before("START TRANSACTION")).await;
    frozen_pull(Point::after("START TRANSACTION")).await;
}

#[tokio::test]
async fn a_pull_frozen_in_its_transaction_lets_go_of_its_rows_and_commits_nothing() {
    // At once: each waits until the server takes the process for dead.
    tokio::join!(
        frozen_pull(Point::after("for update of e")),
        frozen_pull(Point::before("last_sync_at = clock_timestamp()")),
        frozen_pull(Point::before("COMMIT")),
    );
}

/// Freezes a pull of two edits there, and lets another one take over; once with nothing more done, and once with all
/// going on: a caller changes another field before it, the person edits one event and deletes the other after it.
async fn frozen_pull(point: Point) {
    tokio::join!(
        Box::pin(frozen(point.clone(), false)),
        Box::pin(frozen(point, true))
    );
}

async fn frozen(point: Point, busy: bool) {
    let case = format!("frozen at {point:?}, busy: {busy}");
    let clinic = Clinic::open().await;
    let (appointment, other) = (
        clinic.book("2027-03-01T09:00:00+05:00").await,
        clinic.book("2027-03-01T10:00:00+05:00").await,
    );
    clinic.tick().await;
    clinic.list_one_by_one();
    for appointment in [&appointment, &other] {
        clinic.edit(
            &appointment.google_calendar_event_id,
            &json!({"location": "Room 2"}),
        );
    }
    let process = Process::start(&clinic).await;
    let run = process.frozen_pull(point).await;

    clinic.let_claims_and_leases_lapse().await;
    if busy {
        changed(
            clinic
                .patch(appointment.id, json!({"notes": "From a caller"}))
                .await,
        );
    }
    clinic.tick().await;
    let taken_over = clinic.read(appointment.id).await;
    assert_eq!(taken_over.location.as_deref(), Some("Room 2"), "{case}");
    if busy {
        clinic.edit(
            &appointment.google_calendar_event_id,
            &json!({"location": "Room 3"}),
        );
        clinic.delete(&other.google_calendar_event_id);
        clinic.tick().await;
    }
    let done = clinic.everything().await;

    process.wake();
    let woken = run.await;
    assert!(woken.is_err(), "{case}: {woken:?}");
    clinic.check_unchanged(&done, &case).await;
    clinic.google.set_listing_manners(ListingManners::default());
    clinic.check_at_rest().await;
    let location = clinic.read(appointment.id).await.location;
    let last = if busy { "Room 3" } else { "Room 2" };
    assert_eq!(location.as_deref(), Some(last), "{case}");
    let cancelled = clinic.read(other.id).await.status == Status::Cancelled;
    assert_eq!(cancelled, busy, "{case}");
    clinic.check_agreement(appointment.id).await;
    clinic.check_agreement(other.id).await;
}

#[tokio::test]
async fn a_pull_frozen_in_its_transaction_holds_up_nobody_but_who_wants_its_rows() {
    let (clinic, listed) = Clinic::with_one().await;
    clinic.edit(&listed.google_calendar_event_id, &json!({"location": "Room 2"}));
    let process = Process::start(&clinic).await;
    let run = process.frozen_pull(Point::after("for update of e")).await;

    let db = clinic.another_database();
    let change = request::reschedule(json!({"starts_at": "2027-03-02T09:00:00+05:00"})).unwrap();
    let mut wants_it = pin!(queries::change(&db, soon(), listed.id, &change, None, "frontend"));
    tokio::select! {
        early = &mut wants_it => panic!("{early:?}"),
        () = clinic.until_locked_out(1) => {}
    }
    clinic.book("2027-03-03T09:00:00+05:00").await;
    assert!(
        (&mut wants_it).now_or_never().is_none(),
        "the row was let go before the booking"
    );
    // The server ends the frozen transaction.
    changed(wants_it.await.unwrap());
    process.wake();
    // It may begin its transaction anew: its lease still runs.
    drop(run.await);
    clinic.tick().await;
    clinic.tick().await;
    clinic.check_at_rest().await;
}
