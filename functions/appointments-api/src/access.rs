//! Who may ask for what: closed unless a key opens it.
//!
//! This stands in front of every route, known or not, so that no handler can forget it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::request::Parts;
use shared::auth::{Caller, Scope};
use shared::problem::Problem;

use crate::app::App;
use crate::response::ApiError;

/// What anyone may ask for.
const OPEN: [&str; 1] = ["/health"];

/// Lets a request in, with its caller, or refuses it.
pub(crate) async fn check(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if OPEN.contains(&path) {
        return next.run(request).await;
    }
    match admit(&app, &request, needed_scope(path)) {
        Ok(caller) => {
            request.extensions_mut().insert(Known(caller));
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

fn admit(app: &App, request: &Request, needed: Option<Scope>) -> Result<Caller, ApiError> {
    let Some(value) = request.headers().get(AUTHORIZATION) else {
        return Err(Problem::unauthorized("Send an API key as \"Authorization: Bearer <key>\".").into());
    };
    let key = value.to_str().ok().and_then(bearer);
    let Some(caller) = key.and_then(|key| app.keys.caller(key)) else {
        tracing::warn!("a request with a wrong API key was refused");
        return Err(Problem::unauthorized("The API key is not known.").into());
    };
    match needed {
        Some(scope) if !caller.has(scope) => Err(Problem::missing_scope(scope.as_str()).into()),
        _ => Ok(caller.clone()),
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn needed_scope(path: &str) -> Option<Scope> {
    match path.split('/').nth(1) {
        Some("appointments" | "availability") => Some(Scope::Appointments),
        Some("calendar") => Some(Scope::Calendar),
        _ => None,
    }
}

#[derive(Clone)]
struct Known(Caller);

/// The caller's name, for handlers that write.
pub(crate) struct CallerName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for CallerName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<Known>() {
            Some(Known(caller)) => Ok(Self(caller.name.clone())),
            // Not behind `check`: refused rather than let in unnamed.
            None => Err(Problem::unauthorized("Send an API key as \"Authorization: Bearer <key>\".").into()),
        }
    }
}
