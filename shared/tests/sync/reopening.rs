//! Appointments that take place after all: what was over or cancelled is set to scheduled.

use serde_json::json;
use shared::appointment::SyncState;
use shared::appointment::queries::{Booked, Changed};

use crate::clinic::{Clinic, changed};
use crate::person::moved_to;

#[tokio::test]
async fn one_that_was_over_and_whose_event_was_tidied_away_gets_a_new_event() {
    let (clinic, appointment) = Clinic::with_one().await;
    changed(clinic.patch(appointment.id, json!({"status": "completed"})).await);
    clinic.tick().await;
    clinic.delete(&appointment.google_calendar_event_id);
    clinic.tick().await;

    let open = changed(clinic.patch(appointment.id, json!({"status": "scheduled"})).await);
    assert_eq!(open.sync_state, SyncState::Pending);
    clinic.tick().await;
    assert_eq!(clinic.only_event()["id"], open.google_calendar_event_id);
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn one_that_a_person_had_moved_does_not_take_a_slot_that_was_booked_meanwhile() {
    let (clinic, appointment) = Clinic::with_one().await;
    let moved = moved_to("2027-03-01T11:00:00+05:00", "2027-03-01T11:30:00+05:00");
    clinic.edit(&appointment.google_calendar_event_id, &moved);
    clinic.tick().await;
    changed(clinic.patch(appointment.id, json!({"status": "completed"})).await);
    clinic.book("2027-03-01T11:00:00+05:00").await;
    let outcome = clinic.patch(appointment.id, json!({"status": "scheduled"})).await;
    assert!(matches!(outcome, Changed::SlotTaken), "{outcome:?}");
}

#[tokio::test]
async fn a_slot_before_or_after_one_that_a_person_chose_is_free() {
    let clinic = Clinic::open().await;
    let placed = clinic.book("2027-03-01T09:00:00+05:00").await;
    let other = clinic.book("2027-03-01T15:00:00+05:00").await;
    clinic.tick().await;
    let moved = moved_to("2027-03-01T11:00:00+05:00", "2027-03-01T11:30:00+05:00");
    clinic.edit(&placed.google_calendar_event_id, &moved);
    clinic.tick().await;
    for start in ["2027-03-01T10:30:00+05:00", "2027-03-01T11:30:00+05:00"] {
        clinic.reschedule(other.id, start).await;
    }
    let onto = clinic
        .patch(
            other.id,
            json!({"starts_at": "2027-03-01T11:15:00+05:00", "duration_minutes": 30}),
        )
        .await;
    assert!(matches!(onto, Changed::SlotTaken), "{onto:?}");
    let onto = clinic.try_book("2027-03-01T11:15:00+05:00", json!({})).await;
    assert!(matches!(onto, Booked::SlotTaken), "{onto:?}");
}
