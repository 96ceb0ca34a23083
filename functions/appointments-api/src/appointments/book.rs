//! `POST /appointments`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use shared::appointment::Appointment;
use shared::appointment::idempotency::By;
use shared::appointment::queries::{self, Booked};
use shared::appointment::request::{self, Booking};
use shared::problem::Problem;

use super::representation::answer;
use super::{busy, changed, slot_taken};
use crate::access::CallerName;
use crate::app::App;
use crate::idempotency::{IdempotencyKey, refused, replay};
use crate::request::{JsonBody, Parameters, RequestInfo};
use crate::response::ApiError;

/// Books an appointment. Google is not asked: its event follows.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    CallerName(caller): CallerName,
    parameters: Parameters,
    key: IdempotencyKey,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    parameters.none_left()?;
    let keyed = key.of(&body);
    let by = By {
        caller: &caller,
        keyed: keyed.as_ref(),
    };
    let (booking, calendar_id) = match read(&app, body) {
        Ok(read) => read,
        Err(refusal) => return refused(&app, info.soon(), by, refusal, created).await,
    };
    let zone = app.clinic.time_zone;
    match queries::book(&app.db, info.soon(), &booking, calendar_id, zone, by).await? {
        Booked::Booked(appointment) => {
            app.bus.publish(&[changed(&appointment, "created")]).await;
            Ok(created(&appointment))
        }
        Booked::SlotTaken => Err(slot_taken().into()),
        Booked::Busy => Err(busy().into()),
        Booked::Known(known) => replay(&app, known, created).await,
    }
}

/// The booking, and the calendar that it is for.
fn read(app: &App, body: Value) -> Result<(Booking, &str), ApiError> {
    let booking = request::booking(body, Utc::now())?;
    match app.clinic.calendar(booking.calendar_id.as_deref()) {
        Some(calendar_id) => Ok((booking, calendar_id)),
        None => Err(Problem::invalid_field("calendar_id", "is not a configured calendar").into()),
    }
}

fn created(appointment: &Appointment) -> Response {
    let mut response = answer(StatusCode::CREATED, appointment);
    // A UUID in a path is a valid header value.
    if let Ok(location) = HeaderValue::from_str(&format!("/appointments/{}", appointment.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
