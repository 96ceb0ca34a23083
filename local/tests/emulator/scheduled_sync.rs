//! Events that EventBridge hands to `scheduled-sync`.

use chrono::DateTime;
use local::google::DEFAULT_CALENDAR;
use serde_json::{Value, json};

use crate::scene::{APPOINTMENT, FIRST_EVENT, Scene};

#[tokio::test]
async fn the_rule_has_everything_pushed_and_pulled() {
    let scene = Scene::of("scheduled-sync/schedule")
        .await
        .with_appointment()
        .await;
    assert_eq!(scene.invoke().await, json!({"calendars": 1, "failed": 0}));
    is_in_google(&scene).await;
    let pulled = "select last_sync_at is not null, sync_token is not null from calendars";
    let calendar = scene.row(pulled).await;
    assert_eq!((calendar.get(0), calendar.get(1)), (true, true));
}

#[tokio::test]
async fn a_change_of_an_appointment_is_pushed_and_nothing_is_pulled() {
    let scene = Scene::of("scheduled-sync/appointment-changed")
        .await
        .with_appointment()
        .await;
    assert_eq!(scene.invoke().await, json!({"calendars": 1, "failed": 0}));
    is_in_google(&scene).await;
    assert_eq!(scene.google.count("events.list"), 0);
}

#[tokio::test]
async fn a_change_of_a_calendar_is_pulled() {
    let scene = Scene::of("scheduled-sync/calendar-changed")
        .await
        .with_appointment()
        .await;
    scene.after("scheduled-sync/schedule").await;
    let later = DateTime::parse_from_rfc3339("2031-03-03T15:00:00+05:00").unwrap();
    let person = scene.google.person();
    person.move_to(DEFAULT_CALENDAR, FIRST_EVENT, later).unwrap();
    // As the webhook has recorded it.
    scene
        .sql("update calendars set change_seq = change_seq + 1")
        .await;

    assert_eq!(scene.invoke().await, json!({"calendars": 1, "failed": 0}));

    let moved = "select to_char(starts_at at time zone 'Asia/Karachi', 'YYYY-MM-DD HH24:MI'), version from appointments";
    let appointment = scene.row(moved).await;
    assert_eq!(appointment.get::<_, &str>(0), "2031-03-03 15:00");
    assert_eq!(appointment.get::<_, i64>(1), 2);
    scene
        .has_told_of(APPOINTMENT, 2, "updated", "google_calendar")
        .await;
}

/// Checks that Google shows the appointment, and that we know.
async fn is_in_google(scene: &Scene) {
    let events = scene.events();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["id"], FIRST_EVENT);
    assert_eq!(event["summary"], "Check-up: A. Khan");
    assert_eq!(event["start"]["dateTime"], "2031-03-03T09:00:00+05:00");
    assert_eq!(
        event["extendedProperties"]["private"]["appointment_id"],
        APPOINTMENT
    );
    let known = "select pushed_version = wanted_version and seen = 'live' from calendar_events";
    assert!(scene.row(known).await.get::<_, bool>(0));
    assert_eq!(scene.google.violations(), Vec::<String>::new());
    assert_eq!(scene.told(), Vec::<Value>::new());
}
