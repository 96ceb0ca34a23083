//! `GET /appointments/{id}`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::appointment::queries;
use shared::problem::Problem;

use super::representation::answer;
use crate::app::App;
use crate::request::{AppointmentId, Parameters, RequestInfo};
use crate::response::ApiError;

/// One appointment.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    AppointmentId(id): AppointmentId,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    parameters.none_left()?;
    let appointment = queries::read(&app.db, info.soon(), id).await?;
    appointment
        .map(|appointment| answer(StatusCode::OK, &appointment))
        .ok_or_else(|| Problem::not_found("appointment").into())
}
