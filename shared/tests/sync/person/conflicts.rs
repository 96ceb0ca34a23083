//! An appointment is moved onto another one: kept, told, and closed to callers.

use serde_json::json;
use shared::appointment::queries::{Booked, Changed};

use super::moved_to;
use crate::clinic::{Clinic, at, changed};

#[tokio::test]
async fn a_move_onto_another_appointment_is_kept_and_both_slots_stay_closed() {
    let clinic = Clinic::open().await;
    clinic.book("2027-03-01T09:00:00+05:00").await;
    let second = clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic.tick().await;
    let onto = moved_to("2027-03-01T09:15:00+05:00", "2027-03-01T09:45:00+05:00");
    clinic.edit(&second.google_calendar_event_id, &onto);
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.conflicts), (1, 1));
    assert_eq!(clinic.status().await.conflicts, 1);
    let change = clinic.last_change(second.id).await;
    assert_eq!(
        change["starts_at"],
        json!({"from": "2027-03-01T06:00:00Z", "to": "2027-03-01T04:15:00Z"})
    );
    assert_eq!(
        change["ends_at"],
        json!({"from": "2027-03-01T06:30:00Z", "to": "2027-03-01T04:45:00Z"})
    );
    let [.., (by, word)] = &clinic.history(second.id).await[..] else {
        panic!("no history")
    };
    assert_eq!((by.as_str(), word.as_str()), ("google_calendar", "updated"));
    for slot in ["2027-03-01T09:00:00+05:00", "2027-03-01T09:30:00+05:00"] {
        assert!(
            matches!(clinic.try_book(slot, json!({})).await, Booked::SlotTaken),
            "{slot}"
        );
    }
    clinic.book("2027-03-01T11:00:00+05:00").await;
    // A change that does not touch the times does not ask for the slot again.
    changed(clinic.patch(second.id, json!({"notes": "knows about it"})).await);
    clinic.tick().await;
    clinic.check_callers_go_on(second.id).await;
}

#[tokio::test]
async fn where_a_person_put_an_appointment_only_that_slot_is_closed_to_the_others() {
    let clinic = Clinic::open().await;
    let placed = clinic.book("2027-03-01T09:00:00+05:00").await;
    let other = clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic.tick().await;
    let moved = moved_to("2027-03-03T09:00:00+05:00", "2027-03-03T09:30:00+05:00");
    clinic.edit(&placed.google_calendar_event_id, &moved);
    clinic.pull().await.unwrap();
    let shift = |starts_at| clinic.patch(other.id, json!({"starts_at": starts_at, "duration_minutes": 30}));
    for (slot, free) in [
        ("2027-03-02T09:00:00+05:00", true),
        ("2027-03-03T08:45:00+05:00", false),
        ("2027-03-03T09:15:00+05:00", false),
        ("2027-03-03T09:30:00+05:00", true),
        ("2027-03-04T09:00:00+05:00", true),
        ("2027-03-03T08:30:00+05:00", true),
    ] {
        let outcome = shift(slot).await;
        let as_expected = match &outcome {
            Changed::Changed { .. } => free,
            Changed::SlotTaken => !free,
            _ => false,
        };
        assert!(as_expected, "{slot}: {outcome:?}");
    }
    clinic.tick().await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn two_moved_onto_each_other_in_one_listing_are_both_kept_and_both_counted() {
    let clinic = Clinic::open().await;
    let first = clinic.book("2027-03-01T09:00:00+05:00").await;
    let second = clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic.tick().await;
    let noon = moved_to("2027-03-01T12:00:00+05:00", "2027-03-01T12:30:00+05:00");
    clinic.edit(&first.google_calendar_event_id, &noon);
    clinic.edit(&second.google_calendar_event_id, &noon);
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.conflicts), (2, 2));
    assert_eq!(clinic.status().await.conflicts, 2);
    for appointment in [&first, &second] {
        let moved = clinic.read(appointment.id).await;
        assert_eq!(moved.starts_at, at("2027-03-01T12:00:00+05:00"));
    }
    let noon_by_caller = clinic.try_book("2027-03-01T12:00:00+05:00", json!({})).await;
    assert!(matches!(noon_by_caller, Booked::SlotTaken), "{noon_by_caller:?}");
    // Both old slots are free again.
    clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic.tick().await;
    clinic.check_callers_go_on(first.id).await;

    // A caller moves one of them away, and a person the other one back and forth: nothing stands on anything.
    let away = json!({"starts_at": "2027-03-01T14:00:00+05:00", "duration_minutes": 30});
    changed(clinic.patch(first.id, away).await);
    clinic.tick().await;
    assert_eq!(clinic.status().await.conflicts, 0);
    clinic.check_callers_go_on(second.id).await;
}

