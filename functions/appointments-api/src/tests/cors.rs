//! From which pages the API may be called. `browser/` tries the same with a real browser.

use axum::body::Body;
use http::{HeaderName, Request, header};
use serde_json::json;

use super::{Answer, Api, booking};
use crate::access::Access;
use crate::routes::table;

/// The one that the tests' API allows.
const FRONTEND: &str = "https://app.example.com";

const STRANGERS: [&str; 12] = [
    "https://evil.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://www.app.example.com",
    "https://example.com",
    "https://app.example.com/",
    "https://APP.example.com",
    "https://app.example.com, https://evil.example.com",
    "*",
    "null",
];

async fn preflight(api: &Api, origin: Option<&str>, method: &str, path: &str) -> Answer {
    let mut request = Request::builder()
        .method("OPTIONS")
        .uri(path)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, method)
        .header(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "authorization,content-type,idempotency-key,if-match",
        );
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

/// Whether anything is said about who may call from where.
fn names_anyone(answer: &Answer) -> bool {
    let about_callers = |name: &HeaderName| name.as_str().starts_with("access-control-allow-");
    answer.headers.keys().any(about_callers)
}

/// The words of a header that lists some, in lower case.
fn listed(answer: &Answer, name: HeaderName) -> Vec<String> {
    let text = answer.headers[name].to_str().unwrap().to_ascii_lowercase();
    text.split(',').map(|word| word.trim().to_owned()).collect()
}

#[tokio::test]
async fn a_preflight_is_answered_for_the_frontend_only() {
    let api = Api::open().await;
    let answer = preflight(&api, Some(FRONTEND), "POST", "/appointments").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], FRONTEND);
    for origin in STRANGERS.into_iter().map(Some).chain([None]) {
        let answer = preflight(&api, origin, "POST", "/appointments").await;
        answer.is_problem(403, "origin_not_allowed");
        assert!(!names_anyone(&answer), "{origin:?}");
    }
}

#[tokio::test]
async fn without_any_origin_configured_no_preflight_is_answered() {
    let api = Api::with(&[("ALLOWED_ORIGINS", "")]).await;
    for origin in [FRONTEND, "null", ""] {
        let answer = preflight(&api, Some(origin), "GET", "/appointments").await;
        answer.is_problem(403, "origin_not_allowed");
    }
}

#[tokio::test]
async fn the_frontend_may_call_every_route_with_every_header_that_one_reads() {
    let api = Api::open().await;
    for route in table() {
        let answer = preflight(&api, Some(FRONTEND), route.method.as_str(), route.path).await;
        let methods = listed(&answer, header::ACCESS_CONTROL_ALLOW_METHODS);
        let method = route.method.as_str().to_ascii_lowercase();
        assert!(methods.contains(&method), "{method} {}", route.path);
        let headers = listed(&answer, header::ACCESS_CONTROL_ALLOW_HEADERS);
        for name in ["authorization", "content-type", "idempotency-key", "if-match"] {
            assert!(headers.iter().any(|header| header == name), "{name}");
        }
        assert_eq!(answer.headers[header::ACCESS_CONTROL_MAX_AGE], "3600");
    }
}

#[tokio::test]
async fn the_frontend_may_read_every_answer_and_the_headers_that_help_it() {
    let api = Api::open().await;
    let booked = api.book("2030-01-07T09:00:00+05:00").await;
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    let taken = booking("2030-01-07T09:00:00+05:00");
    let stale = [("if-match", "\"7\"")];
    for (status, method, path, body, headers) in [
        (200, "GET", path.as_str(), None, &[][..]),
        (200, "GET", "/openapi.json", None, &[]),
        (
            401,
            "GET",
            "/appointments",
            None,
            &[("authorization", "Bearer wrong")],
        ),
        (404, "GET", "/nowhere", None, &[]),
        (405, "PATCH", "/appointments", None, &[]),
        (409, "POST", "/appointments", Some(taken), &[]),
        (412, "PATCH", &path, Some(json!({"notes": null})), &stale),
        (
            413,
            "POST",
            "/appointments",
            Some(json!({"notes": "x".repeat(70_000)})),
            &[],
        ),
        (422, "POST", "/appointments", Some(json!({})), &[]),
    ] {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ORIGIN, FRONTEND);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header(header::AUTHORIZATION, "Bearer open sesame");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let answer = api.send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], FRONTEND);
        assert!(listed(&answer, header::VARY).contains(&"origin".to_owned()));
        let exposed = listed(&answer, header::ACCESS_CONTROL_EXPOSE_HEADERS);
        for name in [
            "etag",
            "location",
            "retry-after",
            "x-request-id",
            "idempotent-replayed",
        ] {
            assert!(exposed.iter().any(|header| header == name), "{name}");
        }
        // There are no cookies to send along.
        assert!(
            !answer
                .headers
                .contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS)
        );
    }
}

#[tokio::test]
async fn an_answer_to_a_page_from_elsewhere_names_nobody_and_is_no_other_pages_answer() {
    let api = Api::open().await;
    let open: Vec<_> = table()
        .into_iter()
        .filter(|route| route.access == Access::Open)
        .map(|route| route.path)
        .chain(["/appointments", "/nowhere"])
        .collect();
    for origin in STRANGERS {
        for path in &open {
            let request = Request::builder().uri(*path).header(header::ORIGIN, origin);
            let answer = api.send_raw(request.body(Body::empty()).unwrap()).await;
            let headers = answer.headers();
            assert!(
                !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN),
                "{origin} {path}"
            );
            assert!(
                headers[header::VARY].to_str().unwrap().contains("origin"),
                "{origin} {path}"
            );
        }
    }
}
