//! A person moves, stretches, or makes all-day.

use serde_json::json;

use super::{moved_in, moved_to, whole_days};
use crate::clinic::{Clinic, at, changed};

#[tokio::test]
async fn whole_days_come_in_as_days_and_stay_days() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &whole_days("2027-03-03", "2027-03-04"));
    clinic.pull().await.unwrap();
    let all_day = clinic.read(appointment.id).await;
    assert_eq!(all_day.starts_at, at("2027-03-03T00:00:00+05:00"));
    assert_eq!(all_day.ends_at, at("2027-03-04T00:00:00+05:00"));
    clinic.check_at_rest().await;

    changed(clinic.patch(appointment.id, json!({"notes": "all day"})).await);
    clinic.push().await.unwrap();
    assert_eq!(clinic.event(event_id)["start"], json!({"date": "2027-03-03"}));

    let times = json!({"starts_at": "2027-03-03T09:00:00+05:00", "duration_minutes": 30});
    changed(clinic.patch(appointment.id, times).await);
    clinic.push().await.unwrap();
    assert_eq!(
        clinic.event(event_id)["start"]["dateTime"],
        "2027-03-03T09:00:00+05:00"
    );
    clinic.pull().await.unwrap();
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn a_move_and_a_stretch_come_in() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    for (start, end) in [
        ("2027-03-02T11:00:00+05:00", "2027-03-02T11:30:00+05:00"),
        ("2027-03-02T11:00:00+05:00", "2027-03-02T12:15:00+05:00"),
        ("2027-03-02T23:30:00+05:00", "2027-03-03T00:30:00+05:00"),
        ("2027-03-02T09:00:00+05:00", "2027-03-05T18:00:00+05:00"),
    ] {
        clinic.edit(event_id, &moved_to(start, end));
        assert_eq!(clinic.pull().await.unwrap().updated, 1);
        let moved = clinic.read(appointment.id).await;
        assert_eq!((moved.starts_at, moved.ends_at), (at(start), at(end)));
        clinic.check_callers_go_on(appointment.id).await;
    }
}

#[tokio::test]
async fn a_move_into_the_past_is_kept() {
    let (clinic, appointment) = Clinic::with_one().await;
    let past = moved_to("2026-01-05T09:00:00+05:00", "2026-01-05T09:30:00+05:00");
    clinic.edit(&appointment.google_calendar_event_id, &past);
    clinic.pull().await.unwrap();
    let moved = clinic.read(appointment.id).await;
    assert_eq!(moved.starts_at, at("2026-01-05T09:00:00+05:00"));
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn made_all_day_and_timed_again_an_appointment_follows() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    clinic.edit(event_id, &whole_days("2027-03-03", "2027-03-05"));
    clinic.pull().await.unwrap();
    let days = clinic.read(appointment.id).await;
    assert_eq!(days.starts_at, at("2027-03-03T00:00:00+05:00"));
    assert_eq!(days.ends_at, at("2027-03-05T00:00:00+05:00"));
    clinic.check_callers_go_on(appointment.id).await;
    assert_eq!(clinic.event(event_id)["end"], json!({"date": "2027-03-05"}));

    let time = |at: &str| json!({"date": null, "dateTime": at, "timeZone": "Asia/Karachi"});
    let (start, end) = (
        time("2027-03-03T10:00:00+05:00"),
        time("2027-03-03T10:45:00+05:00"),
    );
    clinic.edit(event_id, &json!({"start": start, "end": end}));
    clinic.pull().await.unwrap();
    let timed = clinic.read(appointment.id).await;
    assert_eq!(timed.starts_at, at("2027-03-03T10:00:00+05:00"));
    assert_eq!(timed.ends_at, at("2027-03-03T10:45:00+05:00"));
    clinic.check_callers_go_on(appointment.id).await;
}

#[tokio::test]
async fn another_time_zone_comes_in_with_the_wall_time_or_without() {
    for (start, end) in [
        // The instants stay, only the zone is another,
        ("2027-03-01T04:00:00+00:00", "2027-03-01T04:30:00+00:00"),
        // or nine o'clock stays nine o'clock, as in Google's own editor.
        ("2027-03-01T09:00:00+00:00", "2027-03-01T09:30:00+00:00"),
    ] {
        let (clinic, appointment) = Clinic::with_one().await;
        let event_id = &appointment.google_calendar_event_id;
        let zone = "Europe/London";
        clinic.edit(event_id, &moved_in(zone, start, end));
        assert_eq!(clinic.pull().await.unwrap().updated, 1);
        let moved = clinic.read(appointment.id).await;
        assert_eq!(
            (moved.starts_at, moved.time_zone),
            (at(start), chrono_tz::Europe::London)
        );
        let change = clinic.last_change(appointment.id).await;
        assert_eq!(change["time_zone"], json!({"from": "Asia/Karachi", "to": zone}));
        clinic.check_callers_go_on(appointment.id).await;
        assert_eq!(clinic.event(event_id)["start"]["timeZone"], zone);
    }
}