#[tokio::test]
async fn two_appointments_that_swap_their_slots_are_no_conflict() {
    let clinic = Clinic::open().await;
    let (nine, ten) = ("2027-03-01T09:00:00+05:00", "2027-03-01T10:00:00+05:00");
    let (first, second) = (clinic.book(nine).await, clinic.book(ten).await);
    clinic.tick().await;
    let to_ten = moved_to(ten, "2027-03-01T10:30:00+05:00");
    let to_nine = moved_to(nine, "2027-03-01T09:30:00+05:00");
    clinic.edit(&first.google_calendar_event_id, &to_ten);
    clinic.edit(&second.google_calendar_event_id, &to_nine);
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.updated, pulled.conflicts), (2, 0));
    assert_eq!(clinic.read(first.id).await.starts_at, at(ten));
    assert_eq!(clinic.read(second.id).await.starts_at, at(nine));
    for slot in [nine, ten] {
        let booked = clinic.try_book(slot, json!({})).await;
        assert!(matches!(booked, Booked::SlotTaken), "{slot}: {booked:?}");
    }
    clinic.check_callers_go_on(first.id).await;
    clinic.check_callers_go_on(second.id).await;
}

#[tokio::test]
async fn a_conflict_that_a_person_resolves_is_counted_no_more() {
    let clinic = Clinic::open().await;
    clinic.book("2027-03-01T09:00:00+05:00").await;
    let second = clinic.book("2027-03-01T11:00:00+05:00").await;
    clinic.tick().await;
    let onto = moved_to("2027-03-01T09:00:00+05:00", "2027-03-01T09:30:00+05:00");
    clinic.edit(&second.google_calendar_event_id, &onto);
    clinic.tick().await;
    assert_eq!(clinic.status().await.conflicts, 1);
    let back = moved_to("2027-03-01T11:00:00+05:00", "2027-03-01T11:30:00+05:00");
    clinic.edit(&second.google_calendar_event_id, &back);
    assert_eq!(clinic.pull().await.unwrap().conflicts, 0);
    assert_eq!(clinic.status().await.conflicts, 0);
    clinic.check_callers_go_on(second.id).await;
}

#[tokio::test]
async fn a_conflict_ends_with_the_cancellation_of_either() {
    for cancel_the_moved_one in [true, false] {
        let clinic = Clinic::open().await;
        let first = clinic.book("2027-03-01T09:00:00+05:00").await;
        let second = clinic.book("2027-03-01T11:00:00+05:00").await;
        clinic.tick().await;
        let onto = moved_to("2027-03-01T09:00:00+05:00", "2027-03-01T09:30:00+05:00");
        clinic.edit(&second.google_calendar_event_id, &onto);
        clinic.tick().await;
        let (cancelled, other) = if cancel_the_moved_one {
            (&second, &first)
        } else {
            (&first, &second)
        };
        clinic.cancel(cancelled.id).await;
        clinic.tick().await;
        assert_eq!(clinic.status().await.conflicts, 0);
        clinic.check_callers_go_on(other.id).await;
    }
}

#[tokio::test]
async fn an_appointment_restored_onto_a_slot_that_was_booked_meanwhile_is_a_conflict() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.delete(event_id);
    clinic.tick().await;
    clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.restore(event_id);
    assert_eq!(clinic.pull().await.unwrap().restored, 1);
    assert_eq!(clinic.status().await.conflicts, 1);
    clinic.tick().await;
    clinic.check_callers_go_on(appointment.id).await;
}
