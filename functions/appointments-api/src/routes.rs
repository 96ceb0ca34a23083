//! The table of all routes, and what stands in front of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use http::Method;
use shared::auth::Scope;
use shared::problem::Problem;

use crate::access::{Access, Gate};
use crate::app::App;
use crate::request::RequestInfo;
use crate::response::{ApiError, ok};
use crate::{access, appointments, availability, calendar, headers, openapi};

/// One method of one path. There is none without an [`Access`].
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    handler: MethodRouter<Arc<App>>,
}

/// Every route.
#[rustfmt::skip]
pub(crate) fn table() -> Vec<Route> {
    const APPOINTMENTS: Access = Access::Needs(Scope::Appointments);
    const CALENDAR: Access = Access::Needs(Scope::Calendar);
    vec![
        get("/health", Access::Open, health),
        get("/openapi.json", Access::Open, openapi::document),
        get("/docs", Access::Open, openapi::page),

        get("/appointments", APPOINTMENTS, appointments::list::handle),
        post("/appointments", APPOINTMENTS, appointments::book::handle),
        get("/appointments/{id}", APPOINTMENTS, appointments::read::handle),
        patch("/appointments/{id}", APPOINTMENTS, appointments::change::patch),
        delete("/appointments/{id}", APPOINTMENTS, appointments::change::delete),
        post("/appointments/{id}/reschedule", APPOINTMENTS, appointments::change::reschedule),
        post("/appointments/{id}/cancel", APPOINTMENTS, appointments::change::cancel),
        get("/appointments/{id}/history", APPOINTMENTS, appointments::history::handle),

        get("/availability", APPOINTMENTS, availability::handle),

        get("/calendar/status", CALENDAR, calendar::status::handle),
        post("/calendar/sync", CALENDAR, calendar::sync::from_calendar),
        post("/calendar/sync-to-calendar", CALENDAR, calendar::sync::to_calendar),
        post("/calendar/full-sync", CALENDAR, calendar::sync::both_ways),
        get("/calendar/events", CALENDAR, calendar::events::handle),
        post("/calendar/setup-watch", CALENDAR, calendar::watch::setup),
        post("/calendar/stop-watch", CALENDAR, calendar::watch::stop),
        get("/calendar/auto-sync/status", CALENDAR, calendar::auto_sync::status),
        post("/calendar/auto-sync/start", CALENDAR, calendar::auto_sync::start),
        post("/calendar/auto-sync/stop", CALENDAR, calendar::auto_sync::stop),
    ]
}

/// The table as a service. The layers see a request from the last to the first.
pub(crate) fn router(app: Arc<App>) -> Router {
    let table = table();
    let gate = Arc::new(Gate::new(Arc::clone(&app), &table));
    let routes = table.into_iter().fold(Router::new(), |router, route| {
        router.route(route.path, route.handler)
    });
    routes
        .fallback(async || Problem::not_found("path").into_response::<axum::body::Body>())
        .method_not_allowed_fallback(async || {
            let detail = "This path does not take this method; see the Allow header.";
            Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
                .into_response::<axum::body::Body>()
        })
        .layer(from_fn_with_state(gate, access::check))
        .layer(headers::cors(&app.allowed_origins))
        .layer(from_fn_with_state(
            Arc::clone(&app),
            headers::refuse_strange_preflight,
        ))
        .layer(from_fn(headers::finish))
        .with_state(app)
}

fn get<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, Arc<App>>) -> Route {
    Route::new(Method::GET, path, access, routing::get(handler))
}

fn post<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, Arc<App>>) -> Route {
    Route::new(Method::POST, path, access, routing::post(handler))
}

fn patch<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, Arc<App>>) -> Route {
    Route::new(Method::PATCH, path, access, routing::patch(handler))
}

fn delete<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, Arc<App>>) -> Route {
    Route::new(Method::DELETE, path, access, routing::delete(handler))
}

impl Route {
    fn new(method: Method, path: &'static str, access: Access, handler: MethodRouter<Arc<App>>) -> Self {
        Self {
            method,
            path,
            access,
            handler,
        }
    }
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
