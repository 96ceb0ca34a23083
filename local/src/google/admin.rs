//! The handle over HTTP, under `/admin`: what a person does, how calendars are shared, faults, the clock, the records.
//!
//! It is for the page, for `make run` and for tests in other languages; bodies and answers are JSON, refusals are in
//! Google's envelope. No token is asked for: the port is open to this machine only, and a JSON body keeps out forms of
//! foreign web pages.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use chrono::{DateTime, FixedOffset};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::delivery::Delivery;
use super::faults::{Fault, Outage};
use super::refusal::Refusal;
use super::stand_in::StandIn;
use super::times::parse_zone;
use super::world::{Access, ListingManners};

pub(super) fn routes(stand_in: StandIn) -> Router {
    let events = "/calendars/{calendar}/events";
    let event = "/calendars/{calendar}/events/{event}";
    Router::new()
        .route("/calendars", get(calendars).post(add_calendar))
        .route("/calendars/{calendar}", patch(change_calendar))
        .route(events, get(list_events).post(add_event))
        .route(event, patch(edit_event).delete(delete_event))
        .route(&format!("{event}/move"), post(move_event))
        .route(&format!("{event}/restore"), post(restore_event))
        .route(&format!("{event}/duplicate"), post(duplicate_event))
        .route(&format!("{event}/calendar"), post(move_to_calendar))
        .route("/service-account", get(service_account))
        .route("/faults", get(faults).post(add_fault).delete(heal))
        .route("/outage", put(set_outage))
        .route("/release", post(release))
        .route("/notifications", put(set_delivery))
        .route("/channels", get(channels).put(set_channel_life))
        .route("/listings", put(set_listing_manners))
        .route("/sync-tokens", delete(expire_sync_tokens))
        .route("/access-tokens", delete(revoke_tokens))
        .route("/clock", get(clock).post(advance))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/violations", get(violations))
        .route("/unconditional-writes", get(unconditional_writes))
        .with_state(stand_in)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.envelope())).into_response()
    }
}

type Answer = Result<Json<Value>, Refusal>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCalendar {
    id: String,
    time_zone: String,
}

