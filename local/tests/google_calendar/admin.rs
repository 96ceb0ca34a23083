//! The handle over HTTP, the page, and what survives a restart.

use local::google::{DEFAULT_CALENDAR, Options, StandIn};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, half_hour, start};

async fn admin(google: &StandIn, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = reqwest::Client::new().request(method, format!("{}/admin{path}", google.origin()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default(),
    )
}

#[tokio::test]
async fn a_person_adds_moves_renames_deletes_and_restores() {
    let (google, client) = start().await;
    let events = format!("/calendars/{DEFAULT_CALENDAR}/events");
    let body = half_hour("Lunch", "2026-12-01T13:00:00+05:00");
    let (status, event) = admin(&google, Method::POST, &events, Some(body)).await;
    assert_eq!(
        (status, &event["creator"]["email"]),
        (200, &json!("reception@example.com"))
    );
    let event = format!("{events}/{}", event["id"].as_str().unwrap());

    let wish = json!({"start": "2026-12-01T10:00:00Z"});
    let moved = admin(&google, Method::POST, &format!("{event}/move"), Some(wish))
        .await
        .1;
    assert_eq!(moved["start"]["dateTime"], "2026-12-01T15:00:00+05:00");
    assert_eq!(moved["end"]["dateTime"], "2026-12-01T15:30:00+05:00");
    let renamed = admin(
        &google,
        Method::PATCH,
        &event,
        Some(json!({"summary": "Late lunch"})),
    )
    .await
    .1;
    assert_eq!(renamed["summary"], "Late lunch");
    assert_eq!(admin(&google, Method::DELETE, &event, None).await.0, 204);
    let bin = admin(&google, Method::GET, &events, None).await.1;
    assert_eq!(
        (&bin["events"][0]["status"], &bin["events"][0]["summary"]),
        (&json!("cancelled"), &json!("Late lunch"))
    );
    assert_eq!(bin["events"][0]["last_changed_by"], "person");
    let restored = admin(&google, Method::POST, &format!("{event}/restore"), None)
        .await
        .1;
    assert_eq!(
        (&restored["id"], &restored["status"]),
        (&moved["id"], &json!("confirmed"))
    );
    let copy = admin(&google, Method::POST, &format!("{event}/duplicate"), None)
        .await
        .1;
    assert_ne!(copy["id"], restored["id"]);
    assert_eq!(copy["organizer"]["email"], "reception@example.com");
    assert_eq!(client.list_all("").await.0.len(), 2);
    assert_eq!(
        admin(&google, Method::DELETE, &format!("{events}/nothing"), None)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn the_whole_handle_answers_over_http() {
    let (google, client) = start().await;
    for (method, path, body, status) in [
        (
            Method::POST,
            "/calendars",
            json!({"id": "dr-b@example.com", "time_zone": "Asia/Kathmandu"}),
            201,
        ),
        (
            Method::POST,
            "/calendars",
            json!({"id": "dr-c@example.com", "time_zone": "Kathmandu"}),
            400,
        ),
        (
            Method::PATCH,
            "/calendars/dr-b@example.com",
            json!({"access": "none", "refuses_push": true}),
            204,
        ),
        (
            Method::PATCH,
            "/calendars/dr-c@example.com",
            json!({"access": "none"}),
            404,
        ),
        (
            Method::POST,
            "/faults",
            json!({"operation": "events.list", "answer": "drop", "times": 1}),
            201,
        ),
        (
            Method::POST,
            "/faults",
            json!({"answer": {"refuse": {"status": 429, "reason": "x"}}}),
            201,
        ),
        (Method::POST, "/faults", json!({"answer": "smile"}), 422),
        (Method::PUT, "/outage", json!({"mode": "unavailable"}), 204),
        (Method::PUT, "/notifications", json!({"mode": "double"}), 204),
        (
            Method::PUT,
            "/listings",
            json!({"page_limit": 1, "tombstones": "full"}),
            204,
        ),
        (Method::POST, "/clock", json!({"seconds": 10}), 200),
    ] {
        assert_eq!(
            admin(&google, method, path, Some(body.clone())).await.0,
            status,
            "{path} {body}"
        );
    }
    assert_eq!(
        admin(&google, Method::GET, "/faults", None).await.1["faults"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    for path in ["/faults", "/sync-tokens", "/access-tokens"] {
        assert_eq!(admin(&google, Method::DELETE, path, None).await.0, 204, "{path}");
    }
    assert_eq!(
        client.list("").await.0,
        401,
        "the token was revoked, the outage is over"
    );
    let log = admin(&google, Method::GET, "/requests", None).await.1;
    assert_eq!(
        (&log["counts"]["events.list"], &log["requests"][1]["status"]),
        (&json!(1), &json!(401))
    );
    assert_eq!(admin(&google, Method::DELETE, "/requests", None).await.0, 204);
    let account = admin(&google, Method::GET, "/service-account", None).await.1;
    assert_eq!(
        account,
        serde_json::from_str::<Value>(&google.service_account_json()).unwrap()
    );
    for path in [
        "/violations",
        "/unconditional-writes",
        "/channels",
        "/clock",
        "/calendars",
    ] {
        assert_eq!(admin(&google, Method::GET, path, None).await.0, 200, "{path}");
    }
    assert_eq!(admin(&google, Method::POST, "/release", None).await.0, 204);
}

#[tokio::test]
async fn the_page_needs_no_other_host() {
    let google = StandIn::start().await.unwrap();
    let page = reqwest::get(google.origin()).await.unwrap().text().await.unwrap();
    assert!(page.contains("<title>"));
    assert!(!page.contains("http://") && !page.contains("https://"));
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        state_file: Some(folder.path().join("state/google.json")),
        ..Options::default()
    };
    let google = StandIn::open(options.clone()).await.unwrap();
    let port = google.origin().rsplit(':').next().unwrap().parse().unwrap();
    let client = Client::connect(&google).await;
    let event = client
        .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
        .await
        .1;
    let token = client.list_all("").await.1.unwrap();
    let key = google.service_account_json();
    drop(google);

    // The port of the first one is free once its server task has ended.
    let options = Options { port, ..options };
    let google = loop {
        match StandIn::open(options.clone()).await {
            Ok(google) => break google,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(google.service_account_json(), key);
    let again = Client::connect(&google).await;
    assert_eq!(
        again.get(event["id"].as_str().unwrap()).await,
        (200, event.clone())
    );
    assert_eq!(
        client.list_all(&format!("syncToken={token}")).await.0,
        Vec::<Value>::new()
    );
    let second = StandIn::open(Options {
        port,
        ..Options::default()
    })
    .await;
    assert!(second.is_err_and(|error| error.to_string().contains(&port.to_string())));
}
