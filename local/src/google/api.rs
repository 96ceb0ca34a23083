//! The Calendar API and the token endpoint over HTTP: faults, the document, the token, then the call itself.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{TimeDelta, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

use super::account::{AccessToken, TOKEN_LIFE};
use super::calls;
use super::discovery::{self, Call};
use super::faults::{FaultAnswer, Strike, When};
use super::inner::Inner;
use super::partial::Selection;
use super::records::RequestRecord;
use super::refusal::Refusal;
use super::world::World;

/// Google takes larger bodies; nothing in a calendar needs one.
const LARGEST_BODY: usize = 1 << 20;

/// Marks a response that is not to be sent: the server closes the connection instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disconnect;

/// What goes back to the caller.
enum Reply {
    Answer {
        status: u16,
        body: Option<Value>,
        retry_after: Option<String>,
    },
    Disconnect,
}

/// Serves a request to `/calendar/v3/...`.
pub(super) async fn calendar(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // What is too large, or breaks off, is read as nothing and does not fit the document.
    let body = to_bytes(body, LARGEST_BODY).await.unwrap_or_default();
    let checked = check(&parts, &body);
    let call = checked.as_ref().ok();
    let record = RequestRecord {
        operation: call.map(|call| call.operation.clone()).unwrap_or_default(),
        request: format!("{} {}", parts.method, parts.uri),
        calendar: call
            .and_then(|call| call.parameter("calendarId"))
            .map(str::to_owned),
        event: call.and_then(|call| call.parameter("eventId")).map(str::to_owned),
        if_match: call.and_then(|call| call.if_match.clone()),
        body: serde_json::from_slice(&body).ok(),
        status: None,
        ..RequestRecord::default()
    };
    under_faults(&inner, &record, || match &checked {
        Ok(call) => serve(&inner, &parts.headers, &record, call),
        Err(fault) => {
            let fault = format!("{} {}: {fault}", parts.method, parts.uri);
            tracing::warn!(fault, "a request does not fit the discovery document");
            inner.records().violations.push(fault.clone());
            refused(&Refusal::new(400, "global", "badRequest", fault))
        }
    })
    .await
}

/// Serves a request to the token endpoint.
pub(super) async fn token(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = to_bytes(body, LARGEST_BODY).await.unwrap_or_default();
    let record = RequestRecord {
        operation: "token".to_owned(),
        request: format!("{} {}", parts.method, parts.uri),
        ..RequestRecord::default()
    };
    under_faults(&inner, &record, || grant(&inner, &form)).await
}

/// Keeps the record of a request, and lets faults come before or after what it does.
async fn under_faults(inner: &Inner, record: &RequestRecord, act: impl FnOnce() -> Reply) -> Response {
    let calendar = record.calendar.as_deref();
    let mut strike = inner.faults.strike(&record.operation, calendar, &record.request);
    let logged = inner.records().open(record.clone());
    let early = match &mut strike {
        Some(strike) if strike.when == When::Before => fail(strike).await,
        _ => None,
    };
    let mut reply = early.unwrap_or_else(act);
    if let Some(strike) = strike.as_mut().filter(|strike| strike.when == When::After) {
        reply = fail(strike).await.unwrap_or(reply);
    }
    if let Reply::Answer { status, .. } = reply {
        inner.records().close(&logged, status);
    }
    reply.into_response()
}

/// What a fault answers; `None` when it only kept the caller waiting.
async fn fail(strike: &mut Strike) -> Option<Reply> {
    match &strike.answer {
        FaultAnswer::Refuse {
            status,
            reason,
            retry_after,
        } => Some(Reply::Answer {
            status: *status,
            body: Some(FaultAnswer::envelope(*status, reason)),
            retry_after: retry_after.clone(),
        }),
        FaultAnswer::Drop => Some(Reply::Disconnect),
        FaultAnswer::Hang => {
            strike.released().await;
            None
        }
    }
}

fn check(parts: &Parts, body: &[u8]) -> Result<Call, String> {
    let path = parts.uri.path();
    let path = path.strip_prefix("/calendar/v3/").unwrap_or(path);
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let json = header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    if !body.is_empty() && !json {
        return Err("the body is not declared as application/json".to_owned());
    }
    let mut call =
        discovery::check_request(&parts.method, path, parts.uri.query().unwrap_or_default(), body)?;
    call.if_match = header(IF_MATCH).map(str::to_owned);
    Ok(call)
}

