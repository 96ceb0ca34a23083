//! Who may come in.

use axum::body::Body;
use axum::extract::FromRequestParts;
use http::{Method, Request, header};
use shared::auth::Scope;

use super::Api;
use crate::access::{Access, CallerName};
use crate::routes::table;

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

/// Every method and path of the table, and some that are not in it; what is needed for them.
fn everything() -> Vec<(Method, String, Option<Access>)> {
    let id = "0190f0c2-0000-7000-8000-000000000000";
    let routes = table().into_iter();
    let mut all: Vec<_> = routes
        .map(|route| (route.method, route.path.replace("{id}", id), Some(route.access)))
        .collect();
    all.extend([
        (Method::GET, "/nowhere".to_owned(), None),
        (Method::GET, "/".to_owned(), None),
        (Method::PUT, "/appointments".to_owned(), None),
    ]);
    all
}

#[tokio::test]
async fn every_route_that_is_not_open_is_closed_without_a_known_key() {
    let api = Api::open().await;
    for (method, path, access) in everything() {
        for key in [
            None,
            Some("Bearer wrong"),
            Some("Bearer "),
            Some("Bearer a.b.c"),
            Some("Basic open sesame"),
            Some("open sesame"),
        ] {
            let mut request = request(method.as_str(), &path);
            if let Some(key) = key {
                request = request.header(header::AUTHORIZATION, key);
            }
            let answer = api.send(request.body(Body::empty()).unwrap()).await;
            if access == Some(Access::Open) {
                assert_eq!(answer.status, 200, "{method} {path}");
                continue;
            }
            answer.is_problem(401, "unauthorized");
            assert!(
                answer.headers.contains_key(header::WWW_AUTHENTICATE),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn every_route_is_closed_to_the_wrong_scope_and_open_to_the_right_one() {
    let api = Api::open().await;
    for (method, path, access) in everything() {
        let request = request(method.as_str(), &path)
            .header(header::AUTHORIZATION, "bearer booking only")
            .body(Body::empty())
            .unwrap();
        let answer = api.send(request).await;
        match access {
            Some(Access::Needs(Scope::Calendar)) => {
                answer.is_problem(403, "missing_scope");
            }
            Some(Access::Needs(Scope::Appointments) | Access::Open) => {
                assert!(![401, 403].contains(&answer.status.as_u16()), "{method} {path}");
            }
            None => assert!([404, 405].contains(&answer.status.as_u16()), "{method} {path}"),
        }
    }
}

#[test]
fn the_table_says_what_the_paths_say() {
    for route in table() {
        let expected = match route.path.split('/').nth(1) {
            Some("appointments" | "availability") => Access::Needs(Scope::Appointments),
            Some("calendar") => Access::Needs(Scope::Calendar),
            _ => Access::Open,
        };
        assert_eq!(route.access, expected, "{} {}", route.method, route.path);
    }
    let open: Vec<_> = table()
        .into_iter()
        .filter(|route| route.access == Access::Open)
        .map(|route| route.path)
        .collect();
    assert_eq!(open, ["/health", "/openapi.json", "/docs"]);
}

#[tokio::test]
async fn a_handler_that_nothing_stands_in_front_of_gets_no_caller() {
    let (mut parts, ()) = request("POST", "/appointments").body(()).unwrap().into_parts();
    assert!(CallerName::from_request_parts(&mut parts, &()).await.is_err());
}

#[tokio::test]
async fn a_head_request_needs_what_its_get_needs() {
    let api = Api::open().await;
    let head = |path| request("HEAD", path).body(Body::empty()).unwrap();
    assert_eq!(api.send_raw(head("/health")).await.status(), 200);
    assert_eq!(api.send_raw(head("/appointments")).await.status(), 401);
}

#[tokio::test]
async fn without_any_key_configured_everything_is_closed() {
    let api = Api::with(&[("API_KEYS", "")]).await;
    api.get("/appointments").await.is_problem(401, "unauthorized");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let api = Api::open().await;
    api.get("/nowhere").await.is_problem(404, "not_found");
    let answer = api.call("PUT", "/appointments", None).await;
    answer.is_problem(405, "method_not_allowed");
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD,POST");
}
