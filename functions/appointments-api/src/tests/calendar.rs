//! Calendar control: status, syncs by hand, events, watch channels.

use local::google::{Access, Fault, Outage};
use serde_json::{Value, json};

use super::Api;

const CLINIC: &str = "clinic@example.com";

#[tokio::test]
async fn a_booking_goes_out_and_a_persons_move_comes_in_by_hand() {
    let api = Api::open().await;
    let booked = api.book("2027-03-01T04:00:00Z").await;
    let out = api.post("/calendar/sync-to-calendar", json!({})).await;
    assert_eq!(
        out.body,
        json!({"created": 1, "updated": 0, "deleted": 0, "failed": 0, "pending": 0})
    );
    let event_id = booked["google_calendar_event_id"].as_str().unwrap();
    let time = |at: &str| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
    let moved = json!({"start": time("2027-03-01T11:00:00+05:00"), "end": time("2027-03-01T11:30:00+05:00")});
    api.google.person().edit(CLINIC, event_id, &moved).unwrap();
    let back = api.call("POST", "/calendar/sync", None).await;
    let expected = json!({
        "updated": 1, "cancelled": 0, "restored": 0, "conflicts": 0, "full": true, "mass_cancel_held": false
    });
    assert_eq!(back.body, expected);
    let read = api
        .get(&format!("/appointments/{}", booked["id"].as_str().unwrap()))
        .await;
    assert_eq!(read.body["starts_at"], "2027-03-01T11:00:00+05:00");
    assert_eq!(read.body["calendar_sync"]["state"], "synced");

    let both = api
        .post("/calendar/full-sync?calendar_id=clinic@example.com", json!({}))
        .await;
    assert_eq!(both.body["from_calendar"]["full"], false);
    assert_eq!(both.body["to_calendar"]["created"], 0);

    let events = api.get("/calendar/events?from=2027-03-01T00:00:00Z").await;
    let item = &events.body["items"][0];
    assert_eq!(
        (&item["id"], &item["appointment_id"]),
        (&json!(event_id), &booked["id"])
    );
    assert_eq!(item["starts_at"], "2027-03-01T11:00:00+05:00");
    assert_eq!(
        (&item["all_day"], &item["status"]),
        (&json!(false), &json!("confirmed"))
    );
    assert_eq!(events.body["next_page_token"], Value::Null);
}

