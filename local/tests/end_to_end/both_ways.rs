//! From booking to event to move to database and back, in seconds and without anybody asking.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Stack, until};

#[tokio::test]
async fn what_one_side_does_the_other_shows() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    let booked = stack.book("2030-01-07T09:00:00+05:00").await;
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    let appointment = async |what: &str, fits: fn(&Value) -> bool| {
        until(what, async || Some(stack.get(&path).await.1).filter(fits)).await
    };

    // Out, by way of the bus.
    let event = until("the event", async || stack.events().await.pop()).await;
    assert_eq!(event["id"], booked["google_calendar_event_id"]);
    let event_path = format!("/{}", event["id"].as_str().unwrap());
    appointment("synced", |now| now["calendar_sync"]["state"] == "synced").await;

    // In, by way of a notification, the webhook and the bus.
    let start = json!({"start": "2030-01-07T15:00:00+05:00"});
    stack
        .person(Method::POST, &format!("{event_path}/move"), &start)
        .await;
    let moved = appointment("moved", |now| now["starts_at"] == "2030-01-07T15:00:00+05:00").await;
    assert_eq!(moved["calendar_sync"]["state"], "synced");

    // A reschedule replaces the event.
    let body = json!({"starts_at": "2030-01-08T10:00:00+05:00"});
    let (status, rescheduled) = stack
        .api(Method::POST, &format!("{path}/reschedule"), Some(&body))
        .await;
    assert_eq!(status, 200, "{rescheduled}");
    let event = until("the new event alone", async || {
        let events = stack.events().await;
        events
            .into_iter()
            .find(|event| event["id"] == rescheduled["google_calendar_event_id"])
    })
    .await;
    assert_eq!(event["start"]["dateTime"], "2030-01-08T10:00:00+05:00");

    // A deletion cancels, a restoration brings back.
    let event_path = format!("/{}", event["id"].as_str().unwrap());
    stack.person(Method::DELETE, &event_path, &Value::Null).await;
    appointment("cancelled", |now| now["status"] == "cancelled").await;
    stack
        .person(Method::POST, &format!("{event_path}/restore"), &Value::Null)
        .await;
    appointment("restored", |now| now["status"] == "scheduled").await;

    // A cancellation deletes.
    stack.api(Method::POST, &format!("{path}/cancel"), None).await;
    until("no event", async || stack.events().await.is_empty().then_some(())).await;

    for record in ["/violations", "/unconditional-writes"] {
        let record = stack.google(Method::GET, record, &Value::Null).await;
        let entries: Vec<_> = record
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_array)
            .flatten()
            .collect();
        assert!(entries.is_empty(), "{record}");
    }
    stack.end().await;
}
