//! `POST /calendar/sync`, `sync-to-calendar` and `full-sync`: the engine, started by hand.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use shared::deadline::Deadline;
use shared::input::Reader;
use shared::sync::{Occasion, Patience, Pulled, Pushed, SyncError};

use super::calendars;
use crate::app::App;
use crate::request::{JsonBody, Parameters, RequestInfo};
use crate::response::{ApiError, ok};

/// How long a caller waits for a sync that is running already.
const PATIENCE: Duration = Duration::from_secs(10);

/// Google's changes are in the database when this answers.
pub(crate) async fn from_calendar(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let calendars = calendars(&app, &mut parameters)?;
    parameters.none_left()?;
    let mut reader = Reader::of_body(body)?;
    let confirmed = reader.flag("confirm_mass_cancel");
    let confirmed = reader.finish(Some(confirmed))?;
    Ok(ok(&pull_all(&app, &calendars, confirmed, info.deadline).await?))
}

/// Every appointment without its event gets it, parked ones included.
pub(crate) async fn to_calendar(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let calendars = calendars(&app, &mut parameters)?;
    parameters.none_left()?;
    Reader::of_body(body)?.finish(Some(()))?;
    Ok(ok(&push_all(&app, &calendars, info.deadline).await?))
}

/// First out, then in.
pub(crate) async fn both_ways(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let calendars = calendars(&app, &mut parameters)?;
    parameters.none_left()?;
    Reader::of_body(body)?.finish(Some(()))?;
    let pushed = push_all(&app, &calendars, info.deadline).await?;
    let pulled = pull_all(&app, &calendars, false, info.deadline).await?;
    Ok(ok(&json!({"to_calendar": pushed, "from_calendar": pulled})))
}

async fn push_all(app: &App, calendars: &[&str], deadline: Deadline) -> Result<Pushed, SyncError> {
    let mut total = Pushed::default();
    for calendar in calendars {
        total += app.sync().push_all(calendar, PATIENCE, deadline).await?;
    }
    Ok(total)
}

async fn pull_all(
    app: &App,
    calendars: &[&str],
    confirm_mass_cancel: bool,
    deadline: Deadline,
) -> Result<Pulled, SyncError> {
    let mut total = Pulled::default();
    for calendar in calendars {
        let pulled = app
            .sync()
            .pull(
                calendar,
                Occasion::Always,
                Patience::Wait(PATIENCE),
                confirm_mass_cancel,
                deadline,
            )
            .await?;
        total += pulled.unwrap_or_default();
    }
    Ok(total)
}
