//! Recurring events, their occurrences and exceptions; free and busy times.

use local::google::{Access, DEFAULT_CALENDAR};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{half_hour, reason, start};

fn daily(count: u32) -> Value {
    let mut event = half_hour("Round", "2026-12-01T09:00:00+05:00");
    event["id"] = json!("round");
    event["recurrence"] = json!([format!("RRULE:FREQ=DAILY;COUNT={count}")]);
    event
}

#[tokio::test]
async fn a_listing_shows_the_series_and_its_exceptions() {
    let (google, client) = start().await;
    client.insert(daily(3)).await;
    let token = client.list_all("").await.1.unwrap();
    let (second, third) = ("round_20261202T040000Z", "round_20261203T040000Z");
    google
        .person()
        .retitle(DEFAULT_CALENDAR, second, "Long round")
        .unwrap();
    assert_eq!(client.delete(third, None).await.0, 204);
    assert_eq!(
        reason(&client.get("round_20261204T040000Z").await),
        (404, "notFound")
    );

    let events = client.list_all(&format!("syncToken={token}")).await.0;
    assert_eq!(events[0]["id"], second);
    assert_eq!(events[0]["recurringEventId"], "round");
    assert_eq!(
        events[0]["originalStartTime"]["dateTime"],
        "2026-12-02T09:00:00+05:00"
    );
    assert_eq!(events[0]["summary"], "Long round");
    assert_eq!(
        (&events[1]["id"], &events[1]["status"]),
        (&json!(third), &json!("cancelled"))
    );
    assert!(events[1]["originalStartTime"].is_object());
    assert_eq!(
        client.list_all("").await.0.len(),
        3,
        "the series and both exceptions"
    );
    assert_eq!(client.list_all("singleEvents=true").await.0.len(), 2);

    client.delete("round", None).await;
    assert_eq!(client.list_all("").await.0.len(), 0);
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_instances_of_a_series() {
    let (_google, client) = start().await;
    client.insert(daily(4)).await;
    client.delete("round_20261202T040000Z", None).await;
    let (status, body) = client
        .events(Method::GET, "/round/instances?timeZone=UTC", None)
        .await;
    assert_eq!(status, 200);
    let starts: Vec<_> = body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["start"]["dateTime"])
        .collect();
    assert_eq!(
        starts,
        [
            "2026-12-01T04:00:00Z",
            "2026-12-03T04:00:00Z",
            "2026-12-04T04:00:00Z"
        ]
    );
}

#[tokio::test]
async fn a_series_needs_a_zone_and_a_rule() {
    let (_google, client) = start().await;
    let mut event = daily(3);
    event["recurrence"] = json!(["RRULE:FREQ=SOMETIMES"]);
    assert_eq!(reason(&client.insert(event.clone()).await), (400, "invalid"));
    event = daily(3);
    event["start"] = json!({"dateTime": "2026-12-01T09:00:00+05:00"});
    assert_eq!(reason(&client.insert(event).await), (400, "required"));
}

#[tokio::test]
async fn busy_times_are_joined_and_one_bad_calendar_spoils_none() {
    let (google, client) = start().await;
    google.add_calendar("closed@example.com", chrono_tz::UTC);
    google.share("closed@example.com", Access::None);
    client.insert(daily(2)).await;
    client
        .insert(half_hour("Next", "2026-12-01T09:30:00+05:00"))
        .await;
    let mut free = half_hour("Free", "2026-12-01T12:00:00+05:00");
    free["transparency"] = json!("transparent");
    client.insert(free).await;
    let items = json!([{"id": DEFAULT_CALENDAR}, {"id": "closed@example.com"}]);
    let window =
        json!({"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T04:10:00Z", "items": items});
    let (status, body) = client
        .call(Method::POST, "/freeBusy", Some(window), None)
        .await
        .unwrap();
    assert_eq!(status, 200);
    assert_eq!(
        body["calendars"][DEFAULT_CALENDAR]["busy"],
        json!([
            {"start": "2026-12-01T04:00:00Z", "end": "2026-12-01T05:00:00Z"},
            {"start": "2026-12-02T04:00:00Z", "end": "2026-12-02T04:10:00Z"},
        ])
    );
    assert_eq!(
        body["calendars"]["closed@example.com"]["errors"][0]["reason"],
        "notFound"
    );
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_series_moves_to_another_calendar_with_its_exceptions() {
    let (google, client) = start().await;
    google.add_calendar("dr-b@example.com", chrono_tz::Asia::Karachi);
    client.insert(daily(3)).await;
    google
        .person()
        .retitle(DEFAULT_CALENDAR, "round_20261202T040000Z", "Long round")
        .unwrap();
    google
        .person()
        .move_to_calendar(DEFAULT_CALENDAR, "round", "dr-b@example.com")
        .unwrap();
    assert_eq!(client.list_all("").await.0.len(), 0);
    let arrived = google.events("dr-b@example.com").unwrap();
    let titles: Vec<_> = arrived.iter().map(|event| &event["summary"]).collect();
    assert_eq!(titles, ["Round", "Long round"]);
}

#[tokio::test]
async fn a_person_makes_an_event_recurring() {
    let (google, client) = start().await;
    let mut event = half_hour("Check-up", "2026-12-01T09:00:00+05:00");
    event["id"] = json!("check");
    client.insert(event).await;
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]});
    google.person().edit(DEFAULT_CALENDAR, "check", &rule).unwrap();
    assert_eq!(client.get("check").await.1["recurrence"], rule["recurrence"]);
    let third = client.get("check_20261215T040000Z").await.1;
    assert_eq!(
        (&third["recurringEventId"], &third["summary"]),
        (&json!("check"), &json!("Check-up"))
    );
    let single = json!({"recurrence": null});
    assert_eq!(
        google
            .person()
            .edit(DEFAULT_CALENDAR, "check", &single)
            .unwrap()
            .get("recurrence"),
        None
    );
}
