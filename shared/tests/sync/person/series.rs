//! A person makes an appointment's event recurring. The appointment is the first of the series; the others are the
//! person's own for as long as the series is there.

use serde_json::{Value, json};
use shared::appointment::{Appointment, Status};

use super::moved_to;
use crate::clinic::{CALENDAR, Clinic, at, changed};

/// The second occurrence of the series, a week after the first.
const SECOND: &str = "20270308T040000Z";

async fn weekly() -> (Clinic, Appointment) {
    let (clinic, appointment) = Clinic::with_one().await;
    let weekly = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    clinic.edit(&appointment.google_calendar_event_id, &weekly);
    clinic.tick().await;
    (clinic, appointment)
}

/// The appointment is still at nine on 1 March, and its event a series.
async fn check_first_stands(clinic: &Clinic, appointment: &Appointment) {
    let now = clinic.read(appointment.id).await;
    assert_eq!(now.status, Status::Scheduled);
    assert_eq!(now.starts_at, at("2027-03-01T09:00:00+05:00"));
    clinic.check_callers_go_on(appointment.id).await;
    let event = clinic.event(&appointment.google_calendar_event_id);
    assert_eq!(event["recurrence"], json!(["RRULE:FREQ=WEEKLY;COUNT=4"]));
}

#[tokio::test]
async fn made_recurring_the_event_stays_that_of_its_appointment_and_stays_recurring() {
    let (clinic, appointment) = weekly().await;
    assert_eq!(clinic.read(appointment.id).await.version, 1);
    check_first_stands(&clinic, &appointment).await;
}

#[tokio::test]
async fn an_occurrence_that_is_edited_or_deleted_is_the_persons_own() {
    for occurrence in ["20270301T040000Z", SECOND] {
        let (clinic, appointment) = weekly().await;
        let id = format!("{}_{occurrence}", appointment.google_calendar_event_id);
        let mut edit = moved_to("2027-03-09T15:00:00+05:00", "2027-03-09T16:00:00+05:00");
        edit["summary"] = json!("Follow-up");
        clinic.edit(&id, &edit);
        clinic.tick().await;
        check_first_stands(&clinic, &appointment).await;
        let own = clinic.event(&id);
        assert_eq!(
            (&own["summary"], &own["last_changed_by"]),
            (&json!("Follow-up"), &json!("person"))
        );

        clinic.delete(&id);
        clinic.tick().await;
        check_first_stands(&clinic, &appointment).await;
        assert_eq!(clinic.event(&id)["status"], "cancelled");
    }
}

#[tokio::test]
async fn a_change_of_the_whole_series_is_one_of_the_appointment() {
    let (clinic, appointment) = weekly().await;
    let event_id = &appointment.google_calendar_event_id;
    let mut edit = moved_to("2027-03-02T10:00:00+05:00", "2027-03-02T10:30:00+05:00");
    edit["summary"] = json!("Physiotherapy");
    clinic.edit(event_id, &edit);
    assert_eq!(clinic.pull().await.unwrap().updated, 1);
    let moved = clinic.read(appointment.id).await;
    assert_eq!(moved.title, "Physiotherapy");
    assert_eq!(moved.starts_at, at("2027-03-02T10:00:00+05:00"));
    clinic.check_callers_go_on(appointment.id).await;

    // A caller's move takes the series along, as it does in Google.
    let times = json!({"starts_at": "2027-03-03T10:00:00+05:00", "duration_minutes": 30});
    changed(clinic.patch(appointment.id, times).await);
    clinic.tick().await;
    let event = clinic.event(event_id);
    assert_eq!(event["start"]["dateTime"], "2027-03-03T10:00:00+05:00");
    assert_eq!(event["recurrence"], json!(["RRULE:FREQ=WEEKLY;COUNT=4"]));
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn this_and_all_following_changed_leaves_a_shorter_series_and_one_of_the_persons_own() {
    let (clinic, appointment) = weekly().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(
        event_id,
        &json!({"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270307T235959Z"]}),
    );
    let time = |at: &str| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
    let rest = json!({
        "summary": "Follow-up", "start": time("2027-03-08T15:00:00+05:00"), "end": time("2027-03-08T15:30:00+05:00"),
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
        "extendedProperties": clinic.event(event_id)["extendedProperties"]
    });
    let rest = clinic.google.person().add(CALENDAR, &rest).unwrap();
    clinic.tick().await;
    assert_eq!(
        clinic.read(appointment.id).await.starts_at,
        at("2027-03-01T09:00:00+05:00")
    );
    clinic.check_callers_go_on(appointment.id).await;
    assert_eq!(clinic.event(rest["id"].as_str().unwrap())["etag"], rest["etag"]);
}

#[tokio::test]
async fn made_single_again_nothing_is_left_of_the_series() {
    let (clinic, appointment) = weekly().await;
    clinic.edit(
        &appointment.google_calendar_event_id,
        &json!({"recurrence": null}),
    );
    clinic.tick().await;
    assert_eq!(clinic.read(appointment.id).await.version, 1);
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn the_deletion_of_the_series_cancels_and_its_restoration_brings_back() {
    let (clinic, appointment) = weekly().await;
    let event_id = &appointment.google_calendar_event_id;
    let second = format!("{event_id}_{SECOND}");
    clinic.edit(&second, &json!({"summary": "Follow-up"}));
    clinic.delete(event_id);
    assert_eq!(clinic.pull().await.unwrap().cancelled, 1);
    clinic.check_at_rest().await;
    clinic.restore(event_id);
    assert_eq!(clinic.pull().await.unwrap().restored, 1);
    check_first_stands(&clinic, &appointment).await;
}

#[tokio::test]
async fn a_callers_cancellation_or_reschedule_takes_the_series_with_it() {
    for cancel in [true, false] {
        let (clinic, appointment) = weekly().await;
        let event_id = &appointment.google_calendar_event_id;
        clinic.edit(&format!("{event_id}_{SECOND}"), &json!({"summary": "Follow-up"}));
        if cancel {
            clinic.cancel(appointment.id).await;
        } else {
            clinic
                .reschedule(appointment.id, "2027-03-05T09:00:00+05:00")
                .await;
        }
        clinic.tick().await;
        let live: Vec<Value> = clinic.live_events();
        assert_eq!(live.len(), usize::from(!cancel), "{live:?}");
        assert!(live.iter().all(|event| event["recurrence"].is_null()));
        clinic.check_callers_go_on(appointment.id).await;
    }
}
