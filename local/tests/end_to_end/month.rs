//! A month in the life of a watch channel, hour by hour.
//!
//! Google's clock is moved by the stand-in. The database's and the functions' cannot be, so the past moves back instead:
//! an hour passes by taking an hour off the times that are recorded of channels.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

const AN_HOUR_OLDER: &str = "update watch_channels set created_at = created_at - interval '1 hour',
    expires_at = expires_at - interval '1 hour', last_notification_at = last_notification_at - interval '1 hour'";
const CLINIC: &str = "clinic@example.com";
const HOURS: u32 = 31 * 24;

#[tokio::test]
async fn no_hour_of_a_month_is_without_a_live_channel() {
    let folder = tempfile::tempdir().unwrap();
    // What arrives arrives by notifications alone.
    let stack = Stack::start_with(&folder, &[("AUTO_SYNC_ENABLED", "false")]).await;
    let db = stack.database().await;
    let booked = stack.book_and_see(CLINIC, "2030-01-07T09:00:00+05:00").await;
    assert!(stack.invoke("watch-renewer").await);
    for hour in 0..HOURS {
        let advance = json!({"seconds": 3600});
        stack.google(Method::POST, "/clock", &advance).await;
        db.execute(AN_HOUR_OLDER, &[]).await.unwrap();
        // A channel does not come to life by itself: one that is live now was live all the hour.
        let live = live_channels(&stack).await;
        assert!((1..=2).contains(&live), "{live} live channels after hour {hour}");
        if hour == HOURS / 2 {
            // From now on, Google grants hardly more than the hours that a renewer needs.
            let short = json!({"longest_seconds": 6 * 3600});
            stack.google(Method::PUT, "/channels", &short).await;
        }
        // Of three runs in a row, two come to nothing: Google refuses, or the renewer dies at its work.
        match hour % 3 {
            0 => fail(&stack, "events.watch", "refuse").await,
            1 => fail(&stack, "events.watch", "drop").await,
            _ => {}
        }
        if hour % 5 == 0 {
            fail(&stack, "channels.stop", "refuse").await;
        }
        let renewed = stack.invoke("watch-renewer").await;
        stack.google(Method::DELETE, "/faults", &Value::Null).await;
        assert!(renewed || hour % 3 < 2, "the run of hour {hour}");
        if hour % 24 == 0 {
            let room = format!("Room {hour}");
            stack
                .google(Method::PATCH, &booked.event, &json!({"location": room}))
                .await;
            stack
                .until_appointment(&booked, &room, |now| now["location"] == room)
                .await;
        }
    }
    let (_, status) = stack.get("/calendar/status").await;
    assert_eq!(status["watch"]["active"], true, "{status}");
    assert_eq!(status["watch_problem"], Value::Null, "{status}");
    stack.end().await;
}

async fn fail(stack: &Stack, operation: &str, how: &str) {
    let answer = match how {
        "refuse" => json!({"refuse": {"status": 400, "reason": "backendError"}}),
        other => json!(other),
    };
    let fault = json!({"operation": operation, "when": "after", "answer": answer});
    stack.google(Method::POST, "/faults", &fault).await;
}

async fn live_channels(stack: &Stack) -> usize {
    let channels = stack.google(Method::GET, "/channels", &Value::Null).await;
    let channels = channels["channels"].as_array().cloned().unwrap_or_default();
    channels.iter().filter(|channel| channel["live"] == true).count()
}
