//! `GET /availability`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use serde::Serialize;
use shared::availability::slots::slots;
use shared::availability::{queries, request};

use crate::app::App;
use crate::appointments::rfc_3339;
use crate::calendar::not_configured;
use crate::request::{Parameters, RequestInfo};
use crate::response::{ApiError, ok};

#[derive(Serialize)]
struct Answer {
    slots: Vec<Slot>,
}

/// On the wall clock of the clinic.
#[derive(Serialize)]
struct Slot {
    starts_at: String,
    ends_at: String,
}

/// The slots of a calendar that can be booked in a window.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    Parameters(parameters): Parameters,
) -> Result<Response, ApiError> {
    let search = request::search(parameters, Utc::now())?;
    let asked = search.calendar_id.as_deref();
    let Some(calendar_id) = app.clinic.calendar(asked) else {
        return Err(not_configured(asked.is_some()).into());
    };
    let taken = app
        .db
        .read(info.soon(), async |client| {
            queries::taken(client, calendar_id, search.window).await
        })
        .await?;
    let zone = app.clinic.time_zone;
    let free = slots(
        search.window,
        search.length,
        search.step,
        &app.working_hours,
        zone,
        taken,
    );
    let slots = free.into_iter().map(|slot| Slot {
        starts_at: rfc_3339(slot.from, zone),
        ends_at: rfc_3339(slot.until, zone),
    });
    Ok(ok(&Answer {
        slots: slots.collect(),
    }))
}
