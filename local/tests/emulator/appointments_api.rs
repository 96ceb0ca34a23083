//! Requests to the function URL of `appointments-api`.

use serde_json::{Value, json};

use crate::scene::{APPOINTMENT, FIRST_EVENT, Scene, change_of, read};

/// What listeners get when a caller changes an appointment.
const CHANGED: &str = "scheduled-sync/appointment-changed";

#[tokio::test]
async fn health_needs_no_key() {
    let scene = Scene::of("appointments-api/health").await;
    let response = scene.request().await;
    assert_eq!((response.status, response.body), (200, json!({"status": "ok"})));
}

#[tokio::test]
async fn a_list_has_what_is_scheduled() {
    let scene = Scene::of("appointments-api/list").await.with_appointment().await;
    let response = scene.request().await;
    assert_eq!(response.status, 200, "{}", response.body);
    let items = response.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["id"], APPOINTMENT);
    assert_eq!(response.body["next_cursor"], Value::Null);
}

#[tokio::test]
async fn availability_leaves_out_what_is_taken() {
    let scene = Scene::of("appointments-api/availability")
        .await
        .with_appointment()
        .await;
    let response = scene.request().await;
    assert_eq!(response.status, 200, "{}", response.body);
    let slots = response.body["slots"].as_array().unwrap();
    let slot = |from: &str, to: &str| {
        let at = |time: &str| format!("2031-03-03T{time}:00+05:00");
        json!({"starts_at": at(from), "ends_at": at(to)})
    };
    assert_eq!(slots.first(), Some(&slot("09:30", "10:00")));
    assert_eq!(slots.last(), Some(&slot("16:30", "17:00")));
}

#[tokio::test]
async fn a_booking_is_made_once_however_often_it_is_sent() {
    let scene = Scene::of("appointments-api/book").await;
    let response = scene.request().await;
    response.is_appointment(201, 1);
    let appointment = &response.body;
    let id = appointment["id"].as_str().unwrap();
    assert_eq!(response.header("location"), format!("/appointments/{id}"));
    for (name, value) in [
        ("patient_name", "A. Khan"),
        ("title", "Check-up: A. Khan"),
        ("starts_at", "2031-03-03T09:00:00+05:00"),
        ("ends_at", "2031-03-03T09:30:00+05:00"),
        ("source", "example"),
    ] {
        assert_eq!(appointment[name], value);
    }
    let booked = change_of(id, 1, "created", "api");
    scene.has_told(CHANGED, std::slice::from_ref(&booked)).await;

    let again = scene.request().await;
    again.is_appointment(201, 1);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body, response.body);
    assert_eq!(scene.count("appointments").await, 1);
    // Whoever made the booking may have died before it could tell anybody.
    scene.has_told(CHANGED, &[booked.clone(), booked]).await;
    assert!(scene.google.requests().is_empty(), "Google is not asked");
}

#[tokio::test]
async fn a_bad_body_is_told_all_its_faults_at_once() {
    let scene = Scene::of("appointments-api/bad-body").await;
    let response = scene.request().await;
    response.is_problem(422, "validation_failed");
    let faults = response.body["errors"].as_array().unwrap();
    let mut pointers: Vec<&str> = faults
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    let expected = [
        "/duration_minutes",
        "/patient",
        "/patient_name",
        "/patient_phone",
        "/starts_at",
    ];
    assert_eq!(pointers, expected);
    nothing_came_of_it(&scene).await;
}

#[tokio::test]
async fn what_is_no_json_is_told_where_it_ends_to_be_some() {
    let scene = Scene::of("appointments-api/broken-json").await;
    let response = scene.request().await;
    response.is_problem(400, "malformed_json");
    assert_eq!(
        response.body["detail"],
        "The body is not JSON: line 1, column 58."
    );
    nothing_came_of_it(&scene).await;
}

#[tokio::test]
async fn a_merge_patch_which_comes_in_base64_changes_what_it_names() {
    let scene = Scene::of("appointments-api/change")
        .await
        .with_appointment()
        .await;
    let response = scene.request().await;
    response.is_appointment(200, 2);
    assert_eq!(response.body["notes"], "brings the x-ray");
    assert_eq!(response.body["location"], Value::Null);
    assert_eq!(response.body["google_calendar_event_id"], FIRST_EVENT);
    scene.has_told_of(APPOINTMENT, 2, "updated", "api").await;
    // The version that it names is another by now.
    scene.request().await.is_problem(412, "version_conflict");
}

#[tokio::test]
async fn a_rescheduled_appointment_is_as_long_as_before_under_a_new_event() {
    let scene = Scene::of("appointments-api/reschedule")
        .await
        .with_appointment()
        .await;
    let response = scene.request().await;
    response.is_appointment(200, 2);
    assert_eq!(response.body["starts_at"], "2031-03-04T10:30:00+05:00");
    assert_eq!(response.body["ends_at"], "2031-03-04T11:00:00+05:00");
    assert_ne!(response.body["google_calendar_event_id"], FIRST_EVENT);
    assert_eq!(scene.count("calendar_events").await, 2);
    scene.has_told_of(APPOINTMENT, 2, "rescheduled", "api").await;
}

#[tokio::test]
async fn a_cancelled_appointment_is_answered_with_nothing() {
    let scene = Scene::of("appointments-api/cancel")
        .await
        .with_appointment()
        .await;
    let response = scene.request().await;
    assert_eq!((response.status, response.body), (204, json!("")));
    let status: String = scene.row("select status from appointments").await.get(0);
    assert_eq!(status, "cancelled");
    scene.has_told_of(APPOINTMENT, 2, "cancelled", "api").await;
}

#[tokio::test]
async fn a_preflight_is_told_what_the_frontend_may_send() {
    let scene = Scene::of("appointments-api/preflight").await;
    let response = scene.request().await;
    assert_eq!(response.status, 200, "{}", response.body);
    let origin = &read("appointments-api/preflight")["headers"]["origin"];
    assert_eq!(response.header("access-control-allow-origin"), origin);
    let allowed = response.header("access-control-allow-headers");
    for name in ["authorization", "content-type", "idempotency-key"] {
        assert!(allowed.contains(name), "{allowed}");
    }
    assert!(response.header("access-control-allow-methods").contains("POST"));
}

#[tokio::test]
async fn a_full_sync_creates_the_event_and_looks_for_changes() {
    let scene = Scene::of("appointments-api/full-sync")
        .await
        .with_appointment()
        .await;
    let response = scene.request().await;
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.body["to_calendar"]["created"], 1);
    assert_eq!(response.body["to_calendar"]["pending"], 0);
    assert_eq!(response.body["from_calendar"]["full"], true);
    let events = scene.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["summary"], "Check-up: A. Khan");
    assert!(scene.google.violations().is_empty());
}

async fn nothing_came_of_it(scene: &Scene) {
    assert_eq!(scene.count("appointments").await, 0);
    assert!(scene.told().is_empty());
}
