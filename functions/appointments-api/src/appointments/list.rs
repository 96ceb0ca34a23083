//! `GET /appointments`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use shared::appointment::cursor::Cursor;
use shared::appointment::{queries, request};

use super::representation::Representation;
use crate::app::App;
use crate::request::{Parameters, RequestInfo};
use crate::response::{ApiError, ok};

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Representation<'a>>,
    next_cursor: Option<String>,
}

/// One page of appointments.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    Parameters(parameters): Parameters,
) -> Result<Response, ApiError> {
    let filter = request::filter(parameters, app.clinic.time_zone)?;
    let (appointments, next) = queries::list(&app.db, info.soon(), &filter).await?;
    let items = appointments.iter().map(Representation::from).collect();
    Ok(ok(&Page {
        items,
        next_cursor: next.map(Cursor::encode),
    }))
}
