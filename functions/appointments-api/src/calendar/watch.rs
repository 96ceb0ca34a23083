//! `POST /calendar/setup-watch` and `stop-watch`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use shared::input::Reader;
use shared::settings::is_safe_url;

use super::auto_sync::utc;
use super::one_calendar;
use crate::app::App;
use crate::request::{JsonBody, Parameters, RequestInfo};
use crate::response::{ApiError, ok, with_status};

/// The longest address, in bytes.
pub(crate) const LONGEST_ADDRESS: usize = 2048;

/// Opens a channel; one that was there before is replaced.
pub(crate) async fn setup(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let calendar_id = one_calendar(&app, &mut parameters)?;
    parameters.none_left()?;
    let mut reader = Reader::of_body(body)?;
    let url = reader.required("webhook_url", |value| {
        let url = value
            .as_str()
            .filter(|url| url.len() <= LONGEST_ADDRESS && is_safe_url(url));
        url.map(str::to_owned)
            .ok_or_else(|| "must be an https address (or http on loopback)".into())
    });
    let url = reader.finish(url)?;
    let secrets = app.webhook_secrets.as_ref().map_err(Clone::clone)?;
    let secrets = secrets.fresh(info.deadline).await;
    let opened = app
        .watch()
        .open(calendar_id, &url, &secrets, info.deadline)
        .await?;
    Ok(with_status(
        StatusCode::CREATED,
        &json!({
            "channel_id": opened.channel_id,
            "resource_id": opened.resource_id,
            "expires_at": utc(opened.expires_at),
        }),
    ))
}

/// Stops the calendar's channels; with none, nothing happens.
pub(crate) async fn stop(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let calendar_id = one_calendar(&app, &mut parameters)?;
    parameters.none_left()?;
    Reader::of_body(body)?.finish(Some(()))?;
    app.watch().close(calendar_id, info.deadline).await?;
    Ok(ok(&json!({"active": false})))
}
