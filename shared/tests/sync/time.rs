//! Wall time stays what people saw: over changes of the clocks, in odd zones, and when the clinic's zone changes.

use chrono_tz::Tz;
use serde_json::json;

use crate::clinic::{Clinic, at, changed};
use crate::person::{moved_in, whole_days};

/// A clinic in this zone.
async fn clinic_in(zone: Tz) -> Clinic {
    let mut clinic = Clinic::open().await;
    clinic.set_zone(zone);
    clinic
}

#[tokio::test]
async fn a_booking_and_a_persons_move_keep_their_wall_time_in_any_zone_and_season() {
    for (zone, booked, moved_to, until) in [
        // Over the clocks' change, forward and back.
        (
            "America/New_York",
            "2027-03-13T09:00:00-05:00",
            "2027-03-14T09:00:00-04:00",
            "2027-03-14T09:30:00-04:00",
        ),
        (
            "America/New_York",
            "2027-11-06T09:00:00-04:00",
            "2027-11-07T09:00:00-05:00",
            "2027-11-07T09:30:00-05:00",
        ),
        (
            "Europe/London",
            "2027-03-27T09:00:00Z",
            "2027-03-28T09:00:00+01:00",
            "2027-03-28T09:30:00+01:00",
        ),
        (
            "Europe/London",
            "2027-10-30T09:00:00+01:00",
            "2027-10-31T09:00:00Z",
            "2027-10-31T09:30:00Z",
        ),
        // From before midnight to after it, over the change of the clocks.
        (
            "America/New_York",
            "2027-03-13T23:45:00-05:00",
            "2027-11-06T23:45:00-04:00",
            "2027-11-07T02:15:00-05:00",
        ),
        // The hour that comes twice: first the first, then the second.
        (
            "America/New_York",
            "2027-11-07T01:30:00-04:00",
            "2027-11-07T01:30:00-05:00",
            "2027-11-07T02:00:00-05:00",
        ),
        // Half and quarter hours.
        (
            "Asia/Kolkata",
            "2027-03-01T09:00:00+05:30",
            "2027-03-02T23:45:00+05:30",
            "2027-03-03T00:15:00+05:30",
        ),
        (
            "Asia/Kathmandu",
            "2027-03-01T09:00:00+05:45",
            "2027-03-02T23:45:00+05:45",
            "2027-03-03T00:15:00+05:45",
        ),
    ] {
        let tz: Tz = zone.parse().unwrap();
        let clinic = clinic_in(tz).await;
        let appointment = clinic.book(booked).await;
        clinic.tick().await;
        let event_id = &appointment.google_calendar_event_id;
        let shown = clinic.event(event_id);
        assert_eq!(shown["start"], json!({"dateTime": booked, "timeZone": zone}));
        clinic.check_at_rest().await;

        clinic.edit(event_id, &moved_in(zone, moved_to, until));
        clinic.tick().await;
        let moved = clinic.read(appointment.id).await;
        assert_eq!((moved.starts_at, moved.ends_at), (at(moved_to), at(until)));
        assert_eq!(moved.time_zone, tz);
        clinic.check_at_rest().await;

        changed(
            clinic
                .patch(
                    appointment.id,
                    json!({"starts_at": booked, "duration_minutes": 30}),
                )
                .await,
        );
        clinic.tick().await;
        assert_eq!(clinic.event(event_id)["start"], shown["start"]);
        clinic.check_at_rest().await;
    }
}

