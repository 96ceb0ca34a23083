//! What holds a sync back: a mass cancellation that nobody confirmed, and a pause that Google asked for.

use local::google::Fault;
use serde_json::json;

use super::Api;

const CLINIC: &str = "clinic@example.com";

#[tokio::test]
async fn a_mass_cancellation_waits_for_a_confirmation_and_status_says_so() {
    let api = Api::open().await;
    for hour in 0..11 {
        api.book(&format!("2027-03-01T{hour:02}:00:00Z")).await;
    }
    api.post("/calendar/full-sync", json!({})).await;
    for event in api.google.events(CLINIC).unwrap() {
        let event_id = event["id"].as_str().unwrap();
        api.google.person().delete(CLINIC, event_id).unwrap();
    }
    api.google.expire_sync_tokens();

    for body in [json!({}), json!({"confirm_mass_cancel": false})] {
        let held = api.post("/calendar/sync", body).await.body;
        assert_eq!(
            (&held["cancelled"], &held["mass_cancel_held"]),
            (&json!(0), &json!(true))
        );
        assert_eq!(api.get("/calendar/status").await.body["mass_cancel_held"], true);
    }
    let unclear = api
        .post("/calendar/sync", json!({"confirm_mass_cancel": "yes"}))
        .await;
    assert_eq!(
        unclear.is_problem(422, "validation_failed").pointers(),
        ["/confirm_mass_cancel"]
    );
    let confirmed = api
        .post("/calendar/sync", json!({"confirm_mass_cancel": true}))
        .await
        .body;
    assert_eq!(
        (&confirmed["cancelled"], &confirmed["mass_cancel_held"]),
        (&json!(11), &json!(false))
    );
    assert_eq!(api.get("/calendar/status").await.body["mass_cancel_held"], false);
}

#[tokio::test]
async fn a_used_up_quota_is_a_pause_that_status_shows_and_syncs_keep() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T04:00:00Z").await;
    api.google
        .fail(Fault::on("events.insert").refuse(403, "quotaExceeded").times(1));
    api.post("/calendar/sync-to-calendar", json!({}))
        .await
        .is_problem(502, "google_refused");
    assert!(api.get("/calendar/status").await.body["cooldown_until"].is_string());
    let held = api
        .post("/calendar/sync?calendar_id=clinic@example.com", json!({}))
        .await;
    held.is_problem(503, "google_unreachable");
    assert!(held.headers.contains_key("retry-after"));
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    let sync = &api.get(&path).await.body["calendar_sync"];
    assert_eq!(
        sync["last_error"],
        "Google Calendar takes no more changes for now. It is tried again by itself."
    );
}
