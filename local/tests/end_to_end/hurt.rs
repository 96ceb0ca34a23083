//! Parts are killed in the middle of things, with no chance to tidy up; nothing is lost once they are back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Stack, until};

/// Every appointment is shown by exactly one event, at its own time.
async fn agree(stack: &Stack, count: usize) {
    until("both sides agree", async || {
        let (_, list) = stack.get("/appointments?status=scheduled&limit=200").await;
        let appointments = list["items"].as_array().cloned().unwrap_or_default();
        let events = stack.events().await;
        let shown = |appointment: &Value| {
            events.iter().any(|event| {
                event["id"] == appointment["google_calendar_event_id"]
                    && event["start"]["dateTime"] == appointment["starts_at"]
            })
        };
        let agree = appointments.len() == count && events.len() == count && appointments.iter().all(shown);
        agree.then_some(())
    })
    .await;
}

#[tokio::test]
async fn killed_parts_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    let first = stack.book("2030-01-07T09:00:00+05:00").await;
    agree(&stack, 1).await;

    // Google is gone: a booking is answered at once, and its event comes later.
    stack.kill("local google").await;
    stack.book("2030-01-07T10:00:00+05:00").await;
    until("Google is back", async || {
        (stack.events().await.len() == 1).then_some(())
    })
    .await;
    sync(&stack).await;
    agree(&stack, 2).await;

    // The function that syncs is gone, and comes back for the next event.
    stack.kill("/scheduled-sync").await;
    let start = json!({"start": "2030-01-07T12:00:00+05:00"});
    let event = first["google_calendar_event_id"].as_str().unwrap();
    stack
        .person(Method::POST, &format!("/{event}/move"), &start)
        .await;
    stack.book("2030-01-07T14:00:00+05:00").await;
    agree(&stack, 3).await;

    // The API and the webhook are gone.
    stack.kill("/appointments-api").await;
    stack.kill("/calendar-webhook").await;
    let start = json!({"start": "2030-01-07T16:00:00+05:00"});
    stack
        .person(Method::POST, &format!("/{event}/move"), &start)
        .await;
    agree(&stack, 3).await;

    // PostgreSQL is gone: callers are told to come back, and find everything there.
    stack.kill("/postgres").await;
    let again = json!({"patient_name": "B. Ali", "starts_at": "2030-01-07T18:00:00+05:00"});
    until("a booking after PostgreSQL is back", async || {
        let (status, answer) = stack.api(Method::POST, "/appointments", Some(&again)).await;
        assert!([201, 503].contains(&status), "{status} {answer}");
        (status == 201).then_some(())
    })
    .await;
    agree(&stack, 4).await;
    stack.end().await;
}

/// Starts a sync of both ways by hand, as soon as it is taken.
async fn sync(stack: &Stack) {
    until("a sync by hand", async || {
        let (status, _) = stack.api(Method::POST, "/calendar/full-sync", None).await;
        (status == 200).then_some(())
    })
    .await;
}
