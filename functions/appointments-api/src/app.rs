//! What every handler may use, and the table of all routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::SecretString;
use shared::auth::ApiKeys;
use shared::bus::Bus;
use shared::database::Database;
use shared::deadline::Deadline;
use shared::google;
use shared::problem::Problem;
use shared::settings::{AutoSync, Clinic, Environment, SettingError};
use shared::sync::Sync;
use shared::watch::Watch;

use crate::request::RequestInfo;
use crate::response::{ApiError, ok};
use crate::{access, appointments, calendar, headers};

/// One process's means.
pub(crate) struct App {
    pub(crate) db: Database,
    pub(crate) google: google::Client,
    pub(crate) bus: Bus,
    pub(crate) clinic: Clinic,
    pub(crate) auto_sync: AutoSync,
    pub(crate) keys: ApiKeys,
    pub(crate) allowed_origins: Vec<String>,
    /// Missing secrets concern only those who open a channel.
    webhook_secrets: Result<Vec<SecretString>, SettingError>,
}

impl App {
    /// Reads the settings; nothing is connected to yet.
    pub(crate) fn from(environment: &Environment<'_>) -> Result<Self, SettingError> {
        let google = environment.google()?;
        Ok(Self {
            db: Database::new(environment.database()?),
            google: google::Client::new(google.api, google.account),
            bus: Bus::new(environment.bus()),
            clinic: environment.clinic()?,
            auto_sync: environment.auto_sync()?,
            keys: ApiKeys::from(environment)?,
            allowed_origins: environment.allowed_origins()?,
            webhook_secrets: environment.webhook_secrets(),
        })
    }

    /// Opens the database ahead of the first request.
    pub(crate) async fn connect(&self) {
        // The request that needs it tries again and tells its caller.
        let _ = self.db.connect(Deadline::after(Duration::from_secs(8))).await;
    }

    /// The sync engine.
    pub(crate) fn sync(&self) -> Sync<'_> {
        Sync {
            db: &self.db,
            google: &self.google,
            bus: &self.bus,
            clinic_zone: self.clinic.time_zone,
        }
    }

    /// What opens and stops watch channels.
    pub(crate) fn watch(&self) -> Result<Watch<'_>, SettingError> {
        let secrets = self.webhook_secrets.as_deref().map_err(Clone::clone)?;
        Ok(Watch {
            db: &self.db,
            google: &self.google,
            secrets,
        })
    }
}

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
