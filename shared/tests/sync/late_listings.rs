//! A listing shows what was when Google was asked. What our own writes have made of an event since is not undone by it.

use serde_json::json;
use shared::appointment::Status;
use uuid::Uuid;

use crate::clinic::{Clinic, changed};
use crate::process::Process;

/// What a caller does.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Title,
    Cancellation,
}

/// A caller's change, made and pushed while Google's answer to a pull's listing is on its way.
async fn during_a_listing(clinic: &Clinic, id: Uuid, change: Change) {
    let meanwhile = async {
        match change {
            Change::Title => drop(changed(clinic.patch(id, json!({"title": "Ours"})).await)),
            Change::Cancellation => drop(clinic.cancel(id).await),
        }
        Process::start(clinic).await.push().await.unwrap();
    };
    let pulled = clinic.pull_during(meanwhile).await;
    assert_eq!((pulled.updated, pulled.cancelled, pulled.restored), (0, 0, 0));
}

#[tokio::test]
async fn a_change_pushed_during_a_listing_is_not_reverted() {
    for full in [true, false] {
        let clinic = Clinic::open().await;
        let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
        if full {
            clinic.push().await.unwrap();
        } else {
            clinic.tick().await;
            // The listing has the event, as it was then.
            clinic.edit(&appointment.google_calendar_event_id, &json!({"colorId": "5"}));
            clinic.push_all().await.unwrap();
        }
        during_a_listing(&clinic, appointment.id, Change::Title).await;
        assert_eq!(clinic.read(appointment.id).await.title, "Ours");
        clinic.tick().await;
        assert_eq!(
            clinic.event(&appointment.google_calendar_event_id)["summary"],
            "Ours"
        );
        clinic.check_at_rest().await;
    }
}

#[tokio::test]
async fn an_appointment_cancelled_during_a_listing_is_not_brought_back() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.push().await.unwrap();
    during_a_listing(&clinic, appointment.id, Change::Cancellation).await;
    let cancelled = clinic.read(appointment.id).await;
    assert_eq!((cancelled.status, cancelled.version), (Status::Cancelled, 2));
    clinic.tick().await;
    assert!(clinic.live_events().is_empty());
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_event_restored_before_its_appointment_was_cancelled_does_not_bring_it_back() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.delete(event_id);
    // The listing shows the deletion; the restoration is heard of after the cancellation.
    let meanwhile = async {
        clinic.restore(event_id);
        clinic.cancel(appointment.id).await;
    };
    clinic.pull_during(meanwhile).await;
    assert_eq!(clinic.pull().await.unwrap().restored, 0);
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.status, Status::Cancelled);
    assert!(clinic.live_events().is_empty());
    clinic.check_at_rest().await;
}
