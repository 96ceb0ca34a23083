//! Wall time stays what people saw: over changes of the clocks, in odd zones, and when the clinic's zone changes.

use chrono_tz::Tz;
use serde_json::{Value, json};
use shared::appointment::Appointment;
use shared::appointment::queries::{self, Booked};
use shared::appointment::request;
use shared::sync::{Occasion, Patience, Sync};

use crate::clinic::{CALENDAR, Clinic, at, changed, soon};

/// A clinic in this zone, Google's calendar included.
fn in_zone(clinic: &Clinic, zone: Tz) -> Sync<'_> {
    clinic.google.set_time_zone(CALENDAR, zone);
    Sync {
        clinic_zone: zone,
        ..clinic.sync()
    }
}

async fn book(clinic: &Clinic, zone: Tz, starts_at: &str, minutes: u32) -> Appointment {
    let body = json!({
        "patient_name": "A. Khan", "starts_at": starts_at, "duration_minutes": minutes, "allow_past": true
    });
    let booking = request::booking(body, chrono::Utc::now()).unwrap();
    let booked = queries::book(&clinic.db, soon(), &booking, CALENDAR, zone, "frontend").await;
    let Booked::Booked(appointment) = booked.unwrap() else {
        panic!("{starts_at} is taken")
    };
    *appointment
}

/// The 5-minute run of a clinic in another zone than the harness's.
async fn tick(sync: &Sync<'_>) {
    sync.push(CALENDAR, soon()).await.unwrap();
    sync.pull(CALENDAR, Occasion::Always, Patience::Leave, false, soon())
        .await
        .unwrap();
    sync.push(CALENDAR, soon()).await.unwrap();
}

/// In step in that clinic, too: another run makes one call and writes nothing.
async fn check_at_rest(clinic: &Clinic, sync: &Sync<'_>, id: uuid::Uuid) {
    let version = clinic.read(id).await.version;
    clinic.google.clear_requests();
    tick(sync).await;
    assert_eq!(clinic.google.requests().len(), 1, "{:?}", clinic.google.counts());
    assert_eq!(clinic.read(id).await.version, version);
    clinic.check_manners();
}

fn timed(start: &str, end: &str, zone: &str) -> Value {
    let time = |at: &str| json!({"dateTime": at, "timeZone": zone});
    json!({"start": time(start), "end": time(end)})
}

fn days(first: &str, end: &str) -> Value {
    let day = |date: &str| json!({"date": date, "dateTime": null, "timeZone": null});
    json!({"start": day(first), "end": day(end)})
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
        let clinic = Clinic::open().await;
        let tz: Tz = zone.parse().unwrap();
        let sync = in_zone(&clinic, tz);
        let appointment = book(&clinic, tz, booked, 30).await;
        tick(&sync).await;
        let event_id = &appointment.google_calendar_event_id;
        let shown = clinic.event(event_id);
        assert_eq!(shown["start"], json!({"dateTime": booked, "timeZone": zone}));
        check_at_rest(&clinic, &sync, appointment.id).await;

        clinic.edit(event_id, &timed(moved_to, until, zone));
        tick(&sync).await;
        let moved = clinic.read(appointment.id).await;
        assert_eq!((moved.starts_at, moved.ends_at), (at(moved_to), at(until)));
        assert_eq!(moved.time_zone, tz);
        check_at_rest(&clinic, &sync, appointment.id).await;

        changed(
            clinic
                .patch(
                    appointment.id,
                    json!({"starts_at": booked, "duration_minutes": 30}),
                )
                .await,
        );
        tick(&sync).await;
        assert_eq!(clinic.event(event_id)["start"], shown["start"]);
        check_at_rest(&clinic, &sync, appointment.id).await;
    }
}

#[tokio::test]
async fn a_wall_time_that_is_skipped_is_shown_when_the_clock_goes_on() {
    let clinic = Clinic::open().await;
    let tz = chrono_tz::America::New_York;
    let sync = in_zone(&clinic, tz);
    let appointment = book(&clinic, tz, "2027-03-14T02:30:00-05:00", 30).await;
    tick(&sync).await;
    let shown = clinic.event(&appointment.google_calendar_event_id);
    assert_eq!(shown["start"]["dateTime"], "2027-03-14T03:30:00-04:00");
    check_at_rest(&clinic, &sync, appointment.id).await;
}

#[tokio::test]
async fn whole_days_are_as_long_as_they_are_where_the_clinic_is() {
    for (zone, first, end, hours) in [
        (chrono_tz::America::New_York, "2027-03-14", "2027-03-15", 23),
        (chrono_tz::America::New_York, "2027-11-07", "2027-11-08", 25),
        (chrono_tz::Europe::London, "2027-03-27", "2027-03-30", 71),
        (chrono_tz::Asia::Kathmandu, "2027-03-14", "2027-03-15", 24),
    ] {
        let clinic = Clinic::open().await;
        let sync = in_zone(&clinic, zone);
        let appointment = book(&clinic, zone, "2027-03-01T09:00:00Z", 30).await;
        tick(&sync).await;
        let event_id = &appointment.google_calendar_event_id;
        clinic.edit(event_id, &days(first, end));
        tick(&sync).await;
        let all_day = clinic.read(appointment.id).await;
        assert_eq!(
            (all_day.ends_at - all_day.starts_at).num_hours(),
            hours,
            "{first} {zone}"
        );
        check_at_rest(&clinic, &sync, appointment.id).await;

        changed(clinic.patch(appointment.id, json!({"notes": "all day"})).await);
        tick(&sync).await;
        let event = clinic.event(event_id);
        assert_eq!(
            (&event["start"], &event["end"]),
            (&json!({"date": first}), &json!({"date": end}))
        );
        check_at_rest(&clinic, &sync, appointment.id).await;
    }
}

#[tokio::test]
async fn another_clinic_zone_moves_and_rewrites_nothing() {
    let clinic = Clinic::open().await;
    let timed = clinic.book("2027-03-01T09:00:00+05:00").await;
    let all_day = clinic.book("2027-03-02T09:00:00+05:00").await;
    clinic.tick().await;
    let (timed_event, day_event) = (&timed.google_calendar_event_id, &all_day.google_calendar_event_id);
    clinic.edit(day_event, &days("2027-03-03", "2027-03-04"));
    clinic.tick().await;
    let before = clinic.read(all_day.id).await;

    let sync = in_zone(&clinic, chrono_tz::Europe::London);
    clinic.google.expire_sync_tokens();
    tick(&sync).await;
    check_at_rest(&clinic, &sync, all_day.id).await;

    // What either side changes now leaves the times alone.
    for event_id in [timed_event, day_event] {
        clinic.edit(event_id, &json!({"location": "Room 2"}));
    }
    tick(&sync).await;
    for appointment in [&timed, &all_day] {
        changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await);
        tick(&sync).await;
        changed(clinic.patch(appointment.id, json!({"notes": "Ours"})).await);
        tick(&sync).await;
        check_at_rest(&clinic, &sync, appointment.id).await;
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
    clinic.edit(day_event, &days("2027-03-05", "2027-03-06"));
    tick(&sync).await;
    assert_eq!(
        clinic.read(all_day.id).await.starts_at,
        at("2027-03-05T00:00:00Z")
    );
    check_at_rest(&clinic, &sync, all_day.id).await;
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