/// What is left out stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarChange {
    time_zone: Option<String>,
    access: Option<Access>,
    refuses_push: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStart {
    start: DateTime<FixedOffset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Destination {
    calendar: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutageChange {
    mode: Outage,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryChange {
    mode: Delivery,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelLife {
    longest_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

async fn calendars(State(google): State<StandIn>) -> Json<Value> {
    Json(json!({"calendars": google.calendars()}))
}

async fn add_calendar(
    State(google): State<StandIn>,
    Json(new): Json<NewCalendar>,
) -> Result<StatusCode, Refusal> {
    google.add_calendar(&new.id, parse_zone(&new.time_zone, "calendar")?);
    Ok(StatusCode::CREATED)
}

async fn change_calendar(
    State(google): State<StandIn>,
    Path(id): Path<String>,
    Json(change): Json<CalendarChange>,
) -> Result<StatusCode, Refusal> {
    google.events(&id)?; // a calendar that is not there is said so
    if let Some(zone) = change.time_zone {
        google.set_time_zone(&id, parse_zone(&zone, "calendar")?);
    }
    if let Some(access) = change.access {
        google.share(&id, access);
    }
    if let Some(refuses) = change.refuses_push {
        google.refuse_push(&id, refuses);
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn list_events(State(google): State<StandIn>, Path(calendar): Path<String>) -> Answer {
    Ok(Json(json!({"events": google.events(&calendar)?})))
}

async fn add_event(
    State(google): State<StandIn>,
    Path(calendar): Path<String>,
    Json(event): Json<Value>,
) -> Answer {
    google.person().add(&calendar, &event).map(Json)
}

async fn edit_event(
    State(google): State<StandIn>,
    Path((calendar, event)): Path<(String, String)>,
    Json(patch): Json<Value>,
) -> Answer {
    google.person().edit(&calendar, &event, &patch).map(Json)
}

async fn move_event(
    State(google): State<StandIn>,
    Path((calendar, event)): Path<(String, String)>,
    Json(wish): Json<NewStart>,
) -> Answer {
    google.person().move_to(&calendar, &event, wish.start).map(Json)
}

async fn delete_event(
    State(google): State<StandIn>,
    Path((calendar, event)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    google
        .person()
        .delete(&calendar, &event)
        .map(|()| StatusCode::NO_CONTENT)
}

async fn restore_event(
    State(google): State<StandIn>,
    Path((calendar, event)): Path<(String, String)>,
) -> Answer {
    google.person().restore(&calendar, &event).map(Json)
}

async fn duplicate_event(
    State(google): State<StandIn>,
    Path((calendar, event)): Path<(String, String)>,
) -> Answer {
    google.person().duplicate(&calendar, &event).map(Json)
}

async fn move_to_calendar(
    State(google): State<StandIn>,
    Path((calendar, event)): Path<(String, String)>,
    Json(wish): Json<Destination>,
) -> Answer {
    google
        .person()
        .move_to_calendar(&calendar, &event, &wish.calendar)
        .map(Json)
}

async fn service_account(State(google): State<StandIn>) -> Json<Value> {
    Json(google.service_account())
}

async fn faults(State(google): State<StandIn>) -> Json<Value> {
    Json(json!({"faults": google.faults()}))
}

async fn add_fault(State(google): State<StandIn>, Json(fault): Json<Fault>) -> StatusCode {
    google.fail(fault);
    StatusCode::CREATED
}

async fn heal(State(google): State<StandIn>) -> StatusCode {
    google.heal();
    StatusCode::NO_CONTENT
}

async fn set_outage(State(google): State<StandIn>, Json(change): Json<OutageChange>) -> StatusCode {
    google.set_outage(change.mode);
    StatusCode::NO_CONTENT
}

async fn release(State(google): State<StandIn>) -> StatusCode {
    google.release();
    StatusCode::NO_CONTENT
}

async fn set_delivery(State(google): State<StandIn>, Json(change): Json<DeliveryChange>) -> StatusCode {
    google.set_delivery(change.mode);
    StatusCode::NO_CONTENT
}

async fn channels(State(google): State<StandIn>) -> Json<Value> {
    Json(json!({"channels": google.channels()}))
}

async fn set_channel_life(State(google): State<StandIn>, Json(life): Json<ChannelLife>) -> StatusCode {
    google.grant_at_most(Duration::from_secs(life.longest_seconds));
    StatusCode::NO_CONTENT
}

async fn set_listing_manners(
    State(google): State<StandIn>,
    Json(manners): Json<ListingManners>,
) -> StatusCode {
    google.set_listing_manners(manners);
    StatusCode::NO_CONTENT
}

async fn expire_sync_tokens(State(google): State<StandIn>) -> StatusCode {
    google.expire_sync_tokens();
    StatusCode::NO_CONTENT
}

async fn revoke_tokens(State(google): State<StandIn>) -> StatusCode {
    google.revoke_tokens();
    StatusCode::NO_CONTENT
}

async fn clock(State(google): State<StandIn>) -> Json<Value> {
    Json(json!({"now": google.now()}))
}

async fn advance(State(google): State<StandIn>, Json(advance): Json<Advance>) -> Json<Value> {
    google.advance(Duration::from_secs(advance.seconds));
    clock(State(google)).await
}

async fn requests(State(google): State<StandIn>) -> Json<Value> {
    Json(json!({"counts": google.counts(), "requests": google.requests()}))
}

async fn clear_requests(State(google): State<StandIn>) -> StatusCode {
    google.clear_requests();
    StatusCode::NO_CONTENT
}

async fn violations(State(google): State<StandIn>) -> Json<Value> {
    Json(json!({"violations": google.violations()}))
}

async fn unconditional_writes(State(google): State<StandIn>) -> Json<Value> {
    Json(json!({"requests": google.unconditional_writes()}))
}
