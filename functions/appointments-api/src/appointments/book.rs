//! `POST /appointments`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use http::{HeaderValue, StatusCode, header};
use shared::appointment::queries::{self, Booked};
use shared::appointment::request;
use shared::problem::Problem;

use super::representation::answer;
use super::{busy, changed, slot_taken};
use crate::access::CallerName;
use crate::app::App;
use crate::request::{JsonBody, Parameters, RequestInfo};
use crate::response::ApiError;

/// Books an appointment. Google is not asked: its event follows.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    CallerName(by): CallerName,
    parameters: Parameters,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    parameters.none_left()?;
    let booking = request::booking(body, Utc::now())?;
    let Some(calendar_id) = app.clinic.calendar(booking.calendar_id.as_deref()) else {
        return Err(Problem::invalid_field("calendar_id", "is not a configured calendar").into());
    };
    let booked = queries::book(
        &app.db,
        info.soon(),
        &booking,
        calendar_id,
        app.clinic.time_zone,
        &by,
    )
    .await?;
    match booked {
        Booked::SlotTaken => Err(slot_taken().into()),
        Booked::Busy => Err(busy().into()),
        Booked::Booked(appointment) => {
            app.bus.publish(&[changed(&appointment, "created")]).await;
            let mut response = answer(StatusCode::CREATED, &appointment);
            // A UUID in a path is a valid header value.
            if let Ok(location) = HeaderValue::from_str(&format!("/appointments/{}", appointment.id)) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            Ok(response)
        }
    }
}
