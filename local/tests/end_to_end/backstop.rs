//! Without notifications the 5-minute run finds everything, and without that run status says so.

use reqwest::Method;
use serde_json::json;

use crate::stack::{Stack, until};

const CLINIC: &str = "clinic@example.com";

#[tokio::test]
async fn with_every_notification_dropped_the_5_minute_run_finds_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    let booked = stack.book_and_see(CLINIC, "2030-01-07T09:00:00+05:00").await;
    stack
        .google(Method::PUT, "/notifications", &json!({"mode": "drop"}))
        .await;
    let location = json!({"location": "Room 2"});
    stack.google(Method::PATCH, &booked.event, &location).await;
    // Even while another run has the calendar, which asked Google before the change.
    let held =
        "update calendars set lease_owner = gen_random_uuid(), lease_until = now() + interval '2 seconds'";
    stack.database().await.execute(held, &[]).await.unwrap();
    stack.fire("auto-sync").await;
    assert_eq!(stack.get(&booked.path).await.1["location"], "Room 2");

    // Whoever ran it, the last sync is told.
    let (_, by_rule) = stack.get("/calendar/auto-sync/status").await;
    assert_eq!(by_rule["last_sync_result"]["updated"], 1, "{by_rule}");
    stack.api(Method::POST, "/calendar/sync", None).await;
    let (_, by_hand) = stack.get("/calendar/auto-sync/status").await;
    assert_eq!(by_hand["last_sync_result"]["updated"], 0, "{by_hand}");
    assert_ne!(by_hand["last_sync_time"], by_rule["last_sync_time"]);

    // With the rule stopped as well, nothing hides it.
    let (status, stopped) = stack.api(Method::POST, "/calendar/auto-sync/stop", None).await;
    assert_eq!((status, &stopped["running"]), (200, &json!(false)));
    let auto_sync = until("an older last sync", async || {
        let (_, status) = stack.get("/calendar/status").await;
        let auto_sync = status["auto_sync"].clone();
        (status["last_sync_age_seconds"].as_u64() >= Some(1)).then_some(auto_sync)
    })
    .await;
    assert_eq!(auto_sync["running"], false);
    assert!(auto_sync["last_sync_time"].is_string(), "{auto_sync}");
    let (_, started) = stack.api(Method::POST, "/calendar/auto-sync/start", None).await;
    assert_eq!(started["running"], true);
    stack.end().await;
}
