//! Who may come in, and from where.

use axum::body::Body;
use http::{Request, header};

use super::Api;

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

#[tokio::test]
async fn every_route_but_health_is_closed_without_a_key() {
    let api = Api::open().await;
    let id = "/appointments/0190f0c2-0000-7000-8000-000000000000";
    for (method, path) in [
        ("GET", "/appointments"),
        ("POST", "/appointments"),
        ("GET", id),
        ("PATCH", id),
        ("DELETE", id),
        ("POST", &format!("{id}/reschedule")),
        ("POST", &format!("{id}/cancel")),
        ("GET", &format!("{id}/history")),
        ("GET", "/calendar/status"),
        ("POST", "/calendar/sync"),
        ("POST", "/calendar/sync-to-calendar"),
        ("POST", "/calendar/full-sync"),
        ("GET", "/calendar/events"),
        ("POST", "/calendar/setup-watch"),
        ("POST", "/calendar/stop-watch"),
        ("GET", "/calendar/auto-sync/status"),
        ("POST", "/calendar/auto-sync/start"),
        ("POST", "/calendar/auto-sync/stop"),
        ("GET", "/nowhere"),
        ("PUT", "/appointments"),
    ] {
        for key in [
            None,
            Some("Bearer wrong"),
            Some("Basic open sesame"),
            Some("open sesame"),
        ] {
            let mut request = request(method, path);
            if let Some(key) = key {
                request = request.header(header::AUTHORIZATION, key);
            }
            let answer = api.send(request.body(Body::empty()).unwrap()).await;
            answer.is_problem(401, "unauthorized");
            assert!(
                answer.headers.contains_key(header::WWW_AUTHENTICATE),
                "{method} {path}"
            );
        }
    }
    let health = api
        .send(request("GET", "/health").body(Body::empty()).unwrap())
        .await;
    assert_eq!(health.status, 200);
}

#[tokio::test]
async fn without_any_key_configured_everything_is_closed() {
    let api = Api::with(&[("API_KEYS", "")]).await;
    api.get("/appointments").await.is_problem(401, "unauthorized");
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_name() {
    let api = Api::open().await;
    let with_key = |path: &str| {
        request("GET", path)
            .header(header::AUTHORIZATION, "bearer booking only")
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(api.send(with_key("/appointments")).await.status, 200);
    api.send(with_key("/calendar/status"))
        .await
        .is_problem(403, "missing_scope");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let api = Api::open().await;
    api.get("/nowhere").await.is_problem(404, "not_found");
    let answer = api.call("PUT", "/appointments", None).await;
    answer.is_problem(405, "method_not_allowed");
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD,POST");
}

#[tokio::test]
async fn a_preflight_is_answered_for_the_frontend_only() {
    let api = Api::open().await;
    for origin in [
        Some("https://app.example.com"),
        Some("https://evil.example.com"),
        Some("null"),
        None,
    ] {
        let mut preflight = request("OPTIONS", "/appointments")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "authorization,content-type",
            );
        if let Some(origin) = origin {
            preflight = preflight.header(header::ORIGIN, origin);
        }
        let answer = api.send(preflight.body(Body::empty()).unwrap()).await;
        if origin == Some("https://app.example.com") {
            assert_eq!(answer.status, 200);
            assert_eq!(
                answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
                "https://app.example.com"
            );
        } else {
            answer.is_problem(403, "origin_not_allowed");
            let told = |name: &header::HeaderName| name.as_str().starts_with("access-control-");
            assert!(!answer.headers.keys().any(told), "{origin:?}");
        }
    }
}
