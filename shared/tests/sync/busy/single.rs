//! Single events, and what callers are told about them.

use serde_json::json;
use shared::appointment::queries::{Booked, Changed};

use super::{days, event, event_in, with};
use crate::clinic::{CALENDAR, Clinic, changed};
use crate::person::moved_to;

fn lunch() -> serde_json::Value {
    event("2027-03-01T13:00:00+05:00", "2027-03-01T14:00:00+05:00")
}

#[tokio::test]
async fn an_event_of_a_persons_own_takes_its_time_unless_it_says_otherwise() {
    let clinic = Clinic::open().await;
    let declined = json!([
        {"email": "b@example.com", "responseStatus": "accepted"},
        {"email": CALENDAR, "self": true, "responseStatus": "declined"}
    ]);
    let accepted = json!([{"email": CALENDAR, "self": true, "responseStatus": "accepted"}]);
    for (case, busy) in [
        (lunch(), true),
        (with(lunch(), "status", json!("tentative")), true),
        (with(lunch(), "eventType", json!("outOfOffice")), true),
        (with(lunch(), "eventType", json!("focusTime")), true),
        (with(lunch(), "attendees", accepted), true),
        (with(lunch(), "transparency", json!("transparent")), false),
        (with(lunch(), "eventType", json!("workingLocation")), false),
        (with(lunch(), "attendees", declined), false),
    ] {
        let id = clinic.own(&case);
        let taken = clinic.taken_once_pulled().await;
        assert_eq!(taken.len(), usize::from(busy), "{case}: {taken:?}");
        clinic.delete(&id);
        assert!(clinic.taken_once_pulled().await.is_empty(), "{case}");
    }
}

#[tokio::test]
async fn days_block_the_clinics_days() {
    let clinic = Clinic::open().await;
    clinic.own(&days("2027-03-01", "2027-03-02"));
    clinic.own(&days("2027-05-01", "2027-05-04"));
    assert_eq!(
        clinic.taken_once_pulled().await,
        ["03-01 00:00 to 03-02 00:00", "05-01 00:00 to 05-04 00:00"]
    );
}

#[tokio::test]
async fn days_last_as_long_as_the_clocks_make_them() {
    let mut clinic = Clinic::open().await;
    clinic.set_zone(chrono_tz::America::New_York);
    clinic.own(&days("2027-03-14", "2027-03-15"));
    clinic.own(&days("2027-11-07", "2027-11-08"));
    clinic.own(&event_in(
        "America/New_York",
        "2027-11-07T01:30:00-04:00",
        "2027-11-07T01:30:00-05:00",
    ));
    clinic.pull().await.unwrap();
    let lengths = clinic
        .rows(
            "select extract(epoch from upper(span) - lower(span))::int / 3600
             from busy_events cross join unnest(busy) as span order by lower(span), upper(span)",
        )
        .await;
    let hours: Vec<i32> = lengths.iter().map(|row| row.get(0)).collect();
    assert_eq!(hours, [23, 25, 1]);
}

#[tokio::test]
async fn an_event_that_is_moved_freed_deleted_or_restored_is_followed() {
    let clinic = Clinic::open().await;
    let id = clinic.own(&lunch());
    assert_eq!(clinic.taken_once_pulled().await, ["03-01 13:00 to 03-01 14:00"]);
    clinic.edit(
        &id,
        &moved_to("2027-03-02T12:00:00+05:00", "2027-03-02T12:30:00+05:00"),
    );
    let moved = ["03-02 12:00 to 03-02 12:30"];
    assert_eq!(clinic.taken_once_pulled().await, moved);
    clinic.edit(&id, &json!({"transparency": "transparent"}));
    assert!(clinic.taken_once_pulled().await.is_empty());
    clinic.edit(&id, &json!({"transparency": "opaque"}));
    assert_eq!(clinic.taken_once_pulled().await, moved);
    clinic.delete(&id);
    assert!(clinic.taken_once_pulled().await.is_empty());
    clinic.restore(&id);
    assert_eq!(clinic.taken_once_pulled().await, moved);
}

