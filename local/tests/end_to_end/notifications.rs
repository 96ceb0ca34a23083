//! Notifications through Google's courier, the webhook, the bus and the sync, with the 5-minute rule off: what arrives
//! arrives by them alone.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Booked, Stack};

const CLINIC: &str = "clinic@example.com";
const SURGERY: &str = "surgery@example.com";

async fn without_the_rule(folder: &tempfile::TempDir) -> Stack {
    let calendars = format!("{CLINIC},{SURGERY}");
    let settings = [
        ("AUTO_SYNC_ENABLED", "false"),
        ("GOOGLE_CALENDAR_ID", calendars.as_str()),
    ];
    let stack = Stack::start_with(folder, &settings).await;
    let surgery = json!({"id": SURGERY, "time_zone": "Asia/Karachi"});
    stack.google(Method::POST, "/calendars", &surgery).await;
    assert!(stack.invoke("watch-renewer").await);
    stack
}

async fn put_in_room(stack: &Stack, booked: &Booked, room: &str) {
    let location = json!({"location": room});
    stack.google(Method::PATCH, &booked.event, &location).await;
}

async fn until_in_room(stack: &Stack, booked: &Booked, room: &str) {
    stack
        .until_appointment(booked, room, |now| now["location"] == room)
        .await;
}

#[tokio::test]
async fn a_hundred_notifications_in_a_second_cost_two_pulls_and_calendars_do_not_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let stack = without_the_rule(&folder).await;
    let mut booked = Vec::new();
    for hour in 10..20 {
        let starts_at = format!("2030-01-07T{hour}:00:00+05:00");
        booked.push(stack.book_and_see(CLINIC, &starts_at).await);
    }
    burst(&stack, &booked).await;

    let elsewhere = stack.book_and_see(SURGERY, "2030-01-07T10:00:00+05:00").await;
    let hang = json!({"operation": "events.list", "calendar": CLINIC, "answer": "hang", "times": 1});
    stack.google(Method::POST, "/faults", &hang).await;
    put_in_room(&stack, &booked[0], "Theatre").await;
    put_in_room(&stack, &elsewhere, "Theatre").await;
    until_in_room(&stack, &elsewhere, "Theatre").await;
    let (_, waiting) = stack.get(&booked[0].path).await;
    assert_ne!(waiting["location"], "Theatre", "its listing hangs");
    stack.google(Method::POST, "/release", &Value::Null).await;
    until_in_room(&stack, &booked[0], "Theatre").await;
    stack.end().await;
}

async fn burst(stack: &Stack, booked: &[Booked]) {
    let deliver = async |mode: &str| {
        stack
            .google(Method::PUT, "/notifications", &json!({"mode": mode}))
            .await;
    };
    deliver("delay").await;
    for round in 1..=10 {
        for one in booked {
            put_in_room(stack, one, &format!("Room {round}")).await;
        }
    }
    deliver("deliver").await;
    let before = stack.count("events.list").await;
    let began = Instant::now();
    stack.google(Method::POST, "/release", &Value::Null).await;
    for one in booked {
        until_in_room(stack, one, "Room 10").await;
    }
    // The bus is quiet once everything that was notified is covered.
    let db = stack.database().await;
    let uncovered = "select change_seq - pulled_seq, lease_owner is null from calendars where id = $1";
    crate::stack::until("every notification covered", async || {
        let row = db.query_one(uncovered, &[&CLINIC]).await.unwrap();
        (row.get::<_, i64>(0) == 0 && row.get(1)).then_some(())
    })
    .await;
    // Two for what comes within a second, and one for each second more that it took to come.
    let most = 2 + began.elapsed().as_secs();
    let pulls = stack.count("events.list").await - before;
    assert!(
        (1..=most).contains(&pulls),
        "{pulls} pulls, at most {most} expected"
    );
}