fn serve(inner: &Arc<Inner>, headers: &HeaderMap, record: &RequestRecord, call: &Call) -> Reply {
    if let Err(refusal) = inner.read(|world| authorize(world, headers, call)) {
        return refused(&refusal);
    }
    note_unconditional_write(inner, record, call);
    let fields = match call.parameter("fields").map(Selection::parse).transpose() {
        Ok(fields) => fields.unwrap_or_default(),
        Err(fault) => return refused(&Refusal::invalid_parameter("fields", fault)),
    };
    match calls::run(inner, call) {
        Ok(body) => checked_answer(inner, call, body.map(|body| fields.of(&body))),
        Err(refusal) => refused(&refusal),
    }
}

fn authorize(world: &World, headers: &HeaderMap, call: &Call) -> Result<(), Refusal> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| Refusal::unauthorized("required", "Login Required."))?;
    let known = world
        .tokens
        .get(token)
        .filter(|token| world.now() < token.expires_at);
    let known = known.ok_or_else(|| Refusal::unauthorized("authError", "Invalid Credentials"))?;
    if !discovery::scopes_allow(&call.operation, &known.scopes) {
        let message = "Request had insufficient authentication scopes.";
        return Err(Refusal::new(403, "global", "insufficientPermissions", message));
    }
    Ok(())
}

fn note_unconditional_write(inner: &Inner, record: &RequestRecord, call: &Call) {
    let writes = ["events.patch", "events.update", "events.delete"].contains(&call.operation.as_str());
    let exists = |world: &World| {
        let calendar = world.calendars.get(call.calendar_id());
        calendar.is_some_and(|calendar| calendar.find(call.event_id()).is_ok())
    };
    if writes && call.if_match.is_none() && inner.read(exists) {
        inner.records().unconditional_writes.push(record.clone());
    }
}

/// An answer that does not fit the document is our own fault: it is recorded, and in a debug build loud.
fn checked_answer(inner: &Inner, call: &Call, body: Option<Value>) -> Reply {
    if let Err(fault) = discovery::check_answer(&call.operation, body.as_ref()) {
        let fault = format!("our answer to {}: {fault}", call.operation);
        tracing::error!(fault, "an answer does not fit the discovery document");
        inner.records().violations.push(fault.clone());
        if cfg!(debug_assertions) {
            return refused(&Refusal::new(500, "global", "internalError", fault));
        }
    }
    let status = if body.is_some() { 200 } else { 204 };
    Reply::Answer {
        status,
        body,
        retry_after: None,
    }
}

fn grant(inner: &Arc<Inner>, form: &[u8]) -> Reply {
    let account = inner.read(|world| world.account.clone());
    match account.grant(form, &inner.token_uri(), Utc::now()) {
        Ok(scopes) => {
            let token = format!("ya29.{}", uuid::Uuid::new_v4().simple());
            inner.write(|world| {
                let now = world.now();
                world.tokens.retain(|_, token| now < token.expires_at);
                let expires_at = now + TimeDelta::seconds(TOKEN_LIFE);
                world
                    .tokens
                    .insert(token.clone(), AccessToken { scopes, expires_at });
            });
            // Google says a second less than the life it gives.
            let body = json!({"access_token": token, "expires_in": TOKEN_LIFE - 1, "token_type": "Bearer"});
            Reply::Answer {
                status: 200,
                body: Some(body),
                retry_after: None,
            }
        }
        Err(refusal) => {
            tracing::warn!(%refusal, "no token given");
            Reply::Answer {
                status: 400,
                body: Some(refusal.body()),
                retry_after: None,
            }
        }
    }
}

fn refused(refusal: &Refusal) -> Reply {
    Reply::Answer {
        status: refusal.status,
        body: Some(refusal.envelope()),
        retry_after: None,
    }
}

impl Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        match self {
            Self::Disconnect => {
                response.extensions_mut().insert(Disconnect);
            }
            Self::Answer {
                status,
                body,
                retry_after,
            } => {
                *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                if let Some(body) = body {
                    let kind = http::HeaderValue::from_static("application/json; charset=UTF-8");
                    response.headers_mut().insert(CONTENT_TYPE, kind);
                    *response.body_mut() = Body::from(body.to_string());
                }
                if let Some(wait) = retry_after.and_then(|wait| wait.parse().ok()) {
                    response.headers_mut().insert(RETRY_AFTER, wait);
                }
            }
        }
        response
    }
}