#[tokio::test]
async fn what_is_long_past_is_not_kept() {
    let clinic = Clinic::open().await;
    let id = clinic.own(&lunch());
    clinic.own(&event("2020-03-01T13:00:00+05:00", "2020-03-01T14:00:00+05:00"));
    let mut old = event("2020-03-01T13:00:00+05:00", "2020-03-01T14:00:00+05:00");
    old["recurrence"] = json!(["RRULE:FREQ=DAILY;COUNT=9"]);
    clinic.own(&old);
    clinic.pull().await.unwrap();
    assert_eq!(clinic.rows("select from busy_events").await.len(), 1);
    clinic.edit(
        &id,
        &moved_to("2020-03-02T12:00:00+05:00", "2020-03-02T12:30:00+05:00"),
    );
    clinic.pull().await.unwrap();
    assert_eq!(clinic.rows("select from busy_events").await.len(), 0);
}

#[tokio::test]
async fn callers_do_not_book_over_it_unless_they_say_so() {
    let clinic = Clinic::open().await;
    clinic.own(&lunch());
    clinic.pull().await.unwrap();
    let within = "2027-03-01T13:30:00+05:00";
    let refused = clinic.try_book(within, json!({})).await;
    assert!(matches!(refused, Booked::Busy), "{refused:?}");
    for touching in ["2027-03-01T12:30:00+05:00", "2027-03-01T14:00:00+05:00"] {
        clinic.book(touching).await;
    }
    let allowed = clinic.try_book(within, json!({"allow_busy": true})).await;
    assert!(matches!(allowed, Booked::Booked(_)), "{allowed:?}");
    // An appointment underneath is another matter.
    let taken = clinic.try_book(within, json!({"allow_busy": true})).await;
    assert!(matches!(taken, Booked::SlotTaken), "{taken:?}");
}

#[tokio::test]
async fn callers_move_or_reopen_nothing_onto_it_unless_they_say_so() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    clinic.own(&lunch());
    clinic.tick().await;
    let onto = |allow_busy: bool| json!({"starts_at": "2027-03-01T13:30:00+05:00", "duration_minutes": 30, "allow_busy": allow_busy});
    let refused = clinic.patch(appointment.id, onto(false)).await;
    assert!(matches!(refused, Changed::Busy), "{refused:?}");
    changed(clinic.patch(appointment.id, onto(true)).await);
    // It lies there now: what moves it nowhere asks for nothing.
    changed(
        clinic
            .patch(appointment.id, json!({"notes": "bring the x-ray"}))
            .await,
    );
    clinic.cancel(appointment.id).await;
    let refused = clinic.patch(appointment.id, json!({"status": "scheduled"})).await;
    assert!(matches!(refused, Changed::Busy), "{refused:?}");
    let reopened = json!({"status": "scheduled", "allow_busy": true});
    changed(clinic.patch(appointment.id, reopened).await);
}

#[tokio::test]
async fn an_appointments_own_event_is_not_busy_nor_one_that_a_reschedule_left_behind() {
    let (clinic, appointment) = Clinic::with_one().await;
    clinic
        .reschedule(appointment.id, "2027-03-01T10:00:00+05:00")
        .await;
    // Both events are there while this one is pulled.
    clinic.edit(
        &appointment.google_calendar_event_id,
        &json!({"location": "Room 2"}),
    );
    clinic.pull().await.unwrap();
    assert_eq!(clinic.taken().await, ["03-01 10:00 to 03-01 10:30"]);
    assert_eq!(clinic.rows("select from busy_events").await.len(), 0);
    // A copy is a person's own.
    clinic
        .google
        .person()
        .duplicate(CALENDAR, &appointment.google_calendar_event_id)
        .unwrap();
    clinic.pull().await.unwrap();
    assert_eq!(clinic.taken().await.len(), 2);
}
