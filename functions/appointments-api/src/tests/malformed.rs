//! Bad input of every kind gets the contract's error, never a 500.

use axum::body::Body;
use http::{Request, header};
use serde_json::json;

use super::Api;

const ID: &str = "/appointments/0190f0c2-0000-7000-8000-000000000000";

async fn raw(api: &Api, content_type: Option<&str>, body: impl Into<Body>) -> super::Answer {
    let mut request = Request::builder()
        .method("POST")
        .uri("/appointments")
        .header(header::AUTHORIZATION, "Bearer open sesame");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    api.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_body_that_is_no_json_is_400_one_of_another_type_415_and_a_large_one_413() {
    let api = Api::open().await;
    for bad in ["{", "{\"a\":}", "\u{0}", "[1,", &"[".repeat(300)] {
        raw(&api, Some("application/json"), bad.to_owned())
            .await
            .is_problem(400, "malformed_json");
    }
    raw(&api, Some("application/json"), vec![0xff, 0xfe])
        .await
        .is_problem(400, "malformed_json");
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        raw(&api, content_type, "{}")
            .await
            .is_problem(415, "unsupported_media_type");
    }
    let large = json!({"notes": "x".repeat(65 * 1024)}).to_string();
    raw(&api, Some("application/json"), large)
        .await
        .is_problem(413, "body_too_large");
    for bad in ["[]", "null", "\"x\"", "5"] {
        raw(&api, Some("application/json"), bad)
            .await
            .is_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn all_faults_of_a_booking_are_named_at_once() {
    let api = Api::open().await;
    let body = json!({
        "patient_name": "", "patient_phone": 5, "patient_email": "@", "starts_at": "tomorrow", "duration_minutes": 0,
        "notes": "a\u{7}b", "surprise": {}
    });
    let answer = api.post("/appointments", body).await;
    answer.is_problem(422, "validation_failed");
    let expected = [
        "/patient_name",
        "/patient_phone",
        "/patient_email",
        "/notes",
        "/starts_at",
        "/duration_minutes",
        "/surprise",
    ];
    assert_eq!(answer.pointers(), expected);
}

#[tokio::test]
async fn an_id_that_is_none_names_no_appointment() {
    let api = Api::open().await;
    for id in [
        "1",
        "x",
        "0190f0c200007000800000000000000",
        "%00",
        "%F0%28",
        "0190f0c2-0000-7000-8000-000000000000",
    ] {
        for (method, action, body) in [
            ("GET", "", None),
            ("PATCH", "", Some(json!({}))),
            ("DELETE", "", None),
            ("POST", "/cancel", None),
            (
                "POST",
                "/reschedule",
                Some(json!({"starts_at": "2027-03-01T09:00:00Z"})),
            ),
        ] {
            let answer = api
                .call(method, &format!("/appointments/{id}{action}"), body)
                .await;
            answer.is_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn bad_queries_name_their_parameters() {
    let api = Api::open().await;
    for (query, pointers) in [
        ("from=yesterday", vec!["/from"]),
        ("from=2027-03-01T09:00:00", vec!["/from"]),
        ("from=2027-03-02T00:00:00Z&to=2027-03-01T00:00:00Z", vec!["/to"]),
        ("limit=0", vec!["/limit"]),
        ("limit=201", vec!["/limit"]),
        ("limit=ten", vec!["/limit"]),
        ("cursor=abc", vec!["/cursor"]),
        ("status=late", vec!["/status"]),
        ("patient_phone=me", vec!["/patient_phone"]),
        ("limit=5&limit=6", vec!["/limit"]),
        ("form=x", vec!["/form"]),
        ("from=%FF", vec!["/from"]),
    ] {
        let answer = api.get(&format!("/appointments?{query}")).await;
        assert_eq!(
            answer.is_problem(422, "validation_failed").pointers(),
            pointers,
            "{query}"
        );
    }
    for path in [ID, "/calendar/status", "/calendar/events"] {
        let answer = api.get(&format!("{path}?surprise=1")).await;
        assert_eq!(
            answer.is_problem(422, "validation_failed").pointers(),
            ["/surprise"],
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_query_of_more_than_32_parameters_is_not_read() {
    let api = Api::open().await;
    let query = |count: usize| {
        (0..count)
            .map(|n| format!("p{n}=1"))
            .collect::<Vec<_>>()
            .join("&")
    };
    for path in ["/appointments", ID, "/calendar/status"] {
        let answer = api.get(&format!("{path}?{}", query(32))).await;
        answer.is_problem(422, "validation_failed");
        let answer = api.get(&format!("{path}?{}", query(33))).await;
        answer.is_problem(400, "too_many_parameters");
    }
}

#[tokio::test]
async fn odd_headers_are_no_fault_of_ours() {
    let api = Api::open().await;
    let mut request = Request::builder()
        .uri(ID)
        .header(header::AUTHORIZATION, "Bearer open sesame");
    let odd = http::HeaderValue::from_bytes(b"\xff\x80").unwrap();
    request = request
        .method("DELETE")
        .header(header::IF_MATCH, odd.clone())
        .header("x-odd", odd.clone());
    api.send(request.body(Body::empty()).unwrap())
        .await
        .is_problem(404, "not_found");
    let request = Request::builder().uri(ID).header(header::AUTHORIZATION, odd);
    api.send(request.body(Body::empty()).unwrap())
        .await
        .is_problem(401, "unauthorized");
}
