//! Single events: writing, reading, refusals.

use local::google::{Access, DEFAULT_CALENDAR};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{half_hour, reason, start};

#[tokio::test]
async fn an_inserted_event_has_what_google_adds() {
    let (google, client) = start().await;
    let mut body = half_hour("Check-up", "2026-12-01T04:00:00.500Z");
    body["id"] = json!("0123456789abcdef");
    body["extendedProperties"] = json!({"private": {"appointment_id": "7"}});
    let (status, event) = client.insert(body).await;
    assert_eq!(status, 200, "{event}");
    assert_eq!(event["id"], "0123456789abcdef");
    assert_eq!(
        event["start"],
        json!({"dateTime": "2026-12-01T09:00:00+05:00", "timeZone": "Asia/Karachi"})
    );
    assert_eq!(event["status"], "confirmed");
    assert_eq!(event["sequence"], 0);
    assert_eq!(event["iCalUID"], "0123456789abcdef@google.com");
    assert_eq!(
        event["organizer"],
        json!({"email": DEFAULT_CALENDAR, "self": true})
    );
    assert_eq!(event["reminders"], json!({"useDefault": true}));
    assert_eq!(event["extendedProperties"]["private"]["appointment_id"], "7");
    assert!(event["etag"].as_str().unwrap().starts_with('"'));
    assert_eq!(client.get("0123456789abcdef").await, (200, event));
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_id_is_taken_for_good() {
    let (_google, client) = start().await;
    let mut body = half_hour("Check-up", "2026-12-01T09:00:00+05:00");
    for bad in ["abcd", "ABCDE", "abc-e", "wxyz0", &"a".repeat(1025)] {
        body["id"] = json!(bad);
        assert_eq!(
            reason(&client.insert(body.clone()).await),
            (400, "invalid"),
            "{bad}"
        );
    }
    body["id"] = json!("abcde");
    assert_eq!(client.insert(body.clone()).await.0, 200);
    assert_eq!(reason(&client.insert(body.clone()).await), (409, "duplicate"));
    assert_eq!(client.delete("abcde", None).await, (204, Value::Null));
    assert_eq!(reason(&client.insert(body).await), (409, "duplicate"));
}

#[tokio::test]
async fn times_are_refused_as_google_refuses_them() {
    let (google, client) = start().await;
    let at = |time: &str| json!({"dateTime": time});
    let day = |date: &str| json!({"date": date});
    let early = "2026-12-01T09:00:00+05:00";
    for (start, end, expected) in [
        (at(early), at(early), "timeRangeEmpty"),
        (at(early), at("2026-12-01T08:00:00+05:00"), "timeRangeEmpty"),
        (day("2026-12-01"), day("2026-12-01"), "timeRangeEmpty"),
        (at(early), day("2026-12-02"), "invalid"),
        (at(early), Value::Null, "required"),
        (json!({"timeZone": "Asia/Karachi"}), at(early), "required"),
        (at("2026-12-01T09:00:00"), at("2026-12-01T10:00:00"), "required"),
        (
            json!({"dateTime": early, "timeZone": "Karachi"}),
            at("2026-12-01T10:00:00+05:00"),
            "invalid",
        ),
    ] {
        let answer = client.insert(json!({"start": start, "end": end})).await;
        assert_eq!(reason(&answer), (400, expected), "{start} {end}");
    }
    let whole_day = client
        .insert(json!({"start": day("2026-12-01"), "end": day("2026-12-02")}))
        .await;
    assert_eq!(whole_day.1["start"], day("2026-12-01"));
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_patch_merges_and_an_update_resets() {
    let (_google, client) = start().await;
    let mut body = half_hour("Check-up", "2026-12-01T09:00:00+05:00");
    body["location"] = json!("Room 2");
    body["description"] = json!("Notes");
    let event = client.insert(body.clone()).await.1;
    let id = event["id"].as_str().unwrap();
    let patched = client
        .patch(id, None, json!({"location": null, "summary": "Follow-up"}))
        .await
        .1;
    assert_eq!(patched["summary"], "Follow-up");
    assert_eq!(patched.get("location"), None);
    assert_eq!(patched["description"], "Notes");
    assert_eq!(patched["sequence"], 0);
    let moved = client
        .patch(
            id,
            None,
            json!({"end": {"dateTime": "2026-12-01T10:00:00+05:00"}}),
        )
        .await
        .1;
    assert_eq!(moved["sequence"], 1);
    assert_eq!(moved["end"]["timeZone"], "Asia/Karachi");
    // From a time to a day: both parts of a time stay unless the patch clears one.
    let mixed = json!({"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}});
    assert_eq!(reason(&client.patch(id, None, mixed).await), (400, "invalid"));
    body["description"] = Value::Null;
    let (status, updated) = client.events(Method::PUT, &format!("/{id}"), Some(body)).await;
    assert_eq!((status, updated.get("description")), (200, None));
    assert_eq!(updated["created"], event["created"]);
    let behind = client.patch(id, None, json!({"sequence": 0})).await;
    assert_eq!(reason(&behind), (400, "invalid"));
}

#[tokio::test]
async fn if_match_guards_every_write() {
    let (google, client) = start().await;
    let event = client
        .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
        .await
        .1;
    let (id, etag) = (event["id"].as_str().unwrap(), event["etag"].as_str().unwrap());
    let changed = google
        .person()
        .retitle(DEFAULT_CALENDAR, id, "Moved by hand")
        .unwrap();
    assert_ne!(changed["etag"], event["etag"]);
    let stale = client.patch(id, Some(etag), json!({"summary": "x"})).await;
    assert_eq!(reason(&stale), (412, "conditionNotMet"));
    assert_eq!(
        reason(&client.delete(id, Some(etag)).await),
        (412, "conditionNotMet")
    );
    let fresh = client
        .patch(id, changed["etag"].as_str(), json!({"summary": "x"}))
        .await;
    assert_eq!(fresh.0, 200);
    assert_eq!(client.delete(id, fresh.1["etag"].as_str()).await.0, 204);
    assert!(google.unconditional_writes().is_empty());
    client.patch(id, None, json!({"summary": "y"})).await;
    client.patch("nosuchevent", None, json!({"summary": "y"})).await;
    assert_eq!(google.unconditional_writes().len(), 1);
}

#[tokio::test]
async fn a_deleted_event_can_be_got_but_not_deleted() {
    let (_google, client) = start().await;
    let event = client
        .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
        .await
        .1;
    let id = event["id"].as_str().unwrap();
    assert_eq!(reason(&client.get("nosuchevent").await), (404, "notFound"));
    assert_eq!(
        reason(&client.delete("nosuchevent", None).await),
        (404, "notFound")
    );
    client.delete(id, None).await;
    let (status, gone) = client.get(id).await;
    assert_eq!(
        (status, &gone["status"], &gone["summary"]),
        (200, &json!("cancelled"), &json!("Check-up"))
    );
    assert_eq!(reason(&client.delete(id, None).await), (410, "deleted"));
    let restored = client.patch(id, None, json!({"status": "confirmed"})).await.1;
    assert_eq!(restored["summary"], "Check-up");
}

#[tokio::test]
async fn a_service_account_is_kept_in_its_bounds() {
    let (google, client) = start().await;
    let mut body = half_hour("Check-up", "2026-12-01T09:00:00+05:00");
    body["attendees"] = json!([{"email": "patient@example.com"}]);
    assert_eq!(
        reason(&client.insert(body.clone()).await),
        (403, "forbiddenForServiceAccounts")
    );
    let invited = google.person().add(DEFAULT_CALENDAR, &body).unwrap();
    let retitled = client
        .patch(
            invited["id"].as_str().unwrap(),
            None,
            json!({"summary": "Family"}),
        )
        .await
        .1;
    assert_eq!(retitled["attendees"], body["attendees"], "a person's guests stay");
    body["attendees"] = json!([]);
    google.share(DEFAULT_CALENDAR, Access::Reader);
    assert_eq!(
        reason(&client.insert(body.clone()).await),
        (403, "requiredAccessLevel")
    );
    assert_eq!(client.list("").await.1["accessRole"], "reader");
    google.share(DEFAULT_CALENDAR, Access::None);
    assert_eq!(reason(&client.list("").await), (404, "notFound"));
    assert_eq!(reason(&client.insert(body).await), (404, "notFound"));
}

#[tokio::test]
async fn an_event_moves_to_another_calendar_with_its_id() {
    let (google, client) = start().await;
    google.add_calendar("dr-b@example.com", chrono_tz::Asia::Kathmandu);
    let event = client
        .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
        .await
        .1;
    let id = event["id"].as_str().unwrap();
    let (status, moved) = client
        .events(
            Method::POST,
            &format!("/{id}/move?destination=dr-b%40example.com"),
            None,
        )
        .await;
    assert_eq!((status, &moved["id"]), (200, &event["id"]));
    assert_eq!(moved["organizer"]["email"], "dr-b@example.com");
    assert_eq!(moved["start"]["dateTime"], "2026-12-01T09:45:00+05:45");
    assert_eq!(client.get(id).await.1["status"], "cancelled");
    let back = google
        .person()
        .move_to_calendar("dr-b@example.com", id, DEFAULT_CALENDAR)
        .unwrap();
    assert_eq!(back["summary"], "Check-up");
    assert_eq!(client.get(id).await.1["status"], "confirmed");
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_does_not_fit_the_document_is_refused_and_recorded() {
    let (google, client) = start().await;
    let unknown = client.insert(json!({"title": "Check-up"})).await;
    assert_eq!(reason(&unknown), (400, "badRequest"));
    assert_eq!(client.list("singleEvent=true").await.0, 400);
    assert_eq!(client.events(Method::POST, "/quickAdd?text=x", None).await.0, 501);
    let violations = google.violations();
    assert_eq!(violations.len(), 3);
    assert!(violations[0].contains("/title: unknown field"), "{violations:?}");
}

#[tokio::test]
async fn no_call_without_a_live_token() {
    let (google, mut client) = start().await;
    google.advance(std::time::Duration::from_secs(3601));
    assert_eq!(reason(&client.list("").await), (401, "authError"));
    client.token = String::new();
    assert_eq!(client.list("").await.0, 401);
    let http = reqwest::Client::new();
    let refused =
        crate::client::post_form(&http, &google.token_uri(), "grant_type=password".to_owned()).await;
    assert_eq!(
        (refused.0, &refused.1["error"]),
        (400, &json!("unsupported_grant_type"))
    );
}

#[tokio::test]
async fn an_event_that_moved_away_is_only_a_tombstone() {
    let (google, client) = start().await;
    google.add_calendar("dr-b@example.com", chrono_tz::Asia::Karachi);
    let event = client
        .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
        .await
        .1;
    let id = event["id"].as_str().unwrap();
    let token = client.list_all("").await.1.unwrap();
    google
        .person()
        .move_to_calendar(DEFAULT_CALENDAR, id, "dr-b@example.com")
        .unwrap();
    let gone = client.list_all(&format!("syncToken={token}")).await.0;
    assert_eq!(
        (&gone[0]["id"], &gone[0]["status"]),
        (&event["id"], &json!("cancelled"))
    );
    let restore = json!({"status": "confirmed"});
    assert_eq!(reason(&client.patch(id, None, restore).await), (404, "notFound"));
    assert!(google.person().restore(DEFAULT_CALENDAR, id).is_err());
    assert_eq!(
        google.events("dr-b@example.com").unwrap()[0]["summary"],
        "Check-up"
    );
}

#[tokio::test]
async fn an_answer_can_be_partial() {
    let (google, client) = start().await;
    let event = client
        .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
        .await
        .1;
    let (status, partial) = client.list("fields=items(id,start/timeZone)").await;
    let kept = json!({"items": [{"id": event["id"], "start": {"timeZone": "Asia/Karachi"}}]});
    assert_eq!((status, partial), (200, kept));
    assert_eq!(
        reason(&client.list("fields=items(").await),
        (400, "invalidParameter")
    );
    assert_eq!(google.violations(), Vec::<String>::new());
}
