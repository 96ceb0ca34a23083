//! A full listing that would cancel most of a calendar is more likely wrong than a clinic's will: its cancellations wait.

use serde_json::json;
use shared::appointment::{Appointment, Status};

use crate::clinic::Clinic;

/// A clinic with so many appointments to come, all shown, whose next listing is a full one.
async fn clinic_with(count: u32) -> (Clinic, Vec<Appointment>) {
    let (clinic, appointments) = Clinic::with(count).await;
    clinic.google.expire_sync_tokens();
    (clinic, appointments)
}

fn delete(clinic: &Clinic, appointments: &[Appointment]) {
    for appointment in appointments {
        clinic.delete(&appointment.google_calendar_event_id);
    }
}

fn restore(clinic: &Clinic, appointments: &[Appointment]) {
    for appointment in appointments {
        clinic.restore(&appointment.google_calendar_event_id);
    }
}

async fn cancelled(clinic: &Clinic, appointments: &[Appointment]) -> usize {
    let mut count = 0;
    for appointment in appointments {
        count += usize::from(clinic.read(appointment.id).await.status == Status::Cancelled);
    }
    count
}

#[tokio::test]
async fn ten_are_cancelled_whatever_their_share_and_eleven_only_up_to_half() {
    for (upcoming, missing, held) in [(10, 10, false), (11, 11, true), (22, 11, false), (21, 11, true)] {
        let (clinic, appointments) = clinic_with(upcoming).await;
        let gone = &appointments[..missing];
        delete(&clinic, gone);
        let pulled = clinic.pull().await.unwrap();
        let expected = if held { 0 } else { missing };
        assert_eq!(
            (pulled.full, pulled.cancelled, pulled.mass_cancel_held),
            (true, expected, held),
            "{missing} of {upcoming}"
        );
        assert_eq!(clinic.status().await.mass_cancel_held, held);
        assert_eq!(cancelled(&clinic, &appointments).await, expected);
    }
}

#[tokio::test]
async fn only_what_is_to_come_counts() {
    let (clinic, appointments) = clinic_with(11).await;
    // One of the eleven is over by the time that it goes missing.
    let past = "update appointments set starts_at = now() - interval '2 hours', ends_at = now() - interval '1 hour' \
                where id = (select min(id::text)::uuid from appointments)";
    clinic.sql(past).await;
    delete(&clinic, &appointments);
    let pulled = clinic.pull().await.unwrap();
    assert_eq!((pulled.cancelled, pulled.mass_cancel_held), (11, false));
}

#[tokio::test]
async fn while_cancellations_are_held_everything_else_applies_and_status_says_so() {
    let (clinic, appointments) = clinic_with(14).await;
    let (kept, gone) = appointments.split_at(2);
    delete(&clinic, gone);
    clinic.edit(&kept[0].google_calendar_event_id, &json!({"location": "Room 2"}));
    for _ in 0..2 {
        let held = clinic.pull().await.unwrap();
        assert_eq!(
            (held.full, held.cancelled, held.mass_cancel_held),
            (true, 0, true)
        );
    }
    assert_eq!(clinic.read(kept[0].id).await.location.as_deref(), Some("Room 2"));
    let status = clinic.status().await;
    assert!(status.mass_cancel_held);
    assert_eq!(status.last_sync_result.unwrap()["mass_cancel_held"], true);
    // Callers go on with what is there.
    clinic.cancel(kept[1].id).await;
    clinic.push().await.unwrap();
    assert_eq!(cancelled(&clinic, &appointments).await, 1);
    assert_eq!(clinic.live_events().len(), 1);
    clinic.check_manners();
}

#[tokio::test]
async fn a_calendar_that_is_back_clears_it_by_itself() {
    let (clinic, appointments) = clinic_with(12).await;
    delete(&clinic, &appointments);
    assert!(clinic.pull().await.unwrap().mass_cancel_held);
    restore(&clinic, &appointments);
    let back = clinic.pull().await.unwrap();
    assert_eq!(
        (back.cancelled, back.restored, back.mass_cancel_held),
        (0, 0, false)
    );
    assert!(!clinic.status().await.mass_cancel_held);
    assert_eq!(cancelled(&clinic, &appointments).await, 0);
    clinic.check_callers_go_on(appointments[0].id).await;
}

#[tokio::test]
async fn a_calendar_that_is_back_in_part_cancels_what_is_still_missing() {
    let (clinic, appointments) = clinic_with(12).await;
    delete(&clinic, &appointments);
    assert!(clinic.pull().await.unwrap().mass_cancel_held);
    restore(&clinic, &appointments[..2]);
    let recovered = clinic.pull().await.unwrap();
    assert_eq!((recovered.cancelled, recovered.mass_cancel_held), (10, false));
    clinic.check_callers_go_on(appointments[0].id).await;
    clinic.check_callers_go_on(appointments[11].id).await;
}

#[tokio::test]
async fn a_confirmation_is_good_for_one_run() {
    let (clinic, appointments) = clinic_with(24).await;
    let (first, second) = appointments.split_at(13);
    delete(&clinic, first);
    assert!(clinic.pull().await.unwrap().mass_cancel_held);
    let confirmed = clinic.pull_confirming(true).await.unwrap();
    assert_eq!((confirmed.cancelled, confirmed.mass_cancel_held), (13, false));
    assert!(!clinic.status().await.mass_cancel_held);
    clinic.check_callers_go_on(second[0].id).await;

    delete(&clinic, second);
    clinic.google.expire_sync_tokens();
    let held = clinic.pull().await.unwrap();
    assert_eq!((held.cancelled, held.mass_cancel_held), (0, true));
}

#[tokio::test]
async fn deletions_that_google_names_one_by_one_are_believed() {
    let (clinic, appointments) = clinic_with(12).await;
    // A full listing, then an increment with a tombstone for each.
    clinic.pull().await.unwrap();
    delete(&clinic, &appointments);
    let pulled = clinic.pull().await.unwrap();
    assert_eq!(
        (pulled.full, pulled.cancelled, pulled.mass_cancel_held),
        (false, 12, false)
    );
    clinic.check_callers_go_on(appointments[0].id).await;
}