#[tokio::test]
async fn a_wall_time_that_is_skipped_is_shown_when_the_clock_goes_on() {
    let tz = chrono_tz::America::New_York;
    let clinic = clinic_in(tz).await;
    let appointment = clinic.book("2027-03-14T02:30:00-05:00").await;
    clinic.tick().await;
    let shown = clinic.event(&appointment.google_calendar_event_id);
    assert_eq!(shown["start"]["dateTime"], "2027-03-14T03:30:00-04:00");
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn whole_days_are_as_long_as_they_are_where_the_clinic_is() {
    for (zone, first, end, hours) in [
        (chrono_tz::America::New_York, "2027-03-14", "2027-03-15", 23),
        (chrono_tz::America::New_York, "2027-11-07", "2027-11-08", 25),
        (chrono_tz::Europe::London, "2027-03-27", "2027-03-30", 71),
        (chrono_tz::Asia::Kathmandu, "2027-03-14", "2027-03-15", 24),
    ] {
        let clinic = clinic_in(zone).await;
        let appointment = clinic.book("2027-03-01T09:00:00Z").await;
        clinic.tick().await;
        let event_id = &appointment.google_calendar_event_id;
        clinic.edit(event_id, &whole_days(first, end));
        clinic.tick().await;
        let all_day = clinic.read(appointment.id).await;
        assert_eq!(
            (all_day.ends_at - all_day.starts_at).num_hours(),
            hours,
            "{first} {zone}"
        );
        clinic.check_at_rest().await;

        changed(clinic.patch(appointment.id, json!({"notes": "all day"})).await);
        clinic.tick().await;
        let event = clinic.event(event_id);
        assert_eq!(
            (&event["start"], &event["end"]),
            (&json!({"date": first}), &json!({"date": end}))
        );
        clinic.check_at_rest().await;
    }
}

#[tokio::test]
async fn another_clinic_zone_moves_and_rewrites_nothing() {
    let mut clinic = Clinic::open().await;
    let timed = clinic.book("2027-03-01T09:00:00+05:00").await;
    let all_day = clinic.book("2027-03-02T09:00:00+05:00").await;
    clinic.tick().await;
    let (timed_event, day_event) = (&timed.google_calendar_event_id, &all_day.google_calendar_event_id);
    clinic.edit(day_event, &whole_days("2027-03-03", "2027-03-04"));
    clinic.tick().await;
    let before = clinic.read(all_day.id).await;

    clinic.set_zone(chrono_tz::Europe::London);
    clinic.google.expire_sync_tokens();
    clinic.tick().await;
    clinic.check_at_rest().await;

    // What either side changes now leaves the times alone.
    for event_id in [timed_event, day_event] {
        clinic.edit(event_id, &json!({"location": "Room 2"}));
    }
    clinic.tick().await;
    for appointment in [&timed, &all_day] {
        changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
        clinic.tick().await;
        changed(clinic.patch(appointment.id, json!({"notes": "Ours"})).await);
        clinic.tick().await;
        clinic.check_at_rest().await;
    }
    let after = clinic.read(all_day.id).await;
    assert_eq!(
        (after.starts_at, after.ends_at),
        (before.starts_at, before.ends_at)
    );
    let day = clinic.event(day_event);
    assert_eq!(
        (&day["start"], &day["summary"]),
        (&json!({"date": "2027-03-03"}), &json!("Ours"))
    );
    let kept = clinic.read(timed.id).await;
    assert_eq!(
        (kept.starts_at, kept.time_zone),
        (timed.starts_at, chrono_tz::Asia::Karachi)
    );
    let event = clinic.event(timed_event);
    assert_eq!(event["start"]["timeZone"], "Asia/Karachi");

    // Another day is read in the zone that is the clinic's now.
    clinic.edit(day_event, &whole_days("2027-03-05", "2027-03-06"));
    clinic.tick().await;
    assert_eq!(
        clinic.read(all_day.id).await.starts_at,
        at("2027-03-05T00:00:00Z")
    );
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn an_event_whose_time_bears_only_an_offset_keeps_the_appointments_zone() {
    let (clinic, appointment) = Clinic::with_one().await;
    let event_id = &appointment.google_calendar_event_id;
    let time = |at: &str| json!({"dateTime": at, "timeZone": null});
    let (start, end) = (
        time("2027-03-01T11:00:00+07:00"),
        time("2027-03-01T11:45:00+07:00"),
    );
    clinic.edit(event_id, &json!({"start": start, "end": end}));
    clinic.tick().await;
    let moved = clinic.read(appointment.id).await;
    assert_eq!(moved.starts_at, at("2027-03-01T09:00:00+05:00"));
    assert_eq!(moved.ends_at, at("2027-03-01T09:45:00+05:00"));
    assert_eq!(moved.time_zone, chrono_tz::Asia::Karachi);
    clinic.check_callers_go_on(appointment.id).await;
}
