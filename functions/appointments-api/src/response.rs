//! Answers: bodies as JSON, and every kind of failure as its problem.
//!
//! A failure is logged here, once, with what the caller is not told.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::bus::RuleError;
use shared::database::{DatabaseError, Unavailable};
use shared::google;
use shared::input::Fault;
use shared::problem::Problem;
use shared::settings::SettingError;
use shared::sync::SyncError;
use shared::watch::WatchError;

/// A 200 with a JSON body.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    with_status(StatusCode::OK, body)
}

/// An answer with a JSON body.
pub(crate) fn with_status(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(json) => {
            let mut response = Response::new(Body::from(json));
            *response.status_mut() = status;
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(fault) => {
            tracing::error!(%fault, "an answer could not be written as JSON");
            Problem::internal().into_response()
        }
    }
}

/// A request that failed, as its caller sees it.
///
/// Boxed: every handler's result has room for one, and most hold none.
pub(crate) struct ApiError(Box<Problem>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Vec<Fault>> for ApiError {
    fn from(faults: Vec<Fault>) -> Self {
        Problem::invalid(faults).into()
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        tracing::error!(%error, "a request failed at the database");
        let problem = match error {
            DatabaseError::Unavailable(Unavailable::Contended | Unavailable::Overworked) => {
                Problem::unavailable(
                    "database_busy",
                    "The database is too busy right now. Nothing was changed.",
                    2,
                )
            }
            DatabaseError::Unavailable(Unavailable::Slow | Unavailable::Broken) => Problem::unavailable(
                "database_unavailable",
                "The database did not answer in time. A change may have been made all the same.",
                2,
            ),
            DatabaseError::Unavailable(_) | DatabaseError::Misconfigured(_) => Problem::unavailable(
                "database_unavailable",
                "The database cannot be reached right now.",
                2,
            ),
            _ => Problem::internal(),
        };
        problem.into()
    }
}

impl From<google::Error> for ApiError {
    fn from(error: google::Error) -> Self {
        use google::Error;
        tracing::warn!(%error, "a request failed at Google");
        let unreachable = |detail, seconds| Problem::unavailable("google_unreachable", detail, seconds);
        let refused = |reason: &str, detail: String| {
            Problem::new(StatusCode::BAD_GATEWAY, "google_refused", detail).with_reason(reason)
        };
        let detail = error.to_string();
        let problem = match error {
            Error::Unreachable { .. } | Error::Retry { .. } => {
                unreachable("Google Calendar does not answer right now.", 5)
            }
            Error::RetryAfter { after, .. } => pause_asked_for(after),
            Error::CredentialsMissing => unreachable(
                "No service account is configured: GOOGLE_SERVICE_ACCOUNT_JSON is not set.",
                60,
            ),
            Error::CredentialsInvalid(_) => refused("credentials_invalid", detail),
            Error::Unshared => refused("calendar_not_shared", detail),
            Error::QuotaExceeded { .. } => refused("quotaExceeded", detail),
            Error::Refused(ref refusal) => refused(refusal.reason.as_str(), detail),
            Error::TokenDead | Error::PreconditionFailed | Error::Gone(_) | Error::AlreadyExists => {
                Problem::internal()
            }
        };
        problem.into()
    }
}

fn pause_asked_for(after: Duration) -> Problem {
    let detail = "Google Calendar asks for a pause.";
    Problem::unavailable("google_unreachable", detail, after.as_secs().max(1))
}

impl From<SyncError> for ApiError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Database(error) => error.into(),
            SyncError::Google(error) => error.into(),
            SyncError::CoolingDown { after } => pause_asked_for(after).into(),
            SyncError::InProgress => {
                let detail = "A sync of this calendar is running already.";
                Problem::new(StatusCode::CONFLICT, "sync_in_progress", detail)
                    .retry_after(5)
                    .into()
            }
            SyncError::OutOfTime => {
                let detail = "The sync did not end in time; what was done is kept, and the next run goes on.";
                Problem::unavailable("out_of_time", detail, 5).into()
            }
        }
    }
}

impl From<WatchError> for ApiError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Database(error) => error.into(),
            WatchError::Google(error) => error.into(),
            WatchError::Stopped => {
                let detail = "The calendar's watch channels were stopped while this one was being opened.";
                Problem::new(StatusCode::CONFLICT, "watch_stopped", detail).into()
            }
        }
    }
}

impl From<RuleError> for ApiError {
    fn from(error: RuleError) -> Self {
        tracing::warn!(%error, "a request failed at EventBridge");
        let detail = format!("{error}.");
        let problem = match error {
            RuleError::NotConfigured => {
                Problem::new(StatusCode::CONFLICT, "auto_sync_not_configured", detail)
            }
            RuleError::NotFound => Problem::new(StatusCode::BAD_GATEWAY, "auto_sync_rule_missing", detail),
            RuleError::AccessDenied => {
                Problem::new(StatusCode::BAD_GATEWAY, "auto_sync_access_denied", detail)
            }
            RuleError::Refused(ref code) => {
                Problem::new(StatusCode::BAD_GATEWAY, "auto_sync_refused", detail).with_reason(code)
            }
            RuleError::Unavailable => Problem::unavailable(
                "event_bus_unreachable",
                "EventBridge does not answer right now.",
                5,
            ),
        };
        problem.into()
    }
}

impl From<SettingError> for ApiError {
    fn from(error: SettingError) -> Self {
        tracing::error!(setting.name = error.name, "{error}");
        Problem::new(StatusCode::CONFLICT, "not_configured", format!("{error}.")).into()
    }
}
