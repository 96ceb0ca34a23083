//! A request that is sent again under its key is carried out once, and answered as it was the first time.

mod breaks;
mod keeping;

use axum::body::Body;
use http::{HeaderValue, Request, header};
use serde_json::json;

use super::{Answer, Api, booking};

const SLOT: &str = "2027-03-01T09:00:00Z";

impl Answer {
    /// Asserts that this is `first` given again, to the byte.
    #[track_caller]
    fn repeats(&self, first: &Answer) {
        assert_eq!((self.status, &self.text), (first.status, &first.text));
        for name in [header::LOCATION, header::ETAG, header::CONTENT_TYPE] {
            assert_eq!(self.headers.get(&name), first.headers.get(&name), "{name}");
        }
        assert_eq!(self.headers["idempotent-replayed"], "true");
        assert!(!first.headers.contains_key("idempotent-replayed"));
    }
}

impl Api {
    /// How many appointments there are.
    async fn count(&self) -> usize {
        let list = self.get("/appointments?limit=200").await;
        list.body["items"].as_array().unwrap().len()
    }
}

/// The path of a booked appointment.
fn path_of(booked: &Answer) -> String {
    assert_eq!(booked.status, 201, "{}", booked.body);
    booked.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_answer_is_given_again_whatever_has_become_of_the_appointment() {
    let api = Api::open().await;
    let booked = api.post_once("a", "/appointments", booking(SLOT)).await;
    let path = path_of(&booked);
    api.post_once("a", "/appointments", booking(SLOT))
        .await
        .repeats(&booked);

    // The event is in the calendar, and the appointment changed: neither shows in what is given again.
    api.post("/calendar/full-sync", json!({})).await;
    let (reschedule, later) = (
        format!("{path}/reschedule"),
        json!({"starts_at": "2027-03-02T09:00:00Z"}),
    );
    let rescheduled = api.post_once("b", &reschedule, later.clone()).await;
    assert_eq!(rescheduled.headers["etag"], "\"2\"");
    api.post("/calendar/full-sync", json!({})).await;
    let (cancel, ill) = (format!("{path}/cancel"), json!({"reason": "ill"}));
    let cancelled = api.post_once("c", &cancel, ill.clone()).await;
    assert_eq!(cancelled.headers["etag"], "\"3\"");
    // Nothing had to be done for this one; it counts all the same.
    let once_more = api.post_once("d", &cancel, ill.clone()).await;
    assert_eq!(once_more.text, cancelled.text);
    api.call("PATCH", &path, Some(json!({"status": "scheduled"})))
        .await;

    for _ in 0..2 {
        api.post_once("a", "/appointments", booking(SLOT))
            .await
            .repeats(&booked);
        api.post_once("b", &reschedule, later.clone())
            .await
            .repeats(&rescheduled);
        api.post_once("c", &cancel, ill.clone()).await.repeats(&cancelled);
        api.post_once("d", &cancel, ill.clone()).await.repeats(&once_more);
    }
    let now = api.get(&path).await.body;
    assert_eq!(
        (&now["version"], &now["status"]),
        (&json!(4), &json!("scheduled"))
    );
    assert_eq!(api.count().await, 1);
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_caller() {
    let api = Api::open().await;
    let booked = api.post_once("a", "/appointments", booking(SLOT)).await;
    let path = path_of(&booked);
    for (path, body) in [
        ("/appointments", booking("2027-03-01T10:00:00Z")),
        ("/appointments", json!({})),
        (&format!("{path}/cancel"), booking(SLOT)),
        (&format!("{path}/cancel"), json!({})),
        (&format!("{path}/reschedule"), json!({"starts_at": SLOT})),
        (
            "/appointments/0190f0c2-0000-7000-8000-000000000000/cancel",
            json!({}),
        ),
    ] {
        let answer = api.post_once("a", path, body).await;
        answer.is_problem(422, "idempotency_key_reused");
    }
    let others = Request::post("/appointments")
        .header(header::AUTHORIZATION, "Bearer booking only")
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "a")
        .body(Body::from(booking("2027-03-01T10:00:00Z").to_string()))
        .unwrap();
    let others = api.send(others).await;
    assert_eq!(
        (others.status.as_u16(), &others.body["source"]),
        (201, &json!("booking-only"))
    );
    assert_eq!(api.get(&path).await.body["version"], 1);
}

#[tokio::test]
async fn a_refusal_is_judged_anew() {
    let api = Api::open().await;
    let in_the_way = api.book(SLOT).await;
    let in_the_way = format!("/appointments/{}", in_the_way["id"].as_str().unwrap());
    let refused = api.post_once("a", "/appointments", booking(SLOT)).await;
    refused.is_problem(409, "slot_taken");
    let refused = api.post_once("a", "/appointments", json!({})).await;
    refused.is_problem(422, "validation_failed");
    let nowhere = "/appointments/0190f0c2-0000-7000-8000-000000000000/cancel";
    api.post_once("a", nowhere, json!({}))
        .await
        .is_problem(404, "not_found");
    let stale = [("idempotency-key", "a"), ("if-match", "\"7\"")];
    let cancel = format!("{in_the_way}/cancel");
    let refused = api.call_with("POST", &cancel, Some(json!({})), &stale).await;
    refused.is_problem(412, "version_conflict");

    api.call("DELETE", &in_the_way, None).await;
    let booked = api.post_once("a", "/appointments", booking(SLOT)).await;
    assert_eq!(booked.status, 201, "{}", booked.body);
    api.post_once("a", "/appointments", booking(SLOT))
        .await
        .repeats(&booked);
}

#[tokio::test]
async fn what_was_carried_out_is_not_judged_again() {
    let api = Api::open().await;
    let mut body = booking(SLOT);
    body["calendar_id"] = json!("dr.ali@example.com");
    let booked = api.post_once("a", "/appointments", body.clone()).await;
    let path = path_of(&booked);
    // Its start may pass in the same way.
    let without_him = api.beside(&[("GOOGLE_CALENDAR_ID", "clinic@example.com")]).await;
    let anew = without_him.post("/appointments", body.clone()).await;
    assert_eq!(
        anew.is_problem(422, "validation_failed").pointers(),
        ["/calendar_id"]
    );
    without_him
        .post_once("a", "/appointments", body)
        .await
        .repeats(&booked);

    let (cancel, as_of_1) = (
        format!("{path}/cancel"),
        [("idempotency-key", "b"), ("if-match", "\"1\"")],
    );
    let cancelled = api.call_with("POST", &cancel, Some(json!({})), &as_of_1).await;
    let again = api.call_with("POST", &cancel, Some(json!({})), &as_of_1).await;
    again.repeats(&cancelled);
}

#[tokio::test]
async fn a_page_of_the_frontend_may_send_keys_and_see_repetitions() {
    let api = Api::open().await;
    let origin = ("origin", "https://app.example.com");
    let asks = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,idempotency-key"),
    ];
    let preflight = api.call_with("OPTIONS", "/appointments", None, &asks).await;
    let allowed = preflight.headers[header::ACCESS_CONTROL_ALLOW_HEADERS]
        .to_str()
        .unwrap();
    assert!(allowed.contains("idempotency-key"), "{allowed}");
    let headers = [origin, ("idempotency-key", "a")];
    let booked = api
        .call_with("POST", "/appointments", Some(booking(SLOT)), &headers)
        .await;
    let exposed = booked.headers[header::ACCESS_CONTROL_EXPOSE_HEADERS]
        .to_str()
        .unwrap();
    assert!(exposed.contains("idempotent-replayed"), "{exposed}");
}

