//! The table of all routes, and what stands in front of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use shared::problem::Problem;

use crate::app::App;
use crate::request::RequestInfo;
use crate::response::{ApiError, ok};
use crate::{access, appointments, calendar, headers};

/// Every route. The layers see a request from the last to the first.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route(
            "/appointments",
            get(appointments::list::handle).post(appointments::book::handle),
        )
        .route(
            "/appointments/{id}",
            get(appointments::read::handle)
                .patch(appointments::change::patch)
                .delete(appointments::change::delete),
        )
        .route(
            "/appointments/{id}/reschedule",
            post(appointments::change::reschedule),
        )
        .route("/appointments/{id}/cancel", post(appointments::change::cancel))
        .route("/appointments/{id}/history", get(appointments::history::handle))
        .route("/calendar/status", get(calendar::status::handle))
        .route("/calendar/sync", post(calendar::sync::from_calendar))
        .route("/calendar/sync-to-calendar", post(calendar::sync::to_calendar))
        .route("/calendar/full-sync", post(calendar::sync::both_ways))
        .route("/calendar/events", get(calendar::events::handle))
        .route("/calendar/setup-watch", post(calendar::watch::setup))
        .route("/calendar/stop-watch", post(calendar::watch::stop))
        .route("/calendar/auto-sync/status", get(calendar::auto_sync::status))
        .route("/calendar/auto-sync/start", post(calendar::auto_sync::start))
        .route("/calendar/auto-sync/stop", post(calendar::auto_sync::stop))
        .fallback(async || Problem::not_found("path").into_response::<axum::body::Body>())
        .method_not_allowed_fallback(async || {
            let detail = "This path does not take this method; see the Allow header.";
            Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
                .into_response::<axum::body::Body>()
        })
        .layer(from_fn_with_state(Arc::clone(&app), access::check))
        .layer(headers::cors(&app.allowed_origins))
        .layer(from_fn_with_state(
            Arc::clone(&app),
            headers::refuse_strange_preflight,
        ))
        .layer(from_fn(headers::finish))
        .with_state(app)
}

/// Whether the API can do its work: it needs the database, and nothing else.
async fn health(State(app): State<Arc<App>>, info: RequestInfo) -> Result<Response, ApiError> {
    app.db
        .read(info.deadline.at_most(Duration::from_secs(5)), async |client| {
            client.batch_execute("").await
        })
        .await?;
    Ok(ok(&serde_json::json!({"status": "ok"})))
}