#[tokio::test]
async fn events_of_a_persons_own_are_listed_page_by_page() {
    let api = Api::open().await;
    for day in 1..=3 {
        let own = json!({
            "summary": "Holiday", "start": {"date": format!("2027-04-0{day}")}, "end": {"date": format!("2027-04-0{}", day + 1)}
        });
        api.google.person().add(CLINIC, &own).unwrap();
    }
    let first = api
        .get("/calendar/events?from=2027-04-01T00:00:00Z&limit=2")
        .await;
    assert_eq!(first.body["items"].as_array().unwrap().len(), 2);
    let item = &first.body["items"][0];
    assert_eq!(
        (&item["all_day"], &item["appointment_id"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(item["starts_at"], "2027-04-01T00:00:00+05:00");
    let token = first.body["next_page_token"].as_str().unwrap();
    let second = api
        .get(&format!(
            "/calendar/events?from=2027-04-01T00:00:00Z&limit=2&page_token={token}"
        ))
        .await;
    assert_eq!(
        second.body["items"].as_array().unwrap().len(),
        1,
        "{}",
        second.body
    );
    let strange = api.get("/calendar/events?page_token=zzz").await;
    assert_eq!(
        strange.is_problem(422, "validation_failed").pointers(),
        ["/page_token"]
    );
}

#[tokio::test]
async fn status_tells_what_is_wrong() {
    let api = Api::open().await;
    api.book("2027-03-01T04:00:00Z").await;
    let status = api.get("/calendar/status").await.body;
    assert_eq!(
        (&status["status"], &status["reason"]),
        (&json!("available"), &Value::Null)
    );
    assert_eq!(
        (&status["calendar_id"], &status["timezone"]),
        (&json!(CLINIC), &json!("Asia/Karachi"))
    );
    assert_eq!(
        (&status["pending"], &status["failed"], &status["conflicts"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert_eq!(
        status["watch"],
        json!({"active": false, "expires_at": null, "last_notification_at": null})
    );
    assert_eq!(status["auto_sync"]["interval_seconds"], 300);

    api.google.share(CLINIC, Access::None);
    let status = api.get("/calendar/status").await.body;
    assert_eq!(
        (&status["status"], &status["reason"]),
        (&json!("unavailable"), &json!("calendar_not_shared"))
    );
    api.post("/calendar/sync", json!({}))
        .await
        .is_problem(502, "google_refused");

    api.google.share(CLINIC, Access::Writer);
    api.google.set_outage(Outage::Closed);
    assert_eq!(
        api.get("/calendar/status").await.body["reason"],
        "google_unreachable"
    );
    let unreachable = api
        .post("/calendar/sync?calendar_id=clinic@example.com", json!({}))
        .await;
    unreachable.is_problem(503, "google_unreachable");
    assert!(unreachable.headers.contains_key("retry-after"));
    // Bookings neither fail nor wait.
    api.book("2027-03-01T05:00:00Z").await;
}

#[tokio::test]
async fn status_names_missing_and_invalid_credentials() {
    let api = Api::with(&[("GOOGLE_SERVICE_ACCOUNT_JSON", "")]).await;
    assert_eq!(
        api.get("/calendar/status").await.body["reason"],
        "credentials_missing"
    );
    api.post("/calendar/sync", json!({}))
        .await
        .is_problem(503, "google_unreachable");

    let stranger = local::google::StandIn::start().await.unwrap();
    let api = Api::open().await;
    let account: Value = serde_json::from_str(&stranger.service_account_json()).unwrap();
    let mut account = account;
    account["token_uri"] = json!(api.google.token_uri());
    let api = Api::with(&[("GOOGLE_SERVICE_ACCOUNT_JSON", &account.to_string())]).await;
    assert_eq!(
        api.get("/calendar/status").await.body["reason"],
        "credentials_invalid"
    );
}

#[tokio::test]
async fn a_refusal_by_google_is_told_with_its_reason() {
    let api = Api::open().await;
    api.google.fail(
        Fault::on("events.list")
            .refuse(403, "forbiddenForSomeReason")
            .times(1),
    );
    let refused = api.get("/calendar/events").await;
    refused.is_problem(502, "google_refused");
    assert_eq!(refused.body["reason"], "forbiddenForSomeReason");
}

#[tokio::test]
async fn a_channel_is_set_up_replaced_and_stopped() {
    let api = Api::open().await;
    for bad in ["http://example.com/hook", "ftp://example.com", "hook", ""] {
        let answer = api
            .post("/calendar/setup-watch", json!({"webhook_url": bad}))
            .await;
        assert_eq!(
            answer.is_problem(422, "validation_failed").pointers(),
            ["/webhook_url"],
            "{bad}"
        );
    }
    // Nobody listens there; the stand-in tries to notify, and gives up.
    let body = json!({"webhook_url": "http://127.0.0.1:9/calendar/webhook"});
    let first = api.post("/calendar/setup-watch", body.clone()).await;
    assert_eq!(first.status, 201, "{}", first.body);
    for member in ["channel_id", "resource_id", "expires_at"] {
        assert!(first.body[member].is_string(), "{member}");
    }
    let second = api.post("/calendar/setup-watch", body).await;
    assert_ne!(second.body["channel_id"], first.body["channel_id"]);
    let live = || {
        let mut channels = api.google.channels();
        channels.retain(|channel| channel["live"] == true);
        channels
            .into_iter()
            .map(|channel| channel["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(live(), [second.body["channel_id"].clone()]);
    let expires_at = second.body["expires_at"].clone();
    assert_eq!(
        api.get("/calendar/status").await.body["watch"],
        json!({"active": true, "expires_at": expires_at, "last_notification_at": null})
    );
    for _ in 0..2 {
        assert_eq!(api.post("/calendar/stop-watch", json!({})).await.status, 200);
    }
    assert!(live().is_empty());
    assert_eq!(api.get("/calendar/status").await.body["watch"]["active"], false);
}

#[tokio::test]
async fn a_calendar_without_notifications_is_said_to_be_without() {
    let api = Api::open().await;
    api.google.refuse_push(CLINIC, true);
    let body = json!({"webhook_url": "https://hook.example.com/calendar/webhook"});
    let refused = api.post("/calendar/setup-watch", body).await;
    let problem = refused.is_problem(502, "google_refused");
    assert_eq!(problem.body["reason"], "pushNotSupportedForRequestedResource");
    let status = api.get("/calendar/status").await.body;
    assert_eq!(
        (&status["watch"]["active"], &status["watch_problem"]),
        (&json!(false), &json!("push_refused"))
    );
}

#[tokio::test]
async fn another_calendar_is_named_and_an_unknown_one_refused() {
    let api = Api::open().await;
    let status = api.get("/calendar/status?calendar_id=dr.ali@example.com").await;
    assert_eq!(status.body["calendar_id"], "dr.ali@example.com");
    for path in [
        "/calendar/status",
        "/calendar/events",
        "/calendar/auto-sync/status",
    ] {
        let answer = api.get(&format!("{path}?calendar_id=x")).await;
        assert_eq!(
            answer.is_problem(422, "validation_failed").pointers(),
            ["/calendar_id"],
            "{path}"
        );
    }
    // Without a name, syncs go over all calendars.
    api.google.clear_requests();
    assert_eq!(api.post("/calendar/sync", json!({})).await.status, 200);
    assert_eq!(api.google.count("events.list"), 2);
}

#[tokio::test]
async fn without_a_rule_auto_sync_says_so() {
    let api = Api::open().await;
    api.get("/calendar/auto-sync/status")
        .await
        .is_problem(409, "auto_sync_not_configured");
    api.post("/calendar/auto-sync/start", json!({}))
        .await
        .is_problem(409, "auto_sync_not_configured");
}