#[tokio::test]
async fn a_malformed_key_is_refused_where_keys_count() {
    let api = Api::open().await;
    let booked = api.book(SLOT).await;
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    let long = "k".repeat(256);
    let malformed = [
        b"".as_slice(),
        b"\xff",
        "schl\u{fc}ssel".as_bytes(),
        b"a\tb",
        long.as_bytes(),
    ];
    for key in malformed.map(|key| HeaderValue::from_bytes(key).unwrap()) {
        let request = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path);
            let request = request.header(header::AUTHORIZATION, "Bearer open sesame");
            request
                .header("idempotency-key", &key)
                .body(Body::empty())
                .unwrap()
        };
        for action in ["/reschedule", "/cancel"] {
            let answer = api.send(request("POST", &format!("{path}{action}"))).await;
            answer.is_problem(400, "malformed_idempotency_key");
        }
        let answer = api.send(request("POST", "/appointments")).await;
        answer.is_problem(400, "malformed_idempotency_key");
        assert_eq!(api.send(request("PATCH", &path)).await.status, 200);
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
    let answer = api
        .call_with("POST", &format!("{path}/cancel"), None, &twice)
        .await;
    answer.is_problem(400, "malformed_idempotency_key");
    let key = [("idempotency-key", "a")];
    assert_eq!(api.call_with("DELETE", &path, None, &key).await.status, 204);
    assert_eq!(
        api.call_with("PATCH", &path, Some(json!({"status": "scheduled"})), &key)
            .await
            .status,
        200
    );
    assert_eq!(api.call_with("DELETE", &path, None, &key).await.status, 204);
    assert_eq!(api.get(&path).await.body["status"], "cancelled");
}
