//! Series: their occurrences, and the exceptions to them.

use serde_json::{Value, json};
use shared::appointment::queries::Changed;

use super::{days, event, event_in, with};
use crate::clinic::{Clinic, changed};
use crate::person::moved_to;

/// Four Mondays from 1 March on, at one.
fn weekly() -> Value {
    let lunch = event("2027-03-01T13:00:00+05:00", "2027-03-01T14:00:00+05:00");
    with(lunch, "recurrence", json!(["RRULE:FREQ=WEEKLY;COUNT=4"]))
}

const FIRST: &str = "03-01 13:00 to 03-01 14:00";
const SECOND: &str = "03-08 13:00 to 03-08 14:00";
const THIRD: &str = "03-15 13:00 to 03-15 14:00";
const FOURTH: &str = "03-22 13:00 to 03-22 14:00";

fn occurrence(series: &str, day: &str) -> String {
    format!("{series}_{day}T080000Z")
}

#[tokio::test]
async fn each_occurrence_takes_its_time_but_those_that_were_moved_freed_or_cancelled() {
    let clinic = Clinic::open().await;
    let series = clinic.own(&weekly());
    assert_eq!(clinic.taken_once_pulled().await, [FIRST, SECOND, THIRD, FOURTH]);

    let second = occurrence(&series, "20270308");
    clinic.edit(
        &second,
        &moved_to("2027-03-09T15:00:00+05:00", "2027-03-09T16:00:00+05:00"),
    );
    let moved = "03-09 15:00 to 03-09 16:00";
    assert_eq!(clinic.taken_once_pulled().await, [FIRST, moved, THIRD, FOURTH]);

    clinic.delete(&occurrence(&series, "20270315"));
    assert_eq!(clinic.taken_once_pulled().await, [FIRST, moved, FOURTH]);
    clinic.edit(
        &occurrence(&series, "20270322"),
        &json!({"transparency": "transparent"}),
    );
    assert_eq!(clinic.taken_once_pulled().await, [FIRST, moved]);
    clinic.delete(&second);
    assert_eq!(clinic.taken_once_pulled().await, [FIRST]);
    clinic.restore(&second);
    assert_eq!(clinic.taken_once_pulled().await, [FIRST, moved]);
}

#[tokio::test]
async fn a_series_and_its_exceptions_are_the_same_in_a_full_listing() {
    let clinic = Clinic::open().await;
    let series = clinic.own(&weekly());
    let second = occurrence(&series, "20270308");
    clinic.edit(
        &second,
        &moved_to("2027-03-09T15:00:00+05:00", "2027-03-09T16:00:00+05:00"),
    );
    clinic.delete(&occurrence(&series, "20270315"));
    let expected = [FIRST, "03-09 15:00 to 03-09 16:00", FOURTH];
    assert_eq!(clinic.taken_once_pulled().await, expected);
    clinic.google.expire_sync_tokens();
    clinic.check_pull_writes_nothing().await;
    assert_eq!(clinic.taken().await, expected);
}

#[tokio::test]
async fn a_series_that_is_changed_deleted_or_made_single_is_followed() {
    let clinic = Clinic::open().await;
    let series = clinic.own(&weekly());
    clinic.edit(
        &occurrence(&series, "20270308"),
        &json!({"summary": "Late lunch"}),
    );
    clinic.pull().await.unwrap();
    clinic.edit(
        &series,
        &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Asia/Karachi:20270315T130000"]}),
    );
    assert_eq!(clinic.taken_once_pulled().await, [FIRST, SECOND, FOURTH]);
    clinic.delete(&series);
    assert!(clinic.taken_once_pulled().await.is_empty());
    clinic.restore(&series);
    // The occurrence that was edited is still in the bin.
    assert_eq!(clinic.taken_once_pulled().await, [FIRST, FOURTH]);
    clinic.edit(&series, &json!({"transparency": "transparent"}));
    assert!(clinic.taken_once_pulled().await.is_empty());
    clinic.edit(&series, &json!({"recurrence": null, "transparency": "opaque"}));
    assert_eq!(clinic.taken_once_pulled().await, [FIRST]);
}

#[tokio::test]
async fn a_series_keeps_its_own_wall_time_whatever_the_clinics_clocks_do() {
    let clinic = Clinic::open().await;
    let call = event_in(
        "America/New_York",
        "2027-03-07T09:00:00-05:00",
        "2027-03-07T09:30:00-05:00",
    );
    clinic.own(&with(call, "recurrence", json!(["RRULE:FREQ=WEEKLY;COUNT=2"])));
    let call = event_in(
        "America/New_York",
        "2027-10-31T09:00:00-04:00",
        "2027-10-31T09:30:00-04:00",
    );
    clinic.own(&with(call, "recurrence", json!(["RRULE:FREQ=WEEKLY;COUNT=2"])));
    assert_eq!(
        clinic.taken_once_pulled().await,
        [
            "03-07 19:00 to 03-07 19:30",
            "03-14 18:00 to 03-14 18:30",
            "10-31 18:00 to 10-31 18:30",
            "11-07 19:00 to 11-07 19:30"
        ]
    );
}

#[tokio::test]
async fn days_recur_as_days_and_one_of_them_may_be_freed() {
    let clinic = Clinic::open().await;
    let fridays = json!(["RRULE:FREQ=WEEKLY;UNTIL=20270319", "EXDATE;VALUE=DATE:20270312"]);
    let series = clinic.own(&with(days("2027-03-05", "2027-03-06"), "recurrence", fridays));
    let (first, third) = ("03-05 00:00 to 03-06 00:00", "03-19 00:00 to 03-20 00:00");
    assert_eq!(clinic.taken_once_pulled().await, [first, third]);
    clinic.delete(&format!("{series}_20270319"));
    assert_eq!(clinic.taken_once_pulled().await, [first]);
}

#[tokio::test]
async fn further_occurrences_of_an_appointments_event_are_busy_and_the_first_is_the_appointment() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}));
    let all = [
        "03-01 09:00 to 03-01 09:30",
        "03-08 09:00 to 03-08 09:30",
        "03-15 09:00 to 03-15 09:30",
    ];
    assert_eq!(clinic.taken_once_pulled().await, all);
    assert_eq!(
        clinic
            .rows("select from busy_events cross join unnest(busy)")
            .await
            .len(),
        2
    );

    // A caller's move takes the series along, so the series is not in its way.
    let other = clinic.book("2027-03-02T09:00:00+05:00").await;
    let onto = json!({"starts_at": "2027-03-08T09:00:00+05:00", "duration_minutes": 30});
    let refused = clinic.patch(other.id, onto.clone()).await;
    assert!(matches!(refused, Changed::Busy), "{refused:?}");
    changed(clinic.patch(appointment.id, onto).await);
    clinic.cancel(other.id).await;
    clinic.tick().await;
    assert_eq!(
        clinic.taken_once_pulled().await,
        [all[1], all[2], "03-22 09:00 to 03-22 09:30"]
    );

    clinic.edit(event_id, &json!({"recurrence": null}));
    assert_eq!(clinic.taken_once_pulled().await, [all[1]]);
}

#[tokio::test]
async fn a_cancelled_appointments_series_is_free() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}));
    clinic.edit(
        &format!("{event_id}_20270308T040000Z"),
        &json!({"summary": "Follow-up"}),
    );
    clinic.tick().await;
    assert_eq!(clinic.taken().await.len(), 3);
    clinic.cancel(appointment.id).await;
    clinic.tick().await;
    assert!(clinic.taken_once_pulled().await.is_empty());
}
