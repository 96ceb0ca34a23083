//! `GET /appointments/{id}/history`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::appointment::queries::{self, Entry};
use shared::appointment::request;
use shared::problem::Problem;

use super::rfc_3339;
use crate::app::App;
use crate::request::{AppointmentId, Parameters, RequestInfo};
use crate::response::{ApiError, ok};

#[derive(Serialize)]
struct Answer {
    items: Vec<Item>,
}

/// One change: who made it, when, and each field from what to what.
#[derive(Serialize)]
struct Item {
    version: i64,
    at: String,
    by: String,
    change: String,
    fields: Map<String, Value>,
}

/// The changes of an appointment, oldest first. There are many versions only if a program went astray, so there are no pages:
/// the last hundred, and `before` asks for those in front of a version.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    info: RequestInfo,
    AppointmentId(id): AppointmentId,
    Parameters(parameters): Parameters,
) -> Result<Response, ApiError> {
    let before = request::history(parameters)?;
    let history = queries::history(&app.db, info.soon(), id, before).await?;
    let history = history.ok_or_else(|| Problem::not_found("appointment"))?;
    let items = history
        .entries
        .into_iter()
        .map(|entry| Item::of(entry, history.time_zone))
        .collect();
    Ok(ok(&Answer { items }))
}

impl Item {
    /// Its times as in the appointment: its start and end on the wall clock of `zone`, the rest in UTC.
    fn of(mut entry: Entry, zone: Tz) -> Self {
        for name in ["starts_at", "ends_at"] {
            let change = entry.fields.get_mut(name).and_then(Value::as_object_mut);
            for value in change.into_iter().flat_map(Map::values_mut) {
                let time = value
                    .as_str()
                    .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
                if let Some(time) = time {
                    *value = rfc_3339(time.to_utc(), zone).into();
                }
            }
        }
        Self {
            version: entry.version,
            at: entry.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            by: entry.by,
            change: entry.change,
            fields: entry.fields,
        }
    }
}
