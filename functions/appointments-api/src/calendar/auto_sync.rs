//! `/calendar/auto-sync`: the EventBridge rule behind the 5-minute run.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::bus::RuleError;
use shared::input::Reader;
use shared::sync::status::{self, CalendarRecord};

use super::one_calendar;
use crate::app::App;
use crate::request::{JsonBody, Parameters, RequestInfo};
use crate::response::{ApiError, ok};

/// The rule's state, and the last run whoever started it.
#[derive(Serialize)]
pub(super) struct AutoSync {
    enabled: bool,
    running: bool,
    interval_seconds: u64,
    last_sync_time: Option<String>,
    last_sync_result: Option<Value>,
}

impl AutoSync {
    pub(super) fn of(app: &App, record: &CalendarRecord, running: bool) -> Self {
        Self {
            enabled: app.auto_sync.enabled,
            running,
            interval_seconds: app.auto_sync.interval.as_secs(),
            last_sync_time: record.last_sync_at.map(utc),
            last_sync_result: record.last_sync_result.clone(),
        }
    }
}

/// A time in UTC.
pub(super) fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Whether the rule is enabled, and how the last run went.
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let calendar = one_calendar(&app, &mut parameters)?;
    parameters.none_left()?;
    let running = app.bus.rule_is_enabled().await?;
    answer(&app, &info, calendar, running).await
}

/// Enables the rule.
pub(crate) async fn start(
    state: State<Arc<App>>,
    info: RequestInfo,
    parameters: Parameters,
    body: JsonBody,
) -> Result<Response, ApiError> {
    switch(state, info, parameters, body, true).await
}

/// Disables the rule.
pub(crate) async fn stop(
    state: State<Arc<App>>,
    info: RequestInfo,
    parameters: Parameters,
    body: JsonBody,
) -> Result<Response, ApiError> {
    switch(state, info, parameters, body, false).await
}

async fn switch(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    mut parameters: Parameters,
    JsonBody(body): JsonBody,
    enabled: bool,
) -> Result<Response, ApiError> {
    let calendar = one_calendar(&app, &mut parameters)?;
    parameters.none_left()?;
    Reader::of_body(body)?.finish(Some(()))?;
    app.bus.set_rule_enabled(enabled).await?;
    tracing::info!(auto_sync.running = enabled, "auto-sync was switched");
    answer(&app, &info, calendar, enabled).await
}

async fn answer(app: &App, info: &RequestInfo, calendar: &str, running: bool) -> Result<Response, ApiError> {
    let record = app
        .db
        .read(info.deadline, async |client| status::read(client, calendar).await)
        .await?;
    Ok(ok(&AutoSync::of(app, &record, running)))
}

/// Whether the rule is enabled, as far as can be told: status must answer even when EventBridge does not.
pub(super) async fn is_running(app: &App) -> bool {
    match app.bus.rule_is_enabled().await {
        Ok(enabled) => enabled,
        Err(RuleError::NotConfigured) => false,
        Err(error) => {
            tracing::warn!(%error, "the state of the 5-minute rule is not known");
            false
        }
    }
}
