//! `PATCH`, `reschedule`, `cancel` and `DELETE` of an appointment: one statement with different wishes.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shared::appointment::Appointment;
use shared::appointment::idempotency::{By, Keyed};
use shared::appointment::queries::{self, Changed};
use shared::appointment::request::{self, Change, IN_THE_PAST, NOT_AFTER_START, TOO_LONG};
use shared::input::Fault;
use shared::problem::Problem;
use uuid::Uuid;

use super::representation::answer;
use super::{busy, changed, slot_taken};
use crate::access::CallerName;
use crate::app::App;
use crate::idempotency::{IdempotencyKey, refused, replay};
use crate::request::{AppointmentId, IfMatch, JsonBody, Parameters, RequestInfo};
use crate::response::ApiError;

/// New values; the same event is updated in place.
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    wish: Wish,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    wish.carry_out(&app, request::patch(body), None).await
}

/// New times, under a new event.
pub(crate) async fn reschedule(
    State(app): State<Arc<App>>,
    wish: Wish,
    key: IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let keyed = key.of(&body);
    wish.carry_out(&app, request::reschedule(body), keyed).await
}

/// No longer takes place.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    wish: Wish,
    key: IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let keyed = key.of(&body);
    wish.carry_out(&app, request::cancel(body), keyed).await
}

/// The same as [`cancel`], with an empty answer.
pub(crate) async fn delete(State(app): State<Arc<App>>, wish: Wish) -> Result<Response, ApiError> {
    let change = request::cancel_without_reason();
    wish.carry_out(&app, Ok(change), None).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Who wants to change what, as of which version.
pub(crate) struct Wish {
    info: RequestInfo,
    id: Uuid,
    caller: String,
    if_match: Option<Vec<i64>>,
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Wish {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, ApiError> {
        let info = RequestInfo::from_request_parts(parts, state).await?;
        let CallerName(caller) = CallerName::from_request_parts(parts, state).await?;
        let AppointmentId(id) = AppointmentId::from_request_parts(parts, state).await?;
        let IfMatch(if_match) = IfMatch::from_request_parts(parts, state).await?;
        Parameters::from_request_parts(parts, state).await?.none_left()?;
        Ok(Self {
            info,
            id,
            caller,
            if_match,
        })
    }
}

impl Wish {
    async fn carry_out(
        &self,
        app: &App,
        change: Result<Change, Vec<Fault>>,
        keyed: Option<Keyed>,
    ) -> Result<Response, ApiError> {
        let by = By {
            caller: &self.caller,
            keyed: keyed.as_ref(),
        };
        let change = match change {
            Ok(change) => change,
            Err(faults) => return refused(app, self.info.soon(), by, faults.into(), done).await,
        };
        let if_match = self.if_match.as_deref();
        let outcome = queries::change(&app.db, self.info.soon(), self.id, &change, if_match, by).await?;
        let problem = match outcome {
            Changed::Changed { appointment, change } => {
                app.bus.publish(&[changed(&appointment, &change)]).await;
                return Ok(done(&appointment));
            }
            Changed::Unchanged(appointment) => return Ok(done(&appointment)),
            Changed::Known(known) => return replay(app, known, done).await,
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

fn done(appointment: &Appointment) -> Response {
    answer(StatusCode::OK, appointment)
}
