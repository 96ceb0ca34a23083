//! Faults and outages.

use local::google::{DEFAULT_CALENDAR, Fault, Outage};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, half_hour, reason, start};

fn events() -> String {
    format!("/calendars/{DEFAULT_CALENDAR}/events")
}

#[tokio::test]
async fn a_refusal_comes_as_often_as_ordered_in_googles_envelope() {
    let (google, client) = start().await;
    google.fail(
        Fault::on("events.list")
            .refuse(403, "rateLimitExceeded")
            .retry_after("3")
            .times(1),
    );
    let request = reqwest::Client::new().get(format!("{}{}", google.base_url(), events()));
    let response = request.bearer_auth(&client.token).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["retry-after"], "3");
    let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["error"]["errors"][0]["domain"], "usageLimits");
    assert_eq!(body["error"]["errors"][0]["reason"], "rateLimitExceeded");
    assert_eq!(body["error"]["code"], 403);
    assert_eq!(client.list("").await.0, 200);
    assert!(google.faults().is_empty());
}

#[tokio::test]
async fn a_fault_is_for_the_calls_it_names() {
    let (google, client) = start().await;
    google.fail(Fault::on_any().of_calendar("dr-b@example.com"));
    google.fail(Fault::on("events.insert").refuse(500, "internalError"));
    assert_eq!(client.list("").await.0, 200);
    assert_eq!(reason(&client.insert(json!({})).await), (500, "internalError"));
    assert_eq!(
        client
            .call(Method::GET, "/calendars/dr-b@example.com", None, None)
            .await
            .unwrap()
            .0,
        503
    );
    google.heal();
    assert_eq!(
        client
            .insert(half_hour("Check-up", "2026-12-01T09:00:00+05:00"))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_call_took_effect() {
    let (google, client) = start().await;
    let body = half_hour("Check-up", "2026-12-01T09:00:00+05:00");
    google.fail(Fault::on("events.insert").disconnect().times(1));
    assert!(
        client
            .call(Method::POST, &events(), Some(body.clone()), None)
            .await
            .is_err()
    );
    assert_eq!(google.events(DEFAULT_CALENDAR).unwrap().len(), 0);
    google.fail(Fault::on("events.insert").after().disconnect().times(1));
    assert!(
        client
            .call(Method::POST, &events(), Some(body), None)
            .await
            .is_err()
    );
    assert_eq!(google.events(DEFAULT_CALENDAR).unwrap().len(), 1);
    let statuses: Vec<_> = google.requests().iter().map(|request| request.status).collect();
    assert_eq!(
        statuses,
        [Some(200), None, None],
        "the token, and two calls without an answer"
    );
}

#[tokio::test]
async fn a_call_hangs_until_it_is_released() {
    let (google, client) = start().await;
    google.fail(Fault::on("events.list").hang().times(1));
    let hanging = tokio::spawn({
        let client = client.clone();
        async move { client.list("").await.0 }
    });
    while google.count("events.list") == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!hanging.is_finished());
    google.release();
    assert_eq!(hanging.await.unwrap(), 200);
}

#[tokio::test]
async fn an_outage_strikes_every_call() {
    let (google, client) = start().await;
    google.set_outage(Outage::Unavailable);
    assert_eq!(reason(&client.list("").await), (503, "backendError"));
    google.set_outage(Outage::Closed);
    assert!(client.call(Method::GET, &events(), None, None).await.is_err());
    google.heal();
    Client::connect(&google).await;
    assert_eq!(client.list("").await.0, 200);
}
