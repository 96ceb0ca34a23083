//! What only tests and people ask: what was published, what became of it, fire a rule now, fail on purpose.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Shared, event, lock};

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/admin/entries", get(entries).delete(forget_entries))
        .route("/admin/deliveries", get(deliveries))
        .route("/admin/rules", get(rules))
        .route("/admin/tick", post(tick))
        .route("/admin/faults", get(faults).put(set_faults))
        .with_state(shared)
}

/// How the bus misbehaves, until told otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Faults {
    #[serde(default)]
    pub(super) put_events: PutEventsFault,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PutEventsFault {
    #[default]
    None,
    /// Every entry is accepted and reaches nobody.
    Drop,
    /// 200, with every entry failed.
    FailEntries,
    /// 500.
    Unavailable,
    /// No answer at all.
    Hang,
}

async fn entries(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let items: Vec<Value> = lock(&shared.entries).iter().cloned().collect();
    Json(json!({"items": items}))
}

async fn forget_entries(State(shared): State<Arc<Shared>>) -> StatusCode {
    lock(&shared.entries).clear();
    StatusCode::NO_CONTENT
}

async fn deliveries(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({"items": shared.delivery.outcomes()}))
}

async fn rules(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let rules = shared.rules.all().iter();
    let items: Vec<Value> = rules
        .map(|rule| {
            json!({
                "name": rule.name, "bus": rule.bus, "target": rule.target, "enabled": shared.rules.is_enabled(rule)
            })
        })
        .collect();
    Json(json!({"items": items}))
}

#[derive(Deserialize)]
struct Tick {
    rule: String,
}

/// Fires a rule now, enabled or not, and answers when its function is done.
async fn tick(State(shared): State<Arc<Shared>>, Query(Tick { rule: name }): Query<Tick>) -> Response {
    let Some(rule) = shared.rules.all().iter().find(|rule| rule.name == name) else {
        return (
            StatusCode::NOT_FOUND,
            Json(json!({"detail": format!("no rule is named {name}")})),
        )
            .into_response();
    };
    Json(
        shared
            .delivery
            .deliver(rule.target, &event::scheduled(&rule.name))
            .await,
    )
    .into_response()
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Faults> {
    Json(*lock(&shared.faults))
}

async fn set_faults(State(shared): State<Arc<Shared>>, Json(faults): Json<Faults>) -> Json<Faults> {
    *lock(&shared.faults) = faults;
    Json(faults)
}
