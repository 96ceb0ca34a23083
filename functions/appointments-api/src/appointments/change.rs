//! `PATCH`, `reschedule`, `cancel` and `DELETE` of an appointment: one statement with different wishes.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shared::appointment::queries::{self, Changed};
use shared::appointment::request::{self, Change, IN_THE_PAST, NOT_AFTER_START, TOO_LONG};
use shared::problem::Problem;
use uuid::Uuid;

use super::representation::answer;
use super::{busy, changed, slot_taken};
use crate::access::CallerName;
use crate::app::App;
use crate::request::{AppointmentId, IfMatch, JsonBody, Parameters, RequestInfo};
use crate::response::ApiError;

/// New values; the same event is updated in place.
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    wish: Wish,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    wish.carry_out(&app, &request::patch(body)?).await
}

/// New times, under a new event.
pub(crate) async fn reschedule(
    State(app): State<Arc<App>>,
    wish: Wish,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    wish.carry_out(&app, &request::reschedule(body)?).await
}

/// No longer takes place.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    wish: Wish,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    wish.carry_out(&app, &request::cancel(body)?).await
}

/// The same as [`cancel`], with an empty answer.
pub(crate) async fn delete(State(app): State<Arc<App>>, wish: Wish) -> Result<Response, ApiError> {
    wish.carry_out(&app, &request::cancel_without_reason()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Who wants to change what, as of which version.
pub(crate) struct Wish {
    info: RequestInfo,
    id: Uuid,
    by: String,
    if_match: Option<Vec<i64>>,
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Wish {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, ApiError> {
        let info = RequestInfo::from_request_parts(parts, state).await?;
        let CallerName(by) = CallerName::from_request_parts(parts, state).await?;
        let AppointmentId(id) = AppointmentId::from_request_parts(parts, state).await?;
        let IfMatch(if_match) = IfMatch::from_request_parts(parts, state).await?;
        Parameters::from_request_parts(parts, state).await?.none_left()?;
        Ok(Self {
            info,
            id,
            by,
            if_match,
        })
    }
}

impl Wish {
    async fn carry_out(&self, app: &App, change: &Change) -> Result<Response, ApiError> {
        let outcome = queries::change(
            &app.db,
            self.info.soon(),
            self.id,
            change,
            self.if_match.as_deref(),
            &self.by,
        )
        .await?;
        let problem = match outcome {
            Changed::Changed { appointment, change } => {
                app.bus.publish(&[changed(&appointment, &change)]).await;
                return Ok(answer(StatusCode::OK, &appointment));
            }
            Changed::Unchanged(appointment) => return Ok(answer(StatusCode::OK, &appointment)),
            Changed::NotFound => Problem::not_found("appointment"),
            Changed::Stale => Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version_conflict",
                "The appointment has changed since the version that If-Match names.",
            ),
            Changed::Cancelled => Problem::new(
                StatusCode::CONFLICT,
                "appointment_cancelled",
                "The appointment is cancelled. PATCH its status to scheduled to bring it back first.",
            ),
            Changed::NotAfterStart => Problem::invalid_field("ends_at", NOT_AFTER_START),
            Changed::TooLong => Problem::invalid_field("ends_at", TOO_LONG),
            Changed::InThePast => Problem::invalid_field("starts_at", IN_THE_PAST),
            Changed::SlotTaken => slot_taken(),
            Changed::Busy => busy(),
        };
        Err(problem.into())
    }
}
