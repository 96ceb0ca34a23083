//! The headers that every answer carries, and the log line of every request.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{self, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use shared::problem::Problem;
use shared::telemetry::metrics;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

use crate::app::App;
use crate::idempotency::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED};
use crate::request::RequestInfo;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IF_MATCH: HeaderName = header::IF_MATCH;

/// Answers preflights for the frontend's origins, and for no other.
pub(crate) fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            IF_MATCH,
            IDEMPOTENCY_KEY,
        ])
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            REQUEST_ID,
            IDEMPOTENT_REPLAYED,
        ])
        .max_age(Duration::from_hours(1))
}

/// Refuses a preflight from elsewhere: the layer of [`cors`] would tell it which methods there are.
pub(crate) async fn refuse_strange_preflight(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    let known = |origin: &HeaderValue| app.allowed_origins.iter().any(|allowed| allowed == origin);
    if request.method() == Method::OPTIONS && !origin.is_some_and(known) {
        let detail = "A preflight is answered for the origins of ALLOWED_ORIGINS only.";
        return Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail).into_response();
    }
    next.run(request).await
}

/// Gives the answer its id and logs one line about it, under the same id.
pub(crate) async fn finish(mut request: Request, next: Next) -> Response {
    let info = RequestInfo::of(&request);
    let span = tracing::info_span!("request", request.id = %info.id);
    request.extensions_mut().insert(info.clone());
    let method = request.method().clone();
    // The pattern, not the path: what a stranger types as a path is not logged.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let started = std::time::Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&info.id) {
        headers.insert(REQUEST_ID, id);
    }
    shared::headers::guard(headers);
    span.in_scope(|| {
        tracing::info!(
            http.method = %method, http.route = route, http.status = response.status().as_u16(),
            http.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request answered"
        );
    });
    metrics::flush();
    response
}
