//! Callers who change one appointment at the same moment, each from a process of its own.

use serde_json::{Value, json};
use shared::appointment::queries::{self, Changed};
use shared::appointment::request::{self, Change};
use shared::appointment::{Appointment, Status};
use shared::database::Database;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::clinic::{Clinic, changed, soon};

#[tokio::test]
async fn a_cancellation_that_waited_for_a_reschedule_takes_the_new_event_away() {
    let clinic = Clinic::open().await;
    let cancelled = reschedule_and_then(&clinic, request::cancel_without_reason()).await;
    assert_eq!((cancelled.status, cancelled.version), (Status::Cancelled, 3));
    clinic.tick().await;
    assert_eq!(clinic.live_events(), Vec::<Value>::new());
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_patch_that_waited_for_a_reschedule_reaches_the_new_event() {
    let clinic = Clinic::open().await;
    let patch = request::patch(json!({"location": "Room 2"})).unwrap();
    let patched = reschedule_and_then(&clinic, patch).await;
    clinic.tick().await;
    let shown = clinic.only_event();
    assert_eq!(shown["id"], patched.google_calendar_event_id);
    assert_eq!(shown["location"], "Room 2");
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn of_two_reschedules_the_later_one_stays() {
    let clinic = Clinic::open().await;
    let change = request::reschedule(json!({"starts_at": "2027-03-03T09:00:00+05:00"})).unwrap();
    let rescheduled = reschedule_and_then(&clinic, change).await;
    assert_eq!(rescheduled.version, 3);
    clinic.tick().await;
    assert_eq!(clinic.only_event()["id"], rescheduled.google_calendar_event_id);
    clinic.check_at_rest().await;
}

/// Books, then lets a reschedule and a second change wait, in this order, for a third who holds the appointment: both were
/// begun before either is done. Gives the appointment as the second change left it.
async fn reschedule_and_then(clinic: &Clinic, second: Change) -> Appointment {
    let id = clinic.book("2027-03-01T09:00:00+05:00").await.id;
    clinic.tick().await;
    let [holder, earlier, later] = [(); 3].map(|()| clinic.another_database());
    let reschedule = request::reschedule(json!({"starts_at": "2027-03-02T15:00:00+05:00"})).unwrap();
    let lock = format!("select from appointments where id = '{id}' for update");
    let locked = Notify::new();
    let held = holder.transaction(soon(), async |transaction| {
        transaction.batch_execute(&lock).await?;
        locked.notify_one();
        clinic.until_locked_out(2).await;
        Ok(())
    });
    let earlier = async {
        locked.notified().await;
        change(&earlier, id, &reschedule).await
    };
    let later = async {
        clinic.until_locked_out(1).await;
        change(&later, id, &second).await
    };
    let (held, earlier, later) = tokio::join!(held, earlier, later);
    held.unwrap();
    changed(earlier);
    changed(later)
}

async fn change(db: &Database, id: Uuid, change: &Change) -> Changed {
    queries::change(db, soon(), id, change, None, "frontend")
        .await
        .unwrap()
}
