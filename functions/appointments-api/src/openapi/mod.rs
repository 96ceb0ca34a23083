//! `GET /openapi.json` and `GET /docs`: what the API is, for programs and for people.
//!
//! Both are files that `make openapi` writes from the table of routes and from the bounds that requests are read by (see
//! `generator`); the function carries the bytes and no generator. A test compares them with what the code says today.

#[cfg(test)]
pub(crate) mod generator;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

const DOCUMENT: &str = include_str!("../../openapi/openapi.json");
const PAGE: &str = include_str!("../../openapi/docs.html");
/// SHA-256 of each file, which `make openapi` writes too: a tag for caches.
const DOCUMENT_TAG: &str = include_str!("../../openapi/openapi.json.tag");
const PAGE_TAG: &str = include_str!("../../openapi/docs.html.tag");
/// The page loads nothing, runs nothing and has one style sheet, known by its hash.
const PAGE_POLICY: &str = include_str!("../../openapi/docs.html.policy");
/// They change with a deployment only.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The document.
pub(crate) async fn document(headers: HeaderMap) -> Response {
    file(&headers, "application/json", DOCUMENT, DOCUMENT_TAG)
}

/// The page.
pub(crate) async fn page(headers: HeaderMap) -> Response {
    let mut response = file(&headers, "text/html; charset=utf-8", PAGE, PAGE_TAG);
    let policy = HeaderValue::from_static(PAGE_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// The file, or 304 to whoever has it already.
fn file(asked: &HeaderMap, content_type: &'static str, text: &'static str, tag: &'static str) -> Response {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| {
        let mut tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(text))
    };
    let headers = response.headers_mut();
    if !known {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    headers.insert(header::ETAG, HeaderValue::from_static(tag));
    headers.insert(header::CACHE_CONTROL, CACHED);
    response
}
