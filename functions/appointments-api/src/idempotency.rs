//! `Idempotency-Key`: a POST that is sent again is carried out once, and answered as it was the first time.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use shared::appointment::Appointment;
use shared::appointment::idempotency::{By, Key, Keyed};
use shared::appointment::queries::idempotency::{Known, look_up};
use shared::deadline::Deadline;
use shared::problem::Problem;

use crate::app::App;
use crate::appointments::changed;
use crate::response::ApiError;

/// The header of a key.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that was given before.
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The key that the caller gave the request, if any.
pub(crate) struct IdempotencyKey {
    key: Option<Key>,
    path: String,
}

impl IdempotencyKey {
    /// The request with this body, under its key.
    pub(crate) fn of(self, body: &Value) -> Option<Keyed> {
        self.key.map(|key| Keyed::post(key, &self.path, body))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let key = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => Some(parse(value)?),
            (Some(_), Some(_)) => return Err(malformed("must be given once")),
        };
        let path = parts.uri.path().to_owned();
        Ok(Self { key, path })
    }
}

fn parse(value: &HeaderValue) -> Result<Key, ApiError> {
    // Bytes that are no text are no ASCII either.
    Key::parse(value.to_str().unwrap_or_default()).map_err(|fault| malformed(&fault))
}

fn malformed(fault: &str) -> ApiError {
    let detail = format!("The header Idempotency-Key {fault}.");
    Problem::new(StatusCode::BAD_REQUEST, "malformed_idempotency_key", detail).into()
}

/// The answer to a request that cannot be carried out as it stands: the one it had when it still could, or `refusal`.
pub(crate) async fn refused(
    app: &App,
    deadline: Deadline,
    by: By<'_>,
    refusal: ApiError,
    first_answer: impl Fn(&Appointment) -> Response,
) -> Result<Response, ApiError> {
    match look_up(&app.db, deadline, by).await? {
        Some(known) => replay(app, known, first_answer).await,
        None => Err(refusal),
    }
}

/// The answer to a request whose key was used before; `first_answer` renders what was done then.
pub(crate) async fn replay(
    app: &App,
    known: Known,
    first_answer: impl Fn(&Appointment) -> Response,
) -> Result<Response, ApiError> {
    match known {
        Known::Answered { appointment, change } => {
            // Whoever made the change may have died before it could tell anybody.
            if let Some(change) = change {
                app.bus.publish(&[changed(&appointment, &change)]).await;
            }
            let mut response = first_answer(&appointment);
            let replayed = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, replayed);
            Ok(response)
        }
        Known::KeyReused => {
            let detail = "This Idempotency-Key was used for another request. A new request needs a new key.";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Problem::new(status, "idempotency_key_reused", detail).into())
        }
        Known::InProgress => {
            let detail = "A request with this Idempotency-Key is still running.";
            let problem = Problem::new(StatusCode::CONFLICT, "idempotency_key_in_progress", detail);
            Err(problem.retry_after(1).into())
        }
    }
}
